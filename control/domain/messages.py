"""Words that go to people outside calls, and who those people are."""

import enum
from typing import Any, Literal

from .entity import Entity, Owned


class Contact(Owned, frozen=True, kw_only=True):
    """Somebody who writes or calls, known by the number."""

    phone_number: str
    "Unique for its owner."
    full_name: str = ""
    email: str | None = None
    tier: str = "free"
    timezone: str = "UTC"
    preferences: dict[str, Any] = {}
    tier_history: tuple[dict[str, Any], ...] = ()
    is_active: bool = True
    messages_in: int = 0
    messages_out: int = 0
    last_seen_wall: float | None = None


class SmsStatus(enum.Enum):
    """What became of a message."""

    RECEIVED = "received"
    KEPT = "kept"
    "No provider is configured: it lies in the outbox."
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


class SmsMessage(Owned, frozen=True, kw_only=True):
    """An SMS, in or out."""

    inbound: bool
    from_number: str
    to_number: str
    body: str
    kind: Literal["code", "reply", "notification", "broadcast", "message"] = "message"
    status: SmsStatus
    provider_sid: str | None = None
    error: str = ""
    contact_id: str | None = None
    sent_wall: float | None = None


class OutboxStatus(enum.Enum):
    """What became of it."""

    KEPT = "kept"
    "Nothing is configured to send it by: kept, shown to the administrator, never claimed as sent."
    WAITING = "waiting"
    "It is to be sent at `next_try_wall`."
    SENT = "sent"
    FAILED = "failed"
    "Given up after the last try."


class OutboxMessage(Entity, frozen=True, kw_only=True):
    """Something that leaves by SMS, e-mail or Telegram."""

    owner_id: str | None = None
    "Whose doing it was; None: the server's own."
    channel: Literal["sms", "email", "telegram"]
    to: str
    from_number: str = ""
    "Of an SMS: the number that it must come from; empty: what its provider has."
    subject: str = ""
    body: str
    "Sealed where `secret_until_wall` is set."
    secret_until_wall: float | None = None
    """Its text is a code or a link with one, good until then: sealed, and blanked when it has been
    sent or is good no longer. None: it is no secret."""
    status: OutboxStatus = OutboxStatus.KEPT
    attempts: int = 0
    next_try_wall: float | None = None
    sent_wall: float | None = None
    reference: str = ""
    "What its provider calls it."
    error: str = ""


class Notification(Owned, frozen=True, kw_only=True):
    """Something an account is told."""

    type: str
    title: str
    message: str
    call_id: str | None = None
    read_wall: float | None = None


class ErrorLog(Entity, frozen=True, kw_only=True):
    """Something that went wrong and that a person should look at."""

    owner_id: str | None = None
    type: str
    severity: Literal["info", "warning", "error", "critical"] = "error"
    message: str
    contact_id: str | None = None
    call_id: str | None = None
    task_id: str | None = None
    phone_number: str | None = None
    "Whom it is about."
    context: dict[str, Any] = {}
    resolved_wall: float | None = None
    resolution: str = ""
