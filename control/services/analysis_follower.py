"""From stored ends of calls to analyses that are to be made: one reader of the table of events.

Its position is stored with what it made, in one transaction: a call whose end was committed has its
analysis, whenever the process is killed. A second server that reads the same events makes none
twice: there is one a call.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, select

from ...media.clock import Clock
from ..domain.agents import Agent
from ..domain.analyses import AnalysisSettings, CallAnalysis
from ..store import schema
from ..store.database import Database, Transaction
from ..store.event_positions import keep_position, position_of
from .agents import COLUMNS as AGENT
from .analyses import ANALYSES, COLUMNS
from .event_log import COLUMNS as EVENT

READER = "analyses"
ENDED = "call.ended"
BATCH = 100
SAVE_AFTER_EVENTS = 1000
"So many events without an end of a call are read again, at most, after a crash."

CALL, TURN = schema.CALLS.c, schema.TURNS.c


class Ended(msgspec.Struct, frozen=True):
    """A call that can be analysed."""

    call_id: str
    owner_id: str
    agent_id: str | None


class AnalysisFollower:
    """The reader. Only one task calls it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._position: int | None = None
        self._saved = 0

    async def follow(self) -> bool:
        """Make analyses of the calls that have ended since; False: that was all.

        Raises StoreError, and Conflict when another server was faster: call again.
        """
        async with self._database.read() as tx:
            if self._position is None:
                self._position = self._saved = (await position_of(tx, READER)) or 0
            newest = (await tx.execute(select(func.max(EVENT.seq)))).scalar_one() or 0
            if newest <= self._position:
                return False
            found = (
                await tx.execute(
                    select(EVENT.seq, EVENT.call_id)
                    .where(EVENT.seq > self._position, EVENT.seq <= newest, EVENT.type == ENDED)
                    .order_by(EVENT.seq)
                    .limit(BATCH)
                )
            ).all()
        more = len(found) == BATCH
        last = found[-1].seq if more else newest
        if found or last - self._saved >= SAVE_AFTER_EVENTS:
            async with self._database.write() as tx:
                await self._add(tx, [row.call_id for row in found])
                await keep_position(tx, READER, last)
            self._saved = last
        self._position = last
        return more

    async def _add(self, tx: Transaction, call_ids: Sequence[str]) -> None:
        now = self._clock.wall()
        await ANALYSES.add_all(
            tx,
            [
                CallAnalysis(
                    owner_id=ended.owner_id,
                    call_id=ended.call_id,
                    created_wall=now,
                    updated_wall=now,
                )
                for ended in await _wanted(tx, call_ids)
            ],
        )


async def _wanted(tx: Transaction, call_ids: Sequence[str]) -> list[Ended]:
    """Those that were answered, in which something was said, and whose agent wants it."""
    if not call_ids:
        return []
    query = select(CALL.id, CALL.owner_id, CALL.agent_id).where(
        CALL.id.in_(call_ids),
        CALL.answered_wall.is_not(None),
        select(TURN.call_id).where(TURN.call_id == CALL.id).exists(),
        ~select(COLUMNS.seq).where(COLUMNS.call_id == CALL.id).exists(),
    )
    ended = [Ended(*row) for row in (await tx.execute(query.order_by(CALL.seq))).all()]
    unwilling = await _unwilling(tx, {call.agent_id for call in ended if call.agent_id})
    return [call for call in ended if call.agent_id not in unwilling]


async def _unwilling(tx: Transaction, agent_ids: set[str]) -> set[str]:
    """Agents whose calls are not analysed."""
    query = select(AGENT.id, AGENT.analysis).where(AGENT.id.in_(agent_ids))
    rows = (await tx.execute(query)).all() if agent_ids else []
    return {row.id for row in rows if not settings_of(row.analysis).enabled}


def settings_of(stored: object) -> AnalysisSettings:
    """An agent's settings, as the column has them."""
    return msgspec.convert(stored, AnalysisSettings)


def settings_for(agent: Agent | None) -> AnalysisSettings:
    """Of a call's agent; of one that is gone, the usual ones."""
    return AnalysisSettings() if agent is None else agent.analysis
