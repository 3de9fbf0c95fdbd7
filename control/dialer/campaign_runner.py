"""SHELL: sees to campaigns when something may have changed: a call's end, a verb, an hour.

It never polls: the bus tells that something was stored, and one timer waits for the next moment at
which a window opens or closes. What is done: services/campaign_steps.py.
"""

import asyncio

from ...media.clock import Clock
from ..events.events import EventBus
from ..services.campaign_steps import CampaignSteps
from ..wake_loop import Again, WakeLoop
from .campaign_rules import Do

PACE_S = 0.2
"What happens in calls is looked at so often, at most: together."
STEPS = 200
"In one round; others have their turn before the next."


class CampaignRunner:
    """`start()`, then `wake()` when a campaign has changed, `aclose()` last."""

    def __init__(self, steps: CampaignSteps, bus: EventBus, clock: Clock) -> None:
        self._steps = steps
        self._bus = bus
        self._loop = WakeLoop("run campaigns", self._round, clock)
        self._look_at_all = True
        self._any = False
        "There are campaigns that calls' events may matter to."

    @property
    def idle(self) -> asyncio.Event:
        """All was done that can be done now, and it waits."""
        return self._loop.idle

    def start(self) -> None:
        """Go on where the last start ended."""
        self._bus.watch(self._something_was_stored)
        self._loop.start()

    def wake(self) -> None:
        """A campaign may have changed."""
        self._look_at_all = True
        self._loop.wake()

    async def aclose(self) -> None:
        """Make no more calls."""
        await self._loop.aclose()

    def _something_was_stored(self) -> None:
        if self._any:
            self._loop.wake_soon(PACE_S)

    async def _round(self) -> Again:
        self._loop.clock_was_set()  # all is looked at anyway
        everything, self._look_at_all = self._look_at_all, False
        try:
            return await self._see_to(everything)
        except BaseException:
            self._look_at_all |= everything
            raise

    async def _see_to(self, everything: bool) -> Again:
        """One step of each in turn, until none is left."""
        ids = await self._steps.to_be_seen_to(everything)
        self._any = bool(ids)
        walls: list[float] = []
        left = STEPS
        while ids:
            busy = []
            for id_ in ids:
                step = await self._steps.step(id_)
                if step.do is not Do.NOTHING:
                    busy.append(id_)
                elif step.wall is not None:
                    walls.append(step.wall)
            left -= len(ids)
            if busy and left <= 0:
                self.wake()
                break
            ids = busy
        return Again(at_wall=min(walls, default=None))
