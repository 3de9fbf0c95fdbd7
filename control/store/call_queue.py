"""The calls that wait, as who dials them asks: what has become due, what is next, it is mine."""

from collections.abc import Collection

from sqlalchemy import and_, func, or_, select, update

from ..domain.calls import Call, CallStatus, Outcome
from . import schema
from .calls import CALLS
from .database import Database, Transaction

COLUMNS = schema.CALLS.c

Place = tuple[int, int]
"A call's place in the queue: priority_rank and seq."


class CallQueue:
    """Calls that are scheduled or queued."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next_due(self) -> float | None:
        """When the next scheduled call is due, in wall seconds; None: there is none."""
        query = select(func.min(COLUMNS.scheduled_wall)).where(
            COLUMNS.status == CallStatus.SCHEDULED.value
        )
        async with self._database.read() as tx:
            due: float | None = (await tx.execute(query)).scalar_one()
        return due

    async def waiting(
        self, after: Place | None, passed_owners: Collection[str], limit: int
    ) -> list[Call]:
        """Queued calls in the order in which they are to be placed, beyond a place."""
        query = [COLUMNS.status == CallStatus.QUEUED.value]
        if after is not None:
            rank, seq = after
            query.append(
                or_(
                    COLUMNS.priority_rank > rank,
                    and_(COLUMNS.priority_rank == rank, COLUMNS.seq > seq),
                )
            )
        if passed_owners:
            query.append(COLUMNS.owner_id.not_in(passed_owners))
        async with self._database.read() as tx:
            return await CALLS.first(
                tx, None, *query, order=(COLUMNS.priority_rank, COLUMNS.seq), limit=limit
            )


async def promote_due(tx: Transaction, now_wall: float, limit: int) -> list[Call]:
    """Scheduled calls that are due are queued from now on; those."""
    due = (
        COLUMNS.status == CallStatus.SCHEDULED.value,
        COLUMNS.scheduled_wall <= now_wall,
    )
    calls = await CALLS.first(tx, None, *due, order=(COLUMNS.scheduled_wall,), limit=limit)
    queued = []
    for call in calls:
        changes = {"status": CallStatus.QUEUED, "updated_wall": now_wall}
        queued.append(await CALLS.update(tx, call, **changes))
    return queued


async def claim(tx: Transaction, call: Call, now_wall: float) -> bool:
    """The call is being dialled from now on; False: it does not wait any more."""
    return await _move(tx, call, status=CallStatus.DIALING.value, started_wall=now_wall)


async def give_up(tx: Transaction, call: Call, cause: str, reason: str, now_wall: float) -> bool:
    """The call cannot be placed; False: it does not wait any more."""
    return await _move(
        tx,
        call,
        status=CallStatus.ENDED.value,
        outcome=Outcome.FAILED.value,
        cause=cause,
        failure_reason=reason,
        ended_wall=now_wall,
        updated_wall=now_wall,
    )


async def _move(tx: Transaction, call: Call, **values: object) -> bool:
    still = (COLUMNS.id == call.id, COLUMNS.status == CallStatus.QUEUED.value)
    result = await tx.execute(update(schema.CALLS).where(*still).values(values))
    return bool(result.rowcount)
