"""Workflows: agents, by their prompts and voices."""

import functools
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.agents import Agent, AgentKind, Voice
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ...services.agents import AgentFilter
from ..dialect import AnyRow, Row
from ..moments import Moment, seconds
from ..reading import Long, Name, Short
from .forms import Message, own
from .listing import ListQuery, filter_of, page_of

TAG = "Workflow Management"
MAX_BODY_BYTES = 256 * 1024
DEFAULT_VOICE = "en-US-AriaNeural"
DELETED = "Workflow deleted successfully"
COLUMNS = {
    "id": "seq",
    "name": "name",
    "description": "description",
    "prompt_template": "system_prompt",
    "is_active": "is_active",
    "created_at": "created_wall",
}

Percent = Annotated[str, msgspec.Meta(pattern=r"^[+-][0-9]{1,3}%\Z", description="As +5%.")]
Hertz = Annotated[str, msgspec.Meta(pattern=r"^[+-][0-9]{1,3}Hz\Z", description="As +2Hz.")]


class VoiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How it speaks."""

    voice: Short = DEFAULT_VOICE
    rate: Percent = "+0%"
    pitch: Hertz = "+0Hz"


class VoiceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The same, where it is to be different."""

    voice: Short | UnsetType = UNSET
    rate: Percent | UnsetType = UNSET
    pitch: Hertz | UnsetType = UNSET


class NewWorkflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow to be made."""

    name: Name
    prompt_template: Long
    description: Long | None = None
    voice_settings: VoiceSettings = VoiceSettings()
    is_active: bool = True


class WorkflowChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different."""

    name: Name | UnsetType = UNSET
    description: Long | None | UnsetType = UNSET
    prompt_template: Long | UnsetType = UNSET
    voice_settings: VoiceChanges | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class WorkflowFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Fields that `filter` may have."""

    name: Short | None = None
    is_active: bool | None = None


class WorkflowView(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow."""

    id: int
    name: str
    description: str | None
    prompt_template: str
    voice_settings: VoiceSettings
    is_active: bool
    created_at: Moment


async def list_workflows(asked: Asked[ListQuery, Nothing]) -> list[WorkflowView]:
    """Your workflows, newest first unless it is said otherwise."""
    query = asked.query
    fields = filter_of(query, WorkflowFilter)
    wanted = AgentFilter(kind=AgentKind.AI, is_active=fields.is_active, name=fields.name)
    page = await asked.edge.services.agents.page(asked.who, page_of(query, COLUMNS), wanted)
    return [workflow_view(agent) for agent in page.items]


async def create_workflow(asked: Asked[Nothing, NewWorkflow]) -> WorkflowView:
    """Make a workflow. Sessions can be created with it at once."""
    body = asked.body
    voice = body.voice_settings
    agent = Agent(
        owner_id=asked.who.account_id,
        name=body.name,
        description=body.description or "",
        system_prompt=body.prompt_template,
        voice=Voice(voice=voice.voice, rate=_factor(voice.rate), pitch=_hertz(voice.pitch)),
        is_active=body.is_active,
    )
    return workflow_view(await asked.edge.services.agents.create(asked.who, agent))


async def get_workflow(asked: Asked[Nothing, Nothing]) -> WorkflowView:
    """One workflow."""
    id_ = await own(asked, "agent")
    return workflow_view(await asked.edge.services.agents.get(asked.who, id_))


async def change_workflow(asked: Asked[Nothing, WorkflowChanges]) -> WorkflowView:
    """Change some fields; the others stay. One that is not active starts no sessions."""
    agents, id_ = asked.edge.services.agents, await own(asked, "agent")
    sent = given(asked.body)
    changes: dict[str, Any] = {name: sent[name] for name in ("name", "is_active") if name in sent}
    if "description" in sent:
        changes["description"] = sent["description"] or ""
    if "prompt_template" in sent:
        changes["system_prompt"] = sent["prompt_template"]
    if "voice_settings" in sent:
        voice = (await agents.get(asked.who, id_)).voice
        changes["voice"] = _changed(voice, given(sent["voice_settings"]))
    return workflow_view(await agents.change(asked.who, id_, changes))


async def delete_workflow(asked: Asked[Nothing, Nothing]) -> Message:
    """Delete a workflow; its sessions remain, and those that wait are called off."""
    await asked.edge.services.agent_removal.remove(asked.who, await own(asked, "agent"))
    return Message(DELETED)


def workflow_view(agent: Agent) -> WorkflowView:
    """An agent as a workflow."""
    voice = agent.voice
    percent = 0 if voice.rate is None else round((voice.rate - 1.0) * 100)
    return WorkflowView(
        id=agent.seq,
        name=agent.name,
        description=agent.description or None,
        prompt_template=agent.system_prompt,
        voice_settings=VoiceSettings(
            voice=voice.voice, rate=f"{percent:+d}%", pitch=f"{round(voice.pitch or 0.0):+d}Hz"
        ),
        is_active=agent.is_active,
        created_at=seconds(agent.created_wall),
    )


def _changed(voice: Voice, sent: dict[str, str]) -> Voice:
    changes: dict[str, Any] = {}
    if "voice" in sent:
        changes["voice"] = sent["voice"]
    if "rate" in sent:
        changes["rate"] = _factor(sent["rate"])
    if "pitch" in sent:
        changes["pitch"] = _hertz(sent["pitch"])
    return msgspec.structs.replace(voice, **changes)


def _factor(percent: str) -> float:
    return 1.0 + int(percent.removesuffix("%")) / 100


def _hertz(text: str) -> float:
    return float(text.removesuffix("Hz"))


EXAMPLE = {
    "name": "Sales Assistant",
    "prompt_template": "You help callers to choose.",
    "voice_settings": {"rate": "+5%"},
}
ALL, ONE = "/api/workflows/", "/api/workflows/{agent}"
READ, WRITE = "agents:read", "agents:write"
_row = functools.partial(Row, tag=TAG, max_body_bytes=MAX_BODY_BYTES)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        ALL,
        list_workflows,
        "List workflows",
        READ,
        query=ListQuery,
        returns=list[WorkflowView],
    ),
    _row(
        "POST",
        ALL,
        create_workflow,
        "Create workflow",
        WRITE,
        body=NewWorkflow,
        returns=WorkflowView,
        status=201,
        example=EXAMPLE,
    ),
    _row("GET", ONE, get_workflow, "Get workflow", READ, returns=WorkflowView),
    _row(
        "PUT",
        ONE,
        change_workflow,
        "Update workflow",
        WRITE,
        body=WorkflowChanges,
        returns=WorkflowView,
        example={"is_active": True, "description": "For those who call first."},
    ),
    _row("DELETE", ONE, delete_workflow, "Delete workflow", WRITE, returns=Message),
)
