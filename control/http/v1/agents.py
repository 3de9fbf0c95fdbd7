"""`/v1/agents`: what answers calls."""

import datetime
import functools
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.agents import Agent, AgentKind, Availability, LanguageModel, OpenHours, Voice
from ...domain.analyses import AnalysisSettings
from ...errors import Conflict, NotFound, Unprocessable
from ...services.agents import AgentFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc

TAG = "Agents"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
LongText = Annotated[str, msgspec.Meta(max_length=20_000)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]


class AgentQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which agents."""

    kind: AgentKind | None = None
    is_active: bool | None = None
    search: ShortText | None = None
    "A part of the name."
    sort: Literal["created_at", "-created_at", "name", "-name"] = "-created_at"


class DeleteQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it is deleted."""

    if_unused: bool = False
    "Only if none of its calls and escalations goes on; its schedules end, its waiting calls too."


class NewAgent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agent to be made."""

    name: Name
    kind: AgentKind = AgentKind.AI
    description: LongText = ""
    greeting: LongText | None = None
    system_prompt: LongText = ""
    language: ShortText = "en"
    llm: LanguageModel = LanguageModel()
    stt_provider: ShortText = "pocketsphinx"
    voice: Voice = Voice()
    house: dict[str, Any] = {}
    turn: dict[str, Any] = {}
    analysis: AnalysisSettings = AnalysisSettings()
    "How its calls are analysed after their end."
    type: ShortText = ""
    config_data: dict[str, Any] = {}
    is_active: bool = True
    email: ShortText | None = None
    phone_number: ShortText | None = None
    address: ShortText | None = None
    availability: Availability = Availability.AVAILABLE
    open_hours: OpenHours | None = None


class AgentChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    name: Name | UnsetType = UNSET
    description: LongText | UnsetType = UNSET
    greeting: LongText | None | UnsetType = UNSET
    system_prompt: LongText | UnsetType = UNSET
    language: ShortText | UnsetType = UNSET
    llm: LanguageModel | UnsetType = UNSET
    stt_provider: ShortText | UnsetType = UNSET
    voice: Voice | UnsetType = UNSET
    house: dict[str, Any] | UnsetType = UNSET
    turn: dict[str, Any] | UnsetType = UNSET
    analysis: AnalysisSettings | UnsetType = UNSET
    "All of it: what is left out of it is as by default."
    type: ShortText | UnsetType = UNSET
    config_data: dict[str, Any] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    email: ShortText | None | UnsetType = UNSET
    phone_number: ShortText | None | UnsetType = UNSET
    address: ShortText | None | UnsetType = UNSET
    availability: Availability | UnsetType = UNSET
    open_hours: OpenHours | None | UnsetType = UNSET


class AgentView(NewAgent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agent."""

    id: str
    seq: int
    owner_id: str
    from_configuration: bool
    created_at: datetime.datetime
    updated_at: datetime.datetime


async def list_agents(asked: Asked[AgentQuery, Nothing]) -> List[AgentView]:
    """Your agents, newest first."""
    query = asked.query
    wanted = AgentFilter(kind=query.kind, is_active=query.is_active, search=query.search)
    page = await asked.edge.services.agents.page(asked.who, query.page(), wanted)
    return list_of(page, [agent_view(agent) for agent in page.items])


async def create_agent(asked: Asked[Nothing, NewAgent]) -> AgentView:
    """Make an agent. It can answer calls at once."""
    fields = msgspec.structs.asdict(asked.body)
    agent = Agent(owner_id=asked.who.account_id, **fields)
    return agent_view(await asked.edge.services.agents.create(asked.who, agent))


async def get_agent(asked: Asked[Nothing, Nothing]) -> AgentView:
    """One agent."""
    return agent_view(await asked.edge.services.agents.get(asked.who, asked.path("id")))


async def change_agent(asked: Asked[Nothing, AgentChanges]) -> AgentView:
    """Change some of an agent's settings; calls in progress keep the old ones."""
    changes = given(asked.body)
    agents = asked.edge.services.agents
    return agent_view(await agents.change(asked.who, asked.path("id"), changes))


async def delete_agent(asked: Asked[DeleteQuery, Nothing]) -> None:
    """Delete an agent, and call off what it was still to do.

    Its schedules end, its campaigns are paused, its calls that wait are cancelled, none is tried
    again. Calls in progress go on, and what was said in earlier ones remains.
    """
    services, id_ = asked.edge.services, asked.path("id")
    if asked.query.if_unused:
        await services.agent_use.delete(asked.who, id_)
    else:
        await services.agent_removal.remove(asked.who, id_)


def agent_view(agent: Agent) -> AgentView:
    """An agent as the API shows it."""
    same = set(NewAgent.__struct_fields__) | {"id", "seq", "owner_id", "from_configuration"}
    return AgentView(
        **{name: getattr(agent, name) for name in same},
        created_at=utc(agent.created_wall),
        updated_at=utc(agent.updated_wall),
    )


def given(changes: msgspec.Struct) -> dict[str, Any]:
    """The fields of a PATCH that were sent."""
    return {
        name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET
    }


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/agents",
        list_agents,
        "List agents",
        "agents:read",
        query=AgentQuery,
        returns=List[AgentView],
    ),
    _route(
        "POST",
        "/v1/agents",
        create_agent,
        "Make an agent",
        "agents:write",
        body=NewAgent,
        returns=AgentView,
        status=201,
        max_body_bytes=256 * 1024,
    ),
    _route(
        "GET",
        "/v1/agents/{id}",
        get_agent,
        "Get an agent",
        "agents:read",
        returns=AgentView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/agents/{id}",
        change_agent,
        "Change an agent",
        "agents:write",
        body=AgentChanges,
        returns=AgentView,
        problems=(NotFound, Conflict, Unprocessable),
        max_body_bytes=256 * 1024,
    ),
    _route(
        "DELETE",
        "/v1/agents/{id}",
        delete_agent,
        "Delete an agent",
        "agents:write",
        query=DeleteQuery,
        status=204,
        problems=(NotFound, Conflict),
    ),
)
