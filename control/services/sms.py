"""SMS: sent by the outbox, received from whoever takes them in; both are counted with contacts.

An SMS that goes out has the id of its message in the outbox. Not here: how it is sent.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

import msgspec
from sqlalchemy import or_

from ...media.clock import Clock
from ..auth.principal import OPERATOR_ID, Principal
from ..dialer.dialling import spellings
from ..domain.events import SmsFailed, SmsReceived, SmsSent
from ..domain.messages import Contact, OutboxMessage, OutboxStatus, SmsMessage, SmsStatus
from ..errors import FieldError, Unprocessable
from ..messages.sms_numbers import sms_number
from ..messages.sms_segments import segments_of
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .contacts import count_in, count_out
from .event_log import EventLog, Work
from .numbers import NUMBERS
from .outbox import Outbox

MESSAGES = Rows(schema.SMS_MESSAGES, SmsMessage)
COLUMNS = schema.SMS_MESSAGES.c
MAX_SEGMENTS = 10
"Of one message: phones and carriers differ beyond it."

SmsKind: TypeAlias = Literal["code", "reply", "notification", "broadcast", "message"]
STATUS_OF: dict[OutboxStatus, SmsStatus] = {
    OutboxStatus.KEPT: SmsStatus.KEPT,
    OutboxStatus.WAITING: SmsStatus.QUEUED,
    OutboxStatus.SENT: SmsStatus.SENT,
    OutboxStatus.FAILED: SmsStatus.FAILED,
}


class NewSms(msgspec.Struct, frozen=True, kw_only=True):
    """An SMS that is wanted."""

    to: str
    body: str
    from_: str = ""
    "One of the account's numbers; empty: the first of them, or what the provider has."
    kind: SmsKind = "message"
    reply_from: str = ""
    """The number that they wrote to, which a reply comes from: the provider knows it, whether it
    is kept here or not. Not for what clients say."""


class SmsFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages; None: all."""

    inbound: bool | None = None
    status: SmsStatus | None = None
    kind: SmsKind | None = None
    number: str | None = None
    "Of either side, however it is written."
    contact_id: str | None = None
    search: str | None = None
    "A part of the text."


