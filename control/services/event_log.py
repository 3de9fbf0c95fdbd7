"""Events as they are kept: written with what they tell of, told when that is committed, read again.

    async with event_log.writing() as work:
        call = await CALLS.update(work.tx, call, status=…)
        work.tell(call.owner_id, CallStatusChanged(…))

No call of `writing` inside another one, nor inside `database.write()`: there is one writer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import msgspec
from sqlalchemy import ColumnElement, exists, func, or_, select

from ..auth.principal import Principal
from ..domain.events import AnyEvent, is_stored, type_of
from ..domain.webhooks import DeliveryStatus, StoredEvent
from ..events.event_filter import ANY, EventFilter
from ..events.events import EventBus, Subscription
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows

EVENTS = Rows(schema.EVENTS, StoredEvent)
COLUMNS = schema.EVENTS.c


class Work:
    """A transaction, and what is to be told when it is committed."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.told: list[tuple[str | None, AnyEvent, StoredEvent | None]] = []
        self._waiting: list[tuple[str | None, AnyEvent]] = []

    def tell(self, owner_id: str | None, event: AnyEvent) -> None:
        """Store it with the rest, where it is stored at all, and publish it afterwards.

        `owner_id` None: only administrators are told.
        """
        self._waiting.append((owner_id, event))

    async def store(self, owner_id: str | None, event: AnyEvent) -> StoredEvent:
        """The same, stored at once: for what refers to the stored event."""
        self.tell(owner_id, event)
        await self.flush()
        _, _, stored = self.told[-1]
        assert stored is not None, f"{type_of(event)} is only told"
        return stored

    async def flush(self) -> None:
        """Store in one statement what was told and is not stored yet."""
        waiting, self._waiting = self._waiting, []
        stored = iter(
            await EVENTS.add_all(
                self.tx,
                [stored_event(event, owner) for owner, event in waiting if is_stored(event)],
            )
        )
        for owner, event in waiting:
            self.told.append((owner, event, next(stored) if is_stored(event) else None))


class EventLog:
    """The table of events; `EventHistory` for those who come back with a cursor."""

    def __init__(self, database: Database, bus: EventBus) -> None:
        self._database = database
        self._bus = bus

    async def start(self) -> None:
        """Let the cursors go on where the last start ended. The database is open."""
        _, newest = await self.kept()
        self._bus.begin_after(newest)

    # --- writing --------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[Work]:
        """`database.write()` with events: all is stored, then told in order; or nothing of both.

        Raises what `write()` raises.
        """
        committing = False
        try:
            async with self._database.write() as tx:
                work = Work(tx)
                yield work
                await work.flush()
                committing = True
        except asyncio.CancelledError:
            if committing:  # it may be there, and nobody was told
                self._bus.doubt()
            raise
        for owner_id, event, stored in work.told:
            self._bus.publish(event, owner_id, stored)

    async def record(self, tx: Transaction, owner_id: str | None, event: AnyEvent) -> StoredEvent:
        """Store one event in the caller's transaction.

        Who commits it calls `bus.publish` before anything else is awaited: then the order of
        telling is that of storing.
        """
        assert is_stored(event), f"{type_of(event)} is only told"
        return await EVENTS.add(tx, stored_event(event, owner_id))

    # --- reading --------------------------------------------------------------------------------

    async def kept(self) -> tuple[int, int]:
        """The oldest and the newest place that are kept; (0, 0) of none. Raises StoreError."""
        query = select(func.min(COLUMNS.seq), func.max(COLUMNS.seq))
        async with self._database.read() as tx:
            oldest, newest = (await tx.execute(query)).one()
        return oldest or 0, newest or 0

    async def after(self, seq: int, wanted: EventFilter, limit: int) -> Sequence[StoredEvent]:
        """The next ones after that place which pass the filter. Raises StoreError."""
        async with self._database.read() as tx:
            return await EVENTS.all(
                tx, wanted.owner_id, COLUMNS.seq > seq, *_where(wanted), limit=limit
            )

    def follow(self, wanted: EventFilter, cursor: str | None = None) -> Subscription:
        """What passes the filter: what was stored since `cursor`, then what happens from now on."""
        return self._bus.subscribe(wanted, cursor, self)

    async def page(
        self, query: PageQuery, wanted: EventFilter, after: int | None = None
    ) -> Page[StoredEvent]:
        """Stored events in pages; `after` that place, where it is given. Raises BadRequest."""
        where = _where(wanted) if after is None else (*_where(wanted), COLUMNS.seq > after)
        async with self._database.read() as tx:
            return await EVENTS.page(tx, wanted.owner_id, query, *where)

    async def delete_old(self, before_wall: float, max_kept: int, batch: int) -> int:
        """Delete some of the events that are older, or more than so many; returns how many.

        The newest one stays, for the cursors; so does what a webhook still waits for.
        """
        waiting = exists().where(
            schema.DELIVERIES.c.event_id == COLUMNS.id,
            schema.DELIVERIES.c.status == DeliveryStatus.WAITING.value,
        )
        async with self._database.write() as tx:
            first_kept = await _first_kept(tx, before_wall, max_kept)
            old = (
                select(COLUMNS.seq)
                .where(COLUMNS.seq < first_kept, ~waiting)
                .order_by(COLUMNS.seq)
                .limit(batch)
            )
            return await EVENTS.delete_where(tx, None, COLUMNS.seq.in_(old))

    async def forget_call(self, tx: Transaction, call_id: str) -> int:
        """Delete the events of a call that is deleted; returns how many there were."""
        return await EVENTS.delete_where(tx, None, COLUMNS.call_id == call_id)


def stored_event(event: AnyEvent, owner_id: str | None) -> StoredEvent:
    """An event as it is stored, still without its place. `owner_id` None: for administrators."""
    return StoredEvent(
        owner_id=owner_id,
        call_id=event.call_id,
        type=type_of(event),
        at_wall=event.at_wall,
        body=msgspec.to_builtins(event),
        created_wall=event.at_wall,
        updated_wall=event.at_wall,
    )


def visible(who: Principal, wanted: EventFilter) -> EventFilter:
    """The filter, without what is not theirs: others than administrators hear of their own."""
    if who.is_admin:
        return wanted
    return msgspec.structs.replace(wanted, owner_id=who.account_id)


async def _first_kept(tx: Transaction, before_wall: float, max_kept: int) -> int:
    # Events are stored in the order of time, near enough: the first young one ends the search.
    young = select(COLUMNS.seq).where(COLUMNS.created_wall >= before_wall)
    by_age = (await tx.execute(young.order_by(COLUMNS.seq).limit(1))).scalar_one_or_none()
    newest_first = select(COLUMNS.seq).order_by(COLUMNS.seq.desc()).limit(1)
    newest = (await tx.execute(newest_first)).scalar_one_or_none() or 0
    by_count = (await tx.execute(newest_first.offset(max_kept - 1))).scalar_one_or_none() or 0
    return max(newest if by_age is None else by_age, by_count)


def _where(wanted: EventFilter) -> tuple[ColumnElement[bool], ...]:
    where: list[ColumnElement[bool]] = []
    if wanted.call_id is not None:
        where.append(COLUMNS.call_id == wanted.call_id)
    if wanted.types and ANY not in wanted.types:
        where.append(
            or_(
                *(
                    COLUMNS.type.startswith(pattern.removesuffix(ANY), autoescape=True)
                    if pattern.endswith(ANY)
                    else COLUMNS.type == pattern
                    for pattern in wanted.types
                )
            )
        )
    return tuple(where)
