"""The process that reads one document: `document_worker FILE`. Shell; blocking, no asyncio.

It tells what the file is (Opened or Refusal), then its pieces in slices, then what it took. Files
come from strangers: memory and time are limited, by the kernel. Whoever reads the slices sets the
pace: the pipe holds little.
"""

import os
import pathlib
import resource
import sys

import msgspec

from ...drivers.worker_pipe import WorkerPipe
from ..domain.documents import DocumentKind, NewChunk
from .document_file import DocumentFile
from .unreadable import Unreadable
from .words import words

SLICE_CHUNKS = 16
"That the server stores together: 2 ms without a break at most; fewer at once cost more in all."
NICENESS = 15
MAX_MEMORY_BYTES = 1024 * 1024 * 1024
"Address space; numpy and its libraries, which are not used here, take a third."
MAX_CPU_S = 300


class Order(msgspec.Struct, frozen=True):
    """What it may take."""

    memory_bytes: int = MAX_MEMORY_BYTES
    cpu_s: int = MAX_CPU_S


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """It can be read."""

    kind: DocumentKind
    pages: int | None


class Refusal(msgspec.Struct, frozen=True, tag="refused"):
    """It cannot, or not to its end."""

    why: str


class ReadChunk(msgspec.Struct, frozen=True, array_like=True):
    """A piece, and its words as they are compared."""

    chunk: NewChunk
    words: list[str]


class Slice(msgspec.Struct, frozen=True, tag="chunks"):
    """The next pieces."""

    chunks: tuple[ReadChunk, ...]


class Done(msgspec.Struct, frozen=True, tag="done"):
    """There are no more."""

    peak_bytes: int
    "Of memory that was really used."
    cpu_s: float


Answer = Opened | Refusal | Slice | Done

encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(Order).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode


def main() -> None:
    """Read it, until its end or until nobody listens."""
    os.nice(NICENESS)
    pipe = WorkerPipe.of_this_process()
    message = pipe.receive()
    if message is None:
        return
    order = decode_order(message)
    resource.setrlimit(resource.RLIMIT_AS, (order.memory_bytes, order.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (order.cpu_s, order.cpu_s + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        _read(pipe, DocumentFile(pathlib.Path(sys.argv[1])))
    except Unreadable as exc:
        pipe.send(encode(Refusal(str(exc))))
    except OSError as exc:
        pipe.send(encode(Refusal(f"the file cannot be opened: {exc.strerror}")))
    except RecursionError:
        pipe.send(encode(Refusal("its parts are nested too deeply")))
    except MemoryError:
        allowed = order.memory_bytes // 1024 // 1024
        pipe.send(encode(Refusal(f"reading it takes more memory than {allowed} MB")))


def _read(pipe: WorkerPipe, file: DocumentFile) -> None:
    pipe.send(encode(Opened(file.kind, file.pages)))
    waiting: list[ReadChunk] = []
    for chunk in file.chunks():
        # What stands above a piece tells what it is about as well as its own words do.
        waiting.append(ReadChunk(chunk, words(f"{chunk.heading} {chunk.text}")))
        if len(waiting) == SLICE_CHUNKS:
            pipe.send(encode(Slice(tuple(waiting))))
            waiting.clear()
    if waiting:
        pipe.send(encode(Slice(tuple(waiting))))
    used = resource.getrusage(resource.RUSAGE_SELF)
    pipe.send(encode(Done(_peak_bytes(), round(used.ru_utime + used.ru_stime, 3))))


def _peak_bytes() -> int:
    """Of this program: `ru_maxrss` would hold what the server had when it forked (proc(5))."""
    told = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(told.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main()
