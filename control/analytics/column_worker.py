"""The process that counts: it keeps all calls as columns, and answers questions about them.

Shell; one question after another. Before each it reads what is new in the database, and the calls
that have not ended: an answer is about what was stored when it was asked. Not in the server's
process, whose interpreter the frames need every few milliseconds.
"""

import asyncio
import contextlib
import ctypes
import os

import msgspec
import numpy as np
from sqlalchemy import func, select

from ...drivers.worker_pipe import WorkerPipe
from ..domain.analytics_questions import Period, Report, Wanted
from ..domain.calls import CallStatus
from ..store import schema
from ..store.database import Database, Transaction
from .call_columns import CallColumns, CallRow
from .local_time import TooManySteps
from .questions import answer

NICENESS = 5
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"Of mallopt(3)."
KEPT_BYTES, MAPPED_BYTES = 512 << 20, 1 << 30
READ_ROWS = 20_000
"That are read in one statement."

FIGURES = schema.CALL_FIGURES.c
CALLS = schema.CALLS.c
FIELDS = [FIGURES["outcome" if name == "status" else name] for name in CallRow._fields]
OPEN_FIELDS = [
    CALLS.seq,
    CALLS.owner_id,
    CALLS.created_wall,
    func.coalesce(CALLS.started_wall, CALLS.created_wall),
    CALLS.inbound,
    CALLS.line,
    CALLS.agent_id,
    CALLS.agent_name,
    CALLS.campaign_id,
    CALLS.status,
]
"As CallRow begins."
OPEN = [status.value for status in CallStatus if status is not CallStatus.ENDED]


class Place(msgspec.Struct, frozen=True):
    """Where the database is: the first message."""

    url: str


class Question(msgspec.Struct, frozen=True):
    """What is asked, and its number."""

    number: int
    report: Report
    wanted: Wanted
    period: Period
    limit: int


class Figures(msgspec.Struct, frozen=True, tag="figures"):
    """The answer to a question: figures as JSON."""

    number: int
    figures: bytes


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The question cannot be answered; `too_many_steps` or what went wrong."""

    number: int
    why: str


Answer = Figures | Refused
TOO_MANY_STEPS = "too_many_steps"

encode = msgspec.msgpack.Encoder().encode
decode_place = msgspec.msgpack.Decoder(Place).decode
decode_question = msgspec.msgpack.Decoder(Question).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode
_json = msgspec.json.Encoder().encode


class Counter:
    """The columns, kept as the database is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._table = CallColumns()
        self._version = 0
        self._open: list[CallRow] = []

    async def answer(self, question: Question) -> Answer:
        """Read what is new, then count."""
        await self.refresh()
        try:
            figures = answer(
                self._table, question.report, question.wanted, question.period, question.limit
            )
        except TooManySteps:
            return Refused(question.number, TOO_MANY_STEPS)
        return Figures(question.number, _json(figures))

    async def refresh(self) -> None:
        """Bring the columns to what is stored. Raises StoreError."""
        async with self._database.read() as tx:
            while rows := await self._next(tx):
                self._table.put(rows)
            count = (
                await tx.execute(select(func.count()).select_from(schema.CALL_FIGURES))
            ).scalar_one()
            open_ = [CallRow(*row) for row in await tx.execute(_OPEN)]
            if self._table.alive_count - len(self._open) != count or open_ != self._open:
                await self._put_open(tx, open_, count)

    async def _next(self, tx: Transaction) -> list[CallRow]:
        query = select(*FIELDS, FIGURES.version).where(FIGURES.version > self._version)
        found = (await tx.execute(query.order_by(FIGURES.version).limit(READ_ROWS))).all()
        if found:
            self._version = found[-1][-1]
        return [CallRow._make(row[:-1]) for row in found]

    async def _put_open(self, tx: Transaction, rows: list[CallRow], count: int) -> None:
        """Calls that have not ended, instead of those that had not; forget what is gone."""
        self._table.put(rows)
        self._open = rows
        if self._table.alive_count - len(rows) == count:
            return
        kept = (await tx.execute(select(FIGURES.call_seq))).scalars().all()
        seqs = np.array([*kept, *(row.call_seq for row in rows)], "i8")
        self._table.keep_only(seqs)


_OPEN = select(*OPEN_FIELDS).where(CALLS.status.in_(OPEN)).order_by(CALLS.seq)


async def serve(pipe: WorkerPipe) -> None:
    """Answer until nobody asks."""
    message = pipe.receive()
    if message is None:
        return
    database = Database(decode_place(message).url)
    counter = Counter(database)
    try:
        while (message := pipe.receive()) is not None:
            pipe.send(encode(await counter.answer(decode_question(message))))
    finally:
        await database.aclose()


def keep_memory() -> None:
    """Have the memory of one question's arrays used again by the next one.

    Given back and asked for anew it costs a page fault for every 4 kB: a quarter of all the work.
    """
    with contextlib.suppress(AttributeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)


def main() -> None:
    """Say that it is there, then serve."""
    os.nice(NICENESS)
    keep_memory()
    pipe = WorkerPipe.of_this_process()
    pipe.send(b"ready")
    asyncio.run(serve(pipe))


if __name__ == "__main__":
    main()
