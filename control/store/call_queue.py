"""The calls that wait, as who dials them asks: what has become due, what is next, it is mine."""

import itertools
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Text, and_, func, literal, or_, select, tuple_, update

from ..dialer.dial_queue import Kind, Passed
from ..dialer.retry_rules import retry_of
from ..domain.calls import Call, CallStatus
from . import schema
from .active_owners import owner_is_active
from .calls import CALLS
from .database import Database, Transaction, node_of

COLUMNS = schema.CALLS.c

Place = tuple[int, int]
"A call's place in the queue: priority_rank and seq."
KIND = tuple_(
    *(func.coalesce(COLUMNS[name], literal("")) for name in Kind.__struct_fields__),
    types=[Text] * 6,
)
"A call's, as the database compares it."
MAX_PASSED = 200
"Owners, and kinds, that are left out by the database; calls of more are read in vain."


class CallQueue:
    """Calls that are scheduled or queued."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next_due(self) -> float | None:
        """When the next scheduled call or retry is due, in wall seconds; None: there is none."""
        scheduled = select(func.min(COLUMNS.scheduled_wall)).where(
            COLUMNS.status == CallStatus.SCHEDULED.value
        )
        retries = select(func.min(COLUMNS.next_retry_wall)).where(
            COLUMNS.next_retry_wall.is_not(None)
        )
        async with self._database.read() as tx:
            moments = [(await tx.execute(query)).scalar_one() for query in (scheduled, retries)]
        return min((moment for moment in moments if moment is not None), default=None)

    async def waiting(self, after: Place | None, passed: Passed, limit: int) -> list[Call]:
        """Queued calls in the order in which they are to be placed, beyond a place.

        Not those of accounts that are switched off.
        """
        query = [COLUMNS.status == CallStatus.QUEUED.value, owner_is_active(COLUMNS.owner_id)]
        if after is not None:
            rank, seq = after
            query.append(
                or_(
                    COLUMNS.priority_rank > rank,
                    and_(COLUMNS.priority_rank == rank, COLUMNS.seq > seq),
                )
            )
        if passed.owners:
            query.append(COLUMNS.owner_id.not_in(itertools.islice(passed.owners, MAX_PASSED)))
        if passed.kinds:
            kinds = itertools.islice(passed.kinds, MAX_PASSED)
            query.append(KIND.not_in([_as_stored(kind) for kind in kinds]))
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
    order = (COLUMNS.scheduled_wall,)
    calls = await CALLS.first(tx, None, *due, order=order, limit=limit, claim=True)
    queued = []
    for call in calls:
        changes = {"status": CallStatus.QUEUED, "updated_wall": now_wall}
        queued.append(await CALLS.update(tx, call, **changes))
    return queued


async def place_retries(tx: Transaction, now_wall: float, limit: int) -> list[Call]:
    """Queue a call for each that is due to be tried again; those."""
    due = COLUMNS.next_retry_wall <= now_wall
    order = (COLUMNS.next_retry_wall,)
    calls = await CALLS.first(tx, None, due, order=order, limit=limit, claim=True)
    return [await place_retry(tx, call, call.retry_attempt + 1, now_wall) for call in calls]


async def place_retry(tx: Transaction, call: Call, attempt: int, now_wall: float) -> Call:
    """Queue a call for one that has ended: what becomes of that one is no longer open."""
    due_wall = now_wall if call.next_retry_wall is None else call.next_retry_wall
    await CALLS.update(tx, call, next_retry_wall=None, retried=True, updated_wall=now_wall)
    return await CALLS.add(tx, retry_of(call, attempt, due_wall, now_wall))


async def claim(tx: Transaction, call: Call, now_wall: float) -> bool:
    """Dialled by this node from now on; False: it, or its account, is not there for that.

    What it was asked for is kept: what carries it is written over that.
    """
    return await _move(
        tx,
        call,
        owner_is_active(COLUMNS.owner_id),
        status=CallStatus.DIALING.value,
        wished_line=call.line,
        wished_from=call.from_number,
        started_wall=now_wall,
        node=node_of(tx),
    )


async def give_up(tx: Transaction, ended: Call) -> bool:
    """The call is over as `ended` says, undialled; False: it does not wait any more."""
    assert ended.outcome is not None, "it has ended"
    return await _move(
        tx,
        ended,
        status=CallStatus.ENDED.value,
        outcome=ended.outcome.value,
        cause=None if ended.cause is None else ended.cause.value,
        failure_reason=ended.failure_reason,
        next_retry_wall=ended.next_retry_wall,
        ended_wall=ended.ended_wall,
        updated_wall=ended.updated_wall,
    )


async def _move(tx: Transaction, call: Call, *where: ColumnElement[bool], **values: Any) -> bool:
    still = (COLUMNS.id == call.id, COLUMNS.status == CallStatus.QUEUED.value, *where)
    result = await tx.execute(update(schema.CALLS).where(*still).values(values))
    return bool(result.rowcount)


def _as_stored(kind: Kind) -> tuple[str, ...]:
    values: tuple[str | None, ...] = msgspec.structs.astuple(kind)
    return tuple(value or "" for value in values)
