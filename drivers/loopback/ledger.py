"""SHELL: a file of all numbers that were dialled, for tests that nothing is dialled twice."""

import os


class Ledger:
    """A line a number. What was added is in the file even if the process is killed next."""

    def __init__(self, path: str) -> None:
        """Raises OSError."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, number: str) -> None:
        """Write a line, in one system call."""
        os.write(self._file, f"{number}\n".encode())

    def close(self) -> None:
        """No more."""
        os.close(self._file)
