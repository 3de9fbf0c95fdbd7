"""The frame engine: every leg of this process, eight cohorts, one tick every 5 ms.

A tick reads like the picture in DESIGN: receive, decode, hear, speak, encode, send (cohort.py).
Two rates x four phases. A cohort's tick begins with half a millisecond of array calls, however few
lanes it has, and 200 of them a second would be a tenth of a core: so lanes whose codec is computed
in batch fill one cohort before they begin the next. Those whose codec has state cost Python each,
and are spread over the phases, as all are once every cohort is filled.
"""

import random
import sys

import msgspec
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # no type marker

from ...codecs.catalog import Codec
from ..clock import Clock
from ..errors import Refused
from .cohort import Cohort
from .encode import Encoding
from .frame_clock import PHASES, ClockHealth, FrameClock
from .lane import Lane, LaneSettings
from .recorder import Recorder
from .vad import VadSettings
from .wire import Inbox, Wire

RATES_HZ = (8000, 16000)
FIRST_ROWS = (192, 64)
"""Rows of a new cohort of each rate. When they are used up they double, which holds the event loop
for 12 ms."""
SWITCH_INTERVAL_S = 1e-4
"""A thread that works (recordings, call files) gives the interpreter lock back so soon when the
event loop wants it. With 100 calls that converse, the clock's p99 was 12.6 ms with Python's default
of 5 ms, 6.2 ms with 0.5 ms, 3.4 ms with 0.1 ms, and the server's work the same."""
HAND_OVER_TICKS = 10
"Recordings are handed to their writer every 50 ms: its thread, once woken, is in the tick's way."
MIN_TICKS_TO_JUDGE = 200
"The clock's lateness means nothing in the first second."
ADMITTED_LATENESS = 4.0
"""What was admitted before is let through until the clock is so many times as late: second legs of
live calls, whose callers wait for a person, and calls that are stored as dialling."""


class EngineSettings(msgspec.Struct, frozen=True):
    """Limits of one engine."""

    max_lanes: int = 4000
    max_lateness_ms: float = 5.0
    "p99 over the last 5 s; above it new calls are refused."
    vad: VadSettings | None = VadSettings()
    "None: media only, nobody listens for speech."
    filled_lanes: int = 32
    """Lanes in a cohort before the next one is begun. With a cold cache a tick takes 0.9 ms before
    its first lane and 3.4 us for each (without a network), on a slow core: the few are worth
    putting together. With 160, 150 conversing calls took a fifth less of the core, but all in one
    tick, which was late by its own length: the server refused calls that it can hold when even."""


class Engine:
    """Opens and closes lanes and ticks them."""

    def __init__(
        self,
        clock: Clock,
        wire: Wire,
        recorder: Recorder,
        rng: random.Random,
        settings: EngineSettings | None = None,
    ) -> None:
        self.settings = settings or EngineSettings()
        self._clock = clock
        self._rng = rng
        self._recorder = recorder
        self._ticks = 0
        self._inbox = Inbox()
        self._cohorts = [
            [
                Cohort(
                    rate * PHASES + phase, hz, wire, recorder, clock, rng, self.settings.vad, rows
                )
                for phase in range(PHASES)
            ]
            for rate, (hz, rows) in enumerate(zip(RATES_HZ, FIRST_ROWS, strict=True))
        ]
        self._frame_clock = FrameClock(clock, self.tick, self.skip)

    # -- lanes ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        return sum(len(cohort.rows) for cohorts in self._cohorts for cohort in cohorts)

    def refusal(self, *, admitted: bool = False) -> str | None:
        """Why no new call, or none that was admitted, can be taken now, None when one can."""
        if len(self) >= self.settings.max_lanes:
            return f"all {self.settings.max_lanes} lanes are in use"
        health = self.health()
        limit_ms = self.settings.max_lateness_ms * (ADMITTED_LATENESS if admitted else 1.0)
        if health.ticks >= MIN_TICKS_TO_JUDGE and health.p99_ms > limit_ms:
            return f"the frame clock is late (p99 {health.p99_ms:.1f} ms)"
        return None

    def open(self, settings: LaneSettings) -> Lane:
        """A lane for a new leg. Raises Refused when all are in use."""
        if len(self) >= self.settings.max_lanes:
            raise Refused(f"all {self.settings.max_lanes} lanes are in use")
        cohort = self._cohort_for(settings.codec)
        row = cohort.take_row()
        # Random by RFC 3550 §5.1; below 2^15 so that SRTP's roll-over counter starts clean.
        cohort.outbound.ssrc[row] = self._rng.getrandbits(32)
        cohort.outbound.sequence[row] = self._rng.getrandbits(15)
        cohort.outbound.timestamp[row] = self._rng.getrandbits(32)
        cohort.reports.begin(row, self._clock.now())
        lane = Lane(cohort, row)
        lane.configure(settings)
        return lane

    def close(self, lane: Lane) -> None:
        """End a lane; its last verbs still answer, but do nothing."""
        if not lane.open:
            return
        number, row = lane.place
        lane.end(self._clock.now())
        closed = self._cohorts[number // PHASES][number % PHASES]
        for cohorts in self._cohorts:
            for cohort in cohorts:
                cohort.mixer.forget_source(closed, row)
        closed.give_back(row)

    def _cohort_for(self, codec: Codec) -> Cohort:
        """Where its next lane lives: the fullest cohort that is not filled, else the emptiest."""
        rate = RATES_HZ.index(codec.sample_rate_hz)
        # Each rate begins in another phase, so that the first cohorts of both do not tick together.
        begin = rate * PHASES // len(RATES_HZ)
        cohorts = self._cohorts[rate][begin:] + self._cohorts[rate][:begin]
        if Encoding.of(codec) is not Encoding.STATEFUL:
            unfilled = [each for each in cohorts if len(each.rows) < self.settings.filled_lanes]
            if unfilled:
                return max(unfilled, key=lambda cohort: len(cohort.rows))
        return min(cohorts, key=lambda cohort: len(cohort.rows))

    # -- time ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Tick by the frame clock, in the running event loop."""
        # Products of 64 lanes are too small to share: with a second thread a resampling took 40
        # times as long (measured), and that thread takes its core from the far side of the wire.
        threadpool_limits(1)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._frame_clock.start()

    def close_clock(self) -> None:
        """Stop ticking."""
        self._frame_clock.close()

    def tick(self, phase: int, due_at: float | None = None) -> bool:
        """One frame for the cohorts of this phase, which was due at that moment (None: now).

        False: others have lanes and these have none, so that its lateness means nothing. Tests call
        it on a virtual clock.
        """
        now = self._clock.now()
        due_wall = self._clock.wall() - (0.0 if due_at is None else now - due_at)
        for cohorts in self._cohorts:
            cohorts[phase].tick(self._inbox, now, due_wall)
        self._ticks += 1
        if self._ticks % HAND_OVER_TICKS == 0:
            self._recorder.hand_over()
        return any(len(cohorts[phase].rows) for cohorts in self._cohorts) or not len(self)

    def skip(self, phase: int) -> None:
        """Time that a stall swallowed."""
        for cohorts in self._cohorts:
            cohorts[phase].skip()

    def health(self) -> ClockHealth:
        """The clock's lateness over the last 5 s."""
        return self._frame_clock.health()
