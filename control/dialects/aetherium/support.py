"""Support tickets."""

import functools
from typing import Annotated, Literal

import msgspec

from ...domain.tickets import Ticket, TicketPriority, TicketStatus
from ...http.route import Asked, Nothing
from ...services.tickets import TicketFilter
from ..dialect import AnyRow, Row
from ..moments import Moment, seconds
from .forms import own
from .listing import ListQuery, filter_of, page_of

TAG = "Support System"
COLUMNS = {
    "id": "seq",
    "subject": "subject",
    "category": "category",
    "priority": "priority",
    "status": "status",
    "created_at": "created_wall",
    "updated_at": "updated_wall",
}

Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
Category = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Status = Literal["open", "in_progress", "resolved", "closed"]
Priority = Literal["low", "medium", "high", "urgent"]


class NewTicket(msgspec.Struct, frozen=True):
    """A ticket to be opened."""

    subject: Subject
    description: Text
    category: Category = "general"
    priority: Priority = "medium"


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """Fields that `filter` may have."""

    status: Status | None = None
    category: Category | None = None
    priority: Priority | None = None


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket."""

    id: int
    user_id: int
    subject: str
    description: str
    category: str
    priority: Priority
    status: Status
    created_at: Moment
    updated_at: Moment


async def create_ticket(asked: Asked[Nothing, NewTicket]) -> TicketView:
    """Ask the administrators for something."""
    body = asked.body
    ticket = Ticket(
        owner_id=asked.who.account_id,
        subject=body.subject,
        description=body.description,
        category=body.category,
        priority=TicketPriority(body.priority),
    )
    made = await asked.edge.services.tickets.create(asked.who, ticket)
    return (await _views(asked, [made]))[0]


async def list_tickets(asked: Asked[ListQuery, Nothing]) -> list[TicketView]:
    """Your tickets, newest first unless it is said otherwise; administrators see everybody's."""
    fields = filter_of(asked.query, Fields)
    wanted = TicketFilter(
        status=None if fields.status is None else TicketStatus(fields.status),
        category=fields.category,
        priority=None if fields.priority is None else TicketPriority(fields.priority),
    )
    tickets = asked.edge.services.tickets
    page = await tickets.page(asked.who, page_of(asked.query, COLUMNS), wanted)
    return await _views(asked, page.items)


async def get_ticket(asked: Asked[Nothing, Nothing]) -> TicketView:
    """One ticket."""
    id_ = await own(asked, "ticket")
    return (await _views(asked, [await asked.edge.services.tickets.get(asked.who, id_)]))[0]


async def _views(
    asked: Asked[Nothing, NewTicket] | Asked[ListQuery, Nothing] | Asked[Nothing, Nothing],
    tickets: list[Ticket] | tuple[Ticket, ...],
) -> list[TicketView]:
    numbered = asked.edge.services.numbered
    users = await numbered.seqs_of("account", [ticket.owner_id for ticket in tickets])
    same = ("subject", "description", "category")
    return [
        TicketView(
            **{name: getattr(ticket, name) for name in same},
            id=ticket.seq,
            user_id=users[ticket.owner_id],
            priority=ticket.priority.value,
            status=ticket.status.value,
            created_at=seconds(ticket.created_wall),
            updated_at=seconds(ticket.updated_wall),
        )
        for ticket in tickets
    ]


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        "/api/support/tickets",
        create_ticket,
        "Create support ticket",
        "support:write",
        body=NewTicket,
        returns=TicketView,
        status=201,
        example={"subject": "No calls", "description": "Nothing goes out."},
    ),
    _row(
        "GET",
        "/api/support/tickets",
        list_tickets,
        "List support tickets",
        "support:read",
        query=ListQuery,
        returns=list[TicketView],
    ),
    _row(
        "GET",
        "/api/support/tickets/{ticket}",
        get_ticket,
        "Get ticket details",
        "support:read",
        returns=TicketView,
    ),
)
