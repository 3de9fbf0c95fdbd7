"""SHELL: keeps the record that this process is up, until it stops (services/availability.py)."""

import logging
from contextlib import AsyncExitStack

from ..media.clock import Clock
from .errors import StoreError
from .services.availability import BEAT_S, AvailabilityService
from .wake_loop import Again, WakeLoop

logger = logging.getLogger(__name__)


class NodeLife:
    """`start()` when requests are answered; it ends with the stack."""

    def __init__(self, availability: AvailabilityService, clock: Clock) -> None:
        self._availability = availability
        self._loop = WakeLoop("keep that the server is up", self._beat, clock)
        self.idle = self._loop.idle
        "It is kept until now."

    async def start(self, stack: AsyncExitStack) -> None:
        """From now on it is up. Raises StoreError."""
        await self._availability.begin()
        stack.push_async_callback(self._end)
        self._loop.start()

    async def _beat(self) -> Again:
        await self._availability.beat()
        return Again(in_s=BEAT_S)

    async def _end(self) -> None:
        await self._loop.finish()
        try:
            await self._availability.beat(last=True)
        except StoreError as exc:
            logger.warning("the end of this server is not kept: %s", exc)
