"""The process that reads one uploaded file: `csv_worker FILE`. Shell; blocking, no asyncio.

It is told how (Order), and answers with what the file is (Sheet or Refusal), then its rows in
slices. Whoever reads them sets the pace: the pipe holds little. Not in the server's process, whose
interpreter the frames need every few milliseconds.
"""

import os
import pathlib
import sys

import msgspec

from ...drivers.worker_pipe import WorkerPipe
from ..domain.imports import ImportOptions
from .csv_import import CsvFile, Sheet
from .csv_row import Row
from .csv_text import Unreadable

SLICE_ROWS = 10
"That the server stores, or looks at, together: about 1 ms without a break."
NICENESS = 10


class Order(msgspec.Struct, frozen=True):
    """How the file is to be read."""

    options: ImportOptions
    now_wall: float
    after: int
    "Rows up to this one are known already."


class Read(msgspec.Struct, frozen=True, tag="read"):
    """It can be read."""

    sheet: Sheet


class Refusal(msgspec.Struct, frozen=True, tag="refused"):
    """It cannot."""

    why: str


class Slice(msgspec.Struct, frozen=True, tag="rows"):
    """The next rows; none: there are no more."""

    rows: tuple[Row, ...]


Answer = Read | Refusal | Slice

encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(Order).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode


def main() -> None:
    """Read it, until the last row or until nobody listens."""
    os.nice(NICENESS)
    pipe = WorkerPipe.of_this_process()
    message = pipe.receive()
    if message is None:
        return
    order = decode_order(message)
    try:
        data = pathlib.Path(sys.argv[1]).read_bytes()
        file = CsvFile(data, order.options, order.now_wall)
    except (Unreadable, OSError) as exc:
        pipe.send(encode(Refusal(str(exc))))
        return
    pipe.send(encode(Read(file.sheet)))
    rows: list[Row] = []
    for row in file.rows(order.after):
        rows.append(row)
        if len(rows) == SLICE_ROWS:
            pipe.send(encode(Slice(tuple(rows))))
            rows.clear()
    if rows:
        pipe.send(encode(Slice(tuple(rows))))
    pipe.send(encode(Slice(())))


if __name__ == "__main__":
    main()
