"""The server on its socket."""

import asyncio
import contextlib
import gzip
import json
import pathlib
import random
import socket
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from offhook.control.auth.operator_token import ApiToken
from offhook.control.calls.registry import CallRegistry
from offhook.control.configuration.config import HttpSettings
from offhook.control.errors import StartError
from offhook.control.events.events import EventBus
from offhook.control.http.connection_room import HEAD_S
from offhook.control.http.edge import Edge
from offhook.control.http.server import HttpServer
from offhook.control.services.catalog import Services
from offhook.control.services.ground import Ground
from offhook.control.store.calls import CallStore
from offhook.control.store.database import Database
from offhook.control.telemetry.metrics import Metrics
from offhook.media.clock import VirtualClock
from offhook.media.frames.frame_clock import ClockHealth
from offhook.tests.kit.database import url_in
from offhook.tests.kit.proving import cheap_proofs
from offhook.tests.kit.sealing import a_box


class Idle:
    def clock(self) -> ClockHealth:
        return ClockHealth(0.0, 0.0, 0.0, 0, 0, 0.0)

    def draining(self) -> bool:
        return False

    def refusal(self) -> str | None:
        return None


def server(folder: pathlib.Path, port: int, **settings: Any) -> HttpServer:
    bus, metrics = EventBus(), Metrics()
    database, clock = Database(url_in(folder)), VirtualClock()
    calls = CallRegistry(CallStore(database), bus, metrics, clock, folder)
    services = Services(
        Ground(
            database=database,
            clock=clock,
            bus=bus,
            calls=calls,
            recordings=folder,
            uploads=folder / "uploads",
            proofs=cheap_proofs(folder, clock),
            box=a_box,
            rng=random.Random(1),
        )
    )
    edge = Edge(calls, bus, metrics, Idle(), services)
    return HttpServer(HttpSettings(port=port, **settings), edge, ApiToken("t"))


async def test_port_0_is_any_free_one_and_is_told(tmp_path: pathlib.Path) -> None:
    http = server(tmp_path, 0)
    await http.start()
    assert http.port > 0
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{http.port}/health") as response,
    ):
        assert response.status == 200
    await http.aclose()


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (
            b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 9000),
            431,
            "request_header_fields_too_large",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n" % (b"a" * 9000),
            431,
            "request_header_fields_too_large",
        ),
        (b"HELO example.org\r\n\r\n", 400, "bad_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad_request"),
    ],
    ids=["line", "header", "mail", "tls"],
)
async def test_what_cannot_be_read_is_refused_with_a_problem(
    tmp_path: pathlib.Path, sent: bytes, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    http = server(tmp_path, 0)
    await http.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", http.port)
    writer.write(sent)
    head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    writer.close()
    problem = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % status) or head.startswith(b"HTTP/1.0 %d " % status)
    assert b"Content-Type: application/problem+json" in head
    assert f"X-Request-Id: {problem['request_id']}".encode() in head
    assert (problem["status"], problem["type"]) == (status, f"urn:offhook:problem:{code}")
    assert "aaaa" not in problem["detail"]
    assert not caplog.records, "strangers do not fill the log"
    await http.aclose()


async def test_a_taken_port_is_named(tmp_path: pathlib.Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=f"HTTP on 127.0.0.1 port {port}: "):
            await server(tmp_path, port).start()


async def test_stopping_lets_event_clients_go(tmp_path: pathlib.Path) -> None:
    http = server(tmp_path, 0)
    await http.start()
    headers = {"Authorization": "Bearer t"}
    url = f"http://127.0.0.1:{http.port}/v1/events"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=headers) as events,
    ):
        await events.receive_json()
        stopping = asyncio.ensure_future(http.aclose())
        message = await events.receive()
        assert (events.close_code, message.extra) == (1013, "the server stops")
        await stopping


def bomb() -> bytes:
    """40 MB in 40 kB."""
    return gzip.compress(bytes(40_000_000))


async def asked(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZip, identity"])
async def test_bodies_that_would_have_to_be_unpacked_are_refused_as_they_come(
    tmp_path: pathlib.Path, coding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Unpacking happens where bodies are parsed, on the event loop: nobody does it.
    monkeypatch.delattr("aiohttp.http_parser.DeflateBuffer.feed_data")
    http = server(tmp_path, 0)
    await http.start()
    body = bomb()
    head = (
        "POST /v1/agents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Encoding: {coding}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    answer = await asked(http.port, head.encode() + body)
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert b'"code":"unsupported_media_type"' in answer
    await http.aclose()


async def test_a_connection_too_many_ends_the_one_that_asks_nothing(
    tmp_path: pathlib.Path,
) -> None:
    http = server(tmp_path, 0, max_connections=2)
    await http.start()
    silent = await asyncio.open_connection("127.0.0.1", http.port)
    slow = await asyncio.open_connection("127.0.0.1", http.port)
    slow[1].write(b"GET /health HTTP/1.1\r\nHost: x\r\n")
    await asyncio.wait_for(until(lambda: len(http.room) == 2), 5)
    loop = asyncio.get_running_loop()
    http.room.look(loop.time())
    answer = await asked(http.port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert await asyncio.wait_for(silent[0].read(), 5) == b""
    http.room.look(loop.time() + HEAD_S + 1)
    assert await asyncio.wait_for(slow[0].read(), 5) == b""
    await asyncio.wait_for(until(lambda: len(http.room) == 0), 5)
    for _, writer in (silent, slow):
        writer.close()
    await http.aclose()


async def test_one_address_takes_only_a_part_of_the_connections(tmp_path: pathlib.Path) -> None:
    http = server(tmp_path, 0, max_connections_per_address=1)
    await http.start()
    first = await asyncio.open_connection("127.0.0.1", http.port)
    await asyncio.wait_for(until(lambda: len(http.room) == 1), 5)
    second = await asyncio.open_connection("127.0.0.1", http.port)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(second[0].read(), 5) == b""
    first[1].write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await asyncio.wait_for(first[0].readline(), 5)).startswith(b"HTTP/1.1 200 ")
    assert http.room.refused == 1
    second[1].close()
    first[1].close()
    await asyncio.wait_for(until(lambda: len(http.room) == 0), 5)
    await http.aclose()


async def until(holds: Callable[[], bool]) -> None:
    """The event loop goes round until it is so."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0)
