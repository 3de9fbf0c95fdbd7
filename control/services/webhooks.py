"""Webhooks: made, changed, tried, deleted by their owners; what was delivered to them.

Not the sending: control/events/webhooks.py.
"""

import base64
import random
from collections.abc import Callable
from typing import Any

import msgspec

from ...media.clock import Clock
from ..auth.principal import Principal
from ..auth.secrets_box import SecretsBox
from ..domain.events import WebhookTested
from ..domain.webhooks import Delivery, DeliveryStatus, Webhook
from ..errors import Conflict
from ..events.event_filter import check_patterns
from ..events.webhook_addresses import check_url
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery
from .access import missing, owner_of
from .deliveries import DELIVERIES, DELIVERY, WEBHOOK, WEBHOOKS, DeliveryQueue, enqueue
from .event_log import EVENTS, EventLog
from .webhook_follower import begin_here

MAX_WEBHOOKS = 20
"Of one account: every event is looked at for each of them."
SECRET_BYTES = 24
SECRET_PREFIX = "whsec_"
SWITCHED_OFF = "the webhook was switched off"


class WebhookService:
    """The verbs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        events: EventLog,
        queue: DeliveryQueue,
        box: Callable[[], SecretsBox],
        rng: random.Random,
        *,
        allow_private: bool = False,
    ) -> None:
        """`rng` is unguessable. `allow_private`: this machine may be told as well."""
        self._database = database
        self._clock = clock
        self._events = events
        self._queue = queue
        self._box = box
        self._rng = rng
        self._allow_private = allow_private

    async def create(self, who: Principal, webhook: Webhook) -> tuple[Webhook, str]:
        """Store a new one; its owner is whoever asks. Returns its secret, too: only now.

        Raises Unprocessable for its address, BadRequest for its events, Conflict for one too many.
        """
        secret, now = self._new_secret(), self._clock.wall()
        check_url(webhook.url, allow_private=self._allow_private)
        webhook = msgspec.structs.replace(
            webhook,
            owner_id=who.account_id,
            secret=self._box().seal(secret, place(webhook.id)),
            events=check_patterns(webhook.events, "events"),
            created_wall=now,
            updated_wall=now,
        )
        async with self._database.write() as tx:
            if await WEBHOOKS.count(tx, who.account_id) >= MAX_WEBHOOKS:
                raise Conflict(f"an account has at most {MAX_WEBHOOKS} webhooks")
            await begin_here(tx)
            made = await WEBHOOKS.add(tx, webhook)
        self._queue.changed()
        return made, secret

    async def get(self, who: Principal, id_: str) -> Webhook:
        """One. Raises NotFound."""
        async with self._database.read() as tx:
            return await self._get(tx, who, id_)

    async def page(self, who: Principal, query: PageQuery) -> Page[Webhook]:
        """Webhooks in pages."""
        async with self._database.read() as tx:
            return await WEBHOOKS.page(tx, owner_of(who), query)

    async def change(self, who: Principal, id_: str, changes: dict[str, Any]) -> Webhook:
        """Change some fields. One that is switched off is not told what waits for it either.

        Raises NotFound, Unprocessable and BadRequest.
        """
        if "url" in changes:
            check_url(changes["url"], allow_private=self._allow_private)
        if "events" in changes:
            changes = changes | {"events": check_patterns(changes["events"], "events")}
        async with self._database.write() as tx:
            webhook = await self._get(tx, who, id_)
            if changes.get("is_active"):
                changes = changes | {"disabled_reason": ""}
                await begin_here(tx)
            elif webhook.is_active and changes.get("is_active") is False:
                await self._queue.give_up_waiting(tx, webhook.id, SWITCHED_OFF)
            now = self._clock.wall()
            webhook = await WEBHOOKS.update(tx, webhook, **changes, updated_wall=now)
        self._queue.changed()
        return webhook

    async def renew_secret(self, who: Principal, id_: str) -> tuple[Webhook, str]:
        """Give it another secret; the old one signs nothing any more. Raises NotFound."""
        secret = self._new_secret()
        async with self._database.write() as tx:
            webhook = await self._get(tx, who, id_)
            sealed = self._box().seal(secret, place(webhook.id))
            now = self._clock.wall()
            return await WEBHOOKS.update(tx, webhook, secret=sealed, updated_wall=now), secret

    async def delete(self, who: Principal, id_: str) -> None:
        """Delete one, with its deliveries. Raises NotFound."""
        async with self._database.write() as tx:
            webhook = await self._get(tx, who, id_)
            await WEBHOOKS.delete(tx, webhook.id, webhook.owner_id)

    async def test(self, who: Principal, id_: str) -> Delivery:
        """Send it an event of the type webhook.test. Raises NotFound, Conflict when it is off."""
        async with self._events.writing() as work:
            webhook = await self._active(work.tx, who, id_)
            now = self._clock.wall()
            event = WebhookTested(at_wall=now, webhook_id=webhook.id)
            stored = await work.store(webhook.owner_id, event)
            (delivery,) = await enqueue(work.tx, [(webhook, stored)], now)
        self._queue.changed()
        return delivery

    async def deliveries(
        self, who: Principal, id_: str, query: PageQuery, status: DeliveryStatus | None
    ) -> Page[Delivery]:
        """What was and is to be delivered to one. Raises NotFound."""
        async with self._database.read() as tx:
            webhook = await self._get(tx, who, id_)
            where = [DELIVERY.webhook_id == webhook.id]
            if status is not None:
                where.append(DELIVERY.status == status.value)
            return await DELIVERIES.page(tx, webhook.owner_id, query, *where)

    async def redeliver(self, who: Principal, id_: str, delivery_id: str) -> Delivery:
        """Deliver the event of a delivery once more, as a new one.

        Raises NotFound, and Conflict when the webhook is off or the event is not kept any more.
        """
        async with self._database.write() as tx:
            webhook = await self._active(tx, who, id_)
            old = await DELIVERIES.get(tx, delivery_id, webhook.owner_id)
            if old is None or old.webhook_id != webhook.id:
                raise missing("delivery", delivery_id)
            event = await EVENTS.get(tx, old.event_id, None)
            if event is None:
                raise Conflict("the event is not kept any more")
            (delivery,) = await enqueue(tx, [(webhook, event)], self._clock.wall())
        self._queue.changed()
        return delivery

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> Webhook:
        webhook = await WEBHOOKS.find(tx, owner_of(who), WEBHOOK.id == id_)
        if webhook is None:
            raise missing("webhook", id_)
        return webhook

    async def _active(self, tx: Transaction, who: Principal, id_: str) -> Webhook:
        webhook = await self._get(tx, who, id_)
        if not webhook.is_active:
            raise Conflict("the webhook is switched off")
        return webhook

    def _new_secret(self) -> str:
        drawn = self._rng.randbytes(SECRET_BYTES)
        return SECRET_PREFIX + base64.urlsafe_b64encode(drawn).decode()


def place(webhook_id: str) -> str:
    """What a webhook's secret is sealed for."""
    return f"webhooks/{webhook_id}"
