"""The one clock. Everything else takes `now` as an argument.

Three times are kept apart: `now`/`*_at` are seconds of the monotonic clock, `*_samples` is media
time at a stated rate, `*_wall` is wall time and exists only in records and logs.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A callback that waits for its moment."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Monotonic seconds, wall seconds, and callbacks at monotonic moments."""

    def now(self) -> float:
        """Monotonic time in seconds."""
        ...

    def wall(self) -> float:
        """Wall time in seconds since 1970-01-01T00:00Z."""
        ...

    def call_at(self, at: float, callback: Callable[[], object]) -> Timer:
        """Run `callback` at the monotonic moment `at`, soon if that has passed."""
        ...


class LoopClock:
    """The clock of the running event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def call_at(self, at: float, callback: Callable[[], object]) -> Timer:
        loop = self._loop or asyncio.get_running_loop()
        return loop.call_later(max(0.0, at - time.monotonic()), callback)


class _VirtualTimer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """A clock that moves only when it is told to: a day of calls in a second."""

    def __init__(self, now: float = 0.0, wall_at_zero: float = 1_700_000_000.0) -> None:
        self._now = now
        self._wall_at_zero = wall_at_zero
        self._order = itertools.count()
        self._due: list[tuple[float, int, _VirtualTimer]] = []

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall_at_zero + self._now

    def call_at(self, at: float, callback: Callable[[], object]) -> Timer:
        timer = _VirtualTimer(callback)
        heapq.heappush(self._due, (at, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, running what falls due in the order of its moments."""
        end = self._now + seconds
        while self._due and self._due[0][0] <= end:
            at, _, timer = heapq.heappop(self._due)
            self._now = max(self._now, at)
            if timer.callback is not None:
                callback, timer.callback = timer.callback, None
                callback()
        self._now = end
