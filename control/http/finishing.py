"""Requests that change something are done to their end, even if their client has gone.

Those that only read are cancelled by aiohttp: nobody waits for them.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from ..errors import Problem

READING = ("GET", "HEAD", "OPTIONS")

logger = logging.getLogger(__name__)


class Finishing:
    """What is being done."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[web.StreamResponse]] = set()

    async def run(self, work: Coroutine[Any, Any, web.StreamResponse]) -> web.StreamResponse:
        """The answer; if whoever waits for it is cancelled, the work goes on without them."""
        task = asyncio.create_task(work, name="answer a request")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_tell)
            raise

    async def settled(self, timeout_s: float) -> None:
        """Until everything is done; what is not by then is cancelled."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _tell(task: "asyncio.Task[web.StreamResponse]") -> None:
    """Nobody else hears how it ended."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, Problem):
        logger.error("a request whose client has gone failed", exc_info=error)
