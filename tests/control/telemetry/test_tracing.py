"""Traces: nothing without an endpoint; with one, spans at a collector that speaks OTLP."""

import asyncio
import builtins
import pathlib
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from offhook.control.configuration.config_tracing import TracingSettings
from offhook.control.errors import StartError
from offhook.control.http.edge import Edge
from offhook.control.http.server import make_app
from offhook.control.telemetry.log_context import CALL
from offhook.control.telemetry.otlp_tracing import QUEUED_SPANS, OtlpTracing
from offhook.control.telemetry.provider_metrics import ProviderMetrics
from offhook.control.telemetry.spans import UNTRACED
from offhook.control.telemetry.tracing import open_tracing
from offhook.drivers.errors import ProviderUnreachable
from offhook.drivers.worker_process import BOOT, PACKAGE, ROOT
from offhook.media.clock import VirtualClock
from offhook.media.conversation.records import CallAnswered, CallEnded, CallRecord, CallStatus
from offhook.media.ports import HangUpCause
from offhook.tests.kit.api import TOKEN, Api, Idle
from offhook.tests.kit.call_records import agent_turn, call_record, started, turn_added
from offhook.tests.kit.otlp_collector import Collected, Collector

NS = 1_000_000_000
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NAME = "offhook.control.wiring"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with Collector() as collector:
        yield collector


class Traced:
    """Traces on a virtual clock."""

    def __init__(self, collector: Collector, share: float = 1.0) -> None:
        self.clock = VirtualClock()
        self.settings = TracingSettings(collector.endpoint, "desk", share)
        exporter = OTLPSpanExporter(endpoint=collector.endpoint, timeout=5)
        self.tracing = OtlpTracing(self.settings, exporter, self.clock)


@pytest.fixture
async def traced(collector: Collector) -> AsyncIterator[Traced]:
    traced = Traced(collector)
    yield traced
    await traced.tracing.aclose()


def end(tracing: OtlpTracing, record: CallRecord, cause: HangUpCause = HangUpCause.NORMAL) -> None:
    record.status = CallStatus.ENDED
    record.ended_wall = record.started_wall + 60
    tracing.count(CallEnded(record.id, record.ended_wall, 0, cause, True), record)
    tracing.count_ended(record)


def attribute(span: Collected, name: str) -> Any:
    return span.attributes[f"offhook.{name}"]


# --- without configuration ------------------------------------------------------------------------


def test_without_an_endpoint_nothing_of_it_is_imported() -> None:
    run = 'runpy.run_module(module, run_name="__main__")'
    assert run in BOOT
    script = BOOT.replace(run, "importlib.import_module(module); print(*sys.modules)")
    ran = subprocess.run(
        [sys.executable, "-P", "-c", script, PACKAGE, str(ROOT), NAME],
        check=True,
        capture_output=True,
        text=True,
    )
    modules = ran.stdout.split()
    assert NAME in modules
    assert not [name for name in modules if name.startswith(("opentelemetry", "requests"))]


def test_without_an_endpoint_spans_go_nowhere() -> None:
    assert open_tracing(TracingSettings()) is UNTRACED
    UNTRACED.request({}, "GET", "/x", "r").end(200)
    assert UNTRACED.provider("cloud", "it") is None


def test_what_is_not_installed_is_an_error_that_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.endswith("otlp_tracing"):
            raise ModuleNotFoundError("No module named 'opentelemetry'", name="opentelemetry")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(StartError, match=r"pip install offhook\[tracing\]"):
        open_tracing(TracingSettings("http://127.0.0.1:4318/v1/traces"))


# --- requests -------------------------------------------------------------------------------------


async def ask(api: Api, traced: Traced, path: str, headers: Mapping[str, str]) -> int:
    edge = Edge(api.calls, api.bus, api.metrics, Idle(), api.services, traced.tracing)
    app = make_app(edge, api.services.authentication, clock=traced.clock)
    async with TestClient(TestServer(app)) as client:
        sent = {"Authorization": f"Bearer {TOKEN}", **headers}
        return (await client.get(path, headers=sent)).status


async def test_a_request_belongs_to_the_trace_that_its_sender_names(
    tmp_path: pathlib.Path, collector: Collector, traced: Traced
) -> None:
    async with Api(tmp_path) as api:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "r-1"}
        assert await ask(api, traced, "/v1/agents/secret", headers) == 404
    await traced.tracing.aclose()
    (span,) = collector.spans
    assert (span.service, span.name) == ("desk", "GET /v1/agents/{id}")
    assert (span.trace, span.parent) == (TRACE, PARENT)
    assert span.attributes["http.response.status_code"] == 404
    assert attribute(span, "request") == "r-1"
    assert "secret" not in str(span)
    assert not span.failed


@pytest.mark.parametrize("traceparent", ["", "00-zz-1-01", "garbage" * 50])
async def test_a_trace_that_is_none_begins_a_new_one(
    tmp_path: pathlib.Path, collector: Collector, traced: Traced, traceparent: str
) -> None:
    async with Api(tmp_path) as api:
        assert await ask(api, traced, "/health", {"traceparent": traceparent}) == 200
    await traced.tracing.aclose()
    (span,) = collector.spans
    assert span.parent == ""


