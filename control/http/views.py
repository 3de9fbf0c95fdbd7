"""What the API shows of a call: records' samples and wall seconds as seconds, ms and UTC times."""

import datetime
from typing import Literal

import msgspec

from ...media.conversation.records import CallRecord, CallStatus, Role, Turn
from ...media.ports import HangUpCause, Quality
from ..calls import CallPage, CallSummary, summary
from ..metrics import stage_seconds
from .times import utc, utc_or_none

Direction = Literal["inbound", "outbound"]


class CallItem(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A call in a list."""

    id: str
    sip_call_id: str
    "The Call-ID of the line's signalling."
    status: CallStatus
    direction: Direction
    from_: str
    to: str
    line: str
    agent: str
    started_at: datetime.datetime
    answered_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    cause: HangUpCause | None


class CallList(msgspec.Struct, frozen=True):
    """A page of calls."""

    items: tuple[CallItem, ...]
    next: str | None


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
    latency: LatencyView | None


class RecordingView(msgspec.Struct, frozen=True):
    """Where the recording is: caller left, agent right."""

    file: str
    url: str


class CallView(CallItem, frozen=True, kw_only=True):
    """A call with all that is known of it."""

    ended_by: Literal["us", "them"] | None
    sip_status: int | None
    codec: str | None
    rate_hz: int | None
    length_s: float | None
    "Audio so far."
    digits: str
    turns: tuple[TurnView, ...]
    barge_ins: int
    false_barge_ins: int
    speculations: int
    speculations_dropped: int
    dead_epoch_chunks: int
    quality: Quality | None
    recording: RecordingView | None
    transferred_to: str | None


def call_list(page: CallPage) -> CallList:
    """A page as the API shows it."""
    return CallList(tuple(call_item(call) for call in page.items), page.next)


def call_item(call: CallSummary) -> CallItem:
    """A call in a list as the API shows it."""
    return CallItem(
        id=call.id,
        sip_call_id=call.wire_id,
        status=call.status,
        direction="inbound" if call.inbound else "outbound",
        from_=call.from_number,
        to=call.to_number,
        line=call.line,
        agent=call.agent,
        started_at=utc(call.started_wall),
        answered_at=utc_or_none(call.answered_wall),
        ended_at=utc_or_none(call.ended_wall),
        cause=call.cause,
    )


def call_view(record: CallRecord) -> CallView:
    """A call as the API shows it."""
    rate_hz = record.rate_hz
    return CallView(
        **msgspec.structs.asdict(call_item(summary(record))),
        ended_by=None if record.ended_by_us is None else "us" if record.ended_by_us else "them",
        sip_status=record.sip_status,
        codec=record.codec,
        rate_hz=rate_hz,
        length_s=None if rate_hz is None else _seconds(record.length_samples, rate_hz),
        digits=record.digits,
        turns=tuple(turn_view(turn, rate_hz) for turn in record.turns) if rate_hz else (),
        barge_ins=record.barge_ins,
        false_barge_ins=record.false_barge_ins,
        speculations=record.speculations,
        speculations_dropped=record.speculations_dropped,
        dead_epoch_chunks=record.dead_epoch_chunks,
        quality=record.quality,
        recording=_recording(record),
        transferred_to=record.transferred_to,
    )


def turn_view(turn: Turn, rate_hz: int) -> TurnView:
    """A turn as the API shows it."""
    return TurnView(
        index=turn.index,
        role=turn.role,
        text=turn.text,
        planned_text=turn.planned_text,
        begin_s=_seconds(turn.begin_samples, rate_hz),
        end_s=_seconds(turn.end_samples, rate_hz),
        interrupted=turn.interrupted,
        digits=turn.digits,
        rejected=turn.rejected,
        latency=_latency(turn, rate_hz),
    )


def _latency(turn: Turn, rate_hz: int) -> LatencyView | None:
    if turn.latency is None:
        return None
    stages = {s: round(v * 1000, 1) for s, v in stage_seconds(turn.latency, rate_hz).items()}
    return LatencyView(
        transcript_ms=stages.get("transcript"),
        decided_ms=stages.get("decided"),
        first_text_ms=stages.get("first_text"),
        first_speech_ms=stages.get("first_speech"),
        first_sample_ms=stages.get("first_sample"),
        speculative=turn.latency.speculative,
    )


def _recording(record: CallRecord) -> RecordingView | None:
    if record.recording is None:
        return None
    return RecordingView(record.recording, f"/v1/calls/{record.id}/recording")


def _seconds(samples: int, rate_hz: int) -> float:
    return round(samples / rate_hz, 3)
