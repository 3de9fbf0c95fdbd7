"""How an analysis goes on: claimed, made by somebody, stored with the events that tell it.

A try that fails is made again after 10 s, 1 min and 10 min; then the analysis is `failed`. One that
a crash cut off is taken up again, and counts as a try: no call can stop the server for ever.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select, update

from ...media.clock import Clock
from ...media.speech_ports import TokensUsed
from ..analysis.conversation import (
    MAX_TURNS,
    Conversation,
    Findings,
    Spoken,
    facts_of,
    spoken,
    within_limits,
)
from ..calls.calls import Calls
from ..calls.costing import with_analysis
from ..configuration.config_costs import CostSettings
from ..domain.agents import Agent
from ..domain.analyses import (
    AnalysisSettings,
    AnalysisStatus,
    CallAnalysis,
    Notice,
    Sentiment,
)
from ..domain.calls import Call
from ..domain.costs import CallCost, CallUsage
from ..domain.events import CallAnalysed, CallQaScored
from ..people.reasons import call_words
from ..store import schema
from ..store.calls import SUMMARIES, CallStore
from ..store.database import Database, Transaction
from .agents import AGENTS
from .analyses import ANALYSES, COLUMNS
from .analysis_follower import settings_for
from .event_log import EventLog, Work
from .notifications import NotificationService

PAUSES_S = (10.0, 60.0, 600.0)
"After the first, second and third try that failed."
LEASE_S = 3600.0
"Whoever claims an analysis has so long for it; then it is taken for cut off."
TURNS_AT_ONCE = 100
MAX_ERROR_CHARS = 500
CUT_OFF = "the server ended in the middle of every try"

CALLS = schema.CALLS
PENDING, RUNNING = AnalysisStatus.PENDING.value, AnalysisStatus.RUNNING.value


class Job(msgspec.Struct, frozen=True):
    """An analysis that is claimed, and what it is made of."""

    analysis: CallAnalysis
    conversation: Conversation
    agent: Agent | None
    "None: it is gone."


class AnalysisSteps:
    """Used by whoever makes analyses (analysis/analysis_runner.py)."""

    def __init__(
        self,
        database: Database,
        log: EventLog,
        calls: Calls,
        notifications: NotificationService,
        clock: Clock,
        costs: CostSettings,
    ) -> None:
        """`costs`: what language models cost."""
        self._database = database
        self._store = CallStore(database)
        self._log = log
        self._calls = calls
        self._notifications = notifications
        self._clock = clock
        self._costs = costs

    async def recover(self) -> int:
        """What a crash has cut off waits again; returns how many. Raises StoreError.

        For whoever is the only one to claim analyses, and has claimed none.
        """
        async with self._database.write() as tx:
            return await ANALYSES.update_where(
                tx, None, COLUMNS.status == RUNNING, status=PENDING, next_try_wall=None
            )

    async def claim(self, limit: int) -> list[CallAnalysis]:
        """Some that are due, oldest first; each is nobody else's then. Raises StoreError.

        Left alone: calls whose end is not stored in full.
        """
        now = self._clock.wall()
        claimed: list[CallAnalysis] = []
        async with self._database.read() as tx:
            if not await ANALYSES.all(tx, None, _due(now), limit=1):
                return []
        async with self._log.writing() as work:
            for analysis in await ANALYSES.all(work.tx, None, _due(now), limit=limit):
                if self._calls.find(analysis.call_id) is not None:
                    continue
                if analysis.attempts > len(PAUSES_S):
                    await self._end_failed(work, analysis, CUT_OFF, now)
                    continue
                claimed.append(
                    await ANALYSES.update(
                        work.tx,
                        analysis,
                        status=AnalysisStatus.RUNNING,
                        attempts=analysis.attempts + 1,
                        next_try_wall=now + LEASE_S,
                        updated_wall=now,
                    )
                )
        return claimed

    async def next_wall(self) -> float | None:
        """When the next one is due; None: none waits. Raises StoreError."""
        waits = COLUMNS.status.in_((PENDING, RUNNING))
        query = select(func.min(func.coalesce(COLUMNS.next_try_wall, 0.0))).where(waits)
        async with self._database.read() as tx:
            wall: float | None = (await tx.execute(query)).scalar_one()
            return wall

    async def job(self, analysis: CallAnalysis) -> Job | None:
        """What a claimed one is made of; None: the call is gone. Raises StoreError."""
        call, turns = await self._call(analysis.call_id)
        if call is None or call.record is None:
            return None
        async with self._database.read() as tx:
            agent = None if call.agent_id is None else await AGENTS.get(tx, call.agent_id, None)
        kept, cut = within_limits(turns)
        conversation = Conversation(
            turns=kept,
            facts=facts_of(call, call.record),
            language="en" if agent is None else agent.language,
            wanted=settings_for(agent),
            cut=cut,
        )
        return Job(analysis, conversation, agent)

    async def charge(self, call_id: str, provider: str, requests: Sequence[TokensUsed]) -> None:
        """What requests to a language model took is part of what the call costs.

        Whatever comes of them: they are paid for. The event of the analysis tells it. Raises
        StoreError.
        """
        async with self._database.write() as tx:
            call = await SUMMARIES.get(tx, call_id, None)
            if call is None:
                return
            cost = call.cost or CallCost(currency=self._costs.currency)
            usage, cost = with_analysis(
                call.usage or CallUsage(), cost, provider, requests, self._costs
            )
            values = {"usage": msgspec.to_builtins(usage), "cost": msgspec.to_builtins(cost)}
            await tx.execute(update(CALLS).where(CALLS.c.id == call_id).values(values))

    async def store(self, job: Job, findings: Findings, provider: str, model: str) -> bool:
        """It is done; False: it is not wanted any more. Raises StoreError."""
        now = self._clock.wall()
        async with self._log.writing() as work:
            analysis = await _claimed(work.tx, job.analysis)
            if analysis is None:
                return False
            analysis = await ANALYSES.update(
                work.tx,
                analysis,
                **{name: getattr(findings, name) for name in Findings.__struct_fields__},
                status=AnalysisStatus.DONE,
                provider=provider,
                model=model,
                error="",
                next_try_wall=None,
                finished_wall=now,
                updated_wall=now,
            )
            await _note_in_call(work.tx, analysis)
            work.tell(analysis.owner_id, analysed(analysis, now))
            if analysis.qa_score is not None:
                work.tell(analysis.owner_id, qa_scored(analysis, now))
            await self._tell(work, analysis, job.conversation.wanted)
        return True

    async def fail(
        self,
        claimed: CallAnalysis,
        error: str,
        wait_s: float = 0.0,
        notify: Sequence[Notice] = (),
    ) -> None:
        """A try failed: it is made again, after `wait_s` at least, or given up.

        `notify`: what its agent's owner wants to be told. Raises StoreError.
        """
        now = self._clock.wall()
        async with self._log.writing() as work:
            analysis = await _claimed(work.tx, claimed)
            if analysis is None:
                return
            if analysis.attempts > len(PAUSES_S):
                await self._end_failed(work, analysis, error, now)
                if Notice.FAILED in notify:
                    title = "The {call} could not be analysed"
                    await self._notify(work, analysis, "call.analysis_failed", title, error)
                return
            await ANALYSES.update(
                work.tx,
                analysis,
                status=AnalysisStatus.PENDING,
                error=error[:MAX_ERROR_CHARS],
                next_try_wall=now + max(PAUSES_S[analysis.attempts - 1], wait_s),
                updated_wall=now,
            )

    async def give_back(self, analyses: Sequence[CallAnalysis]) -> None:
        """The server stops in order: what is being made was no try. Raises StoreError."""
        async with self._database.write() as tx:
            for given in analyses:
                analysis = await _claimed(tx, given)
                if analysis is not None:
                    attempts = analysis.attempts - 1
                    waits = {"status": AnalysisStatus.PENDING, "next_try_wall": None}
                    await ANALYSES.update(tx, analysis, **waits, attempts=attempts)

    # --- inside ---------------------------------------------------------------------------------

    async def _call(self, call_id: str) -> tuple[Call | None, list[Spoken]]:
        """A call with its turns, which come in slices: one of hours has thousands."""
        turns: list[Spoken] = []
        after = -1
        while True:
            call = await self._store.get(call_id, None, after, TURNS_AT_ONCE)
            if call is None or call.record is None or not call.record.rate_hz:
                return call, turns
            found = call.record.turns
            turns += spoken(found, call.record.rate_hz)
            if len(found) < TURNS_AT_ONCE or len(turns) > MAX_TURNS:
                return call, turns
            after = found[-1].index

    async def _end_failed(self, work: Work, analysis: CallAnalysis, error: str, now: float) -> None:
        analysis = await ANALYSES.update(
            work.tx,
            analysis,
            status=AnalysisStatus.FAILED,
            error=error[:MAX_ERROR_CHARS],
            next_try_wall=None,
            finished_wall=now,
            updated_wall=now,
        )
        work.tell(analysis.owner_id, analysed(analysis, now))

    async def _tell(self, work: Work, analysis: CallAnalysis, wanted: AnalysisSettings) -> None:
        """What its agent's owner wants to be told of what was found."""
        if Notice.NEGATIVE in wanted.notify and analysis.sentiment is Sentiment.NEGATIVE:
            title = "A caller was not content: the {call}"
            await self._notify(work, analysis, "call.negative", title, analysis.summary)
        score = analysis.qa_score
        if Notice.LOW_SCORE in wanted.notify and score is not None and score < wanted.notify_below:
            title = f"The {{call}} has a QA score of {score:.0f}"
            missed = [item.question for item in analysis.checklist if item.passed is False]
            text = "\n".join(["Not met:", *missed]) if missed else ""
            await self._notify(work, analysis, "call.low_score", title, text)

    async def _notify(
        self, work: Work, analysis: CallAnalysis, type_: str, title: str, text: str
    ) -> None:
        """`title` names the call as `{call}`."""
        owner_id, call_id = analysis.owner_id, analysis.call_id
        call = await SUMMARIES.get(work.tx, call_id, None)
        title = title.format(call="call" if call is None else call_words(call))
        await self._notifications.notify(work, owner_id, type_, title, text, call_id)


