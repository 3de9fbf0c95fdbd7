"""SHELL: a task that does rounds of some work: when it is woken, and when a moment comes.

It never polls. What is done in a round, and when to look again if nothing wakes it before, is its
owner's; a round that fails is done again after `RETRY_S`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from ..media.clock import Clock, Timer
from .dialer.wall_timer import WallTimer
from .errors import StoreError

RETRY_S = 1.0
"When the database cannot be read, or something fails, it is tried again after that."

logger = logging.getLogger(__name__)


class Again(msgspec.Struct, frozen=True):
    """When the next round is to be, if nothing wakes the loop before: at the earlier of the two."""

    in_s: float | None = None
    "Seconds from now, by the clock that nobody sets."
    at_wall: float | None = None
    "Or sooner, if the wall clock is set."


class WakeLoop:
    """`start()`, then `wake()` when something may have changed; `aclose()`, or `finish()`, last."""

    def __init__(
        self,
        name: str,
        do_round: Callable[[], Awaitable[Again | None]],
        clock: Clock,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`name`: the task's, in the infinitive. None of a round: only when woken.

        `leads`: whether rounds are this node's to do; it is woken when that changes (nodes.py).
        """
        self._name = name
        self._do_round = do_round
        self._clock = clock
        self._leads = leads
        self._woken = asyncio.Event()
        self.idle = asyncio.Event()
        "All was done that can be done now, and it waits."
        self._task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None
        self._soon: Timer | None = None
        self._wall_timer = WallTimer(clock, self.wake)
        self._closing = False

    def start(self) -> None:
        """Begin with a round."""
        self._closing = False
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)
        self.wake()

    def wake(self) -> None:
        """Do a round, or one more after that which is being done."""
        self._rest_no_longer()
        self.idle.clear()
        self._woken.set()

    def wake_soon(self, within_s: float) -> None:
        """The same after a rest, unless somebody wakes it before: for what comes in crowds."""
        if self._soon is None and not self._closing:
            self._soon = self._clock.call_at(self._clock.now() + within_s, self.wake)

    def clock_was_set(self) -> bool:
        """Whether the wall clock was set since this was asked last."""
        return self._wall_timer.was_set()

    async def finish(self) -> None:
        """Begin no further round; the one that is being done is done to its end."""
        self._closing = True
        self.wake()
        if self._task is not None:
            await self._task
        self._cancel_timers()

    async def aclose(self) -> None:
        """Stop at once."""
        self._closing = True
        self._rest_no_longer()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._cancel_timers()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self._closing:
                return
            try:
                again = await self._do_round() if self._leads() else None
            except StoreError as exc:
                logger.error("%s: waits for the database: %s", self._name, exc)
                again = Again(in_s=RETRY_S)
            except Exception:
                # At the task's root: without it there would never be another round.
                logger.exception("%s: failed", self._name)
                again = Again(in_s=RETRY_S)
            self._look_again(again or Again())
            if not self._woken.is_set():
                self.idle.set()

    def _look_again(self, again: Again) -> None:
        self._cancel_timers()
        if again.in_s is not None:
            self._timer = self._clock.call_at(self._clock.now() + again.in_s, self.wake)
        self._wall_timer.set(again.at_wall)

    def _rest_no_longer(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
        self._soon = None

    def _cancel_timers(self) -> None:
        self._wall_timer.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
