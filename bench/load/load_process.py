"""SHELL: load in a process of its own: told what to do by lines, tells what it did by lines."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Self

from ...drivers.worker_process import command

ANSWER_LIMIT_S = 60.0


class LoadProcess:
    """`async with LoadProcess(module, flags) as load`. At the end it is killed."""

    def __init__(
        self, module: str, arguments: Sequence[str], variables: Mapping[str, str] | None = None
    ) -> None:
        """`variables` are added to its environment: command lines are everybody's to read."""
        self._module, self._arguments = module, arguments
        self._variables = variables or {}
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *command(self._module, *self._arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
            env={**os.environ, **self._variables},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._running
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def ended(self) -> None:
        """Wait until it has ended by itself."""
        await self._running.wait()

    def tell(self, word: str) -> None:
        """One line to it."""
        assert self._running.stdin is not None, "asked for at its start"
        self._running.stdin.write(f"{word}\n".encode())

    async def line(self, word: bytes, limit_s: float = ANSWER_LIMIT_S) -> bytes:
        """What follows that word on its next line. Raises ChildProcessError, TimeoutError."""
        assert self._running.stdout is not None, "asked for at its start"
        async with asyncio.timeout(limit_s):
            line = await self._running.stdout.readline()
        if not line.startswith(word + b" "):
            raise ChildProcessError(f"the load said {line[:80]!r}, not {word.decode()!r}")
        return line[len(word) + 1 :]

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "entered before"
        return self._process
