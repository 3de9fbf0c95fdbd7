"""Events that are kept, and the addresses that want to be told of them."""

import enum
from typing import Any

from .entity import Entity, Owned


class StoredEvent(Entity, frozen=True, kw_only=True):
    """An event as it was told; `seq` is its place in the order of all."""

    owner_id: str | None = None
    call_id: str | None = None
    type: str
    at_wall: float
    body: dict[str, Any]
    "The event as the WebSocket shows it."


class Webhook(Owned, frozen=True, kw_only=True):
    """An address that is told of events, signed with its secret."""

    url: str
    secret: str
    "Sealed (auth/secrets_box.py); shown once, when it is made."
    events: tuple[str, ...] = ()
    "Types, or prefixes such as `call.*`; empty: all."
    description: str = ""
    is_active: bool = True
    disabled_reason: str = ""


class DeliveryStatus(enum.Enum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    "Given up after the last try."


class Delivery(Owned, frozen=True, kw_only=True):
    """One event on its way to one address. Those of one call go in order, one at a time."""

    webhook_id: str
    event_id: str
    call_id: str | None = None
    status: DeliveryStatus = DeliveryStatus.WAITING
    attempts: int = 0
    next_try_wall: float | None = None
    "None: it is finished, or waits for the one before it."
    response_status: int | None = None
    error: str = ""
    delivered_wall: float | None = None
