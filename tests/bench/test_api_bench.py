"""The load on the API: an HTTP client that reads what servers may write, and honest figures."""

import asyncio
import random
from collections import Counter

import msgspec
import pytest

from offhook.bench.load.http_client import (
    Ask,
    Connection,
    HttpError,
    Response,
    ResponseParser,
    request,
)
from offhook.bench.load.http_load import ApiReport, ApiTally, Pacer, Plan
from offhook.bench.reports.api_report import ApiStep, Load, all_latencies_ms, document, sound
from offhook.bench.reports.results_file import Document, Metric, Origin
from offhook.bench.speech.waveform import percentile
from offhook.control.http.v1.agents import NewAgent

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n7;x=1\r\n, world\r\n0\r\n\r\n"
)
TRAILED = CHUNKED[:-2] + b"Checksum: 1\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\nRetry-After: 1\r\n\r\n{}"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
STREAM = PLAIN + CHUNKED + EMPTY + INTERIM + BUSY + TRAILED + PLAIN
EXPECTED = [
    Response(200, b"hello"),
    Response(200, b"hello, world"),
    Response(204, b""),
    Response(503, b"{}"),
    Response(200, b"hello, world"),
    Response(200, b"hello"),
]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_responses_of_a_kept_connection_whatever_the_pieces(size: int) -> None:
    parser = ResponseParser()
    found = [r for at in range(0, len(STREAM), size) for r in parser.feed(STREAM[at : at + size])]
    assert found == EXPECTED
    assert parser.pending == 0


def test_a_response_that_is_not_whole_is_none() -> None:
    for whole in (PLAIN, CHUNKED, TRAILED):
        parser = ResponseParser()
        assert parser.feed(whole[:-1]) == []
        assert parser.pending == len(whole) - 1
        assert len(parser.feed(whole[-1:])) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"SIP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil it closes",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_not_http_is_an_error(data: bytes) -> None:
    with pytest.raises(HttpError):
        ResponseParser().feed(data)


