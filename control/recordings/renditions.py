"""SHELL: renditions of recordings, made by a process each, one after another, and kept.

Who asks for one waits a little; what takes longer is made all the same, and found the next time.
"""

import asyncio
import logging
import os
import pathlib

from ...drivers.child_process import child_process
from ...drivers.framing import Unframer
from ...drivers.worker_boot import decode_failure
from ...drivers.worker_process import ONE_THREAD, RUNNER, command
from ..errors import ControlError, Unavailable
from . import rendition_worker
from .files import is_used, part_of, rendition_of, settle

WAIT_S = 10.0
"How long somebody waits for a rendition before they are told to come again."
MAX_WAITING = 64
"Renditions that wait to be made; who wants one more is told to come later."
BUSY_S = 30.0

logger = logging.getLogger(__name__)


class RenditionFailed(ControlError):
    """A recording could not be converted."""

    code = "rendition_failed"


class Renditions:
    """Makes them. `aclose` ends what is being made."""

    def __init__(self, wait_s: float = WAIT_S) -> None:
        self._wait_s = wait_s
        self._making: dict[pathlib.Path, asyncio.Task[bool]] = {}
        self._turn = asyncio.Semaphore(1)
        self.started = 0
        "Processes that were started."

    async def find(self, source: pathlib.Path, format_: str) -> pathlib.Path | None:
        """The WAV's rendition; None: it is being made. Raises RenditionFailed and Unavailable.

        FileNotFoundError: the WAV was deleted meanwhile.
        """
        target = rendition_of(source, format_)
        if target not in self._making and await asyncio.to_thread(is_used, target):
            return target
        task = self._making.get(target)
        if task is None:
            if len(self._making) >= MAX_WAITING:
                raise Unavailable("too many recordings wait to be converted", BUSY_S)
            task = asyncio.create_task(
                self._make(source, format_, target), name=f"convert {source.name}"
            )
            self._making[target] = task
            task.add_done_callback(lambda done: self._made(target, done))
        await asyncio.wait([task], timeout=self._wait_s)
        if not task.done():
            return None
        if not task.result():
            raise FileNotFoundError(source)
        return target

    async def aclose(self) -> None:
        """End what is being made."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _made(self, target: pathlib.Path, task: asyncio.Task[bool]) -> None:
        self._making.pop(target, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed: %s", task.get_name(), error)

    async def _make(self, source: pathlib.Path, format_: str, target: pathlib.Path) -> bool:
        """False: the recording was deleted meanwhile."""
        part = part_of(target)
        async with self._turn:
            try:
                if not await asyncio.to_thread(source.is_file):
                    return False
                await self._run(source, format_, part)
                return await asyncio.to_thread(settle, target, source)
            finally:
                await asyncio.to_thread(part.unlink, missing_ok=True)

    async def _run(self, source: pathlib.Path, format_: str, part: pathlib.Path) -> None:
        self.started += 1
        runner = command(RUNNER, rendition_worker.__name__, str(source), format_, str(part))
        async with child_process(runner, {**os.environ, **ONE_THREAD}) as process:
            process.close_stdin()
            said = await process.stdout.read()
            code = await process.ended()
        if code:
            raise RenditionFailed(_why(said) or f"the process ended with {code}")


def _why(said: bytes) -> str:
    """The last words of a process that failed."""
    failures = [decode_failure(message) for message in Unframer().push(said)]
    return next((failure.what for failure in failures if failure is not None), "")
