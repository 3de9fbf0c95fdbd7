"""SHELL: an uploaded file, read by a process of its own (csv_worker.py), slice after slice."""

import contextlib
import os
import pathlib
from collections.abc import AsyncIterator

from ...drivers.child_process import ChildProcess, child_process
from ...drivers.framing import Unframer, frame
from ...drivers.worker_boot import decode_failure
from ...drivers.worker_process import ONE_THREAD, RUNNER, command
from ..domain.imports import ImportOptions
from ..errors import ControlError
from . import csv_worker
from .csv_import import Sheet
from .csv_row import Row
from .csv_text import Unreadable
from .csv_worker import Order, Read, Refusal, Slice

READ_BYTES = 16 * 1024
"Of the pipe at once: what is decoded without a break stays small."


class ReaderDied(ControlError):
    """The process that reads a file has ended before the file has."""

    code = "csv_reader_died"


class CsvReading:
    """What a file is (`sheet`), and its rows in slices: `async for rows in reading`."""

    def __init__(self, process: ChildProcess) -> None:
        self._process = process
        self._unframer = Unframer()
        self._waiting: list[bytes] = []
        self.sheet: Sheet

    async def begin(self, order: Order) -> None:
        """Raises Unreadable, and ReaderDied."""
        self._process.write(frame(csv_worker.encode(order)))
        answer = await self._answer()
        if isinstance(answer, Refusal):
            raise Unreadable(answer.why)
        assert isinstance(answer, Read), "that comes first"
        self.sheet = answer.sheet

    def __aiter__(self) -> "CsvReading":
        return self

    async def __anext__(self) -> tuple[Row, ...]:
        """Raises ReaderDied."""
        answer = await self._answer()
        assert isinstance(answer, Slice), "only slices follow"
        if not answer.rows:
            raise StopAsyncIteration
        return answer.rows

    async def _answer(self) -> csv_worker.Answer:
        while not self._waiting:
            data = await self._process.stdout.read(READ_BYTES)
            if not data:
                raise ReaderDied("the process that reads the file has ended")
            self._waiting += self._unframer.push(data)
        message = self._waiting.pop(0)
        if (failure := decode_failure(message)) is not None:
            raise ReaderDied(failure.what)
        answer: csv_worker.Answer = csv_worker.decode_answer(message)
        return answer


@contextlib.asynccontextmanager
async def read_csv(
    path: pathlib.Path, options: ImportOptions, now_wall: float, after: int = 0
) -> AsyncIterator[CsvReading]:
    """Its rows beyond the first `after`. Raises Unreadable, and ReaderDied."""
    runner = command(RUNNER, csv_worker.__name__, str(path))
    async with child_process(runner, {**os.environ, **ONE_THREAD}) as process:
        reading = CsvReading(process)
        await reading.begin(Order(options, now_wall, after))
        yield reading
