"""SHELL: waits for the next moment of all schedules, with one timer, and has its calls placed.

What is done then: services/schedules.py. The timer goes by a clock that nobody sets; so at least
every LOOK_S it is compared with the wall clock, in memory, and if that was set (or the machine has
slept) all is looked at again.
"""

import asyncio
import logging

from ..media.clock import Clock, Timer
from .errors import StoreError
from .services.schedules import ScheduleService

LOOK_S = 15.0
SET_S = 2.0
"When wall time has gone so much faster or slower than time itself, it was set."
RETRY_S = 1.0
"When the database cannot be read, or something fails, it is tried again after that."

logger = logging.getLogger(__name__)


class Scheduler:
    """`start()`, then `wake()` when a schedule has changed, `aclose()` last."""

    def __init__(self, schedules: ScheduleService, clock: Clock) -> None:
        self._schedules = schedules
        self._clock = clock
        self._woken = asyncio.Event()
        self.idle = asyncio.Event()
        "All that is due was placed, and it waits."
        self._task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None
        self._due_wall: float | None = None
        self._offset = 0.0
        self._was_set = True

    def start(self) -> None:
        """Place what became due while nobody looked, as far as it is not too late; then wait."""
        self._offset = self._clock.wall() - self._clock.now()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="run schedules")
        self.wake()

    def wake(self) -> None:
        """Another moment may be the next."""
        self.idle.clear()
        self._woken.set()

    async def aclose(self) -> None:
        """Place nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._round()
            except StoreError as exc:
                logger.error("schedules cannot be read: %s", exc)
                self._due_wall = self._clock.wall() + RETRY_S
            except Exception:
                # At the task's root: without it no schedule would ever run again.
                logger.exception("running schedules failed")
                self._due_wall = self._clock.wall() + RETRY_S
            self._arm()
            if not self._woken.is_set():
                self.idle.set()

    async def _round(self) -> None:
        if self._was_set:
            await self._schedules.clock_was_set()
            self._was_set = False
        while await self._schedules.run_due():
            pass
        self._due_wall = await self._schedules.next_due()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._due_wall is not None:
            wait_s = max(0.0, self._due_wall - self._clock.wall())
            self._timer = self._clock.call_at(self._clock.now() + min(wait_s, LOOK_S), self._look)

    def _look(self) -> None:
        offset = self._clock.wall() - self._clock.now()
        if abs(offset - self._offset) > SET_S:
            self._offset, self._was_set = offset, True
        assert self._due_wall is not None, "the timer runs for that"
        if self._was_set or self._clock.wall() >= self._due_wall:
            self.wake()
        else:
            self._arm()
