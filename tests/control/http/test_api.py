"""The API as a client meets it: tokens, problems, calls, recordings, health, metrics."""

import asyncio
import pathlib
import random
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from offhook.control.auth.operator_token import ApiToken
from offhook.control.calls.registry import CallRegistry
from offhook.control.domain.events import AnyEvent
from offhook.control.errors import StoreError
from offhook.control.events.events import EventBus
from offhook.control.http.edge import Edge
from offhook.control.http.route import MAX_BODY_BYTES
from offhook.control.http.server import make_app
from offhook.control.services.catalog import Services
from offhook.control.services.ground import Ground
from offhook.control.store.calls import CallStore
from offhook.control.telemetry.logs import TextFormatter
from offhook.control.telemetry.metrics import Metrics
from offhook.media.clock import VirtualClock
from offhook.media.conversation.records import CallRecord, CallStatus
from offhook.media.frames.frame_clock import ClockHealth
from offhook.media.ports import FarEndQuality, HangUpCause, Quality
from offhook.tests.kit.call_records import agent_turn, call_of, call_record, started, turn_added
from offhook.tests.kit.database import copy_database
from offhook.tests.kit.proving import cheap_proofs
from offhook.tests.kit.sealing import a_box

TOKEN = "a-token-of-tests"


class FakeHealth:
    """What the wiring would say."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.drain = False

    def clock(self) -> ClockHealth:
        return ClockHealth(0.21, 1.5, 2.0, 100, 3, 0.25)

    def draining(self) -> bool:
        return self.drain

    def refusal(self) -> str | None:
        return self.reason


class Api:
    """A client of an application with a real registry and real files."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.recordings = folder / "recordings"
        self.recordings.mkdir()
        self.bus = EventBus(queued=5)
        self.metrics = Metrics()
        self.database, clock = copy_database(folder), VirtualClock()
        self.calls = CallRegistry(
            CallStore(self.database), self.bus, self.metrics, clock, self.recordings
        )
        self.health = FakeHealth()
        services = self.services = Services(
            Ground(
                database=self.database,
                clock=clock,
                bus=self.bus,
                calls=self.calls,
                recordings=self.recordings,
                uploads=folder / "uploads",
                proofs=cheap_proofs(folder, clock),
                box=a_box,
                rng=random.Random(1),
            )
        )
        edge = Edge(self.calls, self.bus, self.metrics, self.health, services)
        self.client = TestClient(TestServer(make_app(edge, ApiToken(TOKEN))))
        self.hung_up: list[str] = []

    def add(self, record: CallRecord) -> CallRecord:
        self.calls.add(call_of(record), record, lambda: self.hung_up.append(record.id))
        self.calls.tell(started(record))
        return record

    async def store(self, *events: AnyEvent) -> None:
        async with self.services.events.writing() as work:
            for event in events:
                work.tell(None, event)

    def end(self, record: CallRecord) -> None:
        record.status, record.cause = CallStatus.ENDED, HangUpCause.NORMAL
        record.ended_wall, record.ended_by_us = record.started_wall + 60, False
        self.calls.remove(record.id)

    async def ask(self, method: str, path: str, **headers: str) -> ClientResponse:
        await self.calls.settled()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("Authorization", f"Bearer {TOKEN}")
        return await self.client.request(method, path, headers=headers)


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    api = Api(tmp_path)
    await api.database.open()
    await api.calls.start()
    await api.client.start_server()
    yield api
    await api.client.close()
    await api.calls.aclose()
    await api.database.aclose()


async def problem_of(response: ClientResponse) -> dict[str, object]:
    assert response.content_type == "application/problem+json"
    problem: dict[str, object] = await response.json(content_type=None)
    assert problem["status"] == response.status
    assert problem["request_id"] == response.headers["X-Request-Id"]
    return problem


# --- tokens and problems --------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}"])
@pytest.mark.parametrize("path", ["/v1/calls", "/v1/calls/x", "/v1/events", "/v1/nothing"])
async def test_everything_of_the_api_needs_the_token(api: Api, path: str, header: str) -> None:
    response = await api.ask("GET", path, Authorization=header)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await problem_of(response))["code"] == "unauthorized"