class SmsService:
    """The verbs."""

    def __init__(self, database: Database, events: EventLog, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._outbox = outbox
        self._clock = clock
        self.on_received: Callable[[Work, SmsMessage, Contact], Awaitable[None]] | None = None
        "Told of what comes in, in the transaction that stores it."
        self.on_finished: Callable[[Work, SmsMessage], Awaitable[None]] | None = None
        "Told of what was sent or has failed, likewise."
        outbox.when_finished("sms", self._finished)

    # --- to be read -----------------------------------------------------------------------------

    async def get(self, who: Principal, id_: str) -> SmsMessage:
        """One message. Raises NotFound."""
        async with self._database.read() as tx:
            message = await MESSAGES.get(tx, id_, owner_of(who))
        if message is None:
            raise missing("message", id_)
        return message

    async def page(self, who: Principal, query: PageQuery, wanted: SmsFilter) -> Page[SmsMessage]:
        """Messages in pages."""
        where = []
        for name in ("inbound", "kind", "contact_id"):
            if (value := getattr(wanted, name)) is not None:
                where.append(COLUMNS[name] == value)
        if wanted.status is not None:
            where.append(COLUMNS.status == wanted.status.value)
        if wanted.number is not None:
            forms = spellings(wanted.number)
            where.append(or_(COLUMNS.from_number.in_(forms), COLUMNS.to_number.in_(forms)))
        if wanted.search:
            where.append(COLUMNS.body.icontains(wanted.search, autoescape=True))
        async with self._database.read() as tx:
            return await MESSAGES.page(tx, owner_of(who), query, *where)

    # --- out ------------------------------------------------------------------------------------

    async def send(self, who: Principal, wanted: NewSms) -> SmsMessage:
        """Send one; its owner is whoever asks. Raises Unprocessable naming fields."""
        async with self._events.writing() as work:
            return await self.send_in(work, who.account_id, wanted)

    async def send_in(self, work: Work, owner_id: str, wanted: NewSms) -> SmsMessage:
        """The same as a part of something larger. Raises Unprocessable."""
        to = sms_number(wanted.to)
        errors = list(_faults(to, wanted.body))
        from_number, fault = wanted.reply_from, None
        if not from_number:
            from_number, fault = await _sender(work.tx, owner_id, wanted.from_)
        errors += [] if fault is None else [fault]
        if errors or to is None:
            raise Unprocessable("the message cannot be sent", errors)
        contact = await count_out(work.tx, owner_id, to)
        now = self._clock.wall()
        message = SmsMessage(
            owner_id=owner_id,
            inbound=False,
            from_number=from_number,
            to_number=to,
            body=wanted.body,
            kind=wanted.kind,
            status=SmsStatus.QUEUED,
            contact_id=None if contact is None else contact.id,
            created_wall=now,
            updated_wall=now,
        )
        sent = await self._outbox.send(
            *(work, "sms", to, "", wanted.body, owner_id),
            id_=message.id,
            from_number=wanted.reply_from,
        )
        status = STATUS_OF[sent.status]
        message = msgspec.structs.replace(message, status=status, error=sent.error)
        message = await MESSAGES.add(work.tx, message)
        if status is SmsStatus.FAILED:
            work.tell(owner_id, SmsFailed(**_told(message, now), error=message.error))
        return message

    async def _finished(self, work: Work, sent: OutboxMessage) -> None:
        """The outbox is done with one."""
        message = await MESSAGES.get(work.tx, sent.id, None)
        if message is None:
            return  # a code, or what else is kept nowhere but there
        message = await MESSAGES.update(
            work.tx,
            message,
            status=STATUS_OF[sent.status],
            error=sent.error,
            provider_sid=sent.reference or None,
            sent_wall=sent.sent_wall,
            updated_wall=sent.updated_wall,
        )
        told = _told(message, sent.updated_wall)
        if sent.status is OutboxStatus.SENT:
            work.tell(message.owner_id, SmsSent(**told))
        else:
            work.tell(message.owner_id, SmsFailed(**told, error=message.error))
        if self.on_finished is not None:
            await self.on_finished(work, message)

    async def report(self, provider_sid: str, status: SmsStatus, error: str = "") -> None:
        """A provider tells what became of one that it had taken; of an unknown one, nothing."""
        now = self._clock.wall()
        sent = COLUMNS.status == SmsStatus.SENT.value
        async with self._events.writing() as work:
            wanted = (COLUMNS.provider_sid == provider_sid, COLUMNS.inbound.is_(False), sent)
            message = await MESSAGES.find(work.tx, None, *wanted)
            if message is None:
                return
            message = await MESSAGES.update(
                work.tx, message, status=status, error=error, updated_wall=now
            )
            if status is SmsStatus.FAILED:
                work.tell(message.owner_id, SmsFailed(**_told(message, now), error=error))

    # --- in -------------------------------------------------------------------------------------

    async def receive(
        self, from_number: str, to_number: str, body: str, provider_sid: str | None = None
    ) -> SmsMessage:
        """One has come in, by a webhook or a modem: it belongs to the owner of the number.

        Providers tell again what they are not sure of: the same `provider_sid` is the same message.
        Raises Unprocessable when a number is none.
        """
        sender, number = sms_number(from_number), sms_number(to_number)
        errors = [
            FieldError(name, "not a number")
            for name, value in (("from", sender), ("to", number))
            if value is None
        ]
        if sender is None or number is None:
            raise Unprocessable("the message cannot be taken in", errors)
        now = self._clock.wall()
        async with self._events.writing() as work:
            ours = await NUMBERS.find(work.tx, None, NUMBERS.table.c.number.in_(spellings(number)))
            owner_id = OPERATOR_ID if ours is None else ours.owner_id
            if provider_sid is not None:
                told = (COLUMNS.provider_sid == provider_sid, COLUMNS.inbound.is_(True))
                known = await MESSAGES.find(work.tx, owner_id, *told)
                if known is not None:
                    return known
            contact = await count_in(work.tx, owner_id, sender, now)
            message = await MESSAGES.add(
                work.tx,
                SmsMessage(
                    owner_id=owner_id,
                    inbound=True,
                    from_number=sender,
                    to_number=number,
                    body=body,
                    status=SmsStatus.RECEIVED,
                    provider_sid=provider_sid,
                    contact_id=contact.id,
                    created_wall=now,
                    updated_wall=now,
                ),
            )
            work.tell(owner_id, SmsReceived(**_told(message, now)))
            if self.on_received is not None:
                await self.on_received(work, message, contact)
            return message


def _faults(to: str | None, body: str) -> list[FieldError]:
    found: list[FieldError] = []
    if to is None:
        found.append(FieldError("to", "a number of 3 to 15 digits, as +15551230001 is one"))
    if not body.strip():
        found.append(FieldError("body", "there is no text"))
    elif segments_of(body).segments > MAX_SEGMENTS:
        found.append(FieldError("body", f"it takes more than {MAX_SEGMENTS} SMS"))
    return found


async def _sender(tx: Transaction, owner_id: str, wanted: str) -> tuple[str, FieldError | None]:
    """The number that a message goes out from: one of the account's own."""
    columns = NUMBERS.table.c
    if not wanted:
        first = await NUMBERS.all(tx, owner_id, columns.is_active.is_(True), limit=1)
        return (first[0].number, None) if first else ("", None)
    own = await NUMBERS.find(tx, owner_id, columns.number.in_(spellings(wanted)))
    if own is None or not own.is_active:
        return "", FieldError("from", "not one of your numbers, or not active")
    return own.number, None


def _told(message: SmsMessage, wall: float) -> dict[str, Any]:
    return {
        "at_wall": wall,
        "message_id": message.id,
        "from_number": message.from_number,
        "to_number": message.to_number,
        "body": message.body,
        "contact_id": message.contact_id,
    }