def analysed(analysis: CallAnalysis, now: float) -> CallAnalysed:
    """The event that tells an analysis."""
    return CallAnalysed(
        at_wall=now,
        call_id=analysis.call_id,
        analysis_id=analysis.id,
        status=analysis.status,
        sentiment=analysis.sentiment,
        sentiment_score=analysis.sentiment_score,
        outcome=analysis.outcome,
        qa_score=analysis.qa_score,
        error=analysis.error,
    )


def qa_scored(analysis: CallAnalysis, now: float) -> CallQaScored:
    """The event that tells how a call has met its checklist."""
    assert analysis.qa_score is not None, "there is something to be told"
    told = [item.passed for item in analysis.checklist if item.passed is not None]
    return CallQaScored(
        at_wall=now,
        call_id=analysis.call_id,
        qa_score=analysis.qa_score,
        passed=sum(told),
        told=len(told),
        asked=len(analysis.checklist),
    )


def _due(now: float) -> ColumnElement[bool]:
    waits = and_(
        COLUMNS.status == PENDING,
        or_(COLUMNS.next_try_wall.is_(None), COLUMNS.next_try_wall <= now),
    )
    return or_(waits, and_(COLUMNS.status == RUNNING, COLUMNS.next_try_wall <= now))


async def _claimed(tx: Transaction, analysis: CallAnalysis) -> CallAnalysis | None:
    """As it is now, if it is still this claim's."""
    now = await ANALYSES.get(tx, analysis.id, None)
    if now is None or now.status is not AnalysisStatus.RUNNING:
        return None
    return now if now.attempts == analysis.attempts else None


async def _note_in_call(tx: Transaction, analysis: CallAnalysis) -> None:
    feeling = analysis.sentiment
    await tx.execute(
        update(CALLS)
        .where(CALLS.c.id == analysis.call_id)
        .values(sentiment=None if feeling is None else feeling.value, qa_score=analysis.qa_score)
    )
