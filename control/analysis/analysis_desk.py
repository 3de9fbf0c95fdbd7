"""SHELL: the process that analyses without a model (analysis_worker.py), there while it is needed.

It is started by the first call that wants it, does one after another, and is let go when none has
come for a while: a server whose calls go to a language model has none for most of the day.
"""

import asyncio
import contextlib
import os

from ...drivers.child_process import ChildProcess, child_process
from ...drivers.framing import FramingLost, Unframer, frame
from ...drivers.worker_boot import decode_failure
from ...drivers.worker_process import ONE_THREAD, RUNNER, command
from ...media.clock import Clock, Timer
from ..errors import ControlError
from . import analysis_worker
from .conversation import Conversation, Findings

LIMIT_S = 30.0
"For one call, the start of the process included; a long one takes a tenth of a second."
IDLE_S = 60.0
READ_BYTES = 64 * 1024


class AnalystDied(ControlError):
    """The process that analyses has ended in the middle, or hangs."""

    code = "analyst_died"


class AnalysisDesk:
    """`analyse()`; `aclose()` last."""

    def __init__(self, clock: Clock, limit_s: float = LIMIT_S, idle_s: float = IDLE_S) -> None:
        self._clock = clock
        self.limit_s = limit_s
        "For one call."
        self._idle_s = idle_s
        self._turn = asyncio.Lock()
        self._process: ChildProcess | None = None
        self._ends = contextlib.AsyncExitStack()
        self._unframer = Unframer()
        self._idle: Timer | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process; None: there is none now."""
        return None if self._process is None else self._process.pid

    async def analyse(self, conversation: Conversation) -> Findings:
        """What can be told without a model. Raises AnalystDied."""
        async with self._turn:
            self._keep()
            try:
                async with asyncio.timeout(self.limit_s):
                    findings = await self._ask(conversation)
            except TimeoutError as exc:
                await self._end()
                raise AnalystDied(f"no analysis after {self.limit_s:g} s") from exc
            except BaseException:
                # Also when nobody waits any more: the next answer would be this one's.
                await self._end()
                raise
            self._idle = self._clock.call_at(self._clock.now() + self._idle_s, self._let_go)
            return findings

    async def settled(self) -> None:
        """Wait until a process that is let go has ended."""
        if self._ending is not None:
            await self._ending

    async def aclose(self) -> None:
        """End the process."""
        async with self._turn:
            self._keep()
            await self._end()
        await self.settled()

    async def _ask(self, conversation: Conversation) -> Findings:
        if self._process is None:
            self._unframer = Unframer()
            runner = command(RUNNER, analysis_worker.__name__)
            try:
                self._process = await self._ends.enter_async_context(
                    child_process(runner, {**os.environ, **ONE_THREAD})
                )
            except OSError as exc:
                raise AnalystDied(f"the process that analyses cannot be started: {exc}") from exc
        process = self._process
        process.write(frame(analysis_worker.encode(conversation)))
        messages: list[bytes] = []
        while not messages:
            data = await process.stdout.read(READ_BYTES)
            if not data:
                raise AnalystDied("the process that analyses has ended")
            try:
                messages = self._unframer.push(data)
            except FramingLost as exc:
                raise AnalystDied("the process that analyses talks nonsense") from exc
        if (failure := decode_failure(messages[0])) is not None:
            raise AnalystDied(failure.what)
        findings: Findings = analysis_worker.decode_findings(messages[0])
        return findings

    def _keep(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _let_go(self) -> None:
        self._ending = asyncio.create_task(self._end_idle(), name="end the idle analyst")

    async def _end_idle(self) -> None:
        async with self._turn:
            if self._idle is not None:  # else somebody has come meanwhile
                self._idle = None
                await self._end()

    async def _end(self) -> None:
        self._process = None
        await self._ends.aclose()
