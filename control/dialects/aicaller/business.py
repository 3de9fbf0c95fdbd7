"""Business configurations: the agents that speak, with a type and free data."""

import functools
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.agents import Agent, AgentKind
from ...errors import FieldError, Unprocessable
from ...http.route import Asked, Nothing
from ...services.access import missing
from ...services.agent_use import AgentInUse, AgentUse
from ...services.agents import AgentFilter
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row, Said
from ..identifiers import own
from ..moments import Moment, seconds
from ..reading import Name
from .config_data import data_of, with_data
from .forms import BASE, DELETED, IDS, DoneView

TAG = "Configuration"
MOST = 1000
"In a list: the document has no pages."
MAX_DATA_BYTES = 16 * 1024
IN_USE = Said("BUSINESS_IN_USE", "The business configuration is in use", 400)

Type = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Data = dict[str, Any]


class NewBusiness(msgspec.Struct, frozen=True, kw_only=True):
    """A business configuration to be made."""

    name: Name
    type: Type = "customer_support"
    config_data: Data = {}


class BusinessChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different."""

    name: Name | UnsetType = UNSET
    type: Type | UnsetType = UNSET
    config_data: Data | UnsetType = UNSET


class BusinessView(msgspec.Struct, frozen=True, kw_only=True):
    """A business configuration."""

    id: str
    name: str
    type: str
    config_data: Data
    created_at: Moment
    updated_at: Moment


class BusinessUseView(msgspec.Struct, frozen=True, kw_only=True):
    """What a business configuration is used for."""

    business_id: str
    is_in_use: bool
    active_calls: int
    "That have not ended."
    total_calls: int


async def list_business(asked: Asked[Nothing, Nothing]) -> list[BusinessView]:
    """Your business configurations, newest first."""
    query = PageQuery(limit=MOST)
    page = await asked.edge.services.agents.page(asked.who, query, AgentFilter(kind=AgentKind.AI))
    return [business_view(agent) for agent in page.items]


async def create_business(asked: Asked[Nothing, NewBusiness]) -> BusinessView:
    """Make one: it can be called with at once."""
    agent = business_of(asked.who.account_id, asked.body)
    return business_view(await asked.edge.services.agents.create(asked.who, agent))


async def get_business(asked: Asked[Nothing, Nothing]) -> BusinessView:
    """One business configuration."""
    return business_view(await _own(asked))


async def change_business(asked: Asked[Nothing, BusinessChanges]) -> BusinessView:
    """Change some fields; `config_data` is replaced as a whole."""
    agent, body = await _own(asked), asked.body
    changed = agent
    if body.config_data is not UNSET:
        _check_size(body.config_data)
        changed = with_data(changed, body.config_data)
    changed = msgspec.structs.replace(
        changed,
        name=changed.name if body.name is UNSET else body.name,
        type=changed.type if body.type is UNSET else body.type,
    )
    changes = {
        name: getattr(changed, name)
        for name in Agent.__struct_fields__
        if getattr(changed, name) is not getattr(agent, name)
    }
    agents = asked.edge.services.agents
    return business_view(await agents.change(asked.who, agent.id, changes))


async def delete_business(asked: Asked[Nothing, Nothing]) -> DoneView:
    """Delete one, unless its calls go on."""
    id_ = await own(IDS, asked, "agent")
    try:
        await asked.edge.services.agent_use.delete(asked.who, id_, AgentKind.AI)
    except AgentInUse as refusal:
        refusal.about = _use_view(refusal.use)
        raise
    return DELETED


async def get_business_usage(asked: Asked[Nothing, Nothing]) -> BusinessUseView:
    """Whether calls of it go on."""
    id_ = await own(IDS, asked, "agent")
    return _use_view(await asked.edge.services.agent_use.get(asked.who, id_, AgentKind.AI))


def _use_view(use: AgentUse) -> BusinessUseView:
    return BusinessUseView(
        business_id=use.agent_id,
        is_in_use=use.is_in_use,
        active_calls=use.active_calls,
        total_calls=use.total_calls,
    )


def business_of(owner_id: str, body: NewBusiness) -> Agent:
    """The agent that it is. Raises Unprocessable."""
    _check_size(body.config_data)
    agent = Agent(owner_id=owner_id, name=body.name, type=body.type)
    return with_data(agent, body.config_data)


def business_view(agent: Agent) -> BusinessView:
    """As it is shown."""
    return BusinessView(
        id=agent.id,
        name=agent.name,
        type=agent.type,
        config_data=data_of(agent),
        created_at=seconds(agent.created_wall),
        updated_at=seconds(agent.updated_wall),
    )


def _check_size(data: Data) -> None:
    if len(msgspec.json.encode(data)) > MAX_DATA_BYTES:
        said = f"at most {MAX_DATA_BYTES} bytes as JSON"
        raise Unprocessable(said, [FieldError("config_data", said)])


async def _own(asked: Asked[Any, Any]) -> Agent:
    id_ = await own(IDS, asked, "agent")
    agent = await asked.edge.services.agents.get(asked.who, id_)
    if agent.kind is not AgentKind.AI:
        raise missing("business configuration", id_)
    return agent


EXAMPLE = {"name": "Business Name", "type": "customer_support", "config_data": {}}
READ, WRITE = "agents:read", "agents:write"
_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        f"{BASE}/config/business",
        list_business,
        "List business configurations",
        READ,
        returns=list[BusinessView],
    ),
    _row(
        "POST",
        f"{BASE}/config/business",
        create_business,
        "Create business configuration",
        WRITE,
        body=NewBusiness,
        returns=BusinessView,
        status=201,
        example=EXAMPLE,
    ),
    _row(
        "GET",
        f"{BASE}/config/business/{{agent}}",
        get_business,
        "Get business configuration",
        READ,
        returns=BusinessView,
    ),
    _row(
        "PUT",
        f"{BASE}/config/business/{{agent}}",
        change_business,
        "Update business configuration",
        WRITE,
        body=BusinessChanges,
        returns=BusinessView,
        example={"name": "New Name"},
    ),
    _row(
        "DELETE",
        f"{BASE}/config/business/{{agent}}",
        delete_business,
        "Delete business configuration",
        WRITE,
        returns=DoneView,
        refusals={AgentInUse: IN_USE},
    ),
    _row(
        "GET",
        f"{BASE}/config/business/{{agent}}/usage",
        get_business_usage,
        "Check if business config is in use",
        READ,
        returns=BusinessUseView,
    ),
)
