"""SHELL: a document, read by a process of its own (document_worker.py), slice after slice."""

import asyncio
import contextlib
import os
import pathlib
import signal
from collections.abc import AsyncIterator

from ...drivers.child_process import ChildProcess, child_process
from ...drivers.framing import Unframer, frame
from ...drivers.worker_boot import decode_failure
from ...drivers.worker_process import ONE_THREAD, RUNNER, command
from ..errors import ControlError
from . import document_worker
from .document_worker import Done, Opened, Order, ReadChunk, Refusal, Slice
from .unreadable import Unreadable

READ_BYTES = 16 * 1024
"Of the pipe at once: what is decoded without a break stays small."
MAX_WAIT_S = 120.0
"For the next pieces: a page that takes longer is no page."
DEFAULTS = Order()


class ReaderDied(ControlError):
    """The process that reads a document has ended before the document has."""

    code = "document_reader_died"


class DocumentReading:
    """What a file is (`opened`), then its pieces in slices: `async for`; at the end `done`."""

    def __init__(self, process: ChildProcess) -> None:
        self._process = process
        self._unframer = Unframer()
        self._waiting: list[bytes] = []
        self.opened: Opened
        self.done: Done | None = None

    async def begin(self, order: Order) -> None:
        """Raises Unreadable, and ReaderDied."""
        self._process.write(frame(document_worker.encode(order)))
        answer = await self._answer()
        assert isinstance(answer, Opened), "that comes first"
        self.opened = answer

    def __aiter__(self) -> "DocumentReading":
        return self

    async def __anext__(self) -> tuple[ReadChunk, ...]:
        """Raises Unreadable, and ReaderDied."""
        answer = await self._answer()
        if isinstance(answer, Done):
            self.done = answer
            raise StopAsyncIteration
        assert isinstance(answer, Slice), "nothing else follows"
        return answer.chunks

    async def _answer(self) -> Opened | Slice | Done:
        while not self._waiting:
            try:
                async with asyncio.timeout(MAX_WAIT_S):
                    data = await self._process.stdout.read(READ_BYTES)
            except TimeoutError as exc:
                raise Unreadable(f"a part of it takes more than {MAX_WAIT_S:g} s to read") from exc
            if not data:
                await self._tell_end()
            self._waiting += self._unframer.push(data)
        message = self._waiting.pop(0)
        if (failure := decode_failure(message)) is not None:
            raise ReaderDied(failure.what)
        answer: document_worker.Answer = document_worker.decode_answer(message)
        if isinstance(answer, Refusal):
            raise Unreadable(answer.why)
        return answer

    async def _tell_end(self) -> None:
        code = await self._process.ended()
        if code == -signal.SIGXCPU:
            raise Unreadable(f"reading it takes more than {document_worker.MAX_CPU_S} s")
        raise ReaderDied(f"the process that reads the document has ended ({code})")


@contextlib.asynccontextmanager
async def read_document(
    path: pathlib.Path, order: Order = DEFAULTS
) -> AsyncIterator[DocumentReading]:
    """Its pieces. Raises Unreadable, and ReaderDied."""
    runner = command(RUNNER, document_worker.__name__, str(path))
    async with child_process(runner, {**os.environ, **ONE_THREAD}) as process:
        reading = DocumentReading(process)
        await reading.begin(order)
        yield reading
