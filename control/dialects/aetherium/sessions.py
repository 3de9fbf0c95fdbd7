"""Sessions: calls, placed, looked at, and told of."""

import functools
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from ....media.conversation.records import Turn
from ...auth.principal import Principal
from ...domain.calls import Call, CallStatus, CallSummary, Outcome
from ...errors import Conflict
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ...services.calls import NewCall
from ...store.calls import CallFilter
from ..dialect import AnyRow, Row
from ..identifiers import UNKNOWN
from ..moments import AskedMoment, asked_moment
from ..paging import MAX_LIMIT, total_of
from ..reading import Phone, Short
from .forms import IDS, meant as meant_by, own, unfit
from .listing import ListQuery, filter_of, page_of
from .session_views import (
    AI_RESPONSE,
    ENDED,
    STATED,
    TRANSCRIPT,
    SessionType,
    SessionView,
    Status,
    is_made_here,
    meant,
    session_view,
    stated,
    status_of,
)

TAG = "Communication Sessions"
MOST_TURNS = 500
"Of each session in a list."
COLUMNS = {
    "id": "seq",
    "workflow_id": "agent_id",
    "phone_number": "to_number",
    "session_type": "inbound",
    "status": "status",
    "started_at": "started_wall",
    "ended_at": "ended_wall",
    "duration_seconds": "duration_s",
    "created_at": "created_wall",
}
OUTCOMES: dict[Status, Outcome] = {"completed": Outcome.COMPLETED, "failed": Outcome.FAILED}

Words = Annotated[str, msgspec.Meta(max_length=16_000)]


class SessionsQuery(ListQuery, frozen=True, kw_only=True):
    """Which sessions."""

    status: Status | None = None
    start_date: AskedMoment | None = None
    end_date: AskedMoment | None = None


class SessionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Fields that `filter` may have."""

    status: Status | None = None
    workflow_id: int | None = None
    phone_number: Short | None = None
    session_type: SessionType | None = None


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session to be created."""

    workflow_id: int
    phone_number: Phone
    session_type: SessionType
    metadata: dict[str, Any] = {}


class SessionChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different."""

    status: Status | UnsetType = UNSET
    transcript: Words | UnsetType = UNSET
    ai_response: Words | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class SessionList(msgspec.Struct, frozen=True, kw_only=True):
    """Some sessions."""

    sessions: list[SessionView]
    total: int
    limit: int
    offset: int


async def list_sessions(asked: Asked[SessionsQuery, Nothing]) -> SessionList:
    """Your sessions, newest first unless it is said otherwise."""
    query, services = asked.query, asked.edge.services
    wanted = await _wanted(asked)
    page_query = page_of(query, COLUMNS)
    shown = {"limit": min(query.limit, MAX_LIMIT), "offset": query.offset}
    if wanted is None:
        return SessionList(sessions=[], total=0, **shown)
    page = await services.calls.page(asked.who, page_query, wanted)
    return SessionList(sessions=await views(asked, page.items), total=total_of(page), **shown)


async def create_session(asked: Asked[Nothing, NewSession]) -> SessionView:
    """Create a session. One that is outbound is dialled at once; an inbound one is expected."""
    body, services = asked.body, asked.edge.services
    if STATED in body.metadata:
        raise unfit("metadata", f"{STATED!r} is no name for a client's own data")
    agent_id = await meant_by(asked, "agent", body.workflow_id, "workflow")
    metadata = {**body.metadata, STATED: {}}
    if body.session_type == "inbound":
        call = await services.stated_calls.expect(asked.who, agent_id, body.phone_number, metadata)
    else:
        wish = NewCall(to=body.phone_number, agent_id=agent_id, metadata=metadata)
        call = await services.calls.place(asked.who, wish)
    return session_view(call, (), None, body.workflow_id)


async def get_session(asked: Asked[Nothing, Nothing]) -> SessionView:
    """One session."""
    call = await asked.edge.services.calls.get(asked.who, await own(asked, "call"))
    return (await views(asked, [call]))[0]


async def change_session(asked: Asked[Nothing, SessionChanges]) -> SessionView:
    """Say what became of a session. One that has ended keeps its status; its texts may change.

    `completed` and `failed` end it, `active` begins one that is expected.
    """
    services, id_ = asked.edge.services, await own(asked, "call")
    sent = given(asked.body)
    call = await services.calls.get(asked.who, id_)
    if (metadata := _metadata(call, sent)) is not None:
        call = await services.calls.change(asked.who, id_, {"metadata": metadata})
    status: Status | None = sent.get("status")
    if status is not None and status != status_of(call):
        await _move(asked, call, status)
        call = await services.calls.get(asked.who, id_)
    view = (await views(asked, [call]))[0]
    # A call that goes on is hung up; what becomes of it is said already.
    return view if status is None else msgspec.structs.replace(view, status=status)


async def _move(asked: Asked[Nothing, SessionChanges], call: Call, status: Status) -> None:
    services = asked.edge.services
    if status_of(call) in ENDED:
        raise Conflict(f"the session has ended: it stays {status_of(call)}")
    outcome = OUTCOMES.get(status)
    if services.stated_calls.is_stated(call):
        moved = CallStatus.ENDED if outcome is not None else CallStatus.LIVE
        await services.stated_calls.state(asked.who, call.id, moved, outcome)
    elif outcome is not None:
        await services.calls.end(asked.who, call.id, outcome, "")
    else:
        raise Conflict(f"the session is {status_of(call)}: the call itself decides the rest")


def _metadata(call: Call, sent: dict[str, Any]) -> dict[str, Any] | None:
    """All of it as it is to be; None: it stays."""
    texts = {name: sent[name] for name in (TRANSCRIPT, AI_RESPONSE) if name in sent}
    if not texts and "metadata" not in sent:
        return None
    kept = {name: value for name, value in call.metadata.items() if name != STATED}
    found: dict[str, Any] = dict(sent.get("metadata", kept))
    found.pop(STATED, None)
    said = stated(call) | texts
    if said or is_made_here(call):
        found[STATED] = said
    return found


async def views(
    asked: Asked[Any, Any], calls: Sequence[CallSummary], who: Principal | None = None
) -> list[SessionView]:
    """Calls as sessions, with what was said in them; `who` None: whoever asks sees them."""
    services, ids = asked.edge.services, [call.id for call in calls]
    who = who or asked.who
    analyses = await services.analyses.of_calls(who, ids)
    workflows = await services.numbered.seqs_of("agent", [call.agent_id for call in calls])
    found = []
    for call in calls:
        turns = await said_in(asked, who, call)
        workflow = workflows.get(call.agent_id or "")
        found.append(session_view(call, turns, analyses.get(call.id), workflow))
    return found


async def said_in(asked: Asked[Any, Any], who: Principal, call: CallSummary) -> list[Turn]:
    """The turns that have words."""
    turns, _ = await asked.edge.services.calls.turns(who, call.id, -1, MOST_TURNS)
    return [turn for turn in turns if turn.text]


async def _wanted(asked: Asked[SessionsQuery, Nothing]) -> CallFilter | None:
    """None: nothing can fit."""
    query = asked.query
    fields = filter_of(query, SessionFilter)
    number = fields.phone_number
    if None not in (query.status, fields.status) and query.status != fields.status:
        return None
    status = query.status or fields.status
    statuses, outcomes = (None, None) if status is None else meant(status)
    agent_id = None
    if fields.workflow_id is not None:
        agent_id = await IDS.read(asked, "agent", str(fields.workflow_id)) or UNKNOWN
    inbound = None if fields.session_type is None else fields.session_type == "inbound"
    return CallFilter(
        statuses=statuses,
        outcomes=outcomes,
        inbound=inbound,
        agent_id=agent_id,
        # A plus that nobody has encoded is a space by now.
        number=f"+{number.strip()}" if number and number.startswith(" ") else number,
        created_after_wall=asked_moment(query.start_date, "start_date"),
        created_before_wall=asked_moment(query.end_date, "end_date", last=True),
    )


EXAMPLE = {"workflow_id": 1, "phone_number": "+15550001234", "session_type": "outbound"}
ALL, ONE = "/api/sessions/", "/api/sessions/{call}"
READ, WRITE = "calls:read", "calls:write"
_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET", ALL, list_sessions, "List sessions", READ, query=SessionsQuery, returns=SessionList
    ),
    _row(
        "POST",
        ALL,
        create_session,
        "Create session",
        WRITE,
        body=NewSession,
        returns=SessionView,
        status=201,
        example=EXAMPLE,
    ),
    _row("GET", ONE, get_session, "Get session details", READ, returns=SessionView),
    _row(
        "PUT",
        ONE,
        change_session,
        "Update session",
        WRITE,
        body=SessionChanges,
        returns=SessionView,
        example={"status": "completed"},
    ),
)
