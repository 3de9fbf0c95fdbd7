"""SHELL: has agents answer texts: a few at a time, each in a task of its own.

What is due is claimed, so that no text is answered by two; what was begun when the process ends
waits for the next start. What becomes of a try is sms_task_steps.py's to say.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from ...media.clock import Clock
from ..domain.sms_tasks import SmsTask
from ..errors import StoreError
from ..services.sms_task_steps import (
    CUT_OFF,
    MAX_ATTEMPTS,
    Answered,
    Job,
    SmsTaskSteps,
    Unanswered,
)
from ..wake_loop import Again, WakeLoop

BROKEN = Unanswered(type="internal_error", error="answering it failed here", is_final=True)
DIED = Unanswered(type=CUT_OFF, error="the server has ended while it was answered", is_final=True)

logger = logging.getLogger(__name__)


class Answering(Protocol):
    """Who answers (sms_answers.py)."""

    async def answer(self, job: Job) -> Answered | Unanswered:
        """What is said, or why nothing is."""
        ...


class SmsTaskRunner:
    """`start()`, then `wake()` when a text came; `aclose()` last."""

    def __init__(
        self,
        steps: SmsTaskSteps,
        answering: Answering,
        clock: Clock,
        at_once: int = 4,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`leads`: whether this node answers (nodes.py)."""
        self._steps = steps
        self._answering = answering
        self._at_once = at_once
        self._leads = leads
        self._loop = WakeLoop("answer texts", self._round, clock, self._leads_now)
        self._recovered = False
        "What was cut off before this node led waits again."
        self._working: dict[asyncio.Task[None], SmsTask] = {}
        self._stuck: list[SmsTask] = []
        "The database refused what became of them: they are claimed still."

    def start(self) -> None:
        """Go on where the last start ended."""
        self._loop.start()

    def wake(self) -> None:
        """A text may be due."""
        self._loop.wake()

    def room(self) -> int:
        """How many more texts would be begun at once; 0 where another node answers."""
        return max(0, self._at_once - len(self._working)) if self._leads() else 0

    async def settled(self) -> None:
        """Wait until nothing is due, and nothing is being answered."""
        while not self._loop.idle.is_set() or self._working:
            await asyncio.gather(*self._working, return_exceptions=True)
            await self._loop.idle.wait()

    async def aclose(self) -> None:
        """Stop; what is being answered waits for the next start."""
        await self._loop.aclose()
        tasks, claimed = list(self._working), [*self._working.values(), *self._stuck]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._steps.give_back(claimed)
        except StoreError as exc:
            logger.error("texts that were begun count as tries: %s", exc)

    def _leads_now(self) -> bool:
        leads = self._leads()
        self._recovered &= leads
        return leads

    async def _round(self) -> Again | None:
        if not self._recovered:
            await self._steps.recover()
            self._recovered = True
        if self._stuck:
            await self._steps.give_back(self._stuck)
            self._stuck.clear()
        room = self._at_once - len(self._working)
        if room <= 0:
            return None  # whoever comes back wakes us
        claimed = await self._steps.claim(room)
        for task in claimed:
            self._begin(task)
        if len(claimed) == room:
            return None
        return Again(at_wall=await self._steps.next_wall())

    def _begin(self, task: SmsTask) -> None:
        work = asyncio.get_running_loop().create_task(
            self._answer(task), name=f"answer text {task.id}"
        )
        self._working[work] = task
        work.add_done_callback(self._finished)

    async def _answer(self, task: SmsTask) -> None:
        if task.attempts > MAX_ATTEMPTS:
            await self._steps.end(task, DIED)
            return
        job = await self._steps.job(task)
        try:
            answered = await self._answering.answer(job)
        except StoreError:
            raise
        except Exception:
            # At the task's root: a text that nobody can answer must not be tried for ever.
            logger.exception("text %s could not be answered", task.id)
            answered = BROKEN
        ended = await self._steps.end(task, answered)
        if ended is not None and ended.error:
            logger.warning("text %s: %s", task.id, ended.error)

    def _finished(self, work: asyncio.Task[None]) -> None:
        task = self._working.pop(work)
        if work.cancelled():
            return
        if (error := work.exception()) is not None:
            logger.error("%s failed: %s", work.get_name(), error)
            self._stuck.append(task)
        self.wake()
