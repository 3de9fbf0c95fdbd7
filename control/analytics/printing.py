"""SHELL: a report on paper, made by a process of its own (pdf_worker.py), some at a time."""

import asyncio
import os

import msgspec

from ...drivers.child_process import child_process
from ...drivers.framing import Unframer, frame
from ...drivers.worker_boot import decode_failure
from ...drivers.worker_process import ONE_THREAD, RUNNER, command
from ..errors import Unavailable
from .report_book import Book

WORKER = f"{__package__}.pdf_worker"
"By its name: to import it would import matplotlib here."
PRINT_S = 60.0
AT_ONCE = 2
MAX_WAITING = 8
RETRY_AFTER_S = 5.0
READ_BYTES = 1 << 16

_encode = msgspec.msgpack.Encoder().encode


class Printing:
    """`await pdf(book)`."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)
        self._asked = 0

    async def pdf(self, book: Book) -> bytes:
        """The file. Raises Unavailable."""
        if self._asked >= MAX_WAITING:
            raise Unavailable("too many reports are being printed", RETRY_AFTER_S)
        self._asked += 1
        try:
            async with self._room, asyncio.timeout(PRINT_S):
                return await _printed(_encode(book))
        except TimeoutError as exc:
            raise Unavailable("printing has taken too long", RETRY_AFTER_S) from exc
        finally:
            self._asked -= 1


async def _printed(book: bytes) -> bytes:
    runner = command(RUNNER, WORKER)
    async with child_process(runner, {**os.environ, **ONE_THREAD}) as process:
        process.write(frame(book))
        unframer = Unframer()
        while data := await process.stdout.read(READ_BYTES):
            for message in unframer.push(data):
                if (failure := decode_failure(message)) is not None:
                    raise Unavailable(f"printing failed: {failure.what}", RETRY_AFTER_S)
                return message
        raise Unavailable("the process that prints has ended", RETRY_AFTER_S)
