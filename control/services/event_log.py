"""Events as they are kept: written with what they tell of, told when that is committed, read again.

async with event_log.writing() as work:
    call = await CALLS.update(work.tx, call, status=…)
    work.tell(call.owner_id, CallStatusChanged(…))
"""

import contextlib
from collections.abc import AsyncIterator, Sequence

import msgspec
from sqlalchemy import ColumnElement, func, insert, or_, select

from ..auth.principal import Principal
from ..domain.events import AnyEvent, is_stored, type_of
from ..domain.webhooks import StoredEvent
from ..event_filter import ANY, EventFilter
from ..events import EventBus, Subscription
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows

EVENTS = Rows(schema.EVENTS, StoredEvent)
COLUMNS = schema.EVENTS.c


class Work:
    """A transaction, and what is to be told when it is committed."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.told: list[tuple[str | None, AnyEvent]] = []

    def tell(self, owner_id: str | None, event: AnyEvent) -> None:
        """Store it with the rest, where it is stored at all, and publish it afterwards.

        `owner_id` None: only administrators are told.
        """
        self.told.append((owner_id, event))


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
        complete = False
        stored: list[StoredEvent] = []
        try:
            async with self._database.write() as tx:
                work = Work(tx)
                yield work
                stored = await self.record_all(tx, work.told)
                complete = True
        except BaseException as exc:
            # Cancelled while it was being committed: it may be there, and nobody was told.
            if complete and stored and not isinstance(exc, Exception):
                self._bus.doubt()
            raise
        self.publish(work.told, stored)

    async def record(self, tx: Transaction, owner_id: str | None, event: AnyEvent) -> StoredEvent:
        """Store one event in the caller's transaction; it is published by who commits that."""
        assert is_stored(event), f"{type_of(event)} is only told"
        return await EVENTS.add(tx, stored_event(event, owner_id))

    async def record_all(
        self, tx: Transaction, told: Sequence[tuple[str | None, AnyEvent]]
    ) -> list[StoredEvent]:
        """Store those that are stored, in one statement; returns them with their places."""
        events = [stored_event(event, owner) for owner, event in told if is_stored(event)]
        return await self.add_all(tx, events)

    async def add_all(self, tx: Transaction, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The same for those that `stored_event` has made already."""
        if not events:
            return []
        rows = [msgspec.structs.asdict(event) for event in events]
        for row in rows:
            del row["seq"]
        statement = insert(schema.EVENTS).returning(COLUMNS.seq, sort_by_parameter_order=True)
        places = (await tx.execute(statement, rows)).scalars().all()
        return [
            msgspec.structs.replace(event, seq=seq)
            for event, seq in zip(events, places, strict=True)
        ]

    def publish(
        self, told: Sequence[tuple[str | None, AnyEvent]], stored: Sequence[StoredEvent]
    ) -> None:
        """Tell of events whose transaction has been committed; `stored` is from `record_all`.

        To be called before anything else is awaited: then the order of telling is that of storing.
        """
        places = iter(stored)
        for owner_id, event in told:
            self._bus.publish(event, owner_id, next(places) if is_stored(event) else None)

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
