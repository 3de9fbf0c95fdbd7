"""Runs a worker's module and tells the parent what ended it, once, in words. Shell.

`python -m offhook.drivers.worker_boot MODULE [its arguments]`. A package or model that is missing
is met while the module is imported, before it could tell anybody itself.
"""

import os
import runpy
import sys
import traceback

import msgspec

from .framing import frame

STDOUT = 1
MARK = b"\0"
"How a failure begins. Workers' own messages are msgpack arrays, which never begin so."


class WorkerFailed(msgspec.Struct, frozen=True, array_like=True):
    """What the worker did not catch; its last words."""

    what: str
    trace: str


def encode_failure(failure: WorkerFailed) -> bytes:
    """As a message among the worker's own."""
    return MARK + msgspec.msgpack.encode(failure)


def decode_failure(message: bytes) -> WorkerFailed | None:
    """None: it is one of the worker's own messages."""
    if not message.startswith(MARK):
        return None
    return msgspec.msgpack.decode(message[len(MARK) :], type=WorkerFailed)


def main() -> None:
    """Run the module that is named first, as if it had been started itself."""
    writing = os.dup(STDOUT)  # the worker moves stdout out of its libraries' way
    try:
        runpy.run_module(sys.argv.pop(1), run_name="__main__")
    except Exception as exc:  # a task's root: whatever it is, the parent has to know
        failure = WorkerFailed(f"{type(exc).__name__}: {exc}", traceback.format_exc())
        os.write(writing, frame(encode_failure(failure)))
        sys.exit(1)


if __name__ == "__main__":
    main()
