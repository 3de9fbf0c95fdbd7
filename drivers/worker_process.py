"""A worker process and its restarts: the parent's end. Shell; what is said is its owner's business.

The child's first message means that it is ready (its models are loaded). When it ends, its owner
is told and a new one is started, later each time while it keeps dying. A child that ends before any
was ever ready is not started again: what it lacks does not come by itself.
"""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ..media.errors import ProviderError
from .child_process import put_down, started
from .errors import WorkerDied
from .framing import FramingLost, Unframer, frame
from .worker_boot import decode_failure

logger = logging.getLogger(__name__)

READY_TIMEOUT_S = 30.0
"Loading a language model takes half a second; a busy machine much longer."
MAX_BACKLOG_BYTES = 4 << 20
"Bytes that wait to be written to the child: two minutes of audio. Beyond it, `send` refuses."
FIRST_RESTART_S, LAST_RESTART_S = 0.05, 5.0
CLOSE_TIMEOUT_S = 2.0

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = __name__.split(".")[0]
RUNNER = f"{__package__}.worker_boot"
# Runs a module of this very package, installed or not, wherever the folder lies.
BOOT = """
import importlib.util, runpy, sys
name, root, module = sys.argv[1:4]
spec = importlib.util.spec_from_file_location(
    name, root + "/__init__.py", submodule_search_locations=[root])
package = sys.modules[name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
del sys.argv[1:4]
runpy.run_module(module, run_name="__main__")
"""
# One worker is one core: a library's own thread pool would fight the frame clock for the others.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def command(module: str, *arguments: str) -> list[str]:
    """How to run `module` (absolute, inside this package) as a process of its own."""
    return [sys.executable, "-P", "-c", BOOT, PACKAGE, str(ROOT), module, *arguments]


class WorkerProcess:
    """One child process that is always there again."""

    def __init__(
        self,
        name: str,
        module: str,
        on_message: Callable[[bytes], None],
        on_ready: Callable[[], None],
        on_death: Callable[[ProviderError], None],
        arguments: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.ready = False
        self.restarts = 0
        self._module = module
        self._on_message, self._on_ready, self._on_death = on_message, on_ready, on_death
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._task: asyncio.Task[None] | None = None
        self._became_ready = asyncio.Event()
        self._was_ever_ready = False
        self._failure = ""
        "What the running child said it ends of."

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the child, or find it restarting; wait until it is ready.

        Raises WorkerDied, at once and with its reason when the child cannot start at all.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._keep_alive(), name=f"worker {self.name}")
        ready = asyncio.create_task(self._became_ready.wait(), name=f"worker {self.name} ready")
        try:
            await asyncio.wait(
                {ready, self._task},
                timeout=READY_TIMEOUT_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            ready.cancel()
        if self._task.done():
            self._task.result()  # what stopped the supervision: it cannot start, or a bug
        if not self._became_ready.is_set():
            raise WorkerDied(self.name, f"not ready after {READY_TIMEOUT_S:g} s")

    async def is_back(self, within_s: float) -> bool:
        """Whether the child is ready, or becomes so in time: a restart takes half a second."""
        if self._task is None:
            return False  # nobody starts it
        try:
            async with asyncio.timeout(within_s):
                await self._became_ready.wait()
        except TimeoutError:
            return False
        return True

    def send(self, message: bytes) -> bool:
        """Queue a message; False when the child is not there or too far behind."""
        if self._stdin is None or not self.ready:
            return False
        if self._stdin.get_write_buffer_size() > MAX_BACKLOG_BYTES:
            return False
        self._stdin.write(frame(message))
        return True

    def kill(self) -> None:
        """End a child that hangs; a new one comes by itself."""
        if self._process is not None:
            self._process.kill()  # of one that has ended, nothing

    async def aclose(self) -> None:
        """End the child for good: it stops when its stdin closes."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _keep_alive(self) -> None:
        pause_s = FIRST_RESTART_S
        while True:
            self._failure = ""
            was_ready, code = await self._run()
            if was_ready:
                pause_s = FIRST_RESTART_S
            why = self._failure or f"the worker process ended ({code})"
            if not self._was_ever_ready:
                raise WorkerDied(self.name, why)
            logger.warning("worker %s: %s; restart in %.2f s", self.name, why, pause_s)
            self._on_death(WorkerDied(self.name, why))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LAST_RESTART_S)
            self.restarts += 1

    async def _run(self) -> tuple[bool, int | None]:
        """One child, from its start to its end: whether it became ready, and its exit code."""
        try:
            environment = {**os.environ, **ONE_THREAD}
            process = await started(command(RUNNER, self._module, *self._arguments), environment)
        except OSError as exc:
            # No memory, no more processes: another time there may be.
            self._failure = f"it cannot be started: {exc}"
            return False, None
        ears = _Ears(self._receive)
        loop = asyncio.get_running_loop()
        reading: asyncio.BaseTransport | None = None
        self._process = process
        try:
            self._stdin, _ = await loop.connect_write_pipe(asyncio.Protocol, process.stdin)
            reading, _ = await loop.connect_read_pipe(lambda: ears, process.stdout)
            await ears.ended.wait()
        finally:
            was_ready, self.ready = self.ready, False
            self._became_ready.clear()
            ears.ended.set()
            if self._stdin is not None:
                self._stdin.close()
            self._stdin = self._process = None
            # A thread waits: the child is given a little to stop by itself.
            code = await asyncio.shield(asyncio.to_thread(put_down, process, CLOSE_TIMEOUT_S))
            if reading is not None:
                reading.close()
        return was_ready, code

    def _receive(self, message: bytes) -> None:
        if (failure := decode_failure(message)) is not None:
            self._failure = failure.what
            level = logging.ERROR if self.ready else logging.DEBUG  # a bug, or a missing part
            logger.log(level, "worker %s: %s", self.name, failure.trace)
        elif not self.ready:
            self.ready = self._was_ever_ready = True
            self._became_ready.set()
            self._on_ready()
        else:
            self._on_message(message)


class _Ears(asyncio.Protocol):
    """What the child says."""

    def __init__(self, on_message: Callable[[bytes], None]) -> None:
        self._on_message = on_message
        self._unframer = Unframer()
        self.ended = asyncio.Event()
        "It said its last word, or something that is no message."

    def data_received(self, data: bytes) -> None:
        if self.ended.is_set():
            return
        try:
            messages = self._unframer.push(data)
        except FramingLost as exc:
            logger.error("worker: %s", exc)
            self.ended.set()
            return
        for message in messages:
            self._on_message(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
