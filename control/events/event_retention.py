"""SHELL: deletes old events and ended deliveries, in small steps: the database has one writer."""

import asyncio
import logging

from ...media.clock import Clock, Timer
from ..configuration.config_events import EventSettings
from ..errors import StoreError
from ..services.deliveries import DeliveryQueue
from ..services.event_log import EventLog

SWEEP_S = 3600.0
BATCH = 500
DAY_S = 86_400.0

logger = logging.getLogger(__name__)


class EventRetention:
    """`start()`, then `aclose()`."""

    def __init__(
        self, events: EventLog, deliveries: DeliveryQueue, clock: Clock, settings: EventSettings
    ) -> None:
        self._events = events
        self._deliveries = deliveries
        self._clock = clock
        self._settings = settings
        self._task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None

    def start(self) -> None:
        """Look now and then."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._sweep_and_wait(), name="delete old events")

    async def aclose(self) -> None:
        """Stop where it is."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sweep(self) -> int:
        """Delete all that is too old or too much; returns how many events. Raises StoreError."""
        before = self._clock.wall() - self._settings.retention_days * DAY_S
        deleted, most = 0, self._settings.max_kept
        while await self._deliveries.delete_old(before, BATCH) == BATCH:
            pass
        while count := await self._events.delete_old(before, most, BATCH):
            deleted += count
        return deleted

    async def _sweep_and_wait(self) -> None:
        try:
            deleted = await self.sweep()
            logger.debug("old events deleted: %d", deleted)
        except StoreError as exc:
            logger.error("old events could not be deleted: %s", exc)
        self._timer = self._clock.call_at(self._clock.now() + SWEEP_S, self.start)
