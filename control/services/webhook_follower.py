"""From stored events to deliveries: one reader follows the table of events for all webhooks.

Its position is stored with what it made, in one transaction: an event that was committed has its
deliveries, whenever the process is killed. While there is no webhook to be told it reads nothing;
whoever makes the first one sets the position with it (`begin_here`).
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, func, or_, select

from ...media.clock import Clock
from ..domain.accounts import Role
from ..domain.webhooks import StoredEvent, Webhook
from ..events.event_filter import matches
from ..store import schema
from ..store.database import Database, Transaction
from ..store.event_positions import keep_position, position_of
from .deliveries import WEBHOOK, WEBHOOKS, enqueue
from .event_log import COLUMNS as EVENT, EVENTS

READER = "webhooks"
BATCH_EVENTS = 200
SAVE_AFTER_EVENTS = 1000
"So many events that nobody wanted are read again, at most, after a crash."
MAX_WEBHOOKS = 10_000
"Of the accounts of one batch."
TEST = "webhook.test"
"Of these the deliveries are made with the event (services/webhooks.py)."
_ADMINISTRATES = (
    schema.ACCOUNTS.c.role == Role.ADMIN.value,
    schema.ACCOUNTS.c.is_active.is_(True),
)


class WebhookFollower:
    """The reader. Only one task calls it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._position: int | None = None
        self._saved = 0
        self._changes = 0
        self.idle = False
        "There is no webhook to be told: nothing needs to be read before `look_again`."

    def look_again(self) -> None:
        """There may be webhooks now."""
        self._changes += 1
        self.idle = False

    def forget_place(self) -> None:
        """Another one reads: where it is, is in the database."""
        self._position = None

    async def follow(self) -> bool:
        """Make the deliveries of the next events; False: there are none yet. Raises StoreError."""
        changes = self._changes
        async with self._database.read() as tx:
            if not await _any_active(tx):
                self.idle = changes == self._changes
                self._position = None
                return False
            # Who switches the first one on again has moved it: what came before is nobody's.
            stored = (await position_of(tx, READER)) or 0
            if self._position is None or stored > self._position:
                self._position = self._saved = stored
            events = await EVENTS.all(tx, None, EVENT.seq > self._position, limit=BATCH_EVENTS)
            if not events:
                return False
            wanted = await _wanted(tx, events)
        last = events[-1].seq
        if wanted or last - self._saved >= SAVE_AFTER_EVENTS:
            async with self._database.write() as tx:
                # Asked again: a webhook may have gone meanwhile.
                await enqueue(tx, await _wanted(tx, events) if wanted else [], self._clock.wall())
                await keep_position(tx, READER, last)
            self._saved = last
        self._position = last
        return True


async def begin_here(tx: Transaction) -> None:
    """Before a webhook is made, or switched on: if it is the first, earlier events are not read."""
    if not await _any_active(tx):
        newest = (await tx.execute(select(func.max(EVENT.seq)))).scalar_one()
        await keep_position(tx, READER, newest or 0)


async def _any_active(tx: Transaction) -> bool:
    query = select(WEBHOOK.seq).where(WEBHOOK.is_active).limit(1)
    return (await tx.execute(query)).first() is not None


async def _wanted(
    tx: Transaction, events: Sequence[StoredEvent]
) -> list[tuple[Webhook, StoredEvent]]:
    """Which webhooks want which of these events: their account's, those of nobody administrators'.

    A webhook is not told what happened before it was made. What is a deactivated account's own is
    kept for it (services/deliveries.py); what is nobody's is not for it.
    """
    owners = {event.owner_id for event in events}
    mine: ColumnElement[bool] = WEBHOOK.owner_id.in_([owner for owner in owners if owner])
    if None in owners:
        admins = select(schema.ACCOUNTS.c.id).where(*_ADMINISTRATES)
        mine = or_(mine, WEBHOOK.owner_id.in_(admins))
    webhooks = await WEBHOOKS.all(tx, None, WEBHOOK.is_active, mine, limit=MAX_WEBHOOKS)
    admin_ids = await _administrators(tx, webhooks) if None in owners else frozenset[str]()
    return [
        (webhook, event)
        for event in events
        for webhook in webhooks
        if event.type != TEST
        and event.created_wall >= webhook.created_wall
        and matches(webhook.events, event.type)
        and (
            event.owner_id == webhook.owner_id
            or (event.owner_id is None and webhook.owner_id in admin_ids)
        )
    ]


async def _administrators(tx: Transaction, webhooks: Iterable[Webhook]) -> frozenset[str]:
    accounts = schema.ACCOUNTS.c
    query = select(accounts.id).where(
        *_ADMINISTRATES, accounts.id.in_({hook.owner_id for hook in webhooks})
    )
    return frozenset((await tx.execute(query)).scalars())
