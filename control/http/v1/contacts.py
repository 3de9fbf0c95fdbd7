"""`/v1/contacts`: the people who write and call, by their numbers."""

import datetime
import functools
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.messages import Contact
from ...errors import Conflict, NotFound, Unprocessable
from ...services.contacts import ContactFilter, TierChange
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none
from .agents import given

TAG = "Contacts"

Number = Annotated[str, msgspec.Meta(max_length=32)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Tier = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class ContactQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which contacts."""

    tier: Tier | None = None
    is_active: bool | None = None
    search: ShortText | None = None
    "A part of the number, the name or the e-mail address."
    sort: Literal[
        "created_at", "-created_at", "full_name", "-full_name", "phone_number", "-phone_number"
    ] = "-created_at"


class NewContact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact to be made."""

    phone_number: Number
    full_name: ShortText = ""
    email: ShortText | None = None
    tier: Tier = "free"
    timezone: ShortText = "UTC"
    preferences: dict[str, Any] = {}
    is_active: bool = True


class ContactChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays. The number stays in any case."""

    full_name: ShortText | UnsetType = UNSET
    email: ShortText | None | UnsetType = UNSET
    tier: Tier | UnsetType = UNSET
    tier_reason: ShortText | UnsetType = UNSET
    "Why the tier is another one; kept in its history."
    timezone: ShortText | UnsetType = UNSET
    preferences: dict[str, Any] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class TierChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A change of tier."""

    tier: str
    previous: str
    at: datetime.datetime
    reason: str


class ContactView(NewContact, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact."""

    id: str
    seq: int
    owner_id: str
    tier_history: tuple[TierChangeView, ...]
    messages_in: int
    messages_out: int
    last_seen_at: datetime.datetime | None
    created_at: datetime.datetime
    updated_at: datetime.datetime


async def list_contacts(asked: Asked[ContactQuery, Nothing]) -> List[ContactView]:
    """Your contacts, newest first."""
    query = asked.query
    wanted = ContactFilter(tier=query.tier, is_active=query.is_active, search=query.search)
    page = await asked.edge.services.contacts.page(asked.who, query.page(), wanted)
    return list_of(page, [contact_view(contact) for contact in page.items])


async def create_contact(asked: Asked[Nothing, NewContact]) -> ContactView:
    """Make a contact. Whoever sends an SMS becomes one by themselves."""
    contact = Contact(owner_id=asked.who.account_id, **msgspec.structs.asdict(asked.body))
    return contact_view(await asked.edge.services.contacts.create(asked.who, contact))


async def get_contact(asked: Asked[Nothing, Nothing]) -> ContactView:
    """One contact, by number or id."""
    return contact_view(await asked.edge.services.contacts.get(asked.who, asked.path("key")))


async def change_contact(asked: Asked[Nothing, ContactChanges]) -> ContactView:
    """Change a contact; another tier is kept in its history."""
    changes = given(asked.body)
    reason = str(changes.pop("tier_reason", ""))
    contacts = asked.edge.services.contacts
    return contact_view(await contacts.change(asked.who, asked.path("key"), changes, reason))


async def delete_contact(asked: Asked[Nothing, Nothing]) -> None:
    """Delete a contact; its messages remain."""
    await asked.edge.services.contacts.delete(asked.who, asked.path("key"))


def contact_view(contact: Contact) -> ContactView:
    """A contact as the API shows it."""
    same = (
        *NewContact.__struct_fields__,
        *("id", "seq", "owner_id", "messages_in", "messages_out"),
    )
    history = msgspec.convert(contact.tier_history, tuple[TierChange, ...])
    return ContactView(
        **{name: getattr(contact, name) for name in same},
        tier_history=tuple(
            TierChangeView(
                tier=step.tier, previous=step.previous, at=utc(step.at_wall), reason=step.reason
            )
            for step in history
        ),
        last_seen_at=utc_or_none(contact.last_seen_wall),
        created_at=utc(contact.created_wall),
        updated_at=utc(contact.updated_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/contacts",
        list_contacts,
        "List contacts",
        "contacts:read",
        query=ContactQuery,
        returns=List[ContactView],
    ),
    _route(
        "POST",
        "/v1/contacts",
        create_contact,
        "Make a contact",
        "contacts:write",
        body=NewContact,
        returns=ContactView,
        status=201,
        problems=(Conflict, Unprocessable),
    ),
    _route(
        "GET",
        "/v1/contacts/{key}",
        get_contact,
        "Get a contact",
        "contacts:read",
        returns=ContactView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/contacts/{key}",
        change_contact,
        "Change a contact",
        "contacts:write",
        body=ContactChanges,
        returns=ContactView,
        problems=(NotFound, Unprocessable),
    ),
    _route(
        "DELETE",
        "/v1/contacts/{key}",
        delete_contact,
        "Delete a contact",
        "contacts:write",
        status=204,
        problems=(NotFound,),
    ),
)
