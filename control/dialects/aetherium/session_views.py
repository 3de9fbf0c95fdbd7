"""A call as a session: its status, its words, and what its owner has said of them. Pure."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ....media.conversation.records import Role, Turn
from ...domain.analyses import CallAnalysis
from ...domain.calls import CallStatus, CallSummary, Outcome
from ..moments import Moment, seconds_or_none

STATED = "offhook.stated"
"""In a call's metadata: what its owner says was said; not shown as metadata. It is there, be it
empty, in whatever was made as a session: calls of other APIs are nothing for who shows no token."""
TRANSCRIPT, AI_RESPONSE = "transcript", "ai_response"
LABELS: dict[Role, str] = {Role.CALLER: "Customer", Role.AGENT: "AI"}
ROLES: dict[Role, str] = {Role.CALLER: "customer", Role.AGENT: "ai"}

Status = Literal["pending", "active", "completed", "failed"]
SessionType = Literal["outbound", "inbound"]
STATUS: dict[CallStatus, Status] = {
    CallStatus.SCHEDULED: "pending",
    CallStatus.QUEUED: "pending",
    CallStatus.DIALING: "pending",
    CallStatus.RINGING: "pending",
    CallStatus.LIVE: "active",
    CallStatus.ENDED: "failed",
}
OUTCOME: dict[Outcome, Status] = {
    Outcome.COMPLETED: "completed",
    Outcome.NO_ANSWER: "failed",
    Outcome.BUSY: "failed",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "failed",
}
ENDED: tuple[Status, ...] = ("completed", "failed")


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A session. What is not known yet is null."""

    id: int
    workflow_id: int | None
    phone_number: str
    session_type: SessionType
    status: Status
    started_at: Moment | None
    ended_at: Moment | None
    duration_seconds: int | None
    transcript: str | None
    ai_response: str | None
    metadata: dict[str, Any]


def status_of(call: CallSummary) -> Status:
    """Where it stands, in this API's words."""
    return STATUS[call.status] if call.outcome is None else OUTCOME[call.outcome]


def meant(status: Status) -> tuple[tuple[CallStatus, ...], tuple[Outcome, ...] | None]:
    """Back: which statuses and outcomes are meant."""
    outcomes = tuple(outcome for outcome, name in OUTCOME.items() if name == status)
    if outcomes:
        return (CallStatus.ENDED,), outcomes
    return tuple(one for one, name in STATUS.items() if name == status), None


def session_view(
    call: CallSummary,
    turns: Sequence[Turn],
    analysis: CallAnalysis | None,
    workflow: int | None,
) -> SessionView:
    """A call as a session; `workflow` is its agent's number."""
    status = status_of(call)
    return SessionView(
        id=call.seq,
        workflow_id=workflow,
        phone_number=call.from_number if call.inbound else call.to_number,
        session_type="inbound" if call.inbound else "outbound",
        status=status,
        started_at=seconds_or_none(call.answered_wall or call.started_wall),
        ended_at=seconds_or_none(call.ended_wall),
        duration_seconds=duration_of(call),
        transcript=transcript_of(call, turns),
        ai_response=response_of(call, turns, analysis),
        metadata={name: value for name, value in call.metadata.items() if name != STATED},
    )


def duration_of(call: CallSummary) -> int | None:
    """Whole seconds from answer to end; 0 of one that ended without."""
    if call.status is not CallStatus.ENDED:
        return None
    return round(call.duration_s or 0.0)


def transcript_of(call: CallSummary, turns: Sequence[Turn]) -> str | None:
    """What its owner says was said, else what was; None: nothing."""
    said = stated(call).get(TRANSCRIPT)
    return said if isinstance(said, str) else "\n".join(map(line_of, turns)) or None


def line_of(turn: Turn) -> str:
    """`Customer: …` or `AI: …`."""
    return f"{LABELS[turn.role]}: {turn.text}"


def response_of(
    call: CallSummary, turns: Sequence[Turn], analysis: CallAnalysis | None
) -> str | None:
    """What its owner says, else the summary of its analysis, else the agent's last words."""
    said = stated(call).get(AI_RESPONSE)
    if isinstance(said, str):
        return said
    if analysis is not None and analysis.summary:
        return analysis.summary
    if call.status is not CallStatus.ENDED:
        return None
    return next((turn.text for turn in reversed(turns) if turn.role is Role.AGENT), None)


def is_made_here(call: CallSummary) -> bool:
    """It was made as a session, or is a retry of one that was."""
    return STATED in call.metadata


def stated(call: CallSummary) -> dict[str, Any]:
    """What its owner has said of it."""
    found = call.metadata.get(STATED)
    return found if isinstance(found, dict) else {}
