"""The outbox: everything that leaves by SMS, e-mail or Telegram, and what became of it.

A message is stored with what it tells of, in one transaction. Where a channel has a sender it then
waits for it (messages/outbox_sender.py); where it has none it is kept, shown to administrators, and
never said to be sent. Codes are sealed, and blanked when they have been sent (secret_texts.py).
Not here: how one is sent, nor when again (messages/outbox_delivery.py).
"""

import random
from collections.abc import Awaitable, Callable, Collection
from typing import Literal, TypeAlias

import msgspec

from ...media.clock import Clock
from ..domain.events import OutboxKept
from ..domain.messages import ErrorLog, OutboxMessage, OutboxStatus
from ..errors import Conflict
from ..messages.outbox_delivery import Answer, Sender, judge
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing
from .error_logs import record
from .event_log import EventLog, Work
from .secret_texts import BLANK, Box, is_blank, is_over, opened, sealed, shown

OUTBOX = Rows(schema.OUTBOX, OutboxMessage)
COLUMNS = schema.OUTBOX.c
WAITING = COLUMNS.status == OutboxStatus.WAITING.value
JUDGED = (
    *("status", "attempts", "next_try_wall", "sent_wall"),
    *("reference", "error", "updated_wall"),
)
"What a try changes."
GONE = "its code is good no longer"
"Why a message is not sent any more."

Channel: TypeAlias = Literal["sms", "email", "telegram"]
Finished = Callable[[Work, OutboxMessage], Awaitable[None]]
"Told of a message that was sent or has failed, in the transaction that stores it."


class OutboxFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages; None: all."""

    to: str | None = None
    "Exactly."
    channel: Channel | None = None
    status: OutboxStatus | None = None


class Outbox:
    """The verbs. Those with an id are for administrators: the routes see to it."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        clock: Clock,
        rng: random.Random,
        box: Box,
    ) -> None:
        """`box` seals what is secret."""
        self._box = box
        self._database = database
        self._events = events
        self._clock = clock
        self._rng = rng
        self.senders: dict[str, Sender] = {}
        "By channel: what is configured. Set before the server starts."
        self.refusals: dict[str, Callable[[str], str]] = {}
        """By channel, where it has no sender: why what is sent to this address fails; empty: it
        does not. A simulated provider."""
        self._finished: dict[str, Finished] = {}
        self._watchers: list[Callable[[], None]] = []

    def when_finished(self, channel: Channel, told: Finished) -> None:
        """Whoever else keeps messages of a channel is told what became of them."""
        self._finished[channel] = told

    def watch(self, callback: Callable[[], None]) -> None:
        """Call back, at once and without waiting, when something may be waiting soon."""
        self._watchers.append(callback)

    # --- for other services ---------------------------------------------------------------------

    async def send(
        self,
        tx: Transaction | Work,
        channel: Channel,
        to: str,
        subject: str,
        body: str,
        owner_id: str | None = None,
        *,
        id_: str | None = None,
        from_number: str = "",
        secret_until_wall: float | None = None,
    ) -> OutboxMessage:
        """Let a message leave, if the transaction is kept: sent when its channel has a sender.

        `subject` of e-mails; `owner_id`: whose doing it is, None for the server's own; `id_`: its
        id, where the sender keeps it elsewhere too; `from_number`: which of its provider's numbers
        an SMS must come from; `secret_until_wall`: how long the code in it is good. With a Work the
        events are told.
        """
        now = self._clock.wall()
        message = OutboxMessage(
            owner_id=owner_id,
            channel=channel,
            to=to,
            from_number=from_number,
            subject=subject,
            body=body,
            secret_until_wall=secret_until_wall,
            created_wall=now,
            updated_wall=now,
        )
        if id_ is not None:
            message = msgspec.structs.replace(message, id=id_)
        work = tx if isinstance(tx, Work) else None
        tx = tx.tx if isinstance(tx, Work) else tx
        if channel in self.senders:
            waiting = OutboxStatus.WAITING
            message = msgspec.structs.replace(message, status=waiting, next_try_wall=now)
            self._changed()
        elif channel in self.refusals and (why := self.refusals[channel](to)):
            failed = OutboxStatus.FAILED
            message = msgspec.structs.replace(message, status=failed, attempts=1, error=why)
            await self._log_failure(tx, message)
        elif work is not None:
            # Administrators see the outbox: only they are told.
            work.tell(None, OutboxKept(at_wall=now, outbox_id=message.id, channel=channel))
        return await OUTBOX.add(tx, sealed(self._box, message))

    # --- for administrators ---------------------------------------------------------------------

    async def page(self, query: PageQuery, wanted: OutboxFilter) -> Page[OutboxMessage]:
        """Messages in pages."""
        where = []
        if wanted.to is not None:
            where.append(COLUMNS.to == wanted.to)
        if wanted.channel is not None:
            where.append(COLUMNS.channel == wanted.channel)
        if wanted.status is not None:
            where.append(COLUMNS.status == wanted.status.value)
        async with self._database.read() as tx:
            page = await OUTBOX.page(tx, None, query, *where)
        now = self._clock.wall()
        items = tuple(shown(self._box, message, now) for message in page.items)
        return msgspec.structs.replace(page, items=items)

    async def get(self, id_: str) -> OutboxMessage:
        """One message. Raises NotFound."""
        async with self._database.read() as tx:
            message = await self._get(tx, id_)
        return shown(self._box, message, self._clock.wall())

    async def retry(self, id_: str) -> OutboxMessage:
        """Send a message that was kept or has failed, or waits, now, with all its tries again.

        Raises NotFound, and Conflict when it was sent, is good no longer, or nothing is configured
        to send it by.
        """
        now = self._clock.wall()
        async with self._database.write() as tx:
            message = await self._get(tx, id_)
            if message.status is OutboxStatus.SENT:
                raise Conflict("it has been sent already")
            if is_over(message, now) or is_blank(message):
                raise Conflict(GONE)
            if message.channel not in self.senders:
                raise Conflict(f"nothing is configured to send {message.channel} by")
            changed = await OUTBOX.update(
                tx,
                message,
                status=OutboxStatus.WAITING,
                attempts=0,
                next_try_wall=now,
                updated_wall=now,
            )
        self._changed()
        return shown(self._box, changed, now)

    async def delete(self, id_: str) -> None:
        """Delete one, sent or not; one that is on its way now may still arrive. Raises NotFound."""
        async with self._database.write() as tx:
            if not await OUTBOX.delete(tx, id_, None):
                raise missing("outbox message", id_)

    # --- for what sends -------------------------------------------------------------------------

    async def keep_unsendable(self) -> int:
        """What waits for a channel that has no sender any more is kept; returns how many."""
        async with self._database.write() as tx:
            return await OUTBOX.update_where(
                tx,
                None,
                WAITING,
                COLUMNS.channel.not_in(tuple(self.senders)),
                status=OutboxStatus.KEPT.value,
                next_try_wall=None,
                updated_wall=self._clock.wall(),
            )

    async def due(self, channel: str, limit: int) -> Collection[OutboxMessage]:
        """Messages that are to be tried now, those that wait longest first. Raises StoreError."""
        where = (WAITING, COLUMNS.channel == channel)
        # As the writer: whoever has just told of a message may not have committed it yet.
        async with self._database.write() as tx:
            query = PageQuery(limit=limit, sort="next_try_wall")
            now = self._clock.wall()
            page = await OUTBOX.page(tx, None, query, *where, COLUMNS.next_try_wall <= now)
            found: list[OutboxMessage] = []
            for message in page.items:
                whole = None if is_over(message, now) else opened(self._box, message)
                if whole is None:
                    await self._give_up(tx, message)
                else:
                    found.append(whole)
        return found

    async def forget(self) -> int:
        """Blank the codes that are good no longer; returns how many. Raises StoreError.

        Those that wait are looked at when they are due.
        """
        over = COLUMNS.secret_until_wall <= self._clock.wall()
        where = (over, COLUMNS.body != BLANK, COLUMNS.status != OutboxStatus.WAITING.value)
        async with self._database.read() as tx:
            if not await OUTBOX.count(tx, None, *where):
                return 0
        async with self._database.write() as tx:
            return await OUTBOX.update_where(tx, None, *where, body=BLANK)

    async def refused(self, channel: Channel) -> int:
        """How many of a channel wait for another try. Raises StoreError."""
        where = (WAITING, COLUMNS.channel == channel, COLUMNS.attempts > 0)
        async with self._database.read() as tx:
            return await OUTBOX.count(tx, None, *where)

    async def next_due_wall(self, channel: str) -> float | None:
        """When the next one is to be tried; it may be by now. Raises StoreError."""
        where = (WAITING, COLUMNS.channel == channel)
        async with self._database.read() as tx:
            query = PageQuery(limit=1, sort="next_try_wall")
            page = await OUTBOX.page(tx, None, query, *where)
        return page.items[0].next_try_wall if page.items else None

    async def finish(self, tried: OutboxMessage, answer: Answer) -> OutboxMessage | None:
        """Keep what came of a try; None: it is not waiting any more. Raises StoreError."""
        async with self._events.writing() as work:
            found = await OUTBOX.find(work.tx, None, COLUMNS.id == tried.id, WAITING)
            if found is None:
                return None
            judged = judge(found, answer, self._clock.wall(), self._rng)
            changes = {name: getattr(judged, name) for name in JUDGED}
            if judged.status is OutboxStatus.SENT and judged.secret_until_wall is not None:
                changes["body"] = BLANK
            await OUTBOX.update(work.tx, found, **changes)
            if judged.status is OutboxStatus.FAILED:
                await self._log_failure(work.tx, judged)
            told = self._finished.get(judged.channel)
            if told is not None and judged.status is not OutboxStatus.WAITING:
                await told(work, judged)
        return judged

    # --- inside ---------------------------------------------------------------------------------

    async def _get(self, tx: Transaction, id_: str) -> OutboxMessage:
        message = await OUTBOX.get(tx, id_, None)
        if message is None:
            raise missing("outbox message", id_)
        return message

    async def _give_up(self, tx: Transaction, message: OutboxMessage) -> None:
        """It waits for nothing any more: what it says is good for nothing, or cannot be read."""
        changed = await OUTBOX.update(
            tx,
            message,
            status=OutboxStatus.FAILED,
            next_try_wall=None,
            error=GONE if is_over(message, self._clock.wall()) else "its text cannot be opened",
            body=BLANK,
            updated_wall=self._clock.wall(),
        )
        await self._log_failure(tx, changed)

    async def _log_failure(self, tx: Transaction, message: OutboxMessage) -> None:
        entry = ErrorLog(
            owner_id=message.owner_id,
            type=f"{message.channel}_failed",
            message=f"a message by {message.channel} could not be sent: {message.error}",
            phone_number=message.to if message.channel == "sms" else None,
            # Not its body: it may hold a code.
            context={"outbox_id": message.id, "to": message.to, "attempts": message.attempts},
        )
        await record(tx, entry, self._clock.wall())

    def _changed(self) -> None:
        for callback in self._watchers:
            callback()
