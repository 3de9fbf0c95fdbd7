"""A process for one piece of work, whose start the event loop does not feel. Shell.

The loop's own way to start one copies the server's page tables and waits for the child's first
instruction: 10 ms of work, and 60 to 90 ms without a frame on a machine that is busy. A thread that
lets the system share the memory until then (vfork) takes 1 to 4 ms and holds up nobody.

Not here: one that is always there again (worker_process.py), which starts its own with `started`.
"""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence

READ_LIMIT_BYTES = 64 * 1024
"What is read ahead of whoever reads."


class ChildProcess:
    """One that runs. Its standard error is ours."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        stdout: asyncio.StreamReader,
        stdin: asyncio.WriteTransport,
    ) -> None:
        self._process = process
        self._stdin = stdin
        self.stdout = stdout
        "What it writes."

    @property
    def pid(self) -> int:
        return self._process.pid

    def write(self, data: bytes) -> None:
        """For its standard input; kept until it reads."""
        self._stdin.write(data)

    def close_stdin(self) -> None:
        """It gets no more, once it has read what was written."""
        self._stdin.close()

    async def ended(self) -> int:
        """Wait for its end: the exit code, negative for a signal."""
        return await asyncio.to_thread(self._process.wait)


@contextlib.asynccontextmanager
async def child_process(
    command: Sequence[str], env: Mapping[str, str] | None = None
) -> AsyncIterator[ChildProcess]:
    """Started, in a session of its own; killed on leaving, if it still runs. Raises OSError."""
    process = await started(command, env)
    try:
        assert process.stdout is not None, "it was asked for"
        assert process.stdin is not None, "it was asked for"
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(READ_LIMIT_BYTES)
        reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), process.stdout
        )
        writing, _ = await loop.connect_write_pipe(asyncio.Protocol, process.stdin)
        try:
            yield ChildProcess(process, reader, writing)
        finally:
            writing.close()
            reading.close()
    finally:
        await asyncio.shield(asyncio.to_thread(put_down, process))


async def started(
    command: Sequence[str], env: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """A process with pipes, in a session of its own; nobody else ends it. Raises OSError."""

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            list(command),
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )

    starting = asyncio.create_task(asyncio.to_thread(start), name=f"start {command[0]}")
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # A thread goes on to its end: what it has started by then is ended.
        with contextlib.suppress(OSError):
            process = await starting
            await asyncio.to_thread(put_down, process)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        raise


def put_down(process: "subprocess.Popen[bytes]", patience_s: float = 0.0) -> int:
    """Wait so long for its end, then make sure; returns its exit code. Blocks: for a thread."""
    if patience_s:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(patience_s)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    return process.wait()
