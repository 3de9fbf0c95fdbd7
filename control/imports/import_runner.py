"""SHELL: reads uploaded files, one after another, and has their rows stored as calls.

It waits to be woken; a job that was cut off by the end of the process goes on at the next start.
Files whose job has ended are removed.
"""

import asyncio
import logging
import pathlib
from collections.abc import Callable

from ...media.clock import Clock
from ..domain.imports import ImportJob
from ..services.import_steps import ImportSteps, Speakers
from ..services.imports import ImportService
from ..wake_loop import WakeLoop
from .csv_reading import ReaderDied, read_csv
from .csv_text import Unreadable

MAX_DEATHS = 3
"A file that its reader has died of so often is given up."

logger = logging.getLogger(__name__)


class ImportRunner:
    """`start()`, then `wake()` when a job was made or ended, `aclose()` last."""

    def __init__(
        self,
        imports: ImportService,
        steps: ImportSteps,
        clock: Clock,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`leads`: whether this node reads the files of all (nodes.py)."""
        self._imports = imports
        self._steps = steps
        self._clock = clock
        self._loop = WakeLoop("import files", self._round, clock, leads)
        self._deaths: dict[str, int] = {}

    @property
    def idle(self) -> asyncio.Event:
        """No job is left, and it waits."""
        return self._loop.idle

    def start(self) -> None:
        """Go on where the last start ended."""
        self._loop.start()

    def wake(self) -> None:
        """There may be something to be read."""
        self._loop.wake()

    async def aclose(self) -> None:
        """Stop after the slice that is being stored, or before it is."""
        await self._loop.aclose()

    async def _round(self) -> None:
        while (job := await self._steps.next_job()) is not None:
            await self._read(job)
        await self._tidy()

    async def _read(self, job: ImportJob) -> None:
        """All of its rows that are not stored yet. Raises StoreError."""
        path = self._imports.path_of(job)
        try:
            async with read_csv(path, job.options, self._clock.wall(), job.rows_done) as reading:
                if not await self._steps.begin(job.id, reading.sheet):
                    return
                speakers = Speakers(job.owner_id, job.options)
                async for rows in reading:
                    if not await self._steps.store(job.id, rows, speakers):
                        return
            await self._steps.finish(job.id)
        except Unreadable as exc:
            await self._steps.finish(job.id, str(exc))
        except ReaderDied as exc:
            logger.error("import %s: %s", job.id, exc)
            self._deaths[job.id] = self._deaths.get(job.id, 0) + 1
            if self._deaths[job.id] >= MAX_DEATHS:
                await self._steps.finish(job.id, "reading it failed")
        self._deaths = {id_: count for id_, count in self._deaths.items() if id_ == job.id}

    async def _tidy(self) -> None:
        """Remove files that nobody needs any more."""
        files = await asyncio.to_thread(lambda: list(self._imports.folder.glob("*.csv")))
        # In this order: a job is among those that arrive until it is among those that are stored.
        kept = set(self._imports.arriving)
        kept |= await self._steps.unended()
        await asyncio.to_thread(_remove, [file for file in files if file.stem not in kept])


def _remove(files: list[pathlib.Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
