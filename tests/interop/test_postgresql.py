"""Whole servers on a PostgreSQL: one that is killed, and two that share a database."""

import asyncio
import collections
import contextlib
import pathlib
import signal
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from offhook.bench.load.server_process import TOKEN, ServerProcess
from offhook.tests.kit.postgresql import cluster, needs_postgresql

pytestmark = [pytest.mark.interop, needs_postgresql()]

LIMIT_S = 60.0
CALLS = 24
LONG_S = 120.0
"Nobody waits so long: it is ended with the test."


class Site:
    """A database, and servers on it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.database = cluster().create()
        self.ledger = folder / "ledger"

    def server(self, node: str, **more: str) -> ServerProcess:
        settings = more | {
            "DATABASE": cluster().url(self.database),
            "NODE": node,
            "LOOPBACK_LEDGER": str(self.ledger),
            "LIMITS_MAX_LATENESS_MS": "100000",
        }
        return ServerProcess(self.folder / node, self.folder / f"{node}.log", **settings)

    def dialled(self) -> collections.Counter[str]:
        return collections.Counter(self.ledger.read_text().splitlines())


class Client:
    """Of one server."""

    def __init__(self, session: aiohttp.ClientSession, server: ServerProcess) -> None:
        self._session = session
        self._http = server.http

    async def place(self, number: str, **more: float) -> str:
        body = {"to": number, "line": "loopback", **more}
        async with self._session.post(f"{self._http}/v1/calls", json=body) as answer:
            assert answer.status == 202, await answer.text()
            return str((await answer.json())["id"])

    async def get(self, path: str) -> Any:
        async with self._session.get(f"{self._http}{path}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    def events(self, after: str | None = None) -> Any:
        cursor = "" if after is None else f"?cursor={after}"
        return self._session.ws_connect(f"{self._http}/v1/events{cursor}")


def client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})


@contextlib.asynccontextmanager
async def both(site: Site) -> AsyncIterator[tuple[ServerProcess, ServerProcess]]:
    """Two servers that start at the same time, on an empty database."""
    one, two = site.server("one"), site.server("two")
    await asyncio.gather(one.start(), two.start())
    try:
        yield one, two
    finally:
        await asyncio.gather(one.aclose(), two.aclose())


async def until(events: aiohttp.ClientWebSocketResponse, wanted: dict[str, str]) -> list[Any]:
    """What is told until each of these calls has that status."""
    told, left = [], dict(wanted)
    async with asyncio.timeout(LIMIT_S):
        while left:
            message = await events.receive_json()
            told.append(message)
            event = message.get("event") or {}
            if event.get("type") == "call.status":
                call_id, status = event["call_id"], event["status"]
                if left.get(call_id) == status:
                    del left[call_id]
    return told


async def test_a_killed_server_finds_its_calls_again_and_dials_none_twice(
    tmp_path: pathlib.Path,
) -> None:
    site = Site(tmp_path)
    async with client() as session:
        server = site.server("one")
        await server.start()
        asked = Client(session, server)
        async with asked.events() as events:
            await events.receive_json()
            busy = await asked.place("+49300000010")
            talks = await asked.place("+49300000001")
            await until(events, {busy: "ended", talks: "live"})
        assert (await asked.get(f"/v1/calls/{busy}"))["outcome"] == "busy"
        server.signal(signal.SIGKILL)
        await server.ended()
        async with site.server("one") as server:
            asked = Client(session, server)
            async with asked.events(after="0") as events:
                await until(events, {talks: "ended"})
            ended = await asked.get(f"/v1/calls/{talks}")
            assert (ended["status"], ended["cause"]) == ("ended", "crash")
            assert (await asked.get(f"/v1/calls/{busy}"))["outcome"] == "busy"
    assert site.dialled() == {"+49300000010": 1, "+49300000001": 1}


async def test_two_servers_on_one_database_dial_each_number_once_and_tell_of_all(
    tmp_path: pathlib.Path,
) -> None:
    site = Site(tmp_path)
    async with client() as session, both(site) as (one, two):
        first, second = Client(session, one), Client(session, two)
        async with first.events() as at_one, second.events() as at_two:
            await at_one.receive_json()
            await at_two.receive_json()
            placed = {
                await (first, second)[number % 2].place(f"+4930{number:04}0010"): "ended"
                for number in range(CALLS)
            }
            heard = await asyncio.gather(until(at_one, placed), until(at_two, placed))
        log = await first.get("/v1/events/log?types=call.status&limit=200&sort=seq")
    numbers = [f"+4930{number:04}0010" for number in range(CALLS)]
    assert site.dialled() == dict.fromkeys(numbers, 1)
    stored = [entry["id"] for entry in log["items"]]
    for told in heard:
        ids = [x["id"] for x in told if (x.get("event") or {}).get("type") == "call.status"]
        assert ids == stored


async def test_a_server_leaves_alone_what_another_one_carries_and_takes_what_it_has_no_room_for(
    tmp_path: pathlib.Path,
) -> None:
    site = Site(tmp_path)
    async with client() as session, site.server("one", LIMITS_MAX_CALLS="1") as one:
        asked = Client(session, one)
        async with asked.events() as events:
            await events.receive_json()
            rings = await asked.place("+49300000020", ring_limit_s=LONG_S)
            await until(events, {rings: "ringing"})
        async with site.server("two") as two:
            asked = Client(session, two)
            assert (await asked.get(f"/v1/calls/{rings}"))["status"] == "ringing"
            assert len((await asked.get("/v1/calls?status=ringing"))["items"]) == 1
            async with session.delete(f"{two.http}/v1/calls/{rings}") as answer:
                assert answer.status == 409
                assert "on node 'one'" in (await answer.json())["detail"]
            asked = Client(session, one)
            async with asked.events() as events:
                await events.receive_json()
                busy = await asked.place("+49300000010")
                await until(events, {busy: "ended"})
    assert site.dialled() == {"+49300000020": 1, "+49300000010": 1}
