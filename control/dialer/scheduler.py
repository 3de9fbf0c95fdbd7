"""SHELL: waits for the next moment of all schedules, with one timer, and has its calls placed.

What is done then: services/schedules.py.
"""

import asyncio
import logging

from ...media.clock import Clock
from ..errors import StoreError
from ..services.schedules import ScheduleService
from .wall_timer import WallTimer

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
        self._timer = WallTimer(clock, self.wake)
        self._ahead_is_right = False
        "The moments that lie ahead were found by the clock as it is."

    def start(self) -> None:
        """Place what became due while nobody looked, as far as it is not too late; then wait."""
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
        self._timer.cancel()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                self._timer.set(await self._round())
            except StoreError as exc:
                logger.error("schedules cannot be read: %s", exc)
                self._timer.set(self._clock.wall() + RETRY_S)
            except Exception:
                # At the task's root: without it no schedule would ever run again.
                logger.exception("running schedules failed")
                self._timer.set(self._clock.wall() + RETRY_S)
            if not self._woken.is_set():
                self.idle.set()

    async def _round(self) -> float | None:
        """Returns the next moment."""
        if self._timer.was_set() or not self._ahead_is_right:
            self._ahead_is_right = False
            await self._schedules.clock_was_set()
            self._ahead_is_right = True
        while await self._schedules.run_due():
            pass
        return await self._schedules.next_due()
