"""From stored events to figures: one reader follows the table of events for all calls.

What a call's row of figures is made of may change with every event that is about it, so each makes
it anew, in the transaction that stores how far was read. Before anything was followed, and when it
is asked for (`begin_again`), all ended calls are gone through, by number: that place is stored as
well, so that a crash is no new beginning. Either may be done twice: a row is what its call is.
"""

from sqlalchemy import delete, func, or_, select

from ..domain.calls import CallStatus
from ..store import analytics, schema
from ..store.database import Database, Transaction
from ..store.event_positions import keep_position

READER = "figures"
FILLER = "figures of all"
"While there is such a place, all calls are gone through."
BATCH_EVENTS = 200
BATCH_CALLS = 32
"In one transaction: it holds the loop, in which frames are sent, for a few milliseconds."
ABOUT_CALLS = ("call.", "escalation.")
EVENT = schema.EVENTS.c
POSITION = schema.EVENT_POSITIONS.c


class FiguresFollower:
    """The reader. Only one task calls it at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def follow(self) -> bool:
        """Take the next events, or the next calls; False: there is nothing to do. StoreError."""
        return await self._follow_events() or await self._fill()

    async def begin_again(self) -> None:
        """Have the figures of all calls made anew by what follows. Raises StoreError."""
        async with self._database.write() as tx:
            await keep_position(tx, FILLER, 0)

    async def is_complete(self) -> bool:
        """Whether all calls have been gone through. Raises StoreError."""
        async with self._database.read() as tx:
            places = await _places(tx)
        return READER in places and FILLER not in places

    async def _follow_events(self) -> bool:
        async with self._database.read() as tx:
            places = await _places(tx)
            position = places.get(READER)
            if position is None:
                return await self._begin()
            last, ids = await _next_events(tx, position)
        if last == position:
            return False
        async with self._database.write() as tx:
            if ids:
                await analytics.refresh(tx, ids)
            await keep_position(tx, READER, last)
        return True

    async def _begin(self) -> bool:
        """From here on events are followed; what was before is gone through."""
        async with self._database.write() as tx:
            newest = (await tx.execute(select(func.max(EVENT.seq)))).scalar_one() or 0
            await keep_position(tx, READER, newest)
            await keep_position(tx, FILLER, 0)
        return True

    async def _fill(self) -> bool:
        async with self._database.read() as tx:
            if (place := (await _places(tx)).get(FILLER)) is None:
                return False
            calls = await analytics.ended_after(tx, place, BATCH_CALLS)
        async with self._database.write() as tx:
            if calls:
                await analytics.refresh(tx, [id_ for _, id_ in calls])
                await keep_position(tx, FILLER, calls[-1][0])
            else:
                await tx.execute(delete(schema.EVENT_POSITIONS).where(POSITION.reader == FILLER))
        return True


async def _next_events(tx: Transaction, position: int) -> tuple[int, list[str]]:
    """How far the next events go, and the ended calls that they are about."""
    newest = (await tx.execute(select(func.max(EVENT.seq)))).scalar_one() or 0
    end = min(newest, position + BATCH_EVENTS)
    if end <= position:
        return position, []
    calls = schema.CALLS.c
    query = (
        select(EVENT.seq, EVENT.call_id)
        .join(schema.CALLS, calls.id == EVENT.call_id)
        .where(
            EVENT.seq > position,
            EVENT.seq <= end,
            or_(*(EVENT.type.startswith(kind, autoescape=True) for kind in ABOUT_CALLS)),
            calls.status == CallStatus.ENDED.value,
        )
        .order_by(EVENT.seq)
    )
    ids: dict[str, None] = {}
    for row in await tx.execute(query):
        if row.call_id not in ids and len(ids) == BATCH_CALLS:
            return int(row.seq) - 1, list(ids)
        ids[row.call_id] = None
    return end, list(ids)


async def _places(tx: Transaction) -> dict[str, int]:
    found = await tx.execute(
        select(POSITION.reader, POSITION.seq).where(POSITION.reader.in_((READER, FILLER)))
    )
    return {row.reader: row.seq for row in found}
