"""One text for many contacts."""

import enum

import msgspec

from .entity import Owned


class BroadcastStatus(enum.Enum):
    """How far it is."""

    QUEUED = "queued"
    SENDING = "sending"
    COMPLETED = "completed"
    "Of every recipient it is known whether the text has left."


class RecipientStatus(enum.Enum):
    """What became of one recipient's text."""

    WAITING = "waiting"
    HANDED = "handed"
    "It is in the outbox."
    SENT = "sent"
    "A provider has it; where none is configured, the outbox keeps it."
    FAILED = "failed"


class Broadcast(Owned, frozen=True, kw_only=True):
    """A text, whom it is for, and how many have it."""

    message: str
    tiers: tuple[str, ...] = ()
    "Only contacts of these; empty: all."
    type: str = "announcement"
    "What its owner calls it."
    status: BroadcastStatus = BroadcastStatus.QUEUED
    recipients: int = 0
    sent: int = 0
    failed: int = 0
    day: int = 0
    "The UTC day of its creation, such as 20261130."
    number: int = 0
    "Its place among all of that day, from 1."
    started_wall: float | None = None
    finished_wall: float | None = None


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """One of its recipients."""

    seq: int
    contact_id: str
    to_number: str
    status: RecipientStatus
    message_id: str | None
