"""`/health` and `/metrics`: for load balancers and Prometheus. Neither names a caller."""

from typing import Literal

import msgspec
from aiohttp import web

from ...telemetry.prometheus import CONTENT_TYPE
from ..route import AnyRoute, Asked, Nothing, Route

TAG = "Server"

_encode = msgspec.json.Encoder().encode


class ClockView(msgspec.Struct, frozen=True):
    """Lateness of the frame clock over the last seconds."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    skipped_ticks: int
    busy: float


class HealthView(msgspec.Struct, frozen=True):
    """Whether new calls are taken (`ok`), and if not, why."""

    status: Literal["ok", "busy", "draining"]
    reason: str | None
    live_calls: int
    draining: bool
    clock: ClockView


async def get_health(asked: Asked[Nothing, Nothing]) -> web.Response:
    """200 when new calls are taken, else 503 with the same body and the reason."""
    edge = asked.edge
    clock = edge.health.clock()
    draining = edge.health.draining()
    reason = "the server stops" if draining else edge.health.refusal()
    view = HealthView(
        "draining" if draining else "busy" if reason else "ok",
        reason,
        len(edge.calls.live()),
        draining,
        ClockView(
            round(clock.p50_ms, 3),
            round(clock.p99_ms, 3),
            round(clock.max_ms, 3),
            clock.skipped_ticks,
            round(clock.busy, 4),
        ),
    )
    status = 200 if reason is None else 503
    return web.Response(body=_encode(view), status=status, content_type="application/json")


async def get_metrics(asked: Asked[Nothing, Nothing]) -> web.Response:
    """Prometheus' text exposition."""
    text = await asked.edge.metrics.read()
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/health",
        handler=get_health,
        summary="Whether new calls are taken",
        tag=TAG,
        scope=None,
        rate=None,
        returns=HealthView,
        also=((503, HealthView),),
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=get_metrics,
        summary="What Prometheus reads",
        tag=TAG,
        scope=None,
        rate=None,
        content="text/plain",
    ),
)
