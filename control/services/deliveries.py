"""Deliveries as they are kept: queued, due one after another, judged. Each comes at least once.

`next_try_wall` is set for the first of a stream only (one webhook, one call; or no call): the
others wait, and the next one is released with the end of the one before. So a receiver that is away
for long costs no more than one that is not.
"""

import random
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update

from ...media.clock import Clock
from ..domain.events import WebhookDisabled
from ..domain.messages import ErrorLog
from ..domain.webhooks import Delivery, DeliveryStatus, StoredEvent, Webhook
from ..events.webhook_delivery import GONE, Reply, judge
from ..store import schema
from ..store.active_owners import owner_is_active
from ..store.database import Database, Transaction
from ..store.rows import Rows
from .event_log import EVENTS, EventLog, Work

WEBHOOKS = Rows(schema.WEBHOOKS, Webhook)
DELIVERIES = Rows(schema.DELIVERIES, Delivery)
ERROR_LOGS = Rows(schema.ERROR_LOGS, ErrorLog)
WEBHOOK, DELIVERY = schema.WEBHOOKS.c, schema.DELIVERIES.c

WAITING = DELIVERY.status == DeliveryStatus.WAITING.value
_ACTS = owner_is_active(DELIVERY.owner_id)


class Job(msgspec.Struct, frozen=True):
    """All that one try needs."""

    delivery: Delivery
    webhook: Webhook
    event: StoredEvent


class DeliveryQueue:
    """What is to be delivered: for who sends it (control/events/webhooks.py)."""

    def __init__(
        self, database: Database, events: EventLog, clock: Clock, rng: random.Random
    ) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self._rng = rng
        self._watchers: list[Callable[[], None]] = []

    def watch(self, callback: Callable[[], None]) -> None:
        """Call back, at once and without waiting, when a webhook or a delivery was made by hand."""
        self._watchers.append(callback)

    def changed(self) -> None:
        """A webhook or a delivery was made or changed by hand, and that is committed."""
        for callback in self._watchers:
            callback()

    # --- what is due ----------------------------------------------------------------------------

    async def due(
        self, on_their_way: Sequence[str], full: Sequence[str], limit: int
    ) -> list[Delivery]:
        """The first ones that are to be tried now: neither those on their way, nor of `full`
        webhooks. What is for a deactivated account waits. Raises StoreError."""
        async with self._database.read() as tx:
            rows = await tx.execute(
                select(DELIVERY.id)
                .where(
                    WAITING,
                    _ACTS,
                    DELIVERY.next_try_wall <= self._clock.wall(),
                    DELIVERY.id.not_in(on_their_way),
                    DELIVERY.webhook_id.not_in(full),
                )
                .order_by(DELIVERY.next_try_wall, DELIVERY.seq)
                .limit(limit)
            )
            ids = list(rows.scalars())
            found = await DELIVERIES.all(tx, None, DELIVERY.id.in_(ids), limit=limit)
        return sorted(found, key=lambda delivery: ids.index(delivery.id))

    async def next_due_wall(self, on_their_way: Sequence[str], full: Sequence[str]) -> float | None:
        """When the next one of the same is due; it may be by now. Raises StoreError."""
        query = select(func.min(DELIVERY.next_try_wall)).where(
            WAITING, _ACTS, DELIVERY.id.not_in(on_their_way), DELIVERY.webhook_id.not_in(full)
        )
        async with self._database.read() as tx:
            found: float | None = (await tx.execute(query)).scalar_one()
        return found

    async def job(self, delivery: Delivery) -> Job | None:
        """What a try needs; None: the event is not kept any more, or all of it was deleted."""
        async with self._database.read() as tx:
            webhook = await WEBHOOKS.get(tx, delivery.webhook_id, None)
            event = await EVENTS.get(tx, delivery.event_id, None)
        return None if webhook is None or event is None else Job(delivery, webhook, event)

    # --- what came of it ------------------------------------------------------------------------

    async def finish(self, tried: Delivery, reply: Reply) -> Delivery | None:
        """Keep what came of a try; None: the delivery is not waiting any more.

        A webhook that answers 410 is told nothing from then on. Raises StoreError.
        """
        async with self._events.writing() as work:
            found = await DELIVERIES.find(work.tx, None, DELIVERY.id == tried.id, WAITING)
            if found is None:
                return None
            judged = judge(found, reply, self._clock.wall(), self._rng)
            await _store(work.tx, judged)
            if judged.status is not DeliveryStatus.WAITING:
                await self._release_next(work.tx, judged)
            if judged.status is DeliveryStatus.FAILED:
                await self._log_failure(work.tx, judged)
            if reply.status == GONE:
                await self._disable(work, judged)
        return judged

    async def give_up_waiting(self, tx: Transaction, webhook_id: str, why: str) -> int:
        """Whatever waits for a webhook will not be tried; returns how many there were."""
        return await DELIVERIES.update_where(
            tx,
            None,
            DELIVERY.webhook_id == webhook_id,
            WAITING,
            status=DeliveryStatus.FAILED.value,
            error=why,
            next_try_wall=None,
            updated_wall=self._clock.wall(),
        )

    async def release_stuck(self) -> int:
        """Let the first of each stream be due, if none of the stream is; returns how many."""
        earlier = schema.DELIVERIES.alias("earlier")
        first = ~exists().where(
            earlier.c.webhook_id == DELIVERY.webhook_id,
            earlier.c.status == DeliveryStatus.WAITING.value,
            or_(
                earlier.c.call_id == DELIVERY.call_id,
                and_(earlier.c.call_id.is_(None), DELIVERY.call_id.is_(None)),
            ),
            earlier.c.seq < DELIVERY.seq,
        )
        async with self._database.write() as tx:
            statement = (
                update(schema.DELIVERIES)
                .where(WAITING, DELIVERY.next_try_wall.is_(None), first)
                .values(next_try_wall=self._clock.wall())
            )
            return int((await tx.execute(statement)).rowcount)

    async def delete_old(self, before_wall: float, batch: int) -> int:
        """Delete some of the deliveries that ended before that; returns how many."""
        old = (
            select(DELIVERY.seq)
            .where(~WAITING, DELIVERY.updated_wall < before_wall)
            .order_by(DELIVERY.seq)
            .limit(batch)
        )
        async with self._database.write() as tx:
            statement = delete(schema.DELIVERIES).where(DELIVERY.seq.in_(old))
            return int((await tx.execute(statement)).rowcount)

    async def _release_next(self, tx: Transaction, ended: Delivery) -> None:
        waiting = await tx.execute(
            select(func.min(DELIVERY.seq)).where(
                DELIVERY.webhook_id == ended.webhook_id, WAITING, _same_call(ended.call_id)
            )
        )
        await tx.execute(
            update(schema.DELIVERIES)
            .where(DELIVERY.seq == waiting.scalar_one(), DELIVERY.next_try_wall.is_(None))
            .values(next_try_wall=self._clock.wall())
        )

    async def _disable(self, work: Work, judged: Delivery) -> None:
        webhook = await WEBHOOKS.get(work.tx, judged.webhook_id, None)
        if webhook is None or not webhook.is_active:
            return
        reason = f"it answered with {GONE}: it wants nothing any more"
        now = self._clock.wall()
        await WEBHOOKS.update(
            work.tx, webhook, is_active=False, disabled_reason=reason, updated_wall=now
        )
        await self.give_up_waiting(work.tx, webhook.id, "the webhook was disabled")
        event = WebhookDisabled(at_wall=now, webhook_id=webhook.id, reason=reason)
        work.tell(webhook.owner_id, event)

    async def _log_failure(self, tx: Transaction, failed: Delivery) -> None:
        now = self._clock.wall()
        await ERROR_LOGS.add(
            tx,
            ErrorLog(
                owner_id=failed.owner_id,
                type="webhook_delivery",
                message=f"an event was not delivered: {failed.error}",
                call_id=failed.call_id,
                context={
                    "webhook_id": failed.webhook_id,
                    "delivery_id": failed.id,
                    "event_id": failed.event_id,
                    "attempts": failed.attempts,
                },
                created_wall=now,
                updated_wall=now,
            ),
        )


