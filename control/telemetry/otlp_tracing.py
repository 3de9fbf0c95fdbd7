"""SHELL: spans by OpenTelemetry, sent to a collector over OTLP/HTTP from a thread of their own.

A call is a root span. Its children are turns, with the moments of their answers as events, and
requests to services. What a caller said is in none of them, nor are numbers. The queue is bounded:
when the collector does not take them, the oldest spans are lost, and nothing waits.
"""

import asyncio
import logging
from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ...drivers.openai_limits import RequestLimit
from ...drivers.provider_watch import ProviderRequest
from ...media.clock import Clock, LoopClock
from ...media.conversation.records import (
    AnyCallEvent,
    BargedIn,
    CallAnswered,
    CallEnded,
    CallRecord,
    CallStarted,
    Turn,
    TurnAdded,
)
from ...media.errors import ProviderError
from ...media.ports import HangUpCause
from ..configuration.config_tracing import TracingSettings
from .log_context import CALL
from .metrics import stage_seconds
from .spans import RequestSpan, Tracing

QUEUED_SPANS = 4096
BATCH_SPANS = 512
SEND_EVERY_MS = 2000.0
SEND_LIMIT_S = 5.0
"One batch, tries after failures included."
END_S = 3.0
"A stop waits so long for a collector that takes what is left."
NS = 1_000_000_000

logger = logging.getLogger(__name__)


def open_otlp(settings: TracingSettings) -> "OtlpTracing":
    """Spans for the collector of the configuration."""
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=SEND_LIMIT_S)
    return OtlpTracing(settings, exporter, LoopClock())


