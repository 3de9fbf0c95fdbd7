"""Calls that go out: placed now or later, looked at, cancelled."""

import functools
from typing import Any, Literal

from ....media.conversation.records import Role
from ...domain.calls import PENDING, Call, CallStatus, CallSummary, Outcome, Priority
from ...errors import Conflict
from ...http.route import Asked, Nothing
from ...services.calls import NewCall as WantedCall
from ...store.calls import CallFilter
from ..dialect import AnyRow, Row
from ..identifiers import named, own
from ..moments import (
    AskedMoment,
    Moment,
    asked_moment,
    millis,
    seconds_or_none,
    sent_moment,
)
from ..paging import Limit, PageNumber, numbered
from ..quality import quality_of
from ..reading import Long, Phone, Short
from .forms import BASE, IDS, NOT_NOW, Pagination, Shown, pagination

TAG = "Outbound Calls"
SORT = "-created_wall"

Status = Literal["scheduled", "in-progress", "completed", "failed", "cancelled"]
STATUS: dict[CallStatus, Status] = {
    CallStatus.SCHEDULED: "scheduled",
    CallStatus.QUEUED: "scheduled",
    CallStatus.DIALING: "in-progress",
    CallStatus.RINGING: "in-progress",
    CallStatus.LIVE: "in-progress",
    CallStatus.ENDED: "failed",
}
OUTCOME: dict[Outcome, Status] = {
    Outcome.COMPLETED: "completed",
    Outcome.NO_ANSWER: "failed",
    Outcome.BUSY: "failed",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "cancelled",
}
ROLE: dict[Role, str] = {Role.AGENT: "assistant", Role.CALLER: "user"}


class NewCall(Shown, frozen=True, kw_only=True):
    """A call that is wanted."""

    to_phone: Phone
    agent_id: Short
    context: Long | None = None
    "What the agent is told about it."
    scheduled_for: AskedMoment | None = None
    "Left out, or past: now. Without an offset it is one of `timezone`."
    timezone: Short = "UTC"
    priority: Priority = Priority.NORMAL


class CallsQuery(Shown, frozen=True, kw_only=True):
    """Which calls."""

    status: Status | None = None
    agent_id: Short | None = None
    start_date: AskedMoment | None = None
    "Made then or later."
    end_date: AskedMoment | None = None
    page: PageNumber = 1
    limit: Limit = 10


class CallBrief(Shown, frozen=True, kw_only=True):
    """What all views of a call have."""

    id: str
    to_phone: str
    agent_id: str | None
    status: str
    created_at: Moment


class PlacedCall(CallBrief, frozen=True, kw_only=True):
    """A call that was wished for."""

    scheduled_for: Moment | None
    timezone: str
    priority: Priority


class CallItem(CallBrief, frozen=True, kw_only=True):
    """A call in a list."""

    duration: int | None
    "Seconds, from answer to end."


class CallList(Shown, frozen=True, kw_only=True):
    """A page of calls."""

    calls: list[CallItem]
    pagination: Pagination


class TurnView(Shown, frozen=True, kw_only=True):
    """Something that was said."""

    role: str
    content: str
    timestamp: Moment


class CallMetadata(Shown, frozen=True, kw_only=True):
    """What was found out about a call."""

    voicemail_detected: bool | None
    "null: it is not known who answered."
    call_quality: str | None
    "good, fair or poor; null: nothing was measured."


class CallView(CallItem, frozen=True, kw_only=True):
    """A call with what was said in it."""

    transcript: list[TurnView]
    metadata: CallMetadata


async def place_call(asked: Asked[Nothing, NewCall]) -> PlacedCall:
    """Place a call, now or at a moment."""
    body = asked.body
    call = await asked.edge.services.calls.place(
        asked.who,
        WantedCall(
            to=body.to_phone,
            agent_id=await named(IDS, asked, "agent", body.agent_id),
            context={} if not body.context else {"context": body.context},
            priority=body.priority,
            scheduled_wall=sent_moment(body.scheduled_for, "scheduledFor", body.timezone),
            timezone=body.timezone,
        ),
    )
    return PlacedCall(
        **_brief(call),
        scheduled_for=seconds_or_none(call.scheduled_wall),
        timezone=call.timezone,
        priority=call.priority,
    )


