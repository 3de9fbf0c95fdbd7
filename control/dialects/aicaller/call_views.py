"""A call as it is shown: in lists, alone, in events."""

import uuid
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ....media.conversation.records import Role, Turn
from ...domain.analyses import CallAnalysis
from ...domain.calls import (
    ESCALATIONS_OVER,
    Call,
    CallStatus,
    CallSummary,
    Escalation,
    EscalationStatus,
    Outcome,
)
from ...http.route import Asked
from ..moments import Moment, seconds, seconds_or_none
from ..speaking import link
from .forms import BASE

MOST_TURNS = 500
"Of each call."

Status = Literal[
    "queued",
    "ringing",
    "in_progress",
    "completed",
    "failed",
    "no_answer",
    "busy",
    "escalated",
    "cancelled",
]
STATUS: dict[CallStatus, Status] = {
    CallStatus.SCHEDULED: "queued",
    CallStatus.QUEUED: "queued",
    CallStatus.DIALING: "ringing",
    CallStatus.RINGING: "ringing",
    CallStatus.LIVE: "in_progress",
    CallStatus.ENDED: "failed",
}
OUTCOME: dict[Outcome, Status] = {
    Outcome.COMPLETED: "completed",
    Outcome.NO_ANSWER: "no_answer",
    Outcome.BUSY: "busy",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "cancelled",
}
ESCALATED: Status = "escalated"
"Of a live call: a person is asked to take it, or has it."
SPEAKER: dict[Role, str] = {Role.CALLER: "customer", Role.AGENT: "ai"}
ESCALATION: dict[EscalationStatus, str] = {
    EscalationStatus.OPEN: "pending",
    EscalationStatus.RINGING: "pending",
    EscalationStatus.BRIDGED: "active",
    EscalationStatus.CLOSED: "completed",
    EscalationStatus.FAILED: "failed",
}


class InteractionView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was said."""

    id: str
    speaker: str
    "customer or ai."
    text: str
    timestamp: Moment


class EscalationView(msgspec.Struct, frozen=True, kw_only=True):
    """A person is asked to take the call."""

    id: str
    call_id: str
    agent_id: str | None
    "Who is asked, or has taken it."
    reason: str | None
    status: str
    "pending, active, completed or failed."
    triggered_at: Moment
    completed_at: Moment | None


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """A call."""

    id: str
    call_id: str
    "The same."
    business_id: str | None
    agent_id: str | None
    "The person."
    direction: Literal["inbound", "outbound"]
    status: Status
    from_number: str | None
    to_number: str
    phone_number: str
    "The other side's."
    started_at: Moment | None
    ended_at: Moment | None
    duration_seconds: int | None
    "From answer to end, or until now."
    sentiment: str | None
    qa_score: float | None
    "0 to 100."
    is_escalated: bool
    "A person was asked to take it."
    escalation: EscalationView | None
    "The last one."
    recording_url: str | None
    summary: str | None
    interactions: list[InteractionView]
    metadata: dict[str, Any]
    created_at: Moment


async def view_of(asked: Asked[Any, Any], id_: str) -> CallView:
    """One call as it is now. Raises NotFound."""
    call = await asked.edge.services.calls.get(asked.who, id_)
    return (await views_of(asked, [call]))[0]


async def views_of(asked: Asked[Any, Any], calls: Sequence[Call | CallSummary]) -> list[CallView]:
    """Some calls."""
    services, ids = asked.edge.services, [call.id for call in calls]
    analyses = await services.analyses.of_calls(asked.who, ids)
    escalations = await services.escalations.of_calls(asked.who, ids)
    views = []
    for call in calls:
        if isinstance(call, Call):
            record = call.record
            turns = [] if record is None else record.turns
            rate_hz = None if record is None else record.rate_hz
        else:
            turns, rate_hz = await services.calls.turns(asked.who, call.id, -1, MOST_TURNS)
        said = [interaction_view(call, turn, rate_hz) for turn in turns if turn.text]
        views.append(_view(asked, call, said, analyses.get(call.id), escalations.get(call.id)))
    return views


def interaction_view(call: CallSummary, turn: Turn, rate_hz: int | None) -> InteractionView:
    """One turn; its id is always the same."""
    began_wall = call.answered_wall or call.started_wall or call.created_wall
    spoken_s = turn.begin_samples / rate_hz if rate_hz else 0.0
    return InteractionView(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{call.id}/{turn.index}")),
        speaker=SPEAKER[turn.role],
        text=turn.text,
        timestamp=seconds(began_wall + spoken_s),
    )


def escalation_view(escalation: Escalation) -> EscalationView:
    """One escalation."""
    return EscalationView(
        id=escalation.id,
        call_id=escalation.call_id,
        agent_id=escalation.human_agent_id,
        reason=escalation.reason or None,
        status=ESCALATION[escalation.status],
        triggered_at=seconds(escalation.created_wall),
        completed_at=seconds_or_none(escalation.closed_wall),
    )


def status_of(call: CallSummary, escalation: Escalation | None) -> Status:
    """Where it stands, in this API's words."""
    if call.outcome is not None:
        return OUTCOME[call.outcome]
    is_live = call.status is CallStatus.LIVE
    if is_live and escalation is not None and escalation.status not in ESCALATIONS_OVER:
        return ESCALATED
    return STATUS[call.status]


def meant_by(
    status: Status | None,
) -> tuple[tuple[CallStatus, ...] | None, tuple[Outcome, ...] | None, bool | None]:
    """Back: which statuses and outcomes are meant, and whether escalated ones."""
    if status is None:
        return None, None, None
    outcomes = tuple(outcome for outcome, name in OUTCOME.items() if name == status)
    if outcomes:
        return (CallStatus.ENDED,), outcomes, None
    if status == ESCALATED:
        return (CallStatus.LIVE,), None, True
    statuses = tuple(one for one, name in STATUS.items() if name == status)
    return statuses, None, False if CallStatus.LIVE in statuses else None


def _view(
    asked: Asked[Any, Any],
    call: CallSummary,
    said: list[InteractionView],
    analysis: CallAnalysis | None,
    escalation: Escalation | None,
) -> CallView:
    recorded = call.recording is not None and call.status is CallStatus.ENDED
    human = escalation.human_agent_id if escalation is not None else None
    return CallView(
        id=call.id,
        call_id=call.id,
        business_id=call.agent_id,
        agent_id=human or call.human_agent_id,
        direction="inbound" if call.inbound else "outbound",
        status=status_of(call, escalation),
        from_number=call.from_number or None,
        to_number=call.to_number,
        phone_number=call.from_number if call.inbound else call.to_number,
        started_at=seconds_or_none(call.started_wall),
        ended_at=seconds_or_none(call.ended_wall),
        duration_seconds=None if call.duration_s is None else round(call.duration_s),
        sentiment=None if call.sentiment is None else call.sentiment.value,
        qa_score=call.qa_score,
        is_escalated=escalation is not None,
        escalation=None if escalation is None else escalation_view(escalation),
        recording_url=link(asked, f"{BASE}/calls/{call.id}/recording") if recorded else None,
        summary=(analysis.summary or None) if analysis is not None else None,
        interactions=said,
        metadata=call.metadata,
        created_at=seconds(call.created_wall),
    )