async def enqueue(
    tx: Transaction, wanted: Sequence[tuple[Webhook, StoredEvent]], now_wall: float
) -> list[Delivery]:
    """Put events in webhooks' queues, each behind what waits there of the same call."""
    occupied = await _occupied(tx, wanted)
    deliveries: list[Delivery] = []
    for webhook, event in wanted:
        stream = (webhook.id, event.call_id)
        deliveries.append(
            Delivery(
                owner_id=webhook.owner_id,
                webhook_id=webhook.id,
                event_id=event.id,
                call_id=event.call_id,
                next_try_wall=None if stream in occupied else now_wall,
                created_wall=now_wall,
                updated_wall=now_wall,
            )
        )
        occupied.add(stream)
    await DELIVERIES.add_all(tx, deliveries)
    return deliveries


async def _store(tx: Transaction, judged: Delivery) -> None:
    names = (
        *("status", "attempts", "next_try_wall", "response_status"),
        *("error", "delivered_wall", "updated_wall"),
    )
    await DELIVERIES.update(tx, judged, **{name: getattr(judged, name) for name in names})


async def _occupied(
    tx: Transaction, wanted: Sequence[tuple[Webhook, StoredEvent]]
) -> set[tuple[str, str | None]]:
    """The streams of these in which somebody waits already."""
    calls = {event.call_id for _, event in wanted}
    query = (
        select(DELIVERY.webhook_id, DELIVERY.call_id)
        .where(
            DELIVERY.webhook_id.in_({webhook.id for webhook, _ in wanted}),
            WAITING,
            or_(DELIVERY.call_id.in_([call for call in calls if call]), DELIVERY.call_id.is_(None)),
        )
        .distinct()
    )
    return {(row.webhook_id, row.call_id) for row in await tx.execute(query)}


def _same_call(call_id: str | None) -> ColumnElement[bool]:
    return DELIVERY.call_id.is_(None) if call_id is None else DELIVERY.call_id == call_id
