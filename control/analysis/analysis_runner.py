"""SHELL: has ended calls analysed, some at a time. It never polls: the bus and one timer wake it.

What happens in calls is looked at together, so often at most: an end is followed by several events.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from ...media.clock import Clock
from ...media.speech_ports import TokensUsed
from ..domain.analyses import CallAnalysis
from ..errors import Conflict, StoreError
from ..events.events import EventBus
from ..services.analysis_follower import AnalysisFollower
from ..services.analysis_steps import AnalysisSteps
from ..wake_loop import Again, WakeLoop
from .analysts import Analysts, NotAnalysed

PACE_S = 0.5
CLAIMED = 16
"At once, at most: a claim costs the loop as much for sixteen as for one."
FAILED_HERE = "the server failed to analyse it"
REFUSED = "the database was not to be used"
NO_RECORD = "nothing is kept of what was said"

logger = logging.getLogger(__name__)


class AnalysisRunner:
    """`start()`, then `wake()` when an analysis was asked for, `aclose()` last."""

    def __init__(
        self,
        follower: AnalysisFollower,
        steps: AnalysisSteps,
        analysts: Analysts,
        bus: EventBus,
        clock: Clock,
        at_once: int,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`leads`: whether this node analyses the calls of all (nodes.py)."""
        self._follower = follower
        self._steps = steps
        self._analysts = analysts
        self._bus = bus
        self._clock = clock
        self._at_once = at_once
        self._leads = leads
        self._recovered = False
        "What was cut off before this node led waits again."
        self._loop = WakeLoop("analyse calls", self._round, clock, self._leads_now)
        self._closing = False
        self._waiting: deque[CallAnalysis] = deque()
        "Claimed, and not begun."
        self._stuck: list[CallAnalysis] = []
        "The database refused what became of them: they are claimed still."
        self._working: dict[asyncio.Task[None], CallAnalysis] = {}

    @property
    def working(self) -> int:
        """Calls that are being analysed."""
        return len(self._working)

    def start(self) -> None:
        """Go on where the last start ended."""
        self._bus.watch(self._something_was_stored)
        self._loop.start()

    def wake(self) -> None:
        """An analysis may be due."""
        self._loop.wake()

    async def settled(self) -> None:
        """Wait until nothing is due, and nothing is being analysed."""
        while not self._loop.idle.is_set() or self._working or self._waiting:
            await self._loop.idle.wait()
            await asyncio.gather(*self._working, return_exceptions=True)

    async def aclose(self) -> None:
        """Stop; what is being analysed waits for the next start."""
        self._closing = True
        await self._loop.aclose()
        tasks, claimed = list(self._working), [*self._working.values(), *self._waiting]
        self._waiting.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if claimed:
            try:
                await self._steps.give_back(claimed)
            except StoreError as exc:
                logger.error("analyses that were begun count as tries: %s", exc)

    def _something_was_stored(self) -> None:
        self._loop.wake_soon(PACE_S)

    def _leads_now(self) -> bool:
        leads = self._leads()
        if not leads:
            self._recovered = False
        return leads

    async def _round(self) -> Again | None:
        if not self._recovered:
            await self._steps.recover()
            self._recovered = True
        while self._stuck:
            await self._steps.fail(self._stuck[-1], REFUSED)
            self._stuck.pop()
        try:
            while await self._follower.follow():
                pass
        except Conflict:  # another server was faster
            return Again(in_s=PACE_S)
        if self._waiting or len(self._working) >= self._at_once:
            return None  # whoever comes back wakes us
        claimed = await self._steps.claim(CLAIMED)
        self._waiting.extend(claimed)
        self._begin()
        if len(claimed) == CLAIMED:
            return None
        wall = await self._steps.next_wall()
        # What is due and was left alone is a call whose end is on its way to the disk.
        soonest = self._clock.wall() + PACE_S
        return Again(at_wall=None if wall is None else max(wall, soonest))

    def _begin(self) -> None:
        """As many as may be analysed at once."""
        while self._waiting and len(self._working) < self._at_once and not self._closing:
            analysis = self._waiting.popleft()
            work = asyncio.get_running_loop().create_task(
                self._analyse(analysis), name=f"analyse call {analysis.call_id}"
            )
            self._working[work] = analysis
            work.add_done_callback(self._finished)

    async def _analyse(self, analysis: CallAnalysis) -> None:
        job = await self._steps.job(analysis)
        if job is None:
            await self._steps.fail(analysis, NO_RECORD)
            return
        notify = job.conversation.wanted.notify
        analyst = self._analysts.analyst_of(job.agent)
        used: list[TokensUsed] = []
        try:
            try:
                findings = await self._analysts.analyse(
                    analysis.owner_id, job.conversation, analyst, used.append
                )
            finally:
                if used:
                    await self._steps.charge(analysis.call_id, analyst.provider, used)
        except NotAnalysed as exc:
            logger.warning("call %s: %s", analysis.call_id, exc)
            await self._steps.fail(analysis, str(exc), exc.wait_s, notify)
            return
        except StoreError:
            raise
        except Exception:
            # At the task's root: a call that nothing can be made of must not be tried for ever.
            logger.exception("call %s could not be analysed", analysis.call_id)
            await self._steps.fail(analysis, FAILED_HERE, 0.0, notify)
            return
        await self._steps.store(job, findings, analyst.provider, analyst.model)

    def _finished(self, task: asyncio.Task[None]) -> None:
        analysis = self._working.pop(task, None)
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            logger.error("%s failed: %s", task.get_name(), error)
            if analysis is not None:
                self._stuck.append(analysis)
        self._begin()
        if self._stuck or not self._waiting:
            self.wake()
