"""The server as its own process, and what it tells while a call goes on, printed for people."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

START_LIMIT_S = 30.0
READY = re.compile(r"ready http=(\S+) sip=(\S+)")


@contextlib.asynccontextmanager
async def server(folder: Path, token: str) -> AsyncIterator[tuple[str, str]]:
    """The server as its own process; gives its HTTP and SIP addresses."""
    environment = os.environ | {
        "OFFHOOK_DATA": str(folder / "data"),
        "OFFHOOK_API_TOKEN": token,
        "OFFHOOK_HTTP_PORT": "0",
        "OFFHOOK_SIP_HOST": "127.0.0.1",
        "OFFHOOK_SIP_PORT": "0",
        "OFFHOOK_RTP_PORTS": "0",
        "OFFHOOK_SIP_OPEN": "loopback",
        "OFFHOOK_LOG_LEVEL": "warning",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "offhook", "serve", env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None, "asked for above"
    try:
        async with asyncio.timeout(START_LIMIT_S):
            addresses = await _ready(process.stdout)
        yield addresses
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(output: asyncio.StreamReader) -> tuple[str, str]:
    """The addresses that the server prints when it takes calls."""
    async for line in output:
        if ready := READY.search(line.decode()):
            return ready[1], ready[2]
    raise SystemExit("the server did not start")


class Narrator:
    """Prints the conversation as the server tells of it."""

    def __init__(self, http: str, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}
        self._began_wall: float | None = None
        self.call_id: str | None = None

    async def follow(self) -> None:
        """Until the call has ended."""
        async with (
            aiohttp.ClientSession(headers=self._headers) as client,
            client.ws_connect(f"{self._http}/v1/events") as events,
        ):
            async for message in events:
                event = msgspec.json.decode(message.data).get("event")
                if event is not None and self._tell(event):
                    return

    async def get(self, path: str) -> bytes:
        """Read something of the API."""
        async with (
            aiohttp.ClientSession(headers=self._headers, raise_for_status=True) as client,
            client.get(f"{self._http}{path}") as answer,
        ):
            return await answer.read()

    def _tell(self, event: dict[str, Any]) -> bool:
        kind = event["type"]
        self.call_id = event["call_id"]
        if kind == "call.answered":
            self._began_wall = event["at_wall"]
            self._say(event, "", f"answered, {event['codec']} at {event['rate_hz']} Hz")
        elif kind == "caller.said" and event["final"] and (event["text"] or event["rejected"]):
            self._say(event, "caller", event["text"] or "(not understood)")
        elif kind == "caller.pressed":
            self._say(event, "caller", f"[{event['digit']}]")
        elif kind == "agent.speaking":
            self._say(event, "agent", event["text"])
        elif kind == "agent.interrupted":
            self._say(event, "", f"barge-in; heard: {event['heard']}")
        elif kind == "call.ended":
            self._say(event, "", f"ended ({event['cause']})")
            return True
        return False

    def _say(self, event: dict[str, Any], who: str, what: str) -> None:
        began = self._began_wall if self._began_wall is not None else event["at_wall"]
        print(f"{event['at_wall'] - began:7.2f}  {who:7} {what}", flush=True)
