"""What the API shows of turns: samples as seconds and milliseconds since the call's audio began."""

from collections.abc import Sequence

import msgspec

from ....media.conversation.records import Role, Turn
from ....media.speech_ports import Source


class LatencyView(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from the end of the caller's speech to each stage of the reply."""

    transcript_ms: float | None
    decided_ms: float | None
    first_text_ms: float | None
    first_speech_ms: float | None
    first_sample_ms: float | None
    "What the caller waited."
    speculative: bool


class TurnView(msgspec.Struct, frozen=True, kw_only=True):
    """A turn, in seconds since the call's audio began."""

    index: int
    role: Role
    text: str
    planned_text: str
    begin_s: float
    end_s: float
    interrupted: bool
    digits: str
    rejected: bool
    typed: bool
    confidence: float | None
    "Of the caller: 0 to 1, how sure recognition is; null: it does not say."
    sources: tuple[Source, ...]
    "Of the agent: the passages of documents that it was made of."
    latency: LatencyView | None


class TurnList(msgspec.Struct, frozen=True):
    """Some of a call's turns."""

    items: tuple[TurnView, ...]
    next: int | None
    "`after` of the page after this one; null: there is none yet."


def turn_views(turns: Sequence[Turn], rate_hz: int | None) -> tuple[TurnView, ...]:
    """Turns as the API shows them; before there is audio there are none."""
    return tuple(turn_view(turn, rate_hz) for turn in turns) if rate_hz else ()


def turn_view(turn: Turn, rate_hz: int) -> TurnView:
    """A turn as the API shows it."""
    return TurnView(
        index=turn.index,
        role=turn.role,
        text=turn.text,
        planned_text=turn.planned_text,
        begin_s=seconds_of(turn.begin_samples, rate_hz),
        end_s=seconds_of(turn.end_samples, rate_hz),
        interrupted=turn.interrupted,
        digits=turn.digits,
        rejected=turn.rejected,
        typed=turn.typed,
        confidence=turn.confidence,
        sources=turn.sources,
        latency=_latency(turn, rate_hz),
    )


def _latency(turn: Turn, rate_hz: int) -> LatencyView | None:
    latency = turn.latency
    if latency is None:
        return None
    ended = latency.speech_ended_samples

    def ms(at: int | None) -> float | None:
        return None if at is None else round((at - ended) * 1000 / rate_hz, 1)

    return LatencyView(
        transcript_ms=ms(latency.transcript_samples),
        decided_ms=ms(latency.decided_samples),
        first_text_ms=ms(latency.first_text_samples),
        first_speech_ms=ms(latency.first_speech_samples),
        first_sample_ms=ms(latency.first_sample_samples),
        speculative=latency.speculative,
    )


def seconds_of(samples: int, rate_hz: int) -> float:
    """Samples as the API shows them, to the millisecond."""
    return round(samples / rate_hz, 3)
