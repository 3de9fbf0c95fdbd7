"""One text for many contacts: made, shown, sent piece by piece, counted.

Its recipients are those who fit when it is made. A recipient's turn and the text in the outbox are
stored together: whenever the process ends, nobody gets it twice. How fast it goes is
messages/broadcast_runner.py's.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import func, insert, literal, select, update

from ...media.clock import Clock
from ..auth.principal import Principal
from ..domain.broadcasts import Broadcast, BroadcastStatus, Recipient, RecipientStatus
from ..domain.events import BroadcastEnded
from ..domain.messages import ErrorLog, SmsMessage, SmsStatus
from ..errors import FieldError, Unprocessable
from ..messages.sms_segments import segments_of
from ..store import schema
from ..store.active_owners import owner_is_active
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .accounts import why
from .error_logs import record
from .event_log import EventLog, Work
from .sms import MAX_SEGMENTS, NewSms, SmsService
from .sms_task_steps import INVALID_PHONE
from .sms_tasks import utc_moment

BROADCASTS = Rows(schema.BROADCASTS, Broadcast)
COLUMNS = schema.BROADCASTS.c
RECIPIENT = schema.BROADCAST_RECIPIENTS.c
CONTACT = schema.CONTACTS.c
MAX_TIERS = 20
MAX_RECIPIENTS = 100_000
"Of one broadcast."
UNENDED = (BroadcastStatus.QUEUED.value, BroadcastStatus.SENDING.value)
BECOMES: dict[SmsStatus, RecipientStatus] = {
    SmsStatus.RECEIVED: RecipientStatus.SENT,
    SmsStatus.KEPT: RecipientStatus.SENT,
    SmsStatus.QUEUED: RecipientStatus.HANDED,
    SmsStatus.SENT: RecipientStatus.SENT,
    SmsStatus.DELIVERED: RecipientStatus.SENT,
    SmsStatus.FAILED: RecipientStatus.FAILED,
}


class BroadcastService:
    """The verbs."""

    def __init__(self, database: Database, events: EventLog, sms: SmsService, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._sms = sms
        self._clock = clock
        self.on_pending: Callable[[], None] = _nobody
        "There is something to be sent: whoever does may look."
        self.per_s = 20.0
        "Texts that go to the outbox in a second."
        sms.on_finished = self._finished

    # --- for accounts ---------------------------------------------------------------------------

    async def create(
        self, who: Principal, message: str, tiers: tuple[str, ...] = (), type_: str = "announcement"
    ) -> Broadcast:
        """Have a text sent to the active contacts of these tiers, of all of them without any.

        Raises Unprocessable naming fields.
        """
        if errors := _faults(message, tiers):
            raise Unprocessable("the broadcast does not fit", errors)
        now, owner_id = self._clock.wall(), who.account_id
        day = int(utc_moment(now).strftime("%Y%m%d"))
        broadcast = Broadcast(
            owner_id=owner_id,
            message=message,
            tiers=tuple(dict.fromkeys(tiers)),
            type=type_,
            day=day,
            created_wall=now,
            updated_wall=now,
        )
        async with self._database.write() as tx:
            last = select(func.max(COLUMNS.number)).where(COLUMNS.day == day)
            number = ((await tx.execute(last)).scalar_one() or 0) + 1
            broadcast = msgspec.structs.replace(broadcast, number=number)
            broadcast = await BROADCASTS.add(tx, broadcast)
            count = await _add_recipients(tx, broadcast)
            if count > MAX_RECIPIENTS:
                said = f"more than {MAX_RECIPIENTS} contacts have them"
                raise Unprocessable("too many recipients", [FieldError("tiers", said)])
            broadcast = await BROADCASTS.update(tx, broadcast, recipients=count)
        self.on_pending()
        return broadcast

    async def get(self, who: Principal, id_: str) -> Broadcast:
        """One. Raises NotFound."""
        async with self._database.read() as tx:
            broadcast = await BROADCASTS.get(tx, id_, owner_of(who))
        if broadcast is None:
            raise missing("broadcast", id_)
        return broadcast

    async def of_day(self, who: Principal, day: int, number: int) -> Broadcast:
        """The one with this number of that day (20261130). Raises NotFound."""
        where = (COLUMNS.day == day, COLUMNS.number == number)
        async with self._database.read() as tx:
            broadcast = await BROADCASTS.find(tx, owner_of(who), *where)
        if broadcast is None:
            raise missing("broadcast", f"{day}_{number}")
        return broadcast

    async def page(self, who: Principal, query: PageQuery) -> Page[Broadcast]:
        """Broadcasts in pages."""
        async with self._database.read() as tx:
            return await BROADCASTS.page(tx, owner_of(who), query)

    # --- for what sends -------------------------------------------------------------------------

    async def hand(self, limit: int) -> int:
        """Give the outbox the next texts of the oldest broadcast; returns how many.

        0: there is nothing to be sent. One without recipients counts as one. Raises StoreError.
        """
        now = self._clock.wall()
        async with self._events.writing() as work:
            waiting = RECIPIENT.status == RecipientStatus.WAITING.value
            of_it = (RECIPIENT.broadcast_id == COLUMNS.id, waiting)
            unsent = select(RECIPIENT.seq).where(*of_it).exists() | (COLUMNS.recipients == 0)
            where = (COLUMNS.status.in_(UNENDED), unsent, owner_is_active(COLUMNS.owner_id))
            found = await BROADCASTS.first(work.tx, None, *where, order=(COLUMNS.seq,), limit=1)
            if not found:
                return 0
            (broadcast,) = found
            recipients = await _waiting(work.tx, broadcast.id, limit)
            sent = failed = 0
            for recipient in recipients:
                status = await self._hand(work, broadcast, recipient, now)
                sent += status is RecipientStatus.SENT
                failed += status is RecipientStatus.FAILED
            await _count(work, broadcast, sent, failed, now)
        return max(1, len(recipients))

    async def _hand(
        self, work: Work, broadcast: Broadcast, recipient: Recipient, now: float
    ) -> RecipientStatus:
        wanted = NewSms(to=recipient.to_number, body=broadcast.message, kind="broadcast")
        values: dict[str, Any] = {}
        try:
            message = await self._sms.send_in(work, broadcast.owner_id, wanted)
        except Unprocessable as exc:
            status = RecipientStatus.FAILED
            entry = ErrorLog(
                owner_id=broadcast.owner_id,
                type=INVALID_PHONE,
                message=f"a broadcast could not be sent: {why(exc)}",
                contact_id=recipient.contact_id,
                phone_number=recipient.to_number,
                context={"broadcast_id": broadcast.id},
            )
            await record(work.tx, entry, now)
        else:
            status = BECOMES[message.status]
            values["message_id"] = message.id
        changed = update(schema.BROADCAST_RECIPIENTS).where(RECIPIENT.seq == recipient.seq)
        await work.tx.execute(changed.values(status=status.value, **values))
        return status

    async def _finished(self, work: Work, message: SmsMessage) -> None:
        """The outbox is done with an SMS: was it one of ours?"""
        if message.kind != "broadcast":
            return
        handed = RECIPIENT.status == RecipientStatus.HANDED.value
        query = select(RECIPIENT.seq, RECIPIENT.broadcast_id)
        found = (
            await work.tx.execute(query.where(RECIPIENT.message_id == message.id, handed))
        ).first()
        broadcast = None if found is None else await BROADCASTS.get(work.tx, found[1], None)
        if found is None or broadcast is None:
            return
        status = BECOMES[message.status]
        changed = update(schema.BROADCAST_RECIPIENTS).where(RECIPIENT.seq == found[0])
        await work.tx.execute(changed.values(status=status.value))
        sent = status is RecipientStatus.SENT
        await _count(work, broadcast, int(sent), int(not sent), message.updated_wall)


async def _count(work: Work, broadcast: Broadcast, sent: int, failed: int, now: float) -> None:
    sent, failed = broadcast.sent + sent, broadcast.failed + failed
    is_over = sent + failed >= broadcast.recipients
    broadcast = await BROADCASTS.update(
        work.tx,
        broadcast,
        status=BroadcastStatus.COMPLETED if is_over else BroadcastStatus.SENDING,
        sent=sent,
        failed=failed,
        started_wall=broadcast.started_wall or now,
        finished_wall=now if is_over else None,
        updated_wall=now,
    )
    if is_over:
        told = {name: getattr(broadcast, name) for name in ("recipients", "sent", "failed")}
        work.tell(
            broadcast.owner_id, BroadcastEnded(at_wall=now, broadcast_id=broadcast.id, **told)
        )


async def _add_recipients(tx: Transaction, broadcast: Broadcast) -> int:
    where = [CONTACT.owner_id == broadcast.owner_id, CONTACT.is_active.is_(True)]
    if broadcast.tiers:
        where.append(CONTACT.tier.in_(broadcast.tiers))
    chosen = select(
        literal(broadcast.owner_id),
        literal(broadcast.id),
        CONTACT.id,
        CONTACT.phone_number,
        literal(RecipientStatus.WAITING.value),
    ).where(*where)
    names = ["owner_id", "broadcast_id", "contact_id", "to_number", "status"]
    chosen = chosen.order_by(CONTACT.seq).limit(MAX_RECIPIENTS + 1)
    await tx.execute(insert(schema.BROADCAST_RECIPIENTS).from_select(names, chosen))
    counted = select(func.count()).where(RECIPIENT.broadcast_id == broadcast.id)
    return int((await tx.execute(counted)).scalar_one())


async def _waiting(tx: Transaction, broadcast_id: str, limit: int) -> list[Recipient]:
    names = Recipient.__struct_fields__
    query = (
        select(*(RECIPIENT[name] for name in names))
        .where(
            RECIPIENT.broadcast_id == broadcast_id,
            RECIPIENT.status == RecipientStatus.WAITING.value,
        )
        .order_by(RECIPIENT.seq)
        .limit(limit)
    )
    rows = await tx.execute(query)
    return [msgspec.convert(dict(zip(names, row, strict=True)), Recipient) for row in rows]


def _faults(message: str, tiers: tuple[str, ...]) -> list[FieldError]:
    found: list[FieldError] = []
    if not message.strip():
        found.append(FieldError("message", "there is no text"))
    elif segments_of(message).segments > MAX_SEGMENTS:
        found.append(FieldError("message", f"it takes more than {MAX_SEGMENTS} SMS"))
    if len(tiers) > MAX_TIERS:
        found.append(FieldError("tiers", f"at most {MAX_TIERS}"))
    return found


def _nobody() -> None:
    """Before there is somebody who sends."""