async def test_an_unknown_route_is_a_problem(api: Api) -> None:
    for path in ("/v1/nothing", "/nothing"):
        response = await api.ask("GET", path)
        problem = await problem_of(response)
        assert (response.status, problem["title"], problem["instance"]) == (404, "Not Found", path)
        assert problem["type"] == "urn:offhook:problem:not_found"


async def test_a_wrong_method_says_what_is_allowed(api: Api) -> None:
    response = await api.ask("PUT", "/v1/calls/x")
    assert response.status == 405
    assert set(response.headers["Allow"].split(",")) == {"DELETE", "GET", "HEAD", "PATCH"}
    assert (await problem_of(response))["code"] == "method_not_allowed"


async def test_a_request_keeps_its_own_id_when_it_is_harmless(api: Api) -> None:
    response = await api.ask("GET", "/v1/calls", X_Request_Id="mine-1")
    assert response.headers["X-Request-Id"] == "mine-1"
    response = await api.ask("GET", "/nothing", X_Request_Id="a b" + "x" * 80)
    assert (await problem_of(response))["request_id"] != "a b" + "x" * 80


async def test_a_large_body_is_refused(api: Api) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    path = "/v1/calls/x/hangup"
    async with api.client.post(path, data=b"x" * (MAX_BODY_BYTES + 1), headers=headers) as refused:
        assert refused.status == 413
        assert (await problem_of(refused))["code"] == "too_large"


async def test_a_fault_of_ours_is_a_problem_without_its_secrets(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(CallStore, "page", broken)
    caplog.handler.setFormatter(TextFormatter())
    response = await api.ask("GET", "/v1/calls")
    assert response.status == 500
    problem = await problem_of(response)
    assert "the inside" not in str(problem)
    assert f"request={problem['request_id']} " in caplog.text


async def test_a_store_that_fails_is_a_problem(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(*_: object) -> None:
        raise StoreError("the database", "disk I/O error")

    monkeypatch.setattr(CallStore, "get", failing)
    response = await api.ask("GET", "/v1/calls/broken")
    assert (response.status, (await problem_of(response))["code"]) == (500, "store_failed")


# --- calls ----------------------------------------------------------------------------------------


async def test_lists_calls_by_status(api: Api) -> None:
    first, second = api.add(call_record(1)), api.add(call_record(2, inbound=False))
    api.end(first)
    listed = await (await api.ask("GET", "/v1/calls?status=live")).json()
    assert listed["next"] is None
    (item,) = listed["items"]
    documented = {
        "id": "call-2",
        "sip_call_id": "2@192.0.2.7",
        "status": "live",
        "direction": "outbound",
        "from": "+4930123456",
        "to": "100",
        "line": "office",
        "agent": "desk",
        "started_at": "2023-11-14T22:13:22Z",
        "answered_at": "2023-11-14T22:13:24Z",
        "ended_at": None,
        "cause": None,
        "outcome": None,
        "created_at": "2023-11-14T22:13:22Z",
        "priority": "normal",
        "seq": 2,
    }
    assert {name: item[name] for name in documented} == documented
    api.end(second)
    listed = await (await api.ask("GET", "/v1/calls?status=live")).json()
    assert listed["items"] == []


async def test_pages_through_ended_calls(api: Api) -> None:
    for number in range(1, 6):
        api.end(api.add(call_record(number)))
    seen: list[str] = []
    query = "status=ended&limit=2"
    while len(seen) < 6:
        page = await (await api.ask("GET", f"/v1/calls?{query}")).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query = f"status=ended&limit=2&cursor={page['next']}"
    assert seen == ["call-5", "call-4", "call-3", "call-2", "call-1"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=dead", "status"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=%C2%B2", "limit"),
        ("cursor=x", "cursor"),
        ("status=live&cursor=x", "cursor"),
        ("state=live", "state"),
    ],
)
async def test_a_bad_parameter_is_named(api: Api, query: str, field: str) -> None:
    response = await api.ask("GET", f"/v1/calls?{query}")
    assert (response.status, (await problem_of(response))["field"]) == (400, field)


