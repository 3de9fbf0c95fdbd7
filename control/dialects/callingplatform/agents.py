"""Agents: made, looked at, changed, deleted."""

import functools
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.agents import Agent, AgentKind, LanguageModel, Voice
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ...services.agents import AgentFilter
from ..dialect import AnyRow, Row
from ..identifiers import own
from ..moments import Moment, millis
from ..paging import Limit, PageNumber, numbered
from ..reading import Long, Name, Short
from .forms import BASE, IDS, Pagination, Shown, pagination

TAG = "Agents"
PROVIDER = "openai"
"Whose models its agents name."
MAX_BODY_BYTES = 256 * 1024

Temperature = Annotated[float, msgspec.Meta(ge=0, le=2)]
MaxTokens = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class NewAgent(Shown, frozen=True, kw_only=True):
    """An agent to be made."""

    name: Name
    system_prompt: Long
    voice: Short = "Rachel"
    model: Short = "gpt-4"
    temperature: Temperature = 0.7
    max_tokens: MaxTokens = 150
    is_active: bool = True


class AgentChanges(Shown, frozen=True, kw_only=True):
    """What is to be different."""

    name: Name | UnsetType = UNSET
    system_prompt: Long | UnsetType = UNSET
    voice: Short | UnsetType = UNSET
    model: Short | UnsetType = UNSET
    temperature: Temperature | UnsetType = UNSET
    max_tokens: MaxTokens | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class AgentsQuery(Shown, frozen=True, kw_only=True):
    """Which agents."""

    is_active: bool | None = None
    page: PageNumber = 1
    limit: Limit = 10


class AgentItem(Shown, frozen=True, kw_only=True):
    """An agent in a list."""

    id: str
    name: str
    is_active: bool
    created_at: Moment


class AgentList(Shown, frozen=True, kw_only=True):
    """A page of agents."""

    agents: list[AgentItem]
    pagination: Pagination


class AgentView(Shown, frozen=True, kw_only=True):
    """An agent."""

    id: str
    name: str
    system_prompt: str
    voice: str
    model: str
    temperature: float
    max_tokens: int
    is_active: bool
    user_id: str
    created_at: Moment


async def create_agent(asked: Asked[Nothing, NewAgent]) -> AgentView:
    """Make an agent. Several may have one name."""
    body = asked.body
    agent = Agent(
        owner_id=asked.who.account_id,
        name=body.name,
        system_prompt=body.system_prompt,
        llm=LanguageModel(
            provider=PROVIDER,
            model=body.model,
            temperature=body.temperature,
            max_tokens=body.max_tokens,
        ),
        voice=Voice(voice=body.voice),
        is_active=body.is_active,
    )
    return agent_view(await asked.edge.services.agents.create(asked.who, agent))


async def list_agents(asked: Asked[AgentsQuery, Nothing]) -> AgentList:
    """Your agents, newest first."""
    query = asked.query
    wanted = AgentFilter(kind=AgentKind.AI, is_active=query.is_active)
    asked_page = numbered(query.page, query.limit)
    page = await asked.edge.services.agents.page(asked.who, asked_page, wanted)
    items = [
        AgentItem(
            id=IDS.show("agent", agent.id),
            name=agent.name,
            is_active=agent.is_active,
            created_at=millis(agent.created_wall),
        )
        for agent in page.items
    ]
    return AgentList(agents=items, pagination=pagination(page, query.page, query.limit))


async def get_agent(asked: Asked[Nothing, Nothing]) -> AgentView:
    """One agent."""
    id_ = await own(IDS, asked, "agent")
    return agent_view(await asked.edge.services.agents.get(asked.who, id_))


async def change_agent(asked: Asked[Nothing, AgentChanges]) -> AgentView:
    """Change some fields; the others stay."""
    agents, id_ = asked.edge.services.agents, await own(IDS, asked, "agent")
    sent = given(asked.body)
    changes: dict[str, Any] = {
        name: sent[name] for name in ("name", "system_prompt", "is_active") if name in sent
    }
    agent = await agents.get(asked.who, id_)
    model = {name: sent[name] for name in ("model", "temperature", "max_tokens") if name in sent}
    if model:
        changes["llm"] = msgspec.structs.replace(agent.llm, **model)
    if "voice" in sent:
        changes["voice"] = msgspec.structs.replace(agent.voice, voice=sent["voice"])
    return agent_view(await agents.change(asked.who, id_, changes))


async def delete_agent(asked: Asked[Nothing, Nothing]) -> None:
    """Delete an agent; its history stays, and what it was still to do is called off."""
    await asked.edge.services.agent_removal.remove(asked.who, await own(IDS, asked, "agent"))


def agent_view(agent: Agent) -> AgentView:
    """As it is shown; what other APIs leave open has its default here."""
    temperature, most = agent.llm.temperature, agent.llm.max_tokens
    return AgentView(
        id=IDS.show("agent", agent.id),
        name=agent.name,
        system_prompt=agent.system_prompt,
        voice=agent.voice.voice,
        model=agent.llm.model,
        temperature=0.7 if temperature is None else temperature,
        max_tokens=150 if most is None else most,
        is_active=agent.is_active,
        user_id=IDS.show("account", agent.owner_id),
        created_at=millis(agent.created_wall),
    )


EXAMPLE = {"name": "Support", "systemPrompt": "You help callers.", "voice": "Rachel"}
_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        f"{BASE}/agents",
        create_agent,
        "Create agent",
        "agents:write",
        body=NewAgent,
        returns=AgentView,
        status=201,
        message="Agent created successfully",
        max_body_bytes=MAX_BODY_BYTES,
        example=EXAMPLE,
    ),
    _row(
        "GET",
        f"{BASE}/agents",
        list_agents,
        "List agents",
        "agents:read",
        query=AgentsQuery,
        returns=AgentList,
    ),
    _row(
        "GET", f"{BASE}/agents/{{agent}}", get_agent, "Get agent", "agents:read", returns=AgentView
    ),
    _row(
        "PUT",
        f"{BASE}/agents/{{agent}}",
        change_agent,
        "Update agent",
        "agents:write",
        body=AgentChanges,
        returns=AgentView,
        message="Agent updated successfully",
        max_body_bytes=MAX_BODY_BYTES,
        example={"name": "Sales", "isActive": True},
    ),
    _row(
        "DELETE",
        f"{BASE}/agents/{{agent}}",
        delete_agent,
        "Delete agent",
        "agents:write",
        message="Agent deleted successfully",
    ),
)
