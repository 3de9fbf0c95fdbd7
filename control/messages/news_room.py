"""SHELL: who tells accounts of what has happened, as events come (services/news.py)."""

from collections.abc import Callable

from ...media.clock import Clock
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
        self._loop = WakeLoop("tell news", self._round, clock, leads)

    def start(self) -> None:
        """Go on where the last start ended."""
        self._bus.watch(self._something_was_stored)
        self._loop.start()

    def wake(self) -> None:
        """Another node may have told until now."""
        self._news.forget_place()
        self._loop.wake()

    async def aclose(self) -> None:
        """Tell nothing more."""
        await self._loop.aclose()

    def _something_was_stored(self) -> None:
        self._loop.wake_soon(REST_S)

    async def _round(self) -> Again | None:
        return Again(in_s=PAUSE_S) if await self._news.follow() else None
