"""`offhook serve` as a process of its own, for what is measured and tested from outside.

It listens on free ports of the loopback, and keeps its data where it is told to.
"""

import asyncio
import os
import re
import signal
from pathlib import Path
from typing import Self

from ...drivers.worker_process import command

START_LIMIT_S = 30.0
READY = re.compile(r"ready http=(\S+) sip=(\S+)")
MODULE = f"{__name__.split('.', maxsplit=1)[0]}.__main__"
TOKEN = "measured-from-outside"
"Of a server that lives for one measurement and listens on the loopback only."


class ServerDidNotStart(Exception):
    """It ended, or took too long, before it was ready."""


class ServerProcess:
    """One server: `async with ServerProcess(folder) as server`."""

    def __init__(self, data: Path, log: Path | None = None, **settings: str) -> None:
        """`settings` are more of the environment, without its prefix: `LIMITS_MAX_CALLS="1"`.

        `log`: the file that standard error is appended to; None: ours.
        """
        own = {
            "DATA": str(data),
            "API_TOKEN": TOKEN,
            "HTTP_PORT": "0",
            "SIP_HOST": "127.0.0.1",
            "SIP_PORT": "0",
            "SIP_OPEN": "loopback",
            "RTP_HOST": "127.0.0.1",
            "RTP_PORTS": "0",
            "LOG_LEVEL": "warning",
        }
        # What the caller's own environment says of Offhook is not meant for this server.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("OFFHOOK_")}
        self._environment = inherited | {f"OFFHOOK_{k}": v for k, v in (own | settings).items()}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.http = ""
        "`http://127.0.0.1:…`, once it has started."
        self.sip = ""
        "`127.0.0.1:…`"

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._started.pid

    async def start(self) -> None:
        """Start it, in a session of its own, and wait until it takes calls.

        Raises ServerDidNotStart.
        """
        errors = None if self._log is None else self._log.open("ab")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command(MODULE, "serve"),
                env=self._environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        finally:
            if errors is not None:
                errors.close()
        try:
            async with asyncio.timeout(START_LIMIT_S):
                self.http, self.sip = await self._ready()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            raise ServerDidNotStart(f"not ready after {START_LIMIT_S:g} s") from None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self._started.returncode is None:
            self._started.send_signal(number)

    def interrupt_group(self) -> None:
        """What Ctrl-C does in a terminal: SIGINT to the server and all of its process group."""
        os.killpg(self.pid, signal.SIGINT)

    async def ended(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        assert self._started.stdout is not None, "asked for in start()"
        await self._started.stdout.read()  # a full pipe would keep it from ending
        return await self._started.wait()

    async def aclose(self) -> None:
        """End it: calls that are live are hung up."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGINT)  # another number: two of one, sent at once, may arrive as one
        await self.ended()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def _started(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "start() comes first"
        return self._process

    async def _ready(self) -> tuple[str, str]:
        assert self._started.stdout is not None, "asked for in start()"
        async for line in self._started.stdout:
            if ready := READY.search(line.decode()):
                return ready[1], ready[2].removeprefix("sip:")
        raise ServerDidNotStart(f"it ended with {await self._started.wait()}")
