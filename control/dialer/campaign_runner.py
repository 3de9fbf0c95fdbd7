"""SHELL: sees to campaigns when something may have changed: a call's end, a verb, an hour.

It never polls: the bus tells that something was stored, and one timer waits for the next moment at
which a window opens or closes. What is done: services/campaign_steps.py.
"""

import asyncio
import logging

from ...media.clock import Clock, Timer
from ..errors import StoreError
from ..events.events import EventBus
from ..services.campaign_steps import CampaignSteps
from .campaign_rules import Do
from .wall_timer import WallTimer

PACE_S = 0.2
"What happens in calls is looked at so often, at most: together."
RETRY_S = 1.0
"When the database cannot be read, or something fails, it is tried again after that."
STEPS = 200
"In one round; others have their turn before the next."

logger = logging.getLogger(__name__)


class CampaignRunner:
    """`start()`, then `wake()` when a campaign has changed, `aclose()` last."""

    def __init__(self, steps: CampaignSteps, bus: EventBus, clock: Clock) -> None:
        self._steps = steps
        self._bus = bus
        self._clock = clock
        self._woken = asyncio.Event()
        self.idle = asyncio.Event()
        "All was done that can be done now, and it waits."
        self._task: asyncio.Task[None] | None = None
        self._timer = WallTimer(clock, self.wake)
        self._soon: Timer | None = None
        self._look_at_all = True
        self._any = False
        "There are campaigns that calls' events may matter to."

    def start(self) -> None:
        """Go on where the last start ended."""
        self._bus.watch(self._something_was_stored)
        self._task = asyncio.get_running_loop().create_task(self._run(), name="run campaigns")
        self.wake()

    def wake(self) -> None:
        """A campaign may have changed."""
        self._look_at_all = True
        self._now()

    async def aclose(self) -> None:
        """Make no more calls."""
        self._any = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._timer.cancel()
        if self._soon is not None:
            self._soon.cancel()

    def _something_was_stored(self) -> None:
        if self._any and self._soon is None:
            self._soon = self._clock.call_at(self._clock.now() + PACE_S, self._now)

    def _now(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self.idle.clear()
        self._woken.set()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                self._timer.set(await self._round())
            except StoreError as exc:
                logger.error("campaigns cannot be seen to: %s", exc)
                self._timer.set(self._clock.wall() + RETRY_S)
            except Exception:
                # At the task's root: without it no campaign would ever go on.
                logger.exception("running campaigns failed")
                self._timer.set(self._clock.wall() + RETRY_S)
            if not self._woken.is_set():
                self.idle.set()

    async def _round(self) -> float | None:
        """One step of each in turn, until none is left; returns when to look again."""
        everything, self._look_at_all = self._look_at_all, False
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
        return min(walls, default=None)
