"""Analyses of calls, for whoever asks: looked at, and asked for once more.

How they are made: analysis_steps.py. Which calls have one: those that were answered and in which
something was said, unless their agent's `analysis.enabled` is off.
"""

from collections.abc import Callable, Sequence

import msgspec

from ...media.clock import Clock
from ..auth.principal import Principal
from ..calls.calls import Calls
from ..domain.analyses import AnalysisStatus, CallAnalysis
from ..domain.calls import CallStatus, CallSummary
from ..errors import Conflict, NotFound
from ..store import schema
from ..store.calls import SUMMARIES
from ..store.database import Database, Transaction
from ..store.rows import Rows
from .access import missing, owner_of

ANALYSES = Rows(schema.CALL_ANALYSES, CallAnalysis)
COLUMNS = schema.CALL_ANALYSES.c
TURN = schema.TURNS.c
ITS_OWN = ("id", "seq", "owner_id", "call_id", "created_wall", "updated_wall")
BLANK = msgspec.structs.asdict(CallAnalysis(owner_id="", call_id=""))
"An analysis of which nothing is known yet."


class AnalysisService:
    """The verbs."""

    def __init__(self, database: Database, calls: Calls, clock: Clock) -> None:
        self._database = database
        self._calls = calls
        self._clock = clock
        self.on = True
        "Calls are analysed here."
        self.on_change: Callable[[], None] = _nobody
        "An analysis is wanted: whoever makes them may look."

    async def get(self, who: Principal, call_id: str) -> CallAnalysis:
        """The analysis of a call. Raises NotFound, which says why there is none."""
        async with self._database.read() as tx:
            call = await self._call(tx, who, call_id)
            found = await ANALYSES.find(tx, call.owner_id, COLUMNS.call_id == call_id)
            if found is None:
                why = await self._why_not(tx, call) or "none was asked for"
                raise NotFound(f"call {call_id} has no analysis: {why}")
            return found

    async def of_calls(self, who: Principal, call_ids: Sequence[str]) -> dict[str, CallAnalysis]:
        """The analyses of some calls, by the call's id; of those that have none, nothing."""
        wanted = COLUMNS.call_id.in_(call_ids)
        async with self._database.read() as tx:
            found = await ANALYSES.all(tx, owner_of(who), wanted, limit=len(call_ids))
        return {analysis.call_id: analysis for analysis in found}

    async def ask(self, who: Principal, call_id: str) -> CallAnalysis:
        """Analyse a call now, or anew: what was found before is forgotten.

        Raises NotFound, and Conflict for a call of which none can be made, or is being made.
        """
        now = self._clock.wall()
        async with self._database.write() as tx:
            call = await self._call(tx, who, call_id)
            why = await self._why_not(tx, call)
            if why is not None:
                raise Conflict(f"call {call_id} cannot be analysed: {why}")
            found = await ANALYSES.find(tx, call.owner_id, COLUMNS.call_id == call_id)
            if found is None:
                found = await ANALYSES.add(
                    tx,
                    CallAnalysis(
                        owner_id=call.owner_id,
                        call_id=call_id,
                        created_wall=now,
                        updated_wall=now,
                    ),
                )
            elif found.status is AnalysisStatus.RUNNING:
                raise Conflict(f"call {call_id} is being analysed")
            else:
                blank = {name: value for name, value in BLANK.items() if name not in ITS_OWN}
                found = await ANALYSES.update(tx, found, **blank, updated_wall=now)
        self.on_change()
        return found

    async def _call(self, tx: Transaction, who: Principal, call_id: str) -> CallSummary:
        call = await SUMMARIES.get(tx, call_id, owner_of(who))
        if call is None:
            raise missing("call", call_id)
        return call

    async def _why_not(self, tx: Transaction, call: CallSummary) -> str | None:
        """Why no analysis can be made of it; None: it can."""
        if call.status is not CallStatus.ENDED or self._calls.is_live(call.id):
            return "it has not ended"
        if call.answered_wall is None:
            return "it was not answered"
        said = TURN.call_id == call.id
        if (await tx.execute(schema.TURNS.select().where(said).limit(1))).first() is None:
            return "nothing was said in it"
        return None if self.on else "analyses are switched off (`analysis.on`)"


def _nobody() -> None:
    """Before there is somebody who makes them."""
