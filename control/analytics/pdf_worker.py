"""The process that prints one report: a Book comes in, the file goes out. Shell; blocking.

Drawing takes a second of the interpreter, which in the server's process belongs to the frames.
"""

import logging
import os
import warnings

import msgspec

from ...drivers.worker_pipe import WorkerPipe
from .report_book import Book
from .report_pages import pdf_of

NICENESS = 10

decode_book = msgspec.msgpack.Decoder(Book).decode


def main() -> None:
    """Print it."""
    os.nice(NICENESS)
    # A name in letters that the font lacks is printed with boxes: nobody reads a log of that.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    pipe = WorkerPipe.of_this_process()
    message = pipe.receive()
    if message is not None:
        pipe.send(pdf_of(decode_book(message)))


if __name__ == "__main__":
    main()
