"""A collector of traces on this machine: takes OTLP over HTTP, in protobuf, and keeps the spans."""

import gzip
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Collected(msgspec.Struct, frozen=True):
    """One span, in plain values."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    "Empty: it is a root."
    begin_ns: int
    end_ns: int
    attributes: dict[str, Any]
    events: list[tuple[str, int]]
    failed: bool


class Collector:
    """`async with Collector() as collector`; `status` is what it answers."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.spans: list[Collected] = []
        self.requests = 0
        app = web.Application()
        app.router.add_post("/v1/traces", self._receive)
        self._server = TestServer(app)

    async def __aenter__(self) -> "Collector":
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    @property
    def endpoint(self) -> str:
        """Where spans are sent."""
        return str(self._server.make_url("/v1/traces"))

    def named(self, name: str) -> list[Collected]:
        """The spans of that name."""
        return [span for span in self.spans if span.name == name]

    async def _receive(self, request: web.Request) -> web.Response:
        self.requests += 1
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        sent = ExportTraceServiceRequest.FromString(body)
        if self.status == 200:
            self.spans += _spans(sent)
        answer = ExportTraceServiceResponse().SerializeToString()
        kind = "application/x-protobuf"
        return web.Response(status=self.status, body=answer, content_type=kind)


def _spans(sent: Any) -> list[Collected]:
    return [
        Collected(
            service=_values(resource.resource.attributes)["service.name"],
            name=span.name,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            begin_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano,
            attributes=_values(span.attributes),
            events=[(event.name, event.time_unix_nano) for event in span.events],
            failed=span.status.code == 2,
        )
        for resource in sent.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
