"""What the API shows of a call: records' samples and wall seconds as seconds, ms and UTC times."""

import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ....media.conversation.records import (
    AnsweredBy,
    CallRecord,
    CallStatus as MediaStatus,
    OtherLeg,
)
from ....media.ports import HangUpCause, Quality
from ...domain.analyses import CallAnalysis, Sentiment
from ...domain.calls import Call, CallStatus, CallSummary, Outcome, Priority
from ...domain.costs import CallCost, CallUsage
from ..times import utc, utc_or_none
from .analyses import AnalysisBrief, analysis_brief
from .turn_views import TurnView, seconds_of, turn_views

Direction = Literal["inbound", "outbound"]


class UsageView(msgspec.Struct, frozen=True, kw_only=True):
    """What a call used of services."""

    stt_provider: str
    stt_s: float
    "Seconds of audio that recognition was given."
    llm_provider: str
    llm_tokens_in: int
    llm_tokens_out: int
    llm_estimated: bool
    "Some of them are a guess by characters: the provider did not tell."
    analysis_provider: str
    analysis_tokens_in: int
    analysis_tokens_out: int
    analysis_estimated: bool
    "Some of them are a guess by characters: the provider did not tell."
    tts_provider: str
    tts_chars: int
    line: str
    carrier_s: float
    "Seconds of connection by a line that has a price, of all legs, not rounded."


class CostView(msgspec.Struct, frozen=True, kw_only=True):
    """What a call cost, by the prices of the configuration at its end."""

    currency: str
    stt: float
    llm: float
    analysis: float
    "By a language model, after the call, at what it cost then."
    tts: float
    carrier: float
    total: float