async def test_shows_all_of_a_call(api: Api) -> None:
    record = api.add(call_record(1, length_samples=24000, digits="42#", recording="call-1.wav"))
    far = FarEndQuality(fraction_lost=0.25, packets_lost=3, jitter_s=0.004)
    record.quality = Quality(packets_received=10, mos=4.2, remote_inbound_rtp=far)
    record.turns.append(agent_turn(1))
    api.calls.tell(turn_added(record, record.turns[0]))
    call = await (await api.ask("GET", "/v1/calls/call-1")).json()
    assert call["turns"] == [
        {
            "index": 1,
            "role": "agent",
            "text": "Good morning.",
            "planned_text": "",
            "begin_s": 1.7,
            "end_s": 3.0,
            "interrupted": False,
            "digits": "",
            "rejected": False,
            "typed": False,
            "confidence": None,
            "sources": [],
            "latency": {
                "transcript_ms": 500.0,
                "decided_ms": 600.0,
                "first_text_ms": None,
                "first_speech_ms": None,
                "first_sample_ms": 700.0,
                "speculative": True,
            },
        }
    ]
    assert (call["digits"], call["length_s"], call["ended_by"]) == ("42#", 3.0, None)
    assert call["quality"]["packetsReceived"] == 10
    assert call["quality"]["remoteInboundRtp"] == {
        **{"fractionLost": 0.25, "packetsLost": 3, "jitter": 0.004},
        "roundTripTime": None,
    }
    assert call["recording"] == {"file": "call-1.wav", "url": "/v1/calls/call-1/recording"}
    api.end(record)
    call = await (await api.ask("GET", "/v1/calls/call-1")).json()
    assert (call["status"], call["cause"], call["ended_by"]) == ("ended", "normal", "them")
    assert call["ended_at"] == "2023-11-14T22:14:21Z"


async def test_a_call_that_rings_has_no_audio_yet(api: Api) -> None:
    api.add(call_record(1, status=CallStatus.RINGING, rate_hz=None, codec=None, answered_wall=None))
    call = await (await api.ask("GET", "/v1/calls/call-1")).json()
    assert (call["status"], call["length_s"], call["turns"]) == ("ringing", None, [])
    listed = await (await api.ask("GET", "/v1/calls?status=ringing")).json()
    assert [item["id"] for item in listed["items"]] == ["call-1"]


@pytest.mark.parametrize("path", ["nobody", "..%2Fsecrets%2Fapi_token", "a%00b", "x" * 300])
async def test_a_call_that_is_not_there_is_not_found(api: Api, path: str) -> None:
    response = await api.ask("GET", f"/v1/calls/{path}")
    assert (response.status, (await problem_of(response))["code"]) == (404, "not_found")


@pytest.mark.parametrize(("method", "suffix"), [("DELETE", ""), ("POST", "/hangup")])
async def test_hangs_up(api: Api, method: str, suffix: str) -> None:
    record = api.add(call_record(1))
    response = await api.ask(method, f"/v1/calls/call-1{suffix}")
    assert (response.status, (await response.json())["id"]) == (202, "call-1")
    assert api.hung_up == ["call-1"]
    api.end(record)
    again = await api.ask(method, f"/v1/calls/call-1{suffix}")
    assert (again.status, (await problem_of(again))["code"]) == (409, "conflict")
    nobody = await api.ask(method, f"/v1/calls/nobody{suffix}")
    assert nobody.status == 404


# --- recordings -----------------------------------------------------------------------------------


async def test_plays_a_recording_whole_and_in_part(api: Api) -> None:
    content = bytes(range(256)) * 40
    (api.recordings / "call-1.wav").write_bytes(content)
    api.end(api.add(call_record(1, recording="call-1.wav")))
    path = "/v1/calls/call-1/recording"
    whole = await api.ask("GET", path)
    assert (whole.status, whole.content_type, await whole.read()) == (200, "audio/wav", content)
    assert whole.headers["Accept-Ranges"] == "bytes"
    for wanted, part in (("0-99", content[:100]), ("100-", content[100:]), ("-7", content[-7:])):
        response = await api.ask("GET", path, Range=f"bytes={wanted}")
        assert (response.status, await response.read()) == (206, part)
        assert response.headers["Content-Range"].endswith(f"/{len(content)}")
    beyond = await api.ask("GET", path, Range="bytes=99999-")
    assert beyond.status == 416
    assert beyond.headers["Content-Range"] == f"bytes */{len(content)}"
    head = await api.ask("HEAD", path)
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(content)))


