"""SHELL: deletes recordings that were kept for long enough, some at a time, now and then.

And what was made of others, where it has become too much.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ...media.clock import Clock
from ..errors import StoreError
from ..wake_loop import Again, WakeLoop

SWEEP_S = 3600.0

logger = logging.getLogger(__name__)


def _nothing_to_trim() -> int:
    return 0


class RecordingRetention:
    """`start()`, then `aclose()`."""

    def __init__(
        self,
        delete_old: Callable[[], Awaitable[int]],
        clock: Clock,
        trim: Callable[[], int] = _nothing_to_trim,
    ) -> None:
        """`delete_old` deletes some of them and says how many; 0: there are none.

        `trim`: what is to be done in a thread afterwards; it says how many renditions it deleted.
        """
        self._delete_old = delete_old
        self._trim = trim
        self._loop = WakeLoop("delete old recordings", self._sweep_and_rest, clock)

    def start(self) -> None:
        """Look now, and every hour."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop where it is."""
        await self._loop.aclose()

    async def sweep(self) -> int:
        """Delete all that is too old; returns how many. Raises StoreError and OSError."""
        deleted = 0
        while count := await self._delete_old():
            deleted += count
        return deleted

    async def _sweep_and_rest(self) -> Again:
        try:
            if deleted := await self.sweep():
                logger.info("old recordings deleted: %d", deleted)
            if trimmed := await asyncio.to_thread(self._trim):
                logger.info("renditions of recordings deleted: %d", trimmed)
        except (StoreError, OSError) as exc:
            logger.error("old recordings could not be deleted: %s", exc)
        return Again(in_s=SWEEP_S)
