"""`/v1/tickets`: what accounts ask administrators for."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.tickets import Ticket, TicketPriority, TicketReply, TicketStatus
from ...errors import Conflict, Forbidden, NotFound
from ...services.tickets import TicketFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc
from .agents import given

TAG = "Support tickets"

Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
Category = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class TicketQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tickets."""

    status: TicketStatus | None = None
    category: Category | None = None
    priority: TicketPriority | None = None
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at"] = "-created_at"


class ReplyQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which answers."""

    sort: Literal["created_at", "-created_at"] = "created_at"


class NewTicket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ticket to be opened."""

    subject: Subject
    description: Text
    category: Category = "general"
    priority: TicketPriority = TicketPriority.MEDIUM


class TicketChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; who has opened it may set `status` to `closed`."""

    status: TicketStatus | UnsetType = UNSET
    priority: TicketPriority | UnsetType = UNSET


class TicketView(NewTicket, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ticket."""

    id: str
    seq: int
    account_id: str
    status: TicketStatus
    created_at: datetime.datetime
    updated_at: datetime.datetime


class NewReply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer."""

    text: Text


class ReplyView(NewReply, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer."""

    id: str
    ticket_id: str
    author_id: str
    created_at: datetime.datetime


async def list_tickets(asked: Asked[TicketQuery, Nothing]) -> List[TicketView]:
    """Your tickets, newest first; administrators see everybody's."""
    query = asked.query
    wanted = TicketFilter(status=query.status, category=query.category, priority=query.priority)
    page = await asked.edge.services.tickets.page(asked.who, query.page(), wanted)
    return list_of(page, [ticket_view(ticket) for ticket in page.items])


async def open_ticket(asked: Asked[Nothing, NewTicket]) -> TicketView:
    """Ask the administrators for something."""
    ticket = Ticket(owner_id=asked.who.account_id, **msgspec.structs.asdict(asked.body))
    return ticket_view(await asked.edge.services.tickets.create(asked.who, ticket))


async def get_ticket(asked: Asked[Nothing, Nothing]) -> TicketView:
    """One ticket."""
    return ticket_view(await asked.edge.services.tickets.get(asked.who, asked.path("id")))


async def change_ticket(asked: Asked[Nothing, TicketChanges]) -> TicketView:
    """Change status or priority: administrators; who has opened it may close it."""
    tickets, changes = asked.edge.services.tickets, given(asked.body)
    return ticket_view(await tickets.change(asked.who, asked.path("id"), changes))


async def list_ticket_replies(asked: Asked[ReplyQuery, Nothing]) -> List[ReplyView]:
    """What was answered, oldest first."""
    tickets = asked.edge.services.tickets
    page = await tickets.replies(asked.who, asked.path("id"), asked.query.page())
    return list_of(page, [reply_view(reply) for reply in page.items])


async def reply_to_ticket(asked: Asked[Nothing, NewReply]) -> ReplyView:
    """Answer; its owner is told of an administrator's answer."""
    tickets = asked.edge.services.tickets
    return reply_view(await tickets.reply(asked.who, asked.path("id"), asked.body.text))


def ticket_view(ticket: Ticket) -> TicketView:
    """A ticket as the API shows it."""
    same = ("id", "seq", "subject", "description", "category", "priority", "status")
    return TicketView(
        **{name: getattr(ticket, name) for name in same},
        account_id=ticket.owner_id,
        created_at=utc(ticket.created_wall),
        updated_at=utc(ticket.updated_wall),
    )


def reply_view(reply: TicketReply) -> ReplyView:
    """An answer as the API shows it."""
    same = ("id", "ticket_id", "author_id", "text")
    return ReplyView(
        **{name: getattr(reply, name) for name in same}, created_at=utc(reply.created_wall)
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/tickets",
        list_tickets,
        "List tickets",
        "support:read",
        query=TicketQuery,
        returns=List[TicketView],
    ),
    _route(
        "POST",
        "/v1/tickets",
        open_ticket,
        "Open a ticket",
        "support:write",
        body=NewTicket,
        returns=TicketView,
        status=201,
        problems=(Conflict,),
    ),
    _route(
        "GET",
        "/v1/tickets/{id}",
        get_ticket,
        "Get a ticket",
        "support:read",
        returns=TicketView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/tickets/{id}",
        change_ticket,
        "Change or close a ticket",
        "support:write",
        body=TicketChanges,
        returns=TicketView,
        problems=(NotFound, Forbidden),
    ),
    _route(
        "GET",
        "/v1/tickets/{id}/replies",
        list_ticket_replies,
        "List a ticket's answers",
        "support:read",
        query=ReplyQuery,
        returns=List[ReplyView],
        problems=(NotFound,),
    ),
    _route(
        "POST",
        "/v1/tickets/{id}/replies",
        reply_to_ticket,
        "Answer a ticket",
        "support:write",
        body=NewReply,
        returns=ReplyView,
        status=201,
        problems=(NotFound, Conflict),
    ),
)
