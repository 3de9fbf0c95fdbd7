"""Contacts: the people who write and call, each known to an account by a number; their tiers.

Not their messages (sms.py), which count themselves here.
"""

from typing import Any

import msgspec
from sqlalchemy import insert, or_

from ...media.clock import Clock
from ..auth.principal import Principal
from ..dialer.dialling import spellings
from ..domain.messages import Contact
from ..errors import Conflict, FieldError, Unprocessable
from ..lines.open_hours import zone_of
from ..messages.sms_numbers import sms_number
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of

CONTACTS = Rows(schema.CONTACTS, Contact)
COLUMNS = schema.CONTACTS.c
MAX_HISTORY = 100
"Changes of tier that are kept with a contact; older ones are forgotten."
MAX_PREFERENCES_BYTES = 16 * 1024
TIERS: tuple[str, ...] = ("free", "premium", "enterprise")
"From the lowest to the highest; others have no place among them."
SEARCHED = (COLUMNS.phone_number, COLUMNS.full_name, COLUMNS.email)

_encode = msgspec.json.Encoder().encode


class TierChange(msgspec.Struct, frozen=True, kw_only=True):
    """A contact's tier was another one before."""

    tier: str
    previous: str
    at_wall: float
    reason: str = ""


class ContactFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which contacts; None: all."""

    tier: str | None = None
    is_active: bool | None = None
    search: str | None = None
    "A part of the number, the name or the address."


class ContactService:
    """The verbs. A contact is named by its id or its number."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, who: Principal, contact: Contact) -> Contact:
        """Store a new one; its owner is whoever asks. Raises Conflict and Unprocessable."""
        number = sms_number(contact.phone_number)
        errors = [] if number is not None else [_no_number()]
        errors += _faults(contact)
        if errors:
            raise Unprocessable("the contact does not fit", errors)
        now = self._clock.wall()
        contact = msgspec.structs.replace(
            contact,
            owner_id=who.account_id,
            phone_number=number,
            created_wall=now,
            updated_wall=now,
        )
        async with self._database.write() as tx:
            if await known(tx, who.account_id, contact.phone_number) is not None:
                raise Conflict("there is a contact with that number already")
            return await CONTACTS.add(tx, contact)

    async def get(self, who: Principal, key: str) -> Contact:
        """One contact. Raises NotFound."""
        async with self._database.read() as tx:
            return await self._get(tx, who, key)

    async def page(self, who: Principal, query: PageQuery, wanted: ContactFilter) -> Page[Contact]:
        """Contacts in pages."""
        where = []
        if wanted.tier is not None:
            where.append(COLUMNS.tier == wanted.tier)
        if wanted.is_active is not None:
            where.append(COLUMNS.is_active == wanted.is_active)
        if wanted.search:
            found = (column.icontains(wanted.search, autoescape=True) for column in SEARCHED)
            where.append(or_(*found))
        async with self._database.read() as tx:
            return await CONTACTS.page(tx, owner_of(who), query, *where)

    async def change(
        self, who: Principal, key: str, changes: dict[str, Any], reason: str = ""
    ) -> Contact:
        """Change some fields; another tier goes into the history, with the reason.

        Raises NotFound and Unprocessable.
        """
        now = self._clock.wall()
        async with self._database.write() as tx:
            contact = await self._get(tx, who, key)
            if errors := _faults(msgspec.structs.replace(contact, **changes)):
                raise Unprocessable("the contact does not fit", errors)
            tier = changes.get("tier", contact.tier)
            if tier != contact.tier:
                step = TierChange(tier=tier, previous=contact.tier, at_wall=now, reason=reason)
                history = (*contact.tier_history, msgspec.to_builtins(step))
                changes = changes | {"tier_history": history[-MAX_HISTORY:]}
                await _count_change(tx, contact, step)
            return await CONTACTS.update(tx, contact, **changes, updated_wall=now)

    async def delete(self, who: Principal, key: str) -> None:
        """Delete one; its messages remain. Raises NotFound."""
        async with self._database.write() as tx:
            contact = await self._get(tx, who, key)
            await CONTACTS.delete(tx, contact.id, contact.owner_id)

    async def _get(self, tx: Transaction, who: Principal, key: str) -> Contact:
        contact = await CONTACTS.get(tx, key, owner_of(who))
        if contact is None and sms_number(key) is not None:
            # Several accounts may know a number: an administrator means their own contact first.
            contact = await known(tx, who.account_id, key)
            if contact is None and who.is_admin:
                contact = await known(tx, None, key)
        if contact is None:
            raise missing("contact", key)
        return contact


# --- for messages ---------------------------------------------------------------------------------


async def known(tx: Transaction, owner_id: str | None, number: str) -> Contact | None:
    """The contact with this number, however it is written."""
    return await CONTACTS.find(tx, owner_id, COLUMNS.phone_number.in_(spellings(number)))


async def seen(tx: Transaction, owner_id: str, number: str, wall: float) -> Contact:
    """They want something; whoever is not known yet is from now on."""
    contact = await known(tx, owner_id, number)
    if contact is None:
        contact = await CONTACTS.add(
            tx,
            Contact(owner_id=owner_id, phone_number=number, created_wall=wall, updated_wall=wall),
        )
    return await CONTACTS.update(tx, contact, last_seen_wall=wall)


async def count_in(tx: Transaction, owner_id: str, number: str, wall: float) -> Contact:
    """They have written."""
    contact = await seen(tx, owner_id, number, wall)
    return await CONTACTS.update(tx, contact, messages_in=contact.messages_in + 1)


async def count_out(tx: Transaction, owner_id: str, number: str) -> Contact | None:
    """They were written to."""
    contact = await known(tx, owner_id, number)
    if contact is None:
        return None
    return await CONTACTS.update(tx, contact, messages_out=contact.messages_out + 1)


async def _count_change(tx: Transaction, contact: Contact, change: TierChange) -> None:
    """For figures: histories are forgotten in part, and cannot be counted by a database."""
    step = 0
    if change.tier in TIERS and change.previous in TIERS:
        step = 1 if TIERS.index(change.tier) > TIERS.index(change.previous) else -1
    row = {
        "owner_id": contact.owner_id,
        "contact_id": contact.id,
        "tier": change.tier,
        "previous": change.previous,
        "step": step,
        "at_wall": change.at_wall,
    }
    await tx.execute(insert(schema.TIER_CHANGES).values(row))


def _no_number() -> FieldError:
    return FieldError("phone_number", "a number of 3 to 15 digits, as +15551230001 is one")


def _faults(contact: Contact) -> list[FieldError]:
    found: list[FieldError] = []
    try:
        zone_of(contact.timezone)
    except ValueError as exc:
        found.append(FieldError("timezone", str(exc)))
    if len(_encode(contact.preferences)) > MAX_PREFERENCES_BYTES:
        found.append(FieldError("preferences", f"at most {MAX_PREFERENCES_BYTES} bytes as JSON"))
    return found
