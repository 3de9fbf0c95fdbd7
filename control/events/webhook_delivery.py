"""One delivery of an event to a webhook: what is sent, how it is signed, and what follows from the
answer. Not the sending (webhooks.py), nor who waits behind whom (services/deliveries.py).

A delivery is tried at once and again after each of RETRY_DELAYS_S; then it has failed. Deliveries
of one call to one webhook go one after another, in the order of events: the next one waits until
the one before was taken or has failed. Whoever has waited longer than GIVE_UP_S behind others is
tried once.
"""

import datetime
import hashlib
import hmac
import random
from typing import Any

import msgspec

from ..domain.webhooks import Delivery, DeliveryStatus, StoredEvent

RETRY_DELAYS_S = (5.0, 30.0, 120.0, 600.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
GIVE_UP_S = 36 * 3600.0
"A little more than all delays: a receiver that was away for days is not told old news for days."
JITTER = 0.2
"Delays differ by so much of them: whoever failed together does not come again together."
GONE = 410
"RFC 9110 §15.5.11: the receiver wants nothing any more."
MAX_ERROR_CHARS = 500

SIGNATURE = "Offhook-Signature"
EVENT_ID = "Offhook-Event-Id"
DELIVERY_ID = "Offhook-Delivery"

_encode = msgspec.json.Encoder().encode


class Reply(msgspec.Struct, frozen=True):
    """What came of one try: the answer's status, or why there was no answer."""

    status: int | None = None
    error: str = ""
    final: bool = False
    "Another try would end in the same way."


class Body(msgspec.Struct, frozen=True):
    """What a receiver reads."""

    id: str
    "The event's; the same when it comes again."
    type: str
    at: datetime.datetime
    data: dict[str, Any]


def body_of(event: StoredEvent) -> bytes:
    """An event as JSON."""
    at = datetime.datetime.fromtimestamp(round(event.at_wall, 3), datetime.UTC)
    return _encode(Body(event.id, event.type, at, event.body))


def headers_of(delivery: Delivery, body: bytes, secret: str, now_wall: float) -> dict[str, str]:
    """What goes with it."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Offhook",
        SIGNATURE: signature(body, secret, int(now_wall)),
        EVENT_ID: delivery.event_id,
        DELIVERY_ID: delivery.id,
    }


def signature(body: bytes, secret: str, at: int) -> str:
    """`t=<unix seconds>,v1=<hex>`: HMAC-SHA256, keyed by the secret's text, of `<t>.<body>`.

    The time is signed with it, so that a receiver can refuse what was sent long ago.
    """
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def judge(delivery: Delivery, reply: Reply, now_wall: float, rng: random.Random) -> Delivery:
    """The delivery after one more try."""
    tried = msgspec.structs.replace(
        delivery,
        attempts=delivery.attempts + 1,
        response_status=reply.status,
        error=error_of(reply),
        updated_wall=now_wall,
        next_try_wall=None,
    )
    if not tried.error:
        return msgspec.structs.replace(
            tried, status=DeliveryStatus.DELIVERED, delivered_wall=now_wall
        )
    delay = retry_delay_s(tried.attempts, rng)
    old = now_wall - delivery.created_wall >= GIVE_UP_S
    if delay is None or old or reply.final or reply.status == GONE:
        return msgspec.structs.replace(tried, status=DeliveryStatus.FAILED)
    return msgspec.structs.replace(tried, next_try_wall=now_wall + delay)


def error_of(reply: Reply) -> str:
    """Why it was not delivered; empty when it was: any 2xx. Redirects are not followed."""
    if reply.status is None:
        return reply.error[:MAX_ERROR_CHARS] or "no answer"
    return "" if 200 <= reply.status < 300 else f"answered with {reply.status}"


def retry_delay_s(attempts: int, rng: random.Random) -> float | None:
    """How long after so many tries the next one is; None: there is none."""
    if attempts > len(RETRY_DELAYS_S):
        return None
    return RETRY_DELAYS_S[attempts - 1] * (1.0 + JITTER * (2.0 * rng.random() - 1.0))


class Slots:
    """How many deliveries may be on their way: a dead receiver holds few, never all."""

    def __init__(self, total: int, per_webhook: int) -> None:
        self._total = total
        self._per_webhook = per_webhook
        self._taken: dict[str, Delivery] = {}
        self._by_webhook: dict[str, int] = {}

    def take(self, delivery: Delivery) -> bool:
        """Let it go on its way; False: not now, or it is on its way already."""
        used = self._by_webhook.get(delivery.webhook_id, 0)
        if delivery.id in self._taken or not self.free() or used >= self._per_webhook:
            return False
        self._taken[delivery.id] = delivery
        self._by_webhook[delivery.webhook_id] = used + 1
        return True

    def give_back(self, delivery: Delivery) -> None:
        """It has come back."""
        del self._taken[delivery.id]
        used = self._by_webhook.pop(delivery.webhook_id) - 1
        if used:
            self._by_webhook[delivery.webhook_id] = used

    def free(self) -> int:
        """How many more may go."""
        return self._total - len(self._taken)

    def on_their_way(self) -> list[str]:
        """Ids of deliveries."""
        return list(self._taken)

    def full(self) -> list[str]:
        """Ids of webhooks that may have no more on their way."""
        return [id_ for id_, used in self._by_webhook.items() if used >= self._per_webhook]
