"""SHELL: a file that is written by position, in one system call a write and none a seek.

Why: the writer of recordings (recorder.py) is a thread beside a clock that is busy nearly all the
time. Around each system call it gives the interpreter lock up, and has it back only after the
switch interval (engine.py). A buffered file makes four calls of a block and its header, this two.
"""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class PositionedFile(io.RawIOBase):
    """A new file to write to; nothing of it stays in the process. All verbs raise OSError."""

    _fd = -1

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._at = 0
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)

    def write(self, data: "Buffer", /) -> int:
        """Write all of it where the last write or `seek` ended; returns its bytes."""
        left = memoryview(data)
        size = left.nbytes
        if size:
            left = left.cast("B")
        while left.nbytes:
            written = os.pwrite(self._fd, left, self._at)
            self._at += written
            left = left[written:]
        return size

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """The next write begins at byte `offset`; only from the file's beginning."""
        assert whence == os.SEEK_SET, "the writer knows where it is"
        self._at = offset
        return offset

    def close(self) -> None:
        """No more is written."""
        super().close()
        descriptor, self._fd = self._fd, -1
        if descriptor >= 0:
            os.close(descriptor)
