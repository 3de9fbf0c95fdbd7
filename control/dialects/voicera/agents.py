"""Agents. A name is there once an account, whatever its case."""

import functools
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.agents import Agent, AgentKind, LanguageModel, Voice
from ...errors import Conflict, NotFound
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ...services.agents import AgentFilter
from ..dialect import AnyRow, Refusals, Row, Said
from ..identifiers import own
from ..moments import Moment, seconds
from ..paging import MAX_LIMIT, Limit, Skipped, skipping, total_of
from ..reading import Long, Name, Short
from .forms import IDS

TAG = "Agents"
MAX_BODY_BYTES = 256 * 1024
REFUSALS: Refusals = {
    NotFound: Said("AGENT_001", "Agent not found"),
    Conflict: Said("AGENT_002", "Agent already exists"),
}

Status = Literal["active", "inactive"]
ACTIVE: dict[Status, bool] = {"active": True, "inactive": False}
Speed = Annotated[float, msgspec.Meta(gt=0, le=10)]


class VoiceParameters(msgspec.Struct, frozen=True, kw_only=True):
    """How it speaks."""

    voice_id: Short = ""
    speed: Speed | None = None
    tone: Short = ""


class NewAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent to be made."""

    name: Name
    description: Long = ""
    llm_provider: Short = "openai"
    llm_model: Short = "gpt-4"
    stt_provider: Short = "deepgram"
    tts_provider: Short = "cartesia"
    system_prompt: Long
    language: Short = "en"
    voice_parameters: VoiceParameters = VoiceParameters()


class AgentChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different."""

    name: Name | UnsetType = UNSET
    description: Long | UnsetType = UNSET
    llm_provider: Short | UnsetType = UNSET
    llm_model: Short | UnsetType = UNSET
    stt_provider: Short | UnsetType = UNSET
    tts_provider: Short | UnsetType = UNSET
    system_prompt: Long | UnsetType = UNSET
    language: Short | UnsetType = UNSET
    voice_parameters: VoiceParameters | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class AgentsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which agents."""

    skip: Skipped = 0
    limit: Limit = 10
    search: Short | None = None
    "A part of the name."
    status: Status | None = None


class CreatedView(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that was made."""

    id: str
    name: str
    status: Status
    created_at: Moment