async def test_of_a_live_call_gives_what_is_on_disk(api: Api) -> None:
    api.add(call_record(1, recording="call-1.wav"))
    path = "/v1/calls/call-1/recording"
    assert (await api.ask("GET", path)).status == 404
    for content in (b"RIFF", b"RIFF and more"):
        (api.recordings / "call-1.wav").write_bytes(content)
        assert await (await api.ask("GET", path)).read() == content


async def test_a_call_without_recording_has_none(api: Api) -> None:
    api.add(call_record(1))
    response = await api.ask("GET", "/v1/calls/call-1/recording")
    assert (response.status, (await problem_of(response))["code"]) == (404, "not_found")


# --- health and metrics ---------------------------------------------------------------------------


async def test_health_is_open_and_tells_the_clock(api: Api) -> None:
    api.add(call_record(1))
    response = await api.ask("GET", "/health", Authorization="")
    assert response.status == 200
    assert await response.json() == {
        "status": "ok",
        "reason": None,
        "live_calls": 1,
        "draining": False,
        "clock": {"p50_ms": 0.21, "p99_ms": 1.5, "max_ms": 2.0, "skipped_ticks": 3, "busy": 0.25},
    }


async def test_health_is_503_when_no_call_is_taken(api: Api) -> None:
    api.health.reason = "the clock is late"
    response = await api.ask("GET", "/health")
    assert response.status == 503
    told = await response.json()
    assert (told["status"], told["reason"]) == ("busy", "the clock is late")
    api.health.drain = True
    response = await api.ask("GET", "/health")
    assert response.status == 503
    assert (await response.json())["status"] == "draining"


async def test_metrics_are_open_and_count(api: Api) -> None:
    api.add(call_record(1))
    response = await api.ask("GET", "/metrics", Authorization="")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = (await response.text()).splitlines()
    assert "offhook_calls_unstored 0" in lines
    assert 'offhook_calls_started_total{direction="inbound"} 1' in lines


# --- events ---------------------------------------------------------------------------------------


async def test_events_come_with_cursors_and_can_be_replayed(api: Api) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with api.client.ws_connect("/v1/events", headers=headers) as socket:
        assert await socket.receive_json() == {"cursor": "0"}
        await api.store(started(call_record(1)))
        first = await socket.receive_json()
        assert first["cursor"] == "1"
        assert first["event"] == {
            "type": "call.started",
            "call_id": "call-1",
            "at_wall": 1700000001.0,
            "at_samples": 0,
            "from_number": "+4930123456",
            "to_number": "100",
            "line": "office",
            "inbound": True,
        }
    await api.store(turn_added(call_record(1), agent_turn(1)), started(call_record(2)))
    path = f"/v1/events?cursor={first['cursor']}&call=call-1"
    async with api.client.ws_connect(path, headers=headers) as socket:
        assert await socket.receive_json() == {"cursor": "1"}
        replayed = await socket.receive_json()
        assert (replayed["cursor"], replayed["event"]["type"]) == ("2", "turn.added")
        assert replayed["event"]["turn"]["text"] == "Good morning."


async def test_a_foreign_cursor_is_told_that_events_are_missed(api: Api) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with api.client.ws_connect("/v1/events?cursor=old-7", headers=headers) as socket:
        assert await socket.receive_json() == {"cursor": "0", "missed": True}


async def test_a_slow_client_is_closed_with_the_reason(api: Api) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with api.client.ws_connect("/v1/events", headers=headers) as socket:
        await socket.receive_json()
        for number in range(1, 9):  # in one go: nothing is sent in between
            api.bus.publish(started(call_record(number)))
        message = await socket.receive()
        assert socket.close_code == 1013
        assert message.extra == "too slow: more than 5 events behind"
    assert len(api.bus) == 0


async def test_a_client_that_leaves_is_forgotten(api: Api) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    socket = await api.client.ws_connect("/v1/events", headers=headers)
    await socket.receive_json()
    (subscription,) = api.bus._subscriptions
    await socket.send_str("hello")
    await socket.close()
    await subscription.wait_closed()
    assert len(api.bus) == 0
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not names & {"send events", "read the event client", "watch the subscription"}


async def test_events_ask_for_a_websocket(api: Api) -> None:
    response = await api.ask("GET", "/v1/events")
    assert response.status == 400
    await problem_of(response)
