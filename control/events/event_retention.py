"""SHELL: deletes old events and ended deliveries, in small steps: the database has one writer."""

import logging

from ...media.clock import Clock
from ..configuration.config_events import EventSettings
from ..errors import StoreError
from ..services.deliveries import DeliveryQueue
from ..services.event_log import EventLog
from ..wake_loop import Again, WakeLoop

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
        self._loop = WakeLoop("delete old events", self._sweep_and_rest, clock)

    def start(self) -> None:
        """Look now, and every hour."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop where it is."""
        await self._loop.aclose()

    async def sweep(self) -> int:
        """Delete all that is too old or too much; returns how many events. Raises StoreError."""
        before = self._clock.wall() - self._settings.retention_days * DAY_S
        deleted, most = 0, self._settings.max_kept
        while await self._deliveries.delete_old(before, BATCH) == BATCH:
            pass
        while count := await self._events.delete_old(before, most, BATCH):
            deleted += count
        return deleted

    async def _sweep_and_rest(self) -> Again:
        try:
            deleted = await self.sweep()
            logger.debug("old events deleted: %d", deleted)
        except StoreError as exc:
            logger.error("old events could not be deleted: %s", exc)
        return Again(in_s=SWEEP_S)
