"""SHELL: keeps figures near what happens, beside the questions: in small steps, with rests.

When it has caught up for the first time, it has them all read by the process that counts.
"""

import asyncio
import logging

from ...media.clock import Clock
from ..errors import StoreError, Unavailable
from ..events.events import EventBus
from ..services.analytics import AnalyticsService
from ..wake_loop import Again, WakeLoop

REST_S = 2.0
"Between looks at what was stored: figures are asked for seldom, and a question catches up itself."
PAUSE_S = 0.02
"Between steps, so that whoever wants to write is not kept waiting."

logger = logging.getLogger(__name__)


class FiguresKeeper:
    """`start()`, then `aclose()`."""

    def __init__(self, service: AnalyticsService, bus: EventBus, clock: Clock) -> None:
        self._service = service
        self._bus = bus
        self._loop = WakeLoop("keep figures", self._round, clock)
        self.warming: asyncio.Task[None] | None = None
        "All figures are read; None: not yet."

    @property
    def idle(self) -> asyncio.Event:
        """Nothing is to be followed now."""
        return self._loop.idle

    def start(self) -> None:
        """Follow from where the last start ended."""
        self._service.on_behind = self._loop.wake
        self._bus.watch(self._something_was_stored)
        self._loop.start()

    async def aclose(self) -> None:
        """Stop where it is; end the process that counts."""
        await self._loop.aclose()
        if self.warming is not None:
            self.warming.cancel()
            await asyncio.gather(self.warming, return_exceptions=True)
        await self._service.aclose()

    def _something_was_stored(self) -> None:
        self._loop.wake_soon(REST_S)

    async def _round(self) -> Again | None:
        if await self._service.follow():
            return Again(in_s=PAUSE_S)
        if self.warming is None:
            self.warming = asyncio.create_task(self._warm_up(), name="read all figures")
        return None

    async def _warm_up(self) -> None:
        try:
            await self._service.warm_up()
        except (StoreError, Unavailable) as exc:
            logger.info("figures were not read before somebody asks: %s", exc)