class ChangedView(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that was changed."""

    id: str
    name: str
    updated_at: Moment


class AgentItem(CreatedView, frozen=True, kw_only=True):
    """An agent in a list."""

    description: str
    llm_provider: str
    llm_model: str


class AgentView(AgentItem, frozen=True, kw_only=True):
    """An agent."""

    user_id: str
    stt_provider: str
    tts_provider: str
    system_prompt: str
    language: str
    voice_parameters: VoiceParameters


class AgentList(msgspec.Struct, frozen=True, kw_only=True):
    """Some agents."""

    total: int
    skip: int
    limit: int
    items: list[AgentItem]


async def list_agents(asked: Asked[AgentsQuery, Nothing]) -> AgentList:
    """Your agents, newest first."""
    query = asked.query
    wanted = AgentFilter(
        kind=AgentKind.AI,
        is_active=None if query.status is None else ACTIVE[query.status],
        search=query.search,
    )
    agents = asked.edge.services.agents
    page = await agents.page(asked.who, skipping(query.skip, query.limit), wanted)
    return AgentList(
        total=total_of(page),
        skip=query.skip,
        limit=min(query.limit, MAX_LIMIT),
        items=[AgentItem(**_item(agent)) for agent in page.items],
    )


async def create_agent(asked: Asked[Nothing, NewAgent]) -> CreatedView:
    """Make an agent. It can call and be called at once."""
    body = asked.body
    voice = body.voice_parameters
    agent = Agent(
        owner_id=asked.who.account_id,
        name=body.name,
        description=body.description,
        llm=LanguageModel(provider=body.llm_provider, model=body.llm_model),
        stt_provider=body.stt_provider,
        voice=Voice(
            provider=body.tts_provider, voice=voice.voice_id, speed=voice.speed, tone=voice.tone
        ),
        system_prompt=body.system_prompt,
        language=body.language,
    )
    made = await asked.edge.services.agents.create(asked.who, agent, alone=True)
    return CreatedView(**_brief(made))


async def get_agent(asked: Asked[Nothing, Nothing]) -> AgentView:
    """One agent."""
    id_ = await own(IDS, asked, "agent")
    agent = await asked.edge.services.agents.get(asked.who, id_)
    voice = agent.voice
    return AgentView(
        **_item(agent),
        user_id=agent.owner_id,
        stt_provider=agent.stt_provider,
        tts_provider=voice.provider,
        system_prompt=agent.system_prompt,
        language=agent.language,
        voice_parameters=VoiceParameters(voice_id=voice.voice, speed=voice.speed, tone=voice.tone),
    )


async def change_agent(asked: Asked[Nothing, AgentChanges]) -> ChangedView:
    """Change some fields; the others stay."""
    agents, id_ = asked.edge.services.agents, await own(IDS, asked, "agent")
    sent = given(asked.body)
    agent = await agents.get(asked.who, id_)
    same = ("name", "description", "stt_provider", "system_prompt", "language")
    changes: dict[str, Any] = {name: sent[name] for name in same if name in sent}
    if "status" in sent:
        changes["is_active"] = ACTIVE[sent["status"]]
    model = {"llm_provider": "provider", "llm_model": "model"}
    if found := {model[name]: sent[name] for name in model if name in sent}:
        changes["llm"] = msgspec.structs.replace(agent.llm, **found)
    voice = {"provider": sent["tts_provider"]} if "tts_provider" in sent else {}
    if "voice_parameters" in sent:
        said: VoiceParameters = sent["voice_parameters"]
        voice |= {"voice": said.voice_id, "speed": said.speed, "tone": said.tone}
    if voice:
        changes["voice"] = msgspec.structs.replace(agent.voice, **voice)
    changed = await agents.change(asked.who, id_, changes, alone="name" in changes)
    return ChangedView(id=changed.id, name=changed.name, updated_at=seconds(changed.updated_wall))


async def delete_agent(asked: Asked[Nothing, Nothing]) -> None:
    """Delete an agent; its history stays, and what it was still to do is called off."""
    await asked.edge.services.agent_removal.remove(asked.who, await own(IDS, asked, "agent"))


def _brief(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "status": "active" if agent.is_active else "inactive",
        "created_at": seconds(agent.created_wall),
    }


def _item(agent: Agent) -> dict[str, Any]:
    return _brief(agent) | {
        "description": agent.description,
        "llm_provider": agent.llm.provider,
        "llm_model": agent.llm.model,
    }


EXAMPLE = {"name": "Support", "system_prompt": "You help callers.", "language": "en"}
ONE = "/agents/{agent}"
READ, WRITE = "agents:read", "agents:write"
_row = functools.partial(Row, tag=TAG, refusals=REFUSALS, max_body_bytes=MAX_BODY_BYTES)
ROWS: tuple[AnyRow, ...] = (
    _row("GET", "/agents", list_agents, "List agents", READ, query=AgentsQuery, returns=AgentList),
    _row(
        "POST",
        "/agents",
        create_agent,
        "Create agent",
        WRITE,
        body=NewAgent,
        returns=CreatedView,
        status=201,
        example=EXAMPLE,
    ),
    _row("GET", ONE, get_agent, "Get agent", READ, returns=AgentView),
    _row(
        "PUT",
        ONE,
        change_agent,
        "Update agent",
        WRITE,
        body=AgentChanges,
        returns=ChangedView,
        example={"name": "Sales"},
    ),
    _row("DELETE", ONE, delete_agent, "Delete agent", WRITE, status=204),
)