async def test_only_a_share_is_traced_but_all_of_a_traced_sender(collector: Collector) -> None:
    traced = Traced(collector, share=1e-9)
    for _ in range(50):
        traced.tracing.request({}, "GET", "/x", "r").end(200)
    sampled = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    traced.tracing.request(sampled, "GET", "/y", "r").end(200)
    await traced.tracing.aclose()
    assert [span.name for span in collector.spans] == ["GET /y"]


# --- calls ----------------------------------------------------------------------------------------


async def test_a_call_is_a_root_and_its_turns_are_its_children(
    collector: Collector, traced: Traced
) -> None:
    record = call_record()
    turn = agent_turn(1, "my number is 4930123456")
    traced.tracing.count(started(record), record)
    answered = CallAnswered(record.id, record.started_wall + 2, 0, "PCMA", 8000)
    traced.tracing.count(answered, record)
    traced.tracing.count(turn_added(record, turn), record)
    end(traced.tracing, record)
    await traced.tracing.aclose()
    (call,) = collector.named("call")
    (reply,) = collector.named("agent turn")
    assert call.parent == ""
    assert (reply.trace, reply.parent) == (call.trace, call.id)
    assert attribute(call, "call") == record.id
    assert attribute(call, "cause") == "normal"
    assert call.begin_ns == int(record.started_wall * NS)
    assert call.end_ns - call.begin_ns == 60 * NS
    assert [name for name, _ in call.events] == ["answered"]
    # The reply begins where the caller stopped: its stages are in it, where they happened.
    stages = {name: (at - reply.begin_ns) / 1e9 for name, at in reply.events}
    assert stages == pytest.approx(
        {"speech_ended": 0.0, "transcript": 0.5, "decided": 0.6, "first_sample": 0.7}, abs=1e-5
    )
    assert (reply.end_ns - reply.begin_ns) / 1e9 == pytest.approx(2.0, abs=1e-5)
    told = str(collector.spans)
    assert "4930123456" not in told
    assert record.from_number not in told


async def test_a_call_that_nobody_answered_has_its_span(
    collector: Collector, traced: Traced
) -> None:
    record = call_record()
    end(traced.tracing, record, HangUpCause.ERROR)
    await traced.tracing.aclose()
    (call,) = collector.named("call")
    assert call.failed
    assert call.end_ns - call.begin_ns == 60 * NS


async def test_what_a_call_asks_of_services_is_its_child(
    collector: Collector, traced: Traced
) -> None:
    record = call_record()
    metrics = ProviderMetrics(traced.clock, traced.tracing)
    traced.tracing.count(started(record), record)

    async def of_the_call() -> None:
        CALL.set(record.id)
        request = metrics.watch("cloud", "openai-chat")
        traced.clock.advance(0.3)
        request.first_part()
        traced.clock.advance(0.2)
        request.ended(None)
        metrics.watch("cloud", "openai-speech").ended(ProviderUnreachable("cloud", "+4930123456"))

    await asyncio.create_task(of_the_call())
    metrics.watch("cloud", "openai-chat").ended(None)
    end(traced.tracing, record)
    await traced.tracing.aclose()
    (call,) = collector.named("call")
    asked, alone = collector.named("openai-chat cloud")
    (failed,) = collector.named("openai-speech cloud")
    assert (asked.trace, asked.parent) == (call.trace, call.id)
    assert [(name, round((at - asked.begin_ns) / 1e9, 3)) for name, at in asked.events] == [
        ("first_part", 0.3)
    ]
    assert alone.parent == ""
    assert failed.failed
    assert failed.attributes["error.type"] == "ProviderUnreachable"
    assert "4930123456" not in str(failed)


async def test_a_call_in_progress_is_sent_when_the_server_stops(
    collector: Collector, traced: Traced
) -> None:
    record = call_record()
    traced.tracing.count(started(record), record)
    await traced.tracing.aclose()
    assert len(collector.named("call")) == 1


# --- a collector that does not take them ----------------------------------------------------------


class Stuck(SpanExporter):
    """Takes the first batch and keeps it until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.exported = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.let_go.wait()
        self.exported += len(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.let_go.set()


@pytest.mark.filterwarnings("ignore")
async def test_spans_never_wait_and_their_queue_has_an_end() -> None:
    stuck = Stuck()
    tracing = OtlpTracing(TracingSettings("http://x.invalid"), stuck, VirtualClock())
    for _ in range(3 * QUEUED_SPANS):
        tracing.request({}, "GET", "/x", "r").end(200)
    stuck.let_go.set()
    await tracing.aclose()
    assert QUEUED_SPANS <= stuck.exported <= 2 * QUEUED_SPANS


async def test_a_collector_that_refuses_costs_nothing_but_the_spans(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Collector(status=400) as collector:
        traced = Traced(collector)
        traced.tracing.request({}, "GET", "/x", "r").end(200)
        await traced.tracing.aclose()
        assert collector.requests == 1
        assert collector.spans == []
    assert "400" in caplog.text