async def list_calls(asked: Asked[CallsQuery, Nothing]) -> CallList:
    """Your calls that go out, newest first."""
    query = asked.query
    statuses, outcomes = statuses_of(query.status)
    wanted = CallFilter(
        statuses=statuses,
        outcomes=outcomes,
        inbound=False,
        agent_id=await named(IDS, asked, "agent", query.agent_id),
        created_after_wall=asked_moment(query.start_date, "startDate"),
        created_before_wall=asked_moment(query.end_date, "endDate", last=True),
    )
    page = await asked.edge.services.calls.page(
        asked.who, numbered(query.page, query.limit, SORT), wanted
    )
    items = [CallItem(**_brief(call), duration=duration_of(call)) for call in page.items]
    return CallList(calls=items, pagination=pagination(page, query.page, query.limit))


async def get_call(asked: Asked[Nothing, Nothing]) -> CallView:
    """One call, and what was said in it."""
    call = await asked.edge.services.calls.get(asked.who, await own(IDS, asked, "call"))
    record = call.record
    return CallView(
        **_brief(call),
        duration=duration_of(call),
        transcript=turns_of(call),
        metadata=CallMetadata(
            voicemail_detected=call.voicemail,
            call_quality=None if record is None else quality_of(record.quality),
        ),
    )


async def cancel_call(asked: Asked[Nothing, Nothing]) -> None:
    """Cancel a call that waits; its record stays."""
    calls, id_ = asked.edge.services.calls, await own(IDS, asked, "call")
    if (await calls.get(asked.who, id_)).status not in PENDING:
        raise Conflict("only scheduled calls can be cancelled")
    await calls.end(asked.who, id_)


def status_of(call: CallSummary) -> Status:
    """Where it stands, in this API's words."""
    return STATUS[call.status] if call.outcome is None else OUTCOME[call.outcome]


def statuses_of(
    status: Status | None,
) -> tuple[tuple[CallStatus, ...] | None, tuple[Outcome, ...] | None]:
    """Back: which statuses and outcomes are meant."""
    if status is None:
        return None, None
    outcomes = tuple(outcome for outcome, name in OUTCOME.items() if name == status)
    if outcomes:
        return (CallStatus.ENDED,), outcomes
    return tuple(one for one, name in STATUS.items() if name == status), None


def duration_of(call: CallSummary) -> int | None:
    """In whole seconds."""
    return None if call.duration_s is None else round(call.duration_s)


def turns_of(call: Call) -> list[TurnView]:
    """All that was said, each with the moment that it began."""
    record = call.record
    if record is None or not record.rate_hz:
        return []
    began_wall = record.answered_wall or record.started_wall
    return [
        TurnView(
            role=ROLE[turn.role],
            content=turn.text,
            timestamp=millis(began_wall + turn.begin_samples / record.rate_hz),
        )
        for turn in record.turns
        if turn.text
    ]


def _brief(call: CallSummary) -> dict[str, Any]:
    return {
        "id": IDS.show("call", call.id),
        "to_phone": call.to_number,
        "agent_id": IDS.show_or_none("agent", call.agent_id),
        "status": status_of(call),
        "created_at": millis(call.created_wall),
    }


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        f"{BASE}/calls/outbound",
        place_call,
        "Initiate call",
        "calls:write",
        body=NewCall,
        returns=PlacedCall,
        status=201,
        message="Call initiated successfully",
        example={"toPhone": "+919876543210", "agentId": "{agent}", "priority": "high"},
    ),
    _row(
        "GET",
        f"{BASE}/calls/outbound",
        list_calls,
        "List calls",
        "calls:read",
        query=CallsQuery,
        returns=CallList,
    ),
    _row(
        "GET",
        f"{BASE}/calls/outbound/{{call}}",
        get_call,
        "Get call details",
        "calls:read",
        returns=CallView,
    ),
    _row(
        "DELETE",
        f"{BASE}/calls/outbound/{{call}}",
        cancel_call,
        "Cancel scheduled call",
        "calls:write",
        message="Call cancelled successfully",
        refusals=NOT_NOW,
    ),
)
