"""SHELL: waits for the next moment of all schedules, with one timer, and has its calls placed.

What is done then: services/schedules.py.
"""

import asyncio

from ...media.clock import Clock
from ..services.schedules import ScheduleService
from ..wake_loop import Again, WakeLoop


class Scheduler:
    """`start()`, then `wake()` when a schedule has changed, `aclose()` last."""

    def __init__(self, schedules: ScheduleService, clock: Clock) -> None:
        self._schedules = schedules
        self._loop = WakeLoop("run schedules", self._round, clock)
        self._ahead_is_right = False
        "The moments that lie ahead were found by the clock as it is."

    @property
    def idle(self) -> asyncio.Event:
        """All that is due was placed, and it waits."""
        return self._loop.idle

    def start(self) -> None:
        """Place what became due while nobody looked, as far as it is not too late; then wait."""
        self._loop.start()

    def wake(self) -> None:
        """Another moment may be the next."""
        self._loop.wake()

    async def aclose(self) -> None:
        """Place nothing more."""
        await self._loop.aclose()

    async def _round(self) -> Again:
        if self._loop.clock_was_set() or not self._ahead_is_right:
            self._ahead_is_right = False
            await self._schedules.clock_was_set()
            self._ahead_is_right = True
        while await self._schedules.run_due():
            pass
        return Again(at_wall=await self._schedules.next_due())
