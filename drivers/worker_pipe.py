"""The worker's end: messages in by stdin, out by stdout. Shell; blocking, one thread, no asyncio.

Libraries that print to stdout must not break the framing, so stdout is moved away first.
"""

import os
import select
import signal
from collections import deque

from .framing import Unframer, frame

READ_BYTES = 1 << 16
STDIN, STDOUT, STDERR = 0, 1, 2


class WorkerPipe:
    """Reads and writes whole messages. The parent's end gone means: stop."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._unframer = Unframer()
        self._waiting: deque[bytes] = deque()
        self._open = True

    @classmethod
    def of_this_process(cls) -> "WorkerPipe":
        """The pipe to the parent.

        Signals that end a server (Ctrl-C goes to the whole group, a service manager's SIGTERM to
        all processes) are the parent's business: it still has calls to end, and needs us for them.
        """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the parent died: so do we, silently
        writing = os.dup(STDOUT)
        os.dup2(STDERR, STDOUT)
        return cls(STDIN, writing)

    def receive(self) -> bytes | None:
        """The next message, waited for; None when the parent is gone."""
        while not self._waiting:
            if not self._open:
                return None
            self._read()
        return self._waiting.popleft()

    def peek_all(self) -> tuple[bytes, ...]:
        """What has arrived and was not yet received, without waiting; nothing is taken out."""
        while self._open and select.select([self._reading], [], [], 0)[0]:
            self._read()
        return tuple(self._waiting)

    def send(self, message: bytes) -> None:
        """Write one message, waiting while the pipe is full."""
        data = memoryview(frame(message))
        while data:
            data = data[os.write(self._writing, data) :]

    def _read(self) -> None:
        data = os.read(self._reading, READ_BYTES)
        self._open = bool(data)
        self._waiting += self._unframer.push(data)
