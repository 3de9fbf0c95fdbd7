"""A client that leaves: who only reads is cancelled, and nothing of it is left behind."""

import asyncio
import logging
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from offhook.control.http.edge import Edge
from offhook.control.http.server import HttpServer
from offhook.tests.kit.api import DEFAULTS, TOKEN, Api, Idle

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
ROUNDS = 60


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


@pytest.fixture
async def url(api: Api) -> AsyncIterator[str]:
    """The same services behind the server that a process has."""
    edge = Edge(api.calls, api.bus, api.metrics, Idle(), api.services)
    settings = type(DEFAULTS.http)(port=0)
    server = HttpServer(settings, edge, api.services.authentication)
    await server.start()
    yield f"http://127.0.0.1:{server.port}"
    await server.aclose()


async def leave(url: str, method: str, begun: asyncio.Event, **more: Any) -> None:
    """Ask, and go before the answer comes."""
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        asking = asyncio.create_task(session.request(method, url, **more))
        await begun.wait()
        asking.cancel()
        await asyncio.wait([asking])


async def test_what_is_read_is_cancelled_without_a_word(
    api: Api, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def page(*_: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    monkeypatch.setattr(type(api.services.agents), "page", page)
    with caplog.at_level(logging.INFO):
        await leave(f"{url}/v1/agents", "GET", begun)
        await cancelled.wait()
    assert caplog.records == []


async def test_what_is_changed_is_done_to_its_end(
    api: Api, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    create = type(api.services.agents).create

    async def slow(*args: Any) -> Any:
        begun.set()
        await go_on.wait()
        made = await create(*args)
        done.set()
        return made

    monkeypatch.setattr(type(api.services.agents), "create", slow)
    await leave(f"{url}/v1/agents", "POST", begun, json={"name": "Anna"})
    go_on.set()
    await done.wait()
    assert len((await api.want(200, "GET", "/v1/agents"))["items"]) == 1


async def test_an_error_that_nobody_hears_is_logged(
    api: Api, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun, go_on, logged = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def fail(*_: object) -> None:
        begun.set()
        await go_on.wait()
        raise ZeroDivisionError

    def tell(record: logging.LogRecord) -> bool:
        logged.set()
        return True

    monkeypatch.setattr(type(api.services.agents), "create", fail)
    logger = logging.getLogger("offhook.control.http.finishing")
    logger.addFilter(tell)
    await leave(f"{url}/v1/agents", "POST", begun, json={"name": "Anna"})
    go_on.set()
    await logged.wait()
    logger.removeFilter(tell)
    assert [record.message for record in caplog.records] == [
        "a request whose client has gone failed"
    ]


async def test_the_database_survives_any_number_of_clients_that_leave(api: Api, url: str) -> None:
    """In the middle of a read, wherever that is: connections come back, and none is stuck."""
    for n in range(20):
        await api.want(201, "POST", "/v1/agents", {"name": f"agent {n}"})
    async with aiohttp.ClientSession(headers=HEADERS) as session:

        async def ask_and_go(turns: int) -> None:
            asking = asyncio.create_task(session.get(f"{url}/v1/agents?total=true"))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])

        for n in range(ROUNDS):
            await asyncio.gather(*(ask_and_go(n * 3 + k * 7) for k in range(6)))
        async with session.get(f"{url}/v1/agents?total=true") as response:
            assert response.status == 200
            assert (await response.json())["total"] == 20
    await api.want(201, "POST", "/v1/agents", {"name": "one more"})
    assert api.database.waiting_writes == 0


async def test_a_server_that_stops_waits_for_what_is_being_changed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = Edge(api.calls, api.bus, api.metrics, Idle(), api.services)
    server = HttpServer(type(DEFAULTS.http)(port=0), edge, api.services.authentication)
    await server.start()
    begun, go_on = asyncio.Event(), asyncio.Event()
    create = type(api.services.agents).create

    async def slow(*args: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await create(*args)

    monkeypatch.setattr(type(api.services.agents), "create", slow)
    url = f"http://127.0.0.1:{server.port}/v1/agents"
    await leave(url, "POST", begun, json={"name": "Anna"})
    stopping = asyncio.create_task(server.aclose())
    go_on.set()
    await stopping
    assert len((await api.want(200, "GET", "/v1/agents"))["items"]) == 1
