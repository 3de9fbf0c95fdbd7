"""Support tickets: what accounts ask administrators for."""

import enum

from .entity import Owned


class TicketStatus(enum.Enum):
    """Where a ticket stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


class TicketPriority(enum.Enum):
    """How soon somebody should look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


class Ticket(Owned, frozen=True, kw_only=True):
    """A question or a complaint."""

    subject: str
    description: str
    category: str = "general"
    priority: TicketPriority = TicketPriority.MEDIUM
    status: TicketStatus = TicketStatus.OPEN


class TicketReply(Owned, frozen=True, kw_only=True):
    """Something that was answered; its owner is the ticket's."""

    ticket_id: str
    author_id: str
    text: str
