"""SHELL: keeps figures near what happens, beside the questions: one task, woken by events."""

import asyncio
import logging

from ...media.clock import Clock, Timer
from ..errors import StoreError
from ..events.events import EventBus
from ..services.analytics import AnalyticsService

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
        self._clock = clock
        self._wake = asyncio.Event()
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Follow from where the last start ended."""
        self._service.on_behind = self._wake.set
        self._bus.watch(self._look_soon)
        self._wake.set()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="keep figures")

    async def aclose(self) -> None:
        """Stop where it is."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._service.aclose()

    def _look_soon(self) -> None:
        if self._timer is None:
            self._look_in(REST_S)

    def _look_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(self._clock.now() + seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                if await self._service.follow():
                    self._look_in(PAUSE_S)
            except StoreError as exc:
                logger.error("figures wait for the database: %s", exc)
                self._look_in(REST_S)
