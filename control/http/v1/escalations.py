"""`/v1/calls/{id}/escalate` and `/v1/escalations`: calls that people take over, or join."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec

from ...calls.bridging import Mode
from ...domain.calls import Escalation, EscalationStatus
from ...errors import Conflict, NotFound, Unprocessable
from ...services.escalations import EscalationFilter, NewEscalation
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none

TAG = "Escalations"

Id = Annotated[str, msgspec.Meta(max_length=64)]
Reason = Annotated[str, msgspec.Meta(max_length=1000)]


class EscalationQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which escalations."""

    call_id: Id | None = None
    status: EscalationStatus | None = None
    human_agent_id: Id | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


class EscalationToOpen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person is wanted."""

    reason: Reason = ""
    human_agent_id: Id | None = None
    "This one and nobody else; left out: those who are available, in the order of their making."
    mode: Mode = Mode.TALK
    "`talk` takes the caller over; `listen`, `whisper` and `barge` join while the agent goes on."
    return_to_agent: bool = False
    "When the person leaves, the agent has the caller again; else the call ends."


class ModeChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the person takes part from now on."""

    mode: Mode


class EscalationView(msgspec.Struct, frozen=True, kw_only=True):
    """A call that a person is asked to take."""

    id: str
    seq: int
    owner_id: str
    call_id: str
    human_agent_id: str | None
    "Who rings or is in the call, or was."
    status: EscalationStatus
    mode: str
    reason: str
    return_to_agent: bool
    target: str
    "Where the person is called."
    tried: tuple[str, ...]
    "Who was rung in vain, and why they did not come."
    failure_reason: str
    "Of `failed`, in words: who did not come, and why."
    created_at: datetime.datetime
    bridged_at: datetime.datetime | None
    closed_at: datetime.datetime | None


async def escalate_call(asked: Asked[Nothing, EscalationToOpen]) -> EscalationView:
    """Ask a person into a live call. Those who are available are rung one after another.

    The answer comes before anybody is rung (`open`): events tell what comes of it, and so does a
    GET. Where nobody can be rung it is `failed` in this answer, `failure_reason` says why, and the
    agent goes on.
    """
    body = asked.body
    wanted = NewEscalation(
        reason=body.reason,
        human_agent_id=body.human_agent_id,
        mode=body.mode,
        return_to_agent=body.return_to_agent,
    )
    escalations = asked.edge.services.escalations
    return escalation_view(await escalations.open(asked.who, asked.path("id"), wanted))


async def list_escalations(asked: Asked[EscalationQuery, Nothing]) -> List[EscalationView]:
    """Your escalations, newest first."""
    query = asked.query
    wanted = EscalationFilter(
        call_id=query.call_id, status=query.status, human_agent_id=query.human_agent_id
    )
    page = await asked.edge.services.escalations.page(asked.who, query.page(), wanted)
    return list_of(page, [escalation_view(each) for each in page.items])


async def get_escalation(asked: Asked[Nothing, Nothing]) -> EscalationView:
    """One escalation."""
    return escalation_view(await asked.edge.services.escalations.get(asked.who, asked.path("id")))


async def change_escalation(asked: Asked[Nothing, ModeChange]) -> EscalationView:
    """Let the person take part in another way, at once."""
    escalations = asked.edge.services.escalations
    return escalation_view(await escalations.change(asked.who, asked.path("id"), asked.body.mode))


async def end_escalation(asked: Asked[Nothing, Nothing]) -> EscalationView:
    """End an escalation: who rings or has joined is hung up.

    A call that the person had taken over ends with it, unless it was to return to the agent.
    """
    return escalation_view(await asked.edge.services.escalations.end(asked.who, asked.path("id")))


def escalation_view(escalation: Escalation) -> EscalationView:
    """An escalation as the API shows it."""
    same = (
        *("id", "seq", "owner_id", "call_id", "human_agent_id", "status", "mode", "reason"),
        *("return_to_agent", "target", "tried", "failure_reason"),
    )
    return EscalationView(
        **{name: getattr(escalation, name) for name in same},
        created_at=utc(escalation.created_wall),
        bridged_at=utc_or_none(escalation.bridged_wall),
        closed_at=utc_or_none(escalation.closed_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "POST",
        "/v1/calls/{id}/escalate",
        escalate_call,
        "Ask a person into a call",
        "calls:write",
        body=EscalationToOpen,
        returns=EscalationView,
        status=201,
        problems=(Conflict, NotFound, Unprocessable),
    ),
    _route(
        "GET",
        "/v1/escalations",
        list_escalations,
        "List escalations",
        "calls:read",
        query=EscalationQuery,
        returns=List[EscalationView],
    ),
    _route(
        "GET",
        "/v1/escalations/{id}",
        get_escalation,
        "Get an escalation",
        "calls:read",
        returns=EscalationView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/escalations/{id}",
        change_escalation,
        "Change how a person takes part",
        "calls:write",
        body=ModeChange,
        returns=EscalationView,
        problems=(Conflict, NotFound),
    ),
    _route(
        "DELETE",
        "/v1/escalations/{id}",
        end_escalation,
        "End an escalation",
        "calls:write",
        returns=EscalationView,
        status=202,
        problems=(Conflict, NotFound),
    ),
)
