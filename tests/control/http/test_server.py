"""The server on its socket."""

import asyncio
import json
import pathlib
import random
import socket

import aiohttp
import pytest

from offhook.control.auth.operator_token import ApiToken
from offhook.control.calls.registry import CallRegistry
from offhook.control.configuration.config import HttpSettings
from offhook.control.errors import StartError
from offhook.control.events.events import EventBus
from offhook.control.http.edge import Edge
from offhook.control.http.server import HttpServer
from offhook.control.services.catalog import make_services
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


def server(folder: pathlib.Path, port: int) -> HttpServer:
    bus, metrics = EventBus(), Metrics()
    database, clock = Database(url_in(folder)), VirtualClock()
    calls = CallRegistry(CallStore(database), bus, metrics, clock, folder)
    services = make_services(
        database,
        clock,
        bus,
        calls=calls,
        recordings=folder,
        uploads=folder / "uploads",
        proofs=cheap_proofs(folder, clock),
        box=a_box,
        rng=random.Random(1),
    )
    edge = Edge(calls, bus, metrics, Idle(), services)
    return HttpServer(HttpSettings(port=port), edge, ApiToken("t"))


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
