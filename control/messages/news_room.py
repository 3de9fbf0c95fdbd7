"""SHELL: who tells accounts of what has happened, as events come (services/news.py)."""

from collections.abc import Callable

from ...media.clock import Clock, Timer
from ..events.events import EventBus
from ..services.news import News
from ..wake_loop import Again, WakeLoop

REST_S = 1.0
"Events come in crowds: they are looked at together."
PAUSE_S = 0.02
"Between steps, so that whoever wants to write is not kept waiting."


class NewsRoom:
    """`start()` when the database is open, `aclose()` before it is closed."""

    def __init__(
        self, news: News, bus: EventBus, clock: Clock, leads: Callable[[], bool] = lambda: True
    ) -> None:
        """`leads`: whether this node tells for all (nodes.py)."""
        self._news = news
        self._bus = bus
        self._clock = clock
        self._loop = WakeLoop("tell news", self._round, clock, leads)
        self._timer: Timer | None = None

    def start(self) -> None:
        """Go on where the last start ended."""
        self._bus.watch(self._look_soon)
        self._loop.start()

    def wake(self) -> None:
        """Another node may have told until now."""
        self._news.forget_place()
        self._loop.wake()

    async def aclose(self) -> None:
        """Tell nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        await self._loop.aclose()

    def _look_soon(self) -> None:
        if self._timer is None:
            self._timer = self._clock.call_at(self._clock.now() + REST_S, self._look)

    def _look(self) -> None:
        self._timer = None
        self._loop.wake()

    async def _round(self) -> Again | None:
        return Again(in_s=PAUSE_S) if await self._news.follow() else None
