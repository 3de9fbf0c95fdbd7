"""What every handler reaches: the server's parts."""

from typing import Protocol

import msgspec
from aiohttp import web

from ..auth.principal import Principal
from ..calls.calls import Calls
from ..events.events import EventBus
from ..services.catalog import Services
from ..telemetry.metrics import ClockReading, Metrics
from ..telemetry.spans import UNTRACED, Tracing


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


class Authenticator(Protocol):
    """Finds out who asks."""

    async def principal(self, authorization: str | None, audience: str = "") -> Principal:
        """The sender of an `Authorization` header. Raises Unauthorized.

        `audience`: the one API whose access tokens are taken; empty: the native one.
        """
        ...

    async def ended(self, authorization: str | None, who: Principal, audience: str = "") -> str:
        """Return why, as soon as the header proves `who` no longer. Raises StoreError."""
        ...


class Edge(msgspec.Struct, frozen=True):
    """The server's parts."""

    calls: Calls
    bus: EventBus
    metrics: Metrics
    health: HealthSource
    services: Services
    tracing: Tracing = UNTRACED


EDGE = web.AppKey("edge", Edge)
AUTHENTICATOR = web.AppKey[Authenticator]("authenticator")
