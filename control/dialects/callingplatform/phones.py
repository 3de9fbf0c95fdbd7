"""Phone numbers, and the agents that answer them."""

import functools
from typing import Any

from msgspec import UNSET, UnsetType

from ...domain.agents import Agent
from ...domain.numbers import PhoneNumber
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ...services.agents import AgentFilter
from ...services.numbers import NumberFilter
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row
from ..identifiers import named, own
from ..moments import Moment, millis
from ..reading import Phone, Short
from .forms import BASE, IDS, Shown

TAG = "Phone Numbers"
MOST = 1000
"Numbers, and agents, that are shown: the list has no pages."


class NewPhone(Shown, frozen=True, kw_only=True):
    """A number, and who answers it."""

    phone_number: Phone
    agent_id: Short


class PhoneChanges(Shown, frozen=True, kw_only=True):
    """What is to be different."""

    agent_id: Short | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class PhoneChanged(Shown, frozen=True, kw_only=True):
    """A number that was changed."""

    id: str
    phone_number: str
    agent_id: str | None
    is_active: bool


class PhoneView(PhoneChanged, frozen=True, kw_only=True):
    """A number that was registered."""

    user_id: str
    created_at: Moment


class NamedAgent(Shown, frozen=True, kw_only=True):
    """Who answers."""

    id: str
    name: str


class PhoneItem(Shown, frozen=True, kw_only=True):
    """A number in the list: here `agentId` is the agent."""

    id: str
    phone_number: str
    agent_id: NamedAgent | None
    is_active: bool


async def register_phone(asked: Asked[Nothing, NewPhone]) -> PhoneView:
    """Register a number: calls to it are answered by its agent."""
    number = PhoneNumber(
        owner_id=asked.who.account_id,
        number=asked.body.phone_number,
        agent_id=await named(IDS, asked, "agent", asked.body.agent_id),
    )
    number = await asked.edge.services.numbers.create(asked.who, number)
    return PhoneView(
        **_shown(number),
        user_id=IDS.show("account", number.owner_id),
        created_at=millis(number.created_wall),
    )


async def list_phones(asked: Asked[Nothing, Nothing]) -> list[PhoneItem]:
    """Your numbers, newest first."""
    services, all_ = asked.edge.services, PageQuery(limit=MOST)
    page = await services.numbers.page(asked.who, all_, NumberFilter())
    agents = await services.agents.page(asked.who, all_, AgentFilter())
    by_id = {agent.id: agent for agent in agents.items}
    return [_item(number, by_id.get(number.agent_id or "")) for number in page.items]


async def change_phone(asked: Asked[Nothing, PhoneChanges]) -> PhoneChanged:
    """Give a number another agent, or switch it on or off."""
    id_ = await own(IDS, asked, "number")
    changes: dict[str, Any] = given(asked.body)
    if "agent_id" in changes:
        changes["agent_id"] = await named(IDS, asked, "agent", changes["agent_id"])
    return PhoneChanged(**_shown(await asked.edge.services.numbers.change(asked.who, id_, changes)))


def _shown(number: PhoneNumber) -> dict[str, Any]:
    return {
        "id": IDS.show("number", number.id),
        "phone_number": number.number,
        "agent_id": IDS.show_or_none("agent", number.agent_id),
        "is_active": number.is_active,
    }


def _item(number: PhoneNumber, agent: Agent | None) -> PhoneItem:
    shown = _shown(number)
    if agent is not None:
        shown["agent_id"] = NamedAgent(id=shown["agent_id"], name=agent.name)
    else:
        shown["agent_id"] = None
    return PhoneItem(**shown)


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        f"{BASE}/phones",
        register_phone,
        "Register phone number",
        "numbers:write",
        body=NewPhone,
        returns=PhoneView,
        status=201,
        message="Phone number registered successfully",
        example={"phoneNumber": "+919876543210", "agentId": "{agent}"},
    ),
    _row(
        "GET",
        f"{BASE}/phones",
        list_phones,
        "List phone numbers",
        "numbers:read",
        returns=list[PhoneItem],
    ),
    _row(
        "PUT",
        f"{BASE}/phones/{{number}}",
        change_phone,
        "Update phone number",
        "numbers:write",
        body=PhoneChanges,
        returns=PhoneChanged,
        message="Phone number updated successfully",
        example={"isActive": True},
    ),
)
