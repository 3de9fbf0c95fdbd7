"""A run of loopback calls through a server that is killed again and again until all are done."""

import asyncio
import collections
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from offhook.bench.load.server_process import TOKEN, ServerProcess

LIMIT_S = 120.0
"Of waiting for the last call's end."
SUFFIXES = ("0010", "0010", "0030", "0030", "0001", "0002")
"Of six calls two find a busy line, two a network that fails, and two a human, who talks for 10 s."
LEAST_EVENTS, EVENTS_A_CALL = 3, 12
"A server lives for at least so many events, and at most so many more for every call it is given."


class Run(msgspec.Struct, kw_only=True):
    """What was done, and what is left of it."""

    accepted: dict[str, str] = {}
    "Call id -> number, of every POST that was answered with 202."
    unanswered: list[str] = []
    "Numbers whose POST the server did not live to answer."
    kills: int = 0
    calls: dict[str, dict[str, Any]] = {}
    "Every call of the server at the end, by id."
    dialled: collections.Counter[str] = msgspec.field(default_factory=collections.Counter)
    "How often the far end was dialled, by number."
    ended_events: collections.Counter[str] = msgspec.field(default_factory=collections.Counter)
    "How many stored events say that a call has ended, by id."


class KilledServer:
    """One run; the moments of the kills are events that are counted, by `seed`."""

    def __init__(self, folder: Path, calls: int, kills: int, seed: int) -> None:
        self._folder = folder
        self._ledger = folder / "ledger"
        self._rng = random.Random(seed)
        self._left = calls
        self._kills = kills
        self._number = 0
        self.run = Run()

    async def go(self) -> Run:
        """Do it."""
        while self.run.kills < self._kills or self._left:
            await self._until_killed()
        await self._to_the_end()
        lines = self._ledger.read_text().splitlines() if self._ledger.exists() else []
        self.run.dialled.update(lines)
        return self.run

    def _server(self) -> ServerProcess:
        settings = {
            "LOOPBACK_LEDGER": str(self._ledger),
            "LIMITS_MAX_LATENESS_MS": "100000",
            "RECORDING_ON": "true",
        }
        return ServerProcess(self._folder / "data", self._folder / "log", **settings)

    async def _until_killed(self) -> None:
        """Place what is left while events come, and kill the server at one of them."""
        server = self._server()
        await server.start()
        share = self._left if self.run.kills + 1 >= self._kills else max(1, self._left // 3)
        moment = LEAST_EVENTS + self._rng.randrange(EVENTS_A_CALL * share + 1)
        async with _client() as client:
            placing = asyncio.create_task(self._place(client, server, share))
            await self._count_events(client, server, moment, placing)
            server.signal(signal.SIGKILL)
            await server.ended()
            await placing
        self.run.kills += 1

    async def _count_events(
        self,
        client: aiohttp.ClientSession,
        server: ServerProcess,
        moment: int,
        placing: "asyncio.Task[None]",
    ) -> None:
        async with client.ws_connect(f"{server.http}/v1/events") as events:
            for _ in range(moment):
                if placing.done() and await _is_over(client, server):
                    return
                await events.receive_json()

    async def _place(
        self, client: aiohttp.ClientSession, server: ServerProcess, share: int
    ) -> None:
        for _ in range(share):
            self._number += 1
            suffix = SUFFIXES[self._number % len(SUFFIXES)]
            number = f"+49{self._number:06}{suffix}"
            body = {"to": number, "line": "loopback"}
            try:
                async with client.post(f"{server.http}/v1/calls", json=body) as answer:
                    assert answer.status == 202, await answer.text()
                    self.run.accepted[(await answer.json())["id"]] = number
                    self._left -= 1
            except (aiohttp.ClientError, ConnectionError):
                self.run.unanswered.append(number)
                return

    async def _to_the_end(self) -> None:
        """One more start, which is not killed: until every call has ended."""
        async with (
            self._server() as server,
            _client() as client,
            asyncio.timeout(LIMIT_S),
            client.ws_connect(f"{server.http}/v1/events") as events,
        ):
            # An end is told when it is stored, a moment after it is seen.
            while not await self._all_told(client, server):
                await events.receive_json()

    async def _all_told(self, client: aiohttp.ClientSession, server: ServerProcess) -> bool:
        """Whether the end of every call has been told; what is known of them goes to the run."""
        if not await _is_over(client, server):
            return False
        calls = items(client, f"{server.http}/v1/calls?limit=200")
        self.run.calls = {call["id"]: call async for call in calls}
        log = items(client, f"{server.http}/v1/events/log?types=call.status&limit=200")
        self.run.ended_events = collections.Counter(
            [e["event"]["call_id"] async for e in log if e["event"]["status"] == "ended"]
        )
        return self.run.ended_events.keys() >= self.run.calls.keys()


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})


async def _is_over(client: aiohttp.ClientSession, server: ServerProcess) -> bool:
    """No call waits or is in progress."""
    states = "scheduled,queued,dialing,ringing,live"
    async with client.get(f"{server.http}/v1/calls?status={states}&limit=1") as answer:
        return not (await answer.json())["items"]


async def items(client: aiohttp.ClientSession, url: str) -> AsyncIterator[Any]:
    """All of a list, page by page; `url` has a query."""
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        async with client.get(f"{url}{more}") as answer:
            page = await answer.json()
        for item in page["items"]:
            yield item
        cursor = page["next"]
