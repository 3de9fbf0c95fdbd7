"""SHELL: the APIs of one server, put together: our own, and older products' beside it or alone."""

import contextlib

from ..media.clock import Clock
from .configuration.config import Settings
from .dialects.catalog import served
from .dialects.ports import DialectPorts
from .http.edge import Edge
from .http.rate_limiting import RateLimiter, policies
from .http.server import HttpServer
from .node_life import NodeLife


class ApiRoom:
    """`start()` when everything can be asked; it ends with the stack."""

    def __init__(self, settings: Settings, edge: Edge, clock: Clock) -> None:
        self._settings = settings.http
        services = edge.services
        dialects = served(settings, clock)
        limiter = RateLimiter(clock, policies(settings.rates)) if settings.rate_limits else None
        self._own = HttpServer(
            settings.http, edge, services.authentication, limiter, dialects.beside
        )
        self._alone = DialectPorts(
            settings.http, edge, services.authentication, dialects.alone, self._own.room
        )
        self._life = NodeLife(services.availability, clock)

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Listen; from then on the server is up. Raises StartError and StoreError."""
        await self._own.start()
        stack.push_async_callback(self._own.aclose)
        await self._life.start(stack)
        stack.push_async_callback(self._alone.aclose)
        await self._alone.start()

    def address(self) -> str:
        """Host and port of our own API that are really served."""
        return f"{self._settings.host}:{self._own.port}"

    def ready_words(self) -> str:
        """What the ready line says of those that have ports of their own."""
        return self._alone.ready_words()