class OtlpTracing(Tracing):
    """Implements Tracing."""

    def __init__(self, settings: TracingSettings, exporter: SpanExporter, clock: Clock) -> None:
        self._clock = clock
        self._exporter = exporter
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.share)),
            resource=Resource.create({"service.name": settings.service}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=QUEUED_SPANS,
                max_export_batch_size=BATCH_SPANS,
                schedule_delay_millis=SEND_EVERY_MS,
            )
        )
        self._tracer = self._provider.get_tracer("offhook")
        self._propagator = TraceContextTextMapPropagator()
        self._calls: dict[str, Span] = {}

    def request(
        self, headers: Mapping[str, str], method: str, route: str, request_id: str
    ) -> RequestSpan:
        """A span of its own trace, or of the one that `traceparent` names."""
        carrier = {
            name: value for name in ("traceparent", "tracestate") if (value := headers.get(name))
        }
        span = self._tracer.start_span(
            f"{method} {route}",
            context=self._propagator.extract(carrier, Context()),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "http.route": route,
                "offhook.request": request_id,
            },
            start_time=self._now_ns(),
        )
        return _Request(self, span)

    def provider(self, provider: str, kind: str) -> ProviderRequest | None:
        """A child of the call that this is for; without one, a trace of its own."""
        call = self._calls.get(CALL.get())
        span = self._tracer.start_span(
            f"{kind} {provider}",
            context=Context() if call is None else set_span_in_context(call, Context()),
            kind=SpanKind.CLIENT,
            attributes={"offhook.provider": provider, "offhook.kind": kind},
            start_time=self._now_ns(),
        )
        return _Provider(self, span)

    def count(self, event: AnyCallEvent, record: CallRecord) -> None:
        """The call's span begins, is added to, or is told how it ended."""
        at_ns = _ns(event.at_wall)
        if isinstance(event, CallStarted):
            self._begin(record, at_ns)
            return
        span = self._calls.get(record.id)
        if span is None and isinstance(event, CallEnded):
            span = self._begin(record, _ns(record.started_wall))  # it never came to a conversation
        if span is None:
            return
        match event:
            case CallAnswered():
                codec: dict[str, str | int] = {"codec": event.codec, "rate_hz": event.rate_hz}
                span.add_event("answered", codec, timestamp=at_ns)
            case BargedIn():
                span.add_event("interrupted", timestamp=at_ns)
            case TurnAdded() if record.rate_hz:
                began_wall = event.at_wall - event.at_samples / record.rate_hz
                self._add_turn(span, event.turn, began_wall, record.rate_hz)
            case CallEnded():
                span.set_attribute("offhook.cause", event.cause.value)
                if event.cause is HangUpCause.ERROR:
                    span.set_status(Status(StatusCode.ERROR, event.cause.value))
            case _:
                pass

    def count_ended(self, record: CallRecord) -> None:
        """The call's span is over."""
        span = self._calls.pop(record.id, None)
        if span is not None:
            ended_wall = record.ended_wall
            span.end(self._now_ns() if ended_wall is None else _ns(ended_wall))

    async def aclose(self) -> None:
        """Send what is waiting; a collector that does not answer is not waited for."""
        for span in self._calls.values():
            span.end(self._now_ns())
        self._calls.clear()
        ending = asyncio.create_task(asyncio.to_thread(self._provider.shutdown), name="end traces")
        done, _ = await asyncio.wait({ending}, timeout=END_S)
        if not done:
            logger.warning("the last traces are lost: the collector does not take them")
            self._exporter.shutdown()  # the batch that is being tried again is given up
        await ending

    def _begin(self, record: CallRecord, at_ns: int) -> Span:
        attributes = {
            "offhook.call": record.id,
            "offhook.line": record.line,
            "offhook.agent": record.agent,
            "offhook.direction": "inbound" if record.inbound else "outbound",
        }
        span = self._calls[record.id] = self._tracer.start_span(
            "call", context=Context(), attributes=attributes, start_time=at_ns
        )
        return span

    def _add_turn(self, call: Span, turn: Turn, zero_wall: float, rate_hz: int) -> None:
        """`zero_wall`: the moment of the call's first sample."""
        latency = turn.latency
        begin = turn.begin_samples if latency is None else latency.speech_ended_samples
        begin = min(begin, turn.begin_samples)
        span = self._tracer.start_span(
            f"{turn.role.value} turn",
            context=set_span_in_context(call, Context()),
            attributes={
                "offhook.turn": turn.index,
                "offhook.role": turn.role.value,
                "offhook.interrupted": turn.interrupted,
                "offhook.characters": len(turn.text),
            },
            start_time=_ns(zero_wall + begin / rate_hz),
        )
        if latency is not None:
            ended_wall = zero_wall + latency.speech_ended_samples / rate_hz
            span.add_event("speech_ended", timestamp=_ns(ended_wall))
            for stage, seconds in stage_seconds(latency, rate_hz).items():
                span.add_event(stage, timestamp=_ns(ended_wall + seconds))
            span.set_attribute("offhook.speculative", latency.speculative)
        span.end(_ns(zero_wall + max(begin, turn.end_samples) / rate_hz))

    def _now_ns(self) -> int:
        return _ns(self._clock.wall())


class _Request(RequestSpan):
    def __init__(self, tracing: OtlpTracing, span: Span) -> None:
        self._tracing, self._span = tracing, span

    def end(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end(self._tracing._now_ns())


class _Provider:
    """Implements ProviderRequest."""

    def __init__(self, tracing: OtlpTracing, span: Span) -> None:
        self._tracing, self._span = tracing, span

    def first_part(self) -> None:
        """As an event."""
        self._span.add_event("first_part", timestamp=self._tracing._now_ns())

    def allowed(self, limit: RequestLimit) -> None:
        """As it stands now."""
        self._span.set_attribute("offhook.requests_remaining", limit.remaining)

    def ended(self, error: ProviderError | None) -> None:
        """With the kind of error; its text may quote what was said."""
        if error is not None:
            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(Status(StatusCode.ERROR, error.code))
        self._span.end(self._tracing._now_ns())


def _ns(wall: float) -> int:
    return int(wall * NS)
