"""What the server counts: calls, turns and their latency, the line's quality, and gauges of others.

Fed with call events and ended calls; the frame engine and SIP join with `add_gauge`.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from ...media.conversation.records import (
    AgentResumed,
    AgentSpeaking,
    AnyCallEvent,
    BargedIn,
    CallAnswered,
    CallEnded,
    CallRecord,
    CallStarted,
    TurnAdded,
    TurnLatency,
)
from .http_metrics import HttpMetrics
from .prometheus import AnyFamily, Counter, Gauge, Histogram, Sample, expose


class ClockReading(Protocol):
    """How late the frame clock was over the last seconds."""

    @property
    def p50_ms(self) -> float: ...

    @property
    def p99_ms(self) -> float: ...

    @property
    def max_ms(self) -> float: ...

    @property
    def skipped_ticks(self) -> int: ...

    @property
    def busy(self) -> float: ...


LATENCY_BOUNDS_S = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
JITTER_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
MOS_BOUNDS = (2.0, 2.5, 3.0, 3.3, 3.6, 3.8, 4.0, 4.1, 4.2, 4.3, 4.4, 4.5)
DURATION_BOUNDS_S = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)

STAGES: tuple[tuple[str, Callable[[TurnLatency], int | None]], ...] = (
    ("transcript", lambda latency: latency.transcript_samples),
    ("decided", lambda latency: latency.decided_samples),
    ("first_text", lambda latency: latency.first_text_samples),
    ("first_speech", lambda latency: latency.first_speech_samples),
    ("first_sample", lambda latency: latency.first_sample_samples),
)
"""The moments of an answered turn, in the order in which they usually come."""


def stage_seconds(latency: TurnLatency, rate_hz: int) -> dict[str, float]:
    """Seconds from the end of the caller's speech to each stage that happened."""
    moments = [(stage, moment(latency)) for stage, moment in STAGES]
    return {
        stage: (at - latency.speech_ended_samples) / rate_hz
        for stage, at in moments
        if at is not None
    }


class Metrics:
    """All of them, and `text()` for Prometheus."""

    def __init__(self) -> None:
        self._started = Counter("offhook_calls_started_total", "Calls, by direction.")
        self._answered = Counter("offhook_calls_answered_total", "Calls that were answered.")
        self._ended = Counter("offhook_calls_ended_total", "Calls that ended, by cause.")
        self._turns = Counter("offhook_turns_total", "Turns, by who spoke.")
        self._barge_ins = Counter("offhook_barge_ins_total", "Times a caller took the floor.")
        self._resumed = Counter("offhook_false_barge_ins_total", "Interruptions taken back.")
        self._latency = Histogram(
            "offhook_turn_latency_seconds",
            "From the end of the caller's speech to each stage of the reply.",
            LATENCY_BOUNDS_S,
        )
        self._duration = Histogram(
            "offhook_call_duration_seconds", "From answer to end.", DURATION_BOUNDS_S
        )
        self._jitter = Histogram(
            "offhook_call_jitter_seconds", "Jitter of ended calls (RFC 3550).", JITTER_BOUNDS_S
        )
        self._mos = Histogram("offhook_call_mos", "Estimated MOS of ended calls.", MOS_BOUNDS)
        self._packets = Counter("offhook_rtp_packets_total", "RTP packets of ended calls.")
        self.http = HttpMetrics()
        self._families: list[AnyFamily] = []
        self._looks: list[Callable[[], Awaitable[None]]] = []

    def add_gauge(
        self,
        name: str,
        help_: str,
        read: Callable[[], float | Iterable[Sample]],
        kind: str = "gauge",
    ) -> None:
        """Something of another part, read when the metrics are asked for.

        `kind` is `counter` for what only grows (its name then ends in `_total`).
        """
        self._families.append(Gauge(name, help_, read, kind))

    def add_families(
        self, families: Iterable[AnyFamily], look: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """What another part counts by itself. `look` is awaited first: it asks what must be asked.

        It raises nothing.
        """
        self._families += families
        if look is not None:
            self._looks.append(look)

    def add_clock(self, read: Callable[[], ClockReading]) -> None:
        """The frame clock, whose lateness is the health of the server."""
        self.add_gauge(
            "offhook_clock_lateness_seconds",
            "Lateness of the frame clock over the last seconds; quantile 1 is the largest.",
            lambda: _lateness(read()),
        )
        self.add_gauge(
            "offhook_clock_busy_ratio", "Share of time spent in ticks.", lambda: read().busy
        )
        self.add_gauge(
            "offhook_clock_skipped_ticks_total",
            "Ticks that a stall swallowed.",
            lambda: read().skipped_ticks,
            "counter",
        )

    def count(self, event: AnyCallEvent, record: CallRecord) -> None:
        """Something happened in a call."""
        match event:
            case CallStarted():
                self._started.add(direction="inbound" if event.inbound else "outbound")
            case CallAnswered():
                self._answered.add()
            case TurnAdded():
                self._turns.add(role=event.turn.role.value)
            case BargedIn():
                self._barge_ins.add()
            case AgentResumed():
                self._resumed.add()
            case AgentSpeaking():
                self._count_latency(event.latency, record.rate_hz)
            case CallEnded():
                self._ended.add(cause=event.cause.value)
            case _:
                pass

    def count_ended(self, record: CallRecord) -> None:
        """A call is over and its record complete."""
        if record.answered_wall is not None and record.ended_wall is not None:
            self._duration.observe(record.ended_wall - record.answered_wall)
        quality = record.quality
        if quality is None:
            return
        self._jitter.observe(quality.jitter_s)
        if quality.mos is not None:
            self._mos.observe(quality.mos)
        self._packets.add(quality.packets_received, kind="received")
        self._packets.add(quality.packets_sent, kind="sent")
        self._packets.add(quality.packets_lost, kind="lost")
        self._packets.add(quality.packets_discarded, kind="discarded")

    async def read(self) -> str:
        """The exposition, once everybody has looked."""
        for look in self._looks:
            await look()
        return self.text()

    def text(self) -> str:
        """The exposition, of what is known now."""
        own = (
            self._started,
            self._answered,
            self._ended,
            self._turns,
            self._barge_ins,
            self._resumed,
            self._latency,
            self._duration,
            self._jitter,
            self._mos,
            self._packets,
        )
        return expose([*own, *self.http.families(), *self._families])

    def _count_latency(self, latency: TurnLatency | None, rate_hz: int | None) -> None:
        if latency is None or rate_hz is None:
            return
        for stage, seconds in stage_seconds(latency, rate_hz).items():
            self._latency.observe(seconds, stage=stage)


def _lateness(clock: ClockReading) -> list[Sample]:
    quantiles = (("0.5", clock.p50_ms), ("0.99", clock.p99_ms), ("1", clock.max_ms))
    name = "offhook_clock_lateness_seconds"
    return [Sample(name, ms / 1000, (("quantile", quantile),)) for quantile, ms in quantiles]
