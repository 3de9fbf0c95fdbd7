"""Support tickets: opened by accounts, answered and closed by administrators."""

from typing import Any

import msgspec

from ...media.clock import Clock
from ..auth.principal import Principal
from ..domain.tickets import Ticket, TicketPriority, TicketReply, TicketStatus
from ..errors import Conflict, Forbidden
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .event_log import EventLog
from .notifications import NotificationService

TICKETS = Rows(schema.TICKETS, Ticket)
REPLIES = Rows(schema.TICKET_REPLIES, TicketReply)
COLUMNS = schema.TICKETS.c
REPLY = schema.TICKET_REPLIES.c
MAX_REPLIES = 500
"Of one ticket."
MAX_MINE = 1000
"Of one account that are not closed."


class TicketFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets; None: all."""

    status: TicketStatus | None = None
    category: str | None = None
    priority: TicketPriority | None = None


class TicketService:
    """The verbs."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        notifications: NotificationService,
        clock: Clock,
    ) -> None:
        self._database = database
        self._events = events
        self._notifications = notifications
        self._clock = clock

    async def create(self, who: Principal, ticket: Ticket) -> Ticket:
        """Open one; its owner is whoever asks. Raises Conflict for one too many."""
        now = self._clock.wall()
        opened = msgspec.structs.replace(
            ticket, owner_id=who.account_id, created_wall=now, updated_wall=now
        )
        async with self._database.write() as tx:
            open_ones = COLUMNS.status != TicketStatus.CLOSED.value
            if await TICKETS.count(tx, who.account_id, open_ones) >= MAX_MINE:
                raise Conflict(f"an account has at most {MAX_MINE} tickets that are not closed")
            return await TICKETS.add(tx, opened)

    async def get(self, who: Principal, id_: str) -> Ticket:
        """One. Raises NotFound."""
        async with self._database.read() as tx:
            return await self._get(tx, who, id_)

    async def page(self, who: Principal, query: PageQuery, wanted: TicketFilter) -> Page[Ticket]:
        """Tickets in pages; administrators see everybody's."""
        where = []
        if wanted.status is not None:
            where.append(COLUMNS.status == wanted.status.value)
        if wanted.category is not None:
            where.append(COLUMNS.category == wanted.category)
        if wanted.priority is not None:
            where.append(COLUMNS.priority == wanted.priority.value)
        async with self._database.read() as tx:
            return await TICKETS.page(tx, owner_of(who), query, *where)

    async def change(self, who: Principal, id_: str, changes: dict[str, Any]) -> Ticket:
        """Change status or priority; who has opened one may close it, and nothing else.

        Raises NotFound and Forbidden.
        """
        now = self._clock.wall()
        async with self._events.writing() as work:
            ticket = await self._get(work.tx, who, id_)
            if not who.is_admin and changes != {"status": TicketStatus.CLOSED}:
                raise Forbidden("tickets can be closed; the rest is for administrators")
            changed = await TICKETS.update(work.tx, ticket, **changes, updated_wall=now)
            if changed.status is not ticket.status and who.account_id != ticket.owner_id:
                said = changed.status.value.replace("_", " ")
                title = f"Your ticket is {said}: {ticket.subject}"
                await self._notifications.notify(work, ticket.owner_id, "ticket.status", title)
        return changed

    async def reply(self, who: Principal, id_: str, text: str) -> TicketReply:
        """Answer one; an administrator's answer is told to its owner. Raises NotFound, Conflict."""
        now = self._clock.wall()
        async with self._events.writing() as work:
            ticket = await self._get(work.tx, who, id_)
            if ticket.status is TicketStatus.CLOSED:
                raise Conflict("the ticket is closed: open another one")
            if await REPLIES.count(work.tx, None, REPLY.ticket_id == id_) >= MAX_REPLIES:
                raise Conflict(f"a ticket has at most {MAX_REPLIES} answers")
            reply = await REPLIES.add(
                work.tx,
                TicketReply(
                    owner_id=ticket.owner_id,
                    ticket_id=ticket.id,
                    author_id=who.account_id,
                    text=text,
                    created_wall=now,
                    updated_wall=now,
                ),
            )
            changes: dict[str, Any] = {"updated_wall": now}
            if who.account_id != ticket.owner_id:
                if ticket.status is TicketStatus.OPEN:
                    changes["status"] = TicketStatus.IN_PROGRESS
                title = f"Your ticket was answered: {ticket.subject}"
                await self._notifications.notify(
                    work, ticket.owner_id, "ticket.replied", title, text
                )
            await TICKETS.update(work.tx, ticket, **changes)
        return reply

    async def replies(self, who: Principal, id_: str, query: PageQuery) -> Page[TicketReply]:
        """Answers in pages. Raises NotFound."""
        async with self._database.read() as tx:
            ticket = await self._get(tx, who, id_)
            return await REPLIES.page(tx, ticket.owner_id, query, REPLY.ticket_id == id_)

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> Ticket:
        ticket = await TICKETS.get(tx, id_, owner_of(who))
        if ticket is None:
            raise missing("ticket", id_)
        return ticket