def test_a_server_that_closes_says_so() -> None:
    (response,) = ResponseParser().feed(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )
    assert not response.keep_alive
    (old,) = ResponseParser().feed(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert not old.keep_alive


def test_a_request_as_it_is_written() -> None:
    assert request("POST", "/x", "h:1", "t") == (
        b"POST /x HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer t\r\nContent-Length: 0\r\n\r\n"
    )
    assert b"Content-Length" not in request("GET", "/x", "h:1", "t")
    assert request("POST", "/x", "h:1", "t", b"{}") == (
        b"POST /x HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer t\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )


class Wire(asyncio.Transport):
    """Answers each request at once with the next of `answers`."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.shut = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.shut = True


def asking(*requests: bytes, due_at: float = 0.0) -> Ask:
    left = list(requests)

    def ask() -> tuple[bytes, float] | None:
        return (left.pop(0), due_at) if left else None

    return ask


async def test_a_connection_asks_again_when_it_was_answered() -> None:
    told: list[Response] = []
    wire = Wire()
    connection = Connection(asking(b"one", b"two"), lambda response, _: told.append(response))
    connection.connection_made(wire)
    assert wire.written == [b"one"]
    connection.data_received(PLAIN[:10])
    assert wire.written == [b"one"]
    connection.data_received(PLAIN[10:])
    assert wire.written == [b"one", b"two"]
    connection.data_received(BUSY)
    assert [response.status for response in told] == [200, 503]
    assert connection.idle
    connection.finish()
    assert wire.shut
    assert await connection.closed == ""


async def test_time_counts_from_when_a_request_was_due_not_from_when_it_could_be_sent() -> None:
    took: list[float] = []
    ask = asking(b"one", due_at=93.0)
    connection = Connection(ask, lambda _, s: took.append(s), clock=lambda: 100.1005)
    connection.connection_made(Wire())
    connection.data_received(PLAIN)
    assert took == [pytest.approx(7.1005)]


async def test_a_connection_lost_in_mid_answer_is_a_fault() -> None:
    connection = Connection(asking(b"one"), lambda *_: None)
    connection.connection_made(Wire())
    connection.data_received(PLAIN[:-1])
    connection.connection_lost(None)
    assert await connection.closed == "closed in mid-answer"


async def test_an_answer_that_nobody_asked_for_is_a_fault() -> None:
    connection = Connection(asking(b"one"), lambda *_: None)
    connection.connection_made(Wire())
    connection.data_received(PLAIN + PLAIN)
    assert await connection.closed == "an answer that nobody asked for"


def test_a_plan_asks_in_the_shares_it_was_given() -> None:
    plan = Plan("mix", ["a", "b", "c"], random.Random(1))
    asked = [plan.next() for _ in range(400)]
    kinds = Counter(kind for kind, *_ in asked)
    assert kinds == {"health": 100, "list": 100, "get": 198, "hangup": 2}
    hung_up = [path for kind, method, path, _ in asked if kind == "hangup" and method == "POST"]
    assert hung_up == ["/v1/calls/a/hangup", "/v1/calls/b/hangup"]
    assert {path for kind, _, path, _ in asked if kind == "get"} <= {
        f"/v1/calls/{call}" for call in "abc"
    }


def test_without_calls_a_plan_asks_for_one_that_is_none() -> None:
    plan = Plan("mix", [], random.Random(1))
    paths = {path for kind, _, path, _ in (plan.next() for _ in range(200)) if kind == "get"}
    assert paths == {"/v1/calls/none"}


def test_an_agent_is_made_by_a_body_that_the_api_takes() -> None:
    kind, method, path, body = Plan("create", [], random.Random(1)).next()
    assert (kind, method, path) == ("create", "POST", "/v1/agents")
    assert msgspec.json.decode(body, type=NewAgent).name == "made under load"


def test_answers_that_were_not_expected_are_told() -> None:
    tally = ApiTally()
    for kind, status in (
        ("health", 200),
        ("health", 503),
        ("get", 200),
        ("get", 404),
        ("hangup", 202),
        ("hangup", 409),
        ("list", 500),
    ):
        tally.add(kind, status, 0.002)
    assert tally.statuses["health"] == {200: 1, 503: 1}
    assert tally.unexpected(live_calls=True) == {"get 404": 1, "list 500": 1}
    assert tally.unexpected(live_calls=False) == {"list 500": 1}
    assert tally.total == 7


def test_kept_latencies_have_the_percentiles_of_all() -> None:
    tally = ApiTally()
    for number in range(50_000):
        tally.add("get", 200, number / 1e6)
    kept = tally.latencies_ms("get")
    assert len(kept) <= 2001
    for share in (0.5, 0.9, 0.99, 1.0):
        assert percentile(kept, share) == pytest.approx(share * 50.0, abs=0.1)


@pytest.mark.parametrize("rate", [50.0, 2000.0])
def test_requests_are_due_at_the_rate_that_was_asked_for(rate: float) -> None:
    pacer = Pacer(rate, began_at=100.0)
    due = [pacer.take(100.0 + n / 1000) for n in range(2001)]
    times = [at for at in due if at is not None]
    # Asked once a millisecond: at most one each, and those that wait keep the time they were due.
    assert len(times) == pytest.approx(min(rate, 1000.0) * 2 + 1, abs=2)
    gaps = {round(b - a, 6) for a, b in zip(times, times[1:], strict=False)}
    assert gaps == {round(1 / rate, 6)}


def test_without_a_rate_a_request_is_due_when_it_can_be_sent() -> None:
    pacer = Pacer(None, began_at=100.0)
    assert [pacer.take(at) for at in (100.0, 100.5)] == [100.0, 100.5]


REPORT = ApiReport(
    seconds=6.0,
    answers=12_000,
    statuses={"get": {"200": 9000}, "list": {"200": 3000}},
    unexpected={},
    latencies_ms={"get": [1.0] * 2000, "list": [9.0] * 2000},
    faults=[],
    busy=0.4,
)
MIX = ApiStep(
    calls=300,
    load=Load("mix", None),
    report=REPORT,
    server_busy=0.9,
    load_core_busy=0.7,
    late_p50_ms=1.0,
    late_p99_ms=3.0,
    late_max_ms=4.5,
    skipped_ticks=0,
)
GET = msgspec.structs.replace(MIX, load=Load("get", None))
PACED = msgspec.structs.replace(MIX, load=Load("get", 2000.0))
WHERE = Origin("2026-01-01", "abc", "offhook bench api", "a machine", "3.11")


def figure(written: Document, name: str, case: str) -> Metric:
    (found,) = [each for each in written.metrics if (each.name, each.case) == (name, case)]
    return found


def test_the_document_tells_requests_latency_and_the_clock() -> None:
    written = document(WHERE, [MIX, GET, PACED], [])
    rate = figure(written, "requests", "get, 300 calls")
    assert (rate.values, rate.goal, rate.better) == ([2000.0], 2000.0, "higher")
    assert figure(written, "requests", "mix, 300 calls").goal is None
    assert figure(written, "request latency", "list in mix, 300 calls").values == [9.0] * 2000
    assert figure(written, "clock lateness p99", "mix, 300 calls").values == [3.0]
    assert figure(written, "clock lateness max", "mix, 300 calls").goal is None
    assert figure(written, "clock lateness max", "get at 2000/s, 300 calls").goal == 5.0
    assert sound(written)


def test_a_kind_that_was_asked_more_weighs_more() -> None:
    values = all_latencies_ms(REPORT)
    assert values.count(1.0) == pytest.approx(3 * values.count(9.0), rel=0.01)
    assert percentile(values, 0.5) == 1.0
    assert percentile(values, 0.8) == 9.0


def test_wrong_answers_and_errors_are_no_sound_measurement() -> None:
    wrong = msgspec.structs.replace(REPORT, unexpected={"get 500": 3}, faults=["closed"])
    written = document(WHERE, [msgspec.structs.replace(MIX, report=wrong)], [])
    assert figure(written, "wrong answers", "mix, 300 calls").values == [4.0]
    assert not sound(written)
    assert not sound(document(WHERE, [MIX], ["100 calls: TimeoutError: "]))
    assert not sound(document(WHERE, [], []))


def test_a_load_whose_core_was_full_says_that_it_limits() -> None:
    full = msgspec.structs.replace(MIX, load_core_busy=0.99)
    assert any("the load side limits" in line for line in document(WHERE, [full], []).reading)
    assert not any("the load side limits" in line for line in document(WHERE, [MIX], []).reading)
    both = document(WHERE, [msgspec.structs.replace(full, server_busy=1.0)], []).reading
    assert any(line.endswith("both limit.") for line in both)
    assert not any("could have answered more" in line for line in both)


def test_calls_without_requests_have_a_clock_and_no_requests() -> None:
    quiet = msgspec.structs.replace(MIX, load=None, report=None)
    written = document(WHERE, [quiet], [])
    assert figure(written, "clock lateness p99", "no requests, 300 calls").values == [3.0]
    assert "requests" not in {metric.name for metric in written.metrics}
