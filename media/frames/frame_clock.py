"""SHELL: the frame clock. A timerfd on absolute deadlines, every 5 ms, in the event loop's thread.

Deadline n is origin + n x 5 ms, never "5 ms from now": lateness does not add up. Its lateness (from
the deadline until that tick's work is done and its packets are sent) is the health of the server.
"""

import asyncio
import ctypes
import logging
import os
import struct
from collections.abc import Callable

import msgspec
import numpy as np

from ..clock import Clock
from .lanes import FRAME_MS

PHASES = 4
"Cohorts of one rate; each ticks every 20 ms, 5 ms after the one before."
TICK_S = FRAME_MS / 1000 / PHASES
MAX_CATCH_UP_TICKS = 3 * PHASES
"After a stall at most three frames a lane are made up for; time beyond that is skipped."
MAX_SKIPPED_TICKS = 500 * PHASES
"""10 s of a stall pass for the lanes, as silence; what a machine was suspended for beyond that is
not on their axis. By then they have told MediaLost (5 s), and their calls end; a recording of hours
of silence would help nobody, and making it would keep the clock late."""
LATENESS_WINDOW_TICKS = 1000
"The last 5 s."

CLOCK_MONOTONIC = 1
TFD_NONBLOCK = 0o4000
TFD_TIMER_ABSTIME = 1

logger = logging.getLogger(__name__)


class ClockHealth(msgspec.Struct, frozen=True):
    """How late the clock has been over the last 5 s."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    ticks: int
    "Since the start."
    skipped_ticks: int
    "Ticks that were never made up for, since the start."
    busy: float
    "Share of the last 5 s spent in ticks."


class LatenessWindow:
    """The lateness and work of the last ticks, as rings."""

    def __init__(self, size: int = LATENESS_WINDOW_TICKS) -> None:
        self._late_s = np.zeros(size)
        self._work_s = np.zeros(size)
        self._counts = np.ones(size, np.bool_)
        self._count = 0

    def add(self, late_s: float, work_s: float, counts: bool = True) -> None:
        """One tick's lateness at its end, and how long it worked, in seconds.

        `counts` False: it had nobody to serve, and would make the lateness of others look small.
        """
        at = self._count % len(self._late_s)
        self._late_s[at] = late_s
        self._work_s[at] = work_s
        self._counts[at] = counts
        self._count += 1

    def health(self, skipped_ticks: int) -> ClockHealth:
        """Percentiles of what is in the window.

        For the p99 the window is whole from the start, and ticks to come are on time: two hiccups
        in the first second are no overload.
        """
        seen = min(self._count, len(self._late_s))
        late = self._late_s[:seen][self._counts[:seen]] * 1000
        if not len(late):
            return ClockHealth(0.0, 0.0, 0.0, self._count, skipped_ticks, 0.0)
        p50, p99 = np.percentile(late, 50), np.percentile(self._late_s[self._counts] * 1000, 99)
        busy = float(self._work_s[:seen].sum()) / (seen * TICK_S)
        return ClockHealth(
            float(p50), float(p99), float(late.max()), self._count, skipped_ticks, busy
        )


class FrameClock:
    """Calls `on_tick(phase, due_at)` every 5 ms, `on_skip(phase)` for what a stall swallowed.

    `on_tick` says whether its lateness counts. The work after a stall is bounded, however long it
    was (MAX_SKIPPED_TICKS).
    """

    def __init__(
        self,
        clock: Clock,
        on_tick: Callable[[int, float], bool],
        on_skip: Callable[[int], None],
        window_ticks: int = LATENESS_WINDOW_TICKS,
    ) -> None:
        self._clock = clock
        self._on_tick = on_tick
        self._on_skip = on_skip
        self._window = LatenessWindow(window_ticks)
        self._fd = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._origin_at = 0.0
        self._ticks = 0
        self.skipped_ticks = 0

    def start(self) -> None:
        """Begin to tick in the running event loop. Raises OSError without a timerfd."""
        self._loop = asyncio.get_running_loop()
        self._origin_at = self._clock.now()
        self._fd = _timerfd(self._origin_at + TICK_S, TICK_S)
        self._loop.add_reader(self._fd, self._on_due)

    def close(self) -> None:
        """Stop ticking."""
        if self._fd >= 0:
            assert self._loop is not None
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def health(self) -> ClockHealth:
        """Lateness over the last 5 s."""
        return self._window.health(self.skipped_ticks)

    def _on_due(self) -> None:
        try:
            due = int(struct.unpack("Q", os.read(self._fd, 8))[0])
        except BlockingIOError:
            return
        excess = due - MAX_CATCH_UP_TICKS
        if excess > 0:
            self._skip(excess)
            due = MAX_CATCH_UP_TICKS
        for _ in range(due):
            self._ticks += 1
            due_at = self._origin_at + self._ticks * TICK_S
            began_at = self._clock.now()
            counts = self._on_tick(self._ticks % PHASES, due_at)
            done_at = self._clock.now()
            self._window.add(done_at - due_at, done_at - began_at, counts)

    def _skip(self, ticks: int) -> None:
        logger.warning("the event loop stalled: %d ms skipped", ticks * TICK_S * 1000)
        self.skipped_ticks += ticks
        # Whole rounds are left out, so that every phase loses the same.
        unlived = max(0, ticks - MAX_SKIPPED_TICKS) // PHASES * PHASES
        self._ticks += unlived
        for _ in range(ticks - unlived):
            self._ticks += 1
            self._on_skip(self._ticks % PHASES)


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


def _timespec(seconds: float) -> _Timespec:
    whole = int(seconds)
    return _Timespec(whole, int((seconds - whole) * 1e9))


def _timerfd(first_at: float, interval_s: float) -> int:
    """A timerfd (timerfd_create(2)) that is due at `first_at` and every `interval_s` from then."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = int(libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    spec = _Itimerspec(_timespec(interval_s), _timespec(first_at))
    if libc.timerfd_settime(fd, TFD_TIMER_ABSTIME, ctypes.byref(spec), None) != 0:
        error = ctypes.get_errno()
        os.close(fd)
        raise OSError(error, "timerfd_settime")
    return fd
