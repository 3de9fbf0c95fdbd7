"""SHELL: deletes recordings that were kept for long enough, some at a time, now and then.

And what was made of others, where it has become too much.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ...media.clock import Clock, Timer
from ..errors import StoreError

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
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None

    def start(self) -> None:
        """Look now, and every hour."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._sweep_and_wait(), name="delete old recordings")

    async def aclose(self) -> None:
        """Stop where it is."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sweep(self) -> int:
        """Delete all that is too old; returns how many. Raises StoreError and OSError."""
        deleted = 0
        while count := await self._delete_old():
            deleted += count
        return deleted

    async def _sweep_and_wait(self) -> None:
        try:
            if deleted := await self.sweep():
                logger.info("old recordings deleted: %d", deleted)
            if trimmed := await asyncio.to_thread(self._trim):
                logger.info("renditions of recordings deleted: %d", trimmed)
        except (StoreError, OSError) as exc:
            logger.error("old recordings could not be deleted: %s", exc)
        self._timer = self._clock.call_at(self._clock.now() + SWEEP_S, self.start)
