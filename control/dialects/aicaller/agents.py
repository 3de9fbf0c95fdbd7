"""Agents: people, whom calls are escalated to."""

import functools
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.agents import Agent, AgentKind, Availability
from ...errors import FieldError, Unprocessable
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ...services.access import missing
from ...services.agent_use import AgentInUse, AgentUse
from ...services.agents import AgentFilter
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row, Said
from ..identifiers import own
from ..moments import Moment, seconds
from ..reading import Email, Name, Open, Phone
from .forms import BASE, DELETED, IDS, DoneView, Tags

TAG = "Agents"
MOST = 1000
"In a list: the document has no pages."
MAX_DATA_BYTES = 16 * 1024
IN_USE = Said("AGENT_IN_USE", "The agent is in use", 400)
KEPT = ("department", "skills")
"With whatever else is sent, in the agent's free data."

Department = Annotated[str, msgspec.Meta(max_length=200)]


class NewPerson(Open, frozen=True, kw_only=True):
    """An agent to be made. Other fields are kept and shown again."""

    name: Name
    email: Email | None = None
    phone_number: Phone | None = None
    "Where calls are handed over to; without it nobody can be."
    department: Department | None = None
    skills: Tags = []
    is_available: bool = True
    is_active: bool = True


class PersonChanges(Open, frozen=True, kw_only=True):
    """What is to be different."""

    name: Name | UnsetType = UNSET
    email: Email | None | UnsetType = UNSET
    phone_number: Phone | None | UnsetType = UNSET
    department: Department | None | UnsetType = UNSET
    skills: Tags | UnsetType = UNSET
    is_available: bool | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """An agent."""

    id: str
    name: str
    email: str | None
    phone_number: str | None
    department: str | None
    skills: list[str]
    is_available: bool
    "Calls can be handed over now."
    is_active: bool
    created_at: Moment
    updated_at: Moment


class PersonUseView(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent is used for."""

    agent_id: str
    is_in_use: bool
    active_escalations: int
    "In calls that have not ended."
    active_calls: int
    total_escalations: int
    total_calls: int


async def list_agents(asked: Asked[Nothing, Nothing]) -> list[Any]:
    """Your agents, newest first."""
    wanted = AgentFilter(kind=AgentKind.HUMAN)
    page = await asked.edge.services.agents.page(asked.who, PageQuery(limit=MOST), wanted)
    return [person_view(agent) for agent in page.items]


async def create_agent(asked: Asked[Nothing, NewPerson]) -> Any:
    """Make one: calls can be escalated to them at once."""
    agent = person_of(asked.who.account_id, asked.body)
    return person_view(await asked.edge.services.agents.create(asked.who, agent))


async def get_agent(asked: Asked[Nothing, Nothing]) -> Any:
    """One agent."""
    return person_view(await _own(asked))


async def change_agent(asked: Asked[Nothing, PersonChanges]) -> Any:
    """Change some fields; the others stay."""
    agent, sent = await _own(asked), given(asked.body)
    others = sent.pop("others")
    data = agent.config_data | others | {name: sent.pop(name) for name in KEPT if name in sent}
    _check_size(data)
    if "is_available" in sent:
        is_available = sent.pop("is_available")
        if is_available != (agent.availability is Availability.AVAILABLE):
            sent["availability"] = _availability(agent, is_available=is_available)
    agents = asked.edge.services.agents
    return person_view(await agents.change(asked.who, agent.id, sent | {"config_data": data}))


async def delete_agent(asked: Asked[Nothing, Nothing]) -> DoneView:
    """Delete one, unless they are in a call, or asked to take one."""
    id_ = await own(IDS, asked, "person")
    try:
        await asked.edge.services.agent_use.delete(asked.who, id_, AgentKind.HUMAN)
    except AgentInUse as refusal:
        refusal.about = _use_view(refusal.use)
        raise
    return DELETED


async def get_agent_usage(asked: Asked[Nothing, Nothing]) -> PersonUseView:
    """Whether calls or escalations of an agent go on."""
    id_ = await own(IDS, asked, "person")
    use = await asked.edge.services.agent_use.get(asked.who, id_, AgentKind.HUMAN)
    return _use_view(use)


def _use_view(use: AgentUse) -> PersonUseView:
    same = {
        name: getattr(use, name) for name in PersonUseView.__struct_fields__ if name != "is_in_use"
    }
    return PersonUseView(is_in_use=use.is_in_use, **same)


def person_of(owner_id: str, body: NewPerson) -> Agent:
    """The agent. Raises Unprocessable."""
    data = body.others | {"department": body.department, "skills": body.skills}
    _check_size(data)
    return Agent(
        owner_id=owner_id,
        kind=AgentKind.HUMAN,
        name=body.name,
        email=body.email,
        phone_number=body.phone_number,
        availability=Availability.AVAILABLE if body.is_available else Availability.OFFLINE,
        is_active=body.is_active,
        config_data=data,
    )


def person_view(agent: Agent) -> dict[str, Any]:
    """As it is shown: with what else was sent."""
    data = dict(agent.config_data)
    department, skills = data.pop("department", None), data.pop("skills", None)
    view = PersonView(
        id=agent.id,
        name=agent.name,
        email=agent.email,
        phone_number=agent.phone_number,
        department=department if isinstance(department, str) else None,
        skills=[str(each) for each in skills] if isinstance(skills, list) else [],
        is_available=agent.availability is Availability.AVAILABLE,
        is_active=agent.is_active,
        created_at=seconds(agent.created_wall),
        updated_at=seconds(agent.updated_wall),
    )
    return data | msgspec.structs.asdict(view)


def _availability(agent: Agent, *, is_available: bool) -> Availability:
    """Who is in a call is not available, and is again after it."""
    if is_available:
        return Availability.AVAILABLE
    return agent.availability if agent.availability is Availability.BUSY else Availability.OFFLINE


def _check_size(data: dict[str, Any]) -> None:
    if len(msgspec.json.encode(data)) > MAX_DATA_BYTES:
        said = f"at most {MAX_DATA_BYTES} bytes of other fields"
        raise Unprocessable(said, [FieldError("", said)])


async def _own(asked: Asked[Any, Any]) -> Agent:
    id_ = await own(IDS, asked, "person")
    agent = await asked.edge.services.agents.get(asked.who, id_)
    if agent.kind is not AgentKind.HUMAN:
        raise missing("agent", id_)
    return agent


READ, WRITE = "agents:read", "agents:write"
_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row("GET", f"{BASE}/agents", list_agents, "List agents", READ, returns=list[PersonView]),
    _row(
        "POST",
        f"{BASE}/agents",
        create_agent,
        "Create agent",
        WRITE,
        body=NewPerson,
        returns=PersonView,
        status=201,
        example={"name": "Jane Doe", "email": "jane@example.com", "phone_number": "+1555123456"},
    ),
    _row("GET", f"{BASE}/agents/{{person}}", get_agent, "Get agent", READ, returns=PersonView),
    _row(
        "PUT",
        f"{BASE}/agents/{{person}}",
        change_agent,
        "Update agent",
        WRITE,
        body=PersonChanges,
        returns=PersonView,
        example={"name": "Jane Smith"},
    ),
    _row(
        "DELETE",
        f"{BASE}/agents/{{person}}",
        delete_agent,
        "Delete agent",
        WRITE,
        returns=DoneView,
        refusals={AgentInUse: IN_USE},
    ),
    _row(
        "GET",
        f"{BASE}/agents/{{person}}/usage",
        get_agent_usage,
        "Check agent usage before deletion",
        READ,
        returns=PersonUseView,
    ),
)
