"""What every handler reaches: the server's parts, and how its answers are written."""

from typing import Protocol

import msgspec
from aiohttp import web

from ..calls import Calls
from ..events import EventBus
from ..metrics import ClockReading, Metrics

_encode = msgspec.json.Encoder().encode


class HealthSource(Protocol):
    """Whether the server takes calls; the wiring knows."""

    def clock(self) -> ClockReading:
        """The frame clock's lateness."""
        ...

    def draining(self) -> bool:
        """The server stops: live calls may end, new ones are refused."""
        ...

    def refusal(self) -> str | None:
        """Why a new call would be refused now; None: it would be taken."""
        ...


class Edge(msgspec.Struct, frozen=True):
    """The server's parts."""

    calls: Calls
    bus: EventBus
    metrics: Metrics
    health: HealthSource


EDGE = web.AppKey("edge", Edge)


def json_response(value: msgspec.Struct, status: int = 200) -> web.Response:
    """A Struct as JSON."""
    return web.Response(body=_encode(value), status=status, content_type="application/json")
