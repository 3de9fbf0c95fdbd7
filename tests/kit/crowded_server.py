"""A campaign of loopback calls, many at once, through a server that is killed whenever it is full.

Numbers come by a campaign and not one by one: the API takes ten requests a second from an account,
so that of people who talk for 10 s never more than a hundred would be in a call.

Fifty conversations take two processors: where others want them too, the far ends only ring.

Not here: a server that is killed at any moment, however few calls it has (killed_server.py).
"""

import asyncio
import collections
import random
import signal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from offhook.bench.load.server_process import TOKEN, ServerProcess

from .killed_server import items

REACHED = ("ringing", "live")
TALKS, RINGS = "0001", "0020"
"How numbers end of people who talk for 10 s, and of those who never answer."
RING_LIMIT_S = 5.0
NO_RETRIES = {reason: {"max_attempts": 0} for reason in ("no_answer", "busy", "failed")}
LIMIT_S = 600.0
"Of one server's life."


class Crowd(msgspec.Struct, kw_only=True):
    """What was done, and what is left of it."""

    numbers: list[str]
    peaks: list[int] = []
    "Calls that rang or were answered, at most, in each life of the server."
    talks: list[int] = []
    "Those of them that were answered, at most."
    calls: list[dict[str, Any]] = []
    "All calls of the server at the end."
    progress: dict[str, int] = {}
    "The campaign's, at the end."
    dialled: collections.Counter[str] = msgspec.field(default_factory=collections.Counter)
    "How often the far end was dialled, by number."


class CrowdedServer:
    """One run: `calls` people, `at_once` of them called together, who talk, or let it ring."""

    def __init__(
        self,
        folder: Path,
        calls: int,
        at_once: int,
        kills: int,
        seed: int,
        *,
        talk: bool,
    ) -> None:
        """It is killed `kills` times, when `at_once` calls ring or are answered, or soon after."""
        self._folder = folder
        self._ledger = folder / "ledger"
        self._at_once = at_once
        self._kills = kills
        self._rng = random.Random(seed)
        self._campaign = ""
        self.crowd = Crowd(
            numbers=[f"+49{number:06}{TALKS if talk else RINGS}" for number in range(calls)]
        )

    async def go(self) -> Crowd:
        """Do it."""
        for _ in range(self._kills):
            await self._until_full()
        await self._to_the_end()
        self.crowd.dialled.update(self._ledger.read_text().splitlines())
        return self.crowd

    def _server(self) -> ServerProcess:
        settings = {
            "LOOPBACK_LEDGER": str(self._ledger),
            "LIMITS_MAX_LATENESS_MS": "100000",
            "RECORDING_ON": "false",
            "DIALER_MAX_CALLS": str(self._at_once),
        }
        return ServerProcess(self._folder / "data", self._folder / "log", **settings)

    async def _until_full(self) -> None:
        server = self._server()
        await server.start()
        try:
            async with _Life(server) as life:
                if not self._campaign:
                    await self._launch(life)
                while life.peak < self._at_once:
                    event = await life.event()
                    assert event.get("status") != "completed", "all is done, and it never was full"
                for _ in range(self._rng.randrange(self._at_once // 8 + 1)):
                    await life.event()
        finally:
            server.signal(signal.SIGKILL)
            await server.ended()
        self._note(life)

    async def _to_the_end(self) -> None:
        """One more life, until the campaign is completed."""
        async with self._server() as server, _Life(server) as life:
            if not self._campaign:
                await self._launch(life)
            path = f"/v1/campaigns/{self._campaign}"
            while (campaign := await life.ask("GET", path))["status"] != "completed":
                await life.event()
            self.crowd.progress = campaign["progress"]
            found = items(life.client, f"{server.http}/v1/calls?limit=200")
            self.crowd.calls = [call async for call in found]
        self._note(life)

    def _note(self, life: "_Life") -> None:
        self.crowd.peaks.append(life.peak)
        self.crowd.talks.append(life.talks)

    async def _launch(self, life: "_Life") -> None:
        agent = await life.ask("POST", "/v1/agents", {"name": "crowd"})
        await life.ask("PATCH", f"/v1/agents/{agent['id']}/retries", NO_RETRIES)
        body = {
            "name": "crowd",
            "agent_id": agent["id"],
            "line": "loopback",
            "ring_limit_s": RING_LIMIT_S,
            # More than the dialler takes: whoever hangs up is followed at once by one that waits.
            "max_concurrent": 2 * self._at_once,
            "numbers": self.crowd.numbers,
        }
        self._campaign = (await life.ask("POST", "/v1/campaigns", body))["id"]
        await life.ask("POST", f"/v1/campaigns/{self._campaign}/launch")


class _Life:
    """One server's, as who listens to its events sees it."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._reached: dict[str, str] = {}
        self.peak = 0
        "Calls that rang or were answered, at most."
        self.talks = 0
        "Those that were answered, at most."
        self._limit = asyncio.timeout(LIMIT_S)

    async def __aenter__(self) -> "_Life":
        self.client = aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})
        await self._limit.__aenter__()
        types = "types=call.status,campaign.status"
        self._events = await self.client.ws_connect(f"{self._server.http}/v1/events?{types}")
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self.client.close()
        await self._limit.__aexit__(*exc)

    async def event(self) -> dict[str, Any]:
        """The next one."""
        event: dict[str, Any] = (await self._events.receive_json()).get("event", {})
        if event.get("status") in REACHED:
            self._reached[event["call_id"]] = event["status"]
            self.peak = max(self.peak, len(self._reached))
            self.talks = max(self.talks, list(self._reached.values()).count("live"))
        elif event.get("type") == "call.status":
            self._reached.pop(event["call_id"], None)
        return event

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The API."""
        async with self.client.request(method, f"{self._server.http}{path}", json=body) as answer:
            assert answer.ok, await answer.text()
            return await answer.json()