class CallItem(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A call in a list."""

    id: str
    seq: int
    owner_id: str
    sip_call_id: str
    "The Call-ID of the line's signalling; empty before it is dialled."
    status: CallStatus
    outcome: Outcome | None
    "What became of it; null: it has not ended."
    failure_reason: str
    direction: Direction
    from_: str
    to: str
    line: str
    agent: str
    agent_id: str | None
    human_agent_id: str | None
    priority: Priority
    context: dict[str, Any]
    metadata: dict[str, Any]
    scheduled_for: datetime.datetime | None
    timezone: str
    retry_attempt: int
    next_retry_at: datetime.datetime | None
    original_call_id: str | None
    schedule_id: str | None
    campaign_id: str | None
    import_job_id: str | None
    import_row: int | None
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    "It came in, or was dialled."
    answered_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    duration_s: float | None
    "From answer to end."
    cause: HangUpCause | None
    q850: int | None
    "The same by ITU-T Q.850, where the line has told it."
    gsm_cause: int | None
    "The same as a mobile network has it (3GPP TS 24.008 §10.5.4.11)."
    voicemail: bool | None
    usage: UsageView | None
    "null: it has not ended."
    cost: CostView | None
    sentiment: Sentiment | None
    "Of the caller, so far; of an analysed call, of all of it."
    qa_score: float | None
    "0 to 100, of the call's analysis."


class RecordingView(msgspec.Struct, frozen=True):
    """Where the recording is: caller left, agent right."""

    file: str
    url: str


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was tried and could not carry the call; nobody's telephone rang."""

    line: str
    at: datetime.datetime
    cause: HangUpCause
    sip_status: int | None
    q850: int | None
    gsm_cause: int | None
    reason: str


class LegView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was called into the call."""

    leg: str
    to: str
    mode: str
    "talk, listen, whisper or barge: the last one."
    joined_s: float | None
    "Since the call's audio began; null: they never answered."
    ended_s: float | None


class CallView(CallItem, frozen=True, kw_only=True):
    """A call with all that is known of it."""

    ring_limit_s: float
    attempts: tuple[AttemptView, ...]
    substitutions: tuple[str, ...]
    "What the agent asks for and did not get, such as `llm acme`: embedded parts stood in."
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
    answered_by: AnsweredBy | None
    "Of calls that we place; null: nobody has found out yet."
    answered_by_after_s: float | None
    "From the answer to that verdict, which may be revised while the call goes on."
    legs: tuple[LegView, ...]
    analysis: AnalysisBrief | None | UnsetType = UNSET
    "Of an ended call, null while there is none; only where one call is asked for."


def call_item(call: CallSummary) -> CallItem:
    """A call in a list as the API shows it."""
    return CallItem(**_item(call))


def call_view(call: Call) -> CallView:
    """A call as the API shows it."""
    return CallView(
        **_item(call),
        ring_limit_s=call.ring_limit_s,
        attempts=attempt_views(call),
        substitutions=call.substitutions,
        recording=_recording(call),
        **_media(call.record),
    )


def analysed_call_view(call: Call, analysis: CallAnalysis | None) -> CallView:
    """A call with the analysis that it has."""
    brief = None if analysis is None else analysis_brief(analysis)
    return msgspec.structs.replace(call_view(call), analysis=brief)


def attempt_views(call: CallSummary) -> tuple[AttemptView, ...]:
    """The lines that were tried for a call in vain."""
    return tuple(
        AttemptView(
            line=attempt.line,
            at=utc(attempt.at_wall),
            cause=attempt.cause,
            sip_status=attempt.sip_status,
            q850=attempt.q850,
            gsm_cause=attempt.gsm_cause,
            reason=attempt.reason,
        )
        for attempt in call.attempts
    )


def _item(call: CallSummary) -> dict[str, Any]:
    return {
        "id": call.id,
        "seq": call.seq,
        "owner_id": call.owner_id,
        "sip_call_id": call.wire_id,
        "status": call.status,
        "outcome": call.outcome,
        "failure_reason": call.failure_reason,
        "direction": "inbound" if call.inbound else "outbound",
        "from_": call.from_number,
        "to": call.to_number,
        "line": call.line,
        "agent": call.agent_name,
        "agent_id": call.agent_id,
        "human_agent_id": call.human_agent_id,
        "priority": call.priority,
        "context": call.context,
        "metadata": call.metadata,
        "scheduled_for": utc_or_none(call.scheduled_wall),
        "timezone": call.timezone,
        "retry_attempt": call.retry_attempt,
        "next_retry_at": utc_or_none(call.next_retry_wall),
        "original_call_id": call.original_call_id,
        "schedule_id": call.schedule_id,
        "campaign_id": call.campaign_id,
        "import_job_id": call.import_job_id,
        "import_row": call.import_row,
        "created_at": utc(call.created_wall),
        "started_at": utc_or_none(call.started_wall),
        "answered_at": utc_or_none(call.answered_wall),
        "ended_at": utc_or_none(call.ended_wall),
        "duration_s": call.duration_s,
        "cause": call.cause,
        "q850": call.q850,
        "gsm_cause": call.gsm_cause,
        "voicemail": call.voicemail,
        "usage": None if call.usage is None else _usage(call.usage),
        "cost": None if call.cost is None else _cost(call.cost),
        "sentiment": call.sentiment,
        "qa_score": call.qa_score,
    }


def _usage(usage: CallUsage) -> UsageView:
    return UsageView(**msgspec.structs.asdict(usage))


def _cost(cost: CallCost) -> CostView:
    return CostView(**msgspec.structs.asdict(cost), total=cost.total)


def _media(record: CallRecord | None) -> dict[str, Any]:
    """What the media saw; of a call that was never dialled, nothing."""
    if record is None:
        record = CallRecord(
            id="",
            line="",
            wire_id="",
            inbound=False,
            from_number="",
            to_number="",
            agent="",
            status=MediaStatus.RINGING,
            started_wall=0.0,
        )
    rate_hz = record.rate_hz
    return {
        "ended_by": None
        if record.ended_by_us is None
        else ("us" if record.ended_by_us else "them"),
        "sip_status": record.sip_status,
        "codec": record.codec,
        "rate_hz": rate_hz,
        "length_s": None if rate_hz is None else seconds_of(record.length_samples, rate_hz),
        "digits": record.digits,
        "turns": turn_views(record.turns, rate_hz),
        "barge_ins": record.barge_ins,
        "false_barge_ins": record.false_barge_ins,
        "speculations": record.speculations,
        "speculations_dropped": record.speculations_dropped,
        "dead_epoch_chunks": record.dead_epoch_chunks,
        "quality": record.quality,
        "transferred_to": record.transferred_to,
        "answered_by": record.answered_by,
        "answered_by_after_s": record.answered_by_after_s,
        "legs": tuple(_leg(leg, rate_hz) for leg in record.legs) if rate_hz else (),
    }


def _leg(leg: OtherLeg, rate_hz: int) -> LegView:
    joined, ended = leg.joined_samples, leg.ended_samples
    return LegView(
        leg=leg.leg,
        to=leg.to,
        mode=leg.mode,
        joined_s=None if joined is None else seconds_of(joined, rate_hz),
        ended_s=None if ended is None else seconds_of(ended, rate_hz),
    )


def _recording(call: Call) -> RecordingView | None:
    if call.recording is None or call.recording_deleted_wall is not None:
        return None
    return RecordingView(call.recording, f"/v1/calls/{call.id}/recording")
