"""SHELL: the socket that the API is served on, and who may be connected to it.

aiohttp answers by itself, in plain text, what its parser does not take: lines over 8190 bytes,
methods and headers that are none. No route, no middleware sees those: they are refused with a
problem here. Nor does anybody see bodies that it unpacks while it parses, on the event loop and
before anybody is asked who they are: it leaves them as they come (decoding.py refuses them).
"""

import asyncio
import contextlib
import logging
import random
import resource
import socket
from http import HTTPStatus
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from ...media.clock import Clock, Timer
from ..auth.client_network import networks
from ..configuration.config_http import HttpSettings
from .connection_room import ConnectionRoom, Limits
from .middleware import ID_HEADER, SECURITY_HEADERS, SERVER
from .problems import problem_response

TOO_LONG = "the request's line, or one of its headers, is too long: at most 8190 bytes"
NO_HTTP = "that is no HTTP request"
LOOK_EVERY_S = 2.0
UNREAD_S = 60
"A client that takes nothing of its answer for so long has gone."

logger = logging.getLogger(__name__)


class Connection(web.RequestHandler):
    """One client's."""

    __slots__ = ("_begun", "_rng", "_room")

    def __init__(
        self,
        server: web.Server,
        *,
        loop: asyncio.AbstractEventLoop,
        rng: random.Random,
        room: ConnectionRoom,
    ) -> None:
        """`rng` makes ids: they are told apart by them, nothing more."""
        # None is what runners take for no access log, and hand on.
        super().__init__(server, loop=loop, access_log=None, auto_decompress=False)  # type: ignore[arg-type]
        self._rng = rng
        self._room = room
        self._begun = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected, and may stay or not."""
        client = cast(asyncio.Transport, transport)
        address = (client.get_extra_info("peername") or ("",))[0]
        if not self._room.admit(self, address, self._loop.time()):
            client.abort()
            return
        if (its_socket := client.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                its_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * UNREAD_S)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        self._room.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, or of a WebSocket."""
        super().data_received(data)
        self._begun = self.is_waiting()  # else all of a request's head was in them

    def is_waiting(self) -> bool:
        """Nothing has been asked that is not answered."""
        waiter = self._waiter
        if waiter is None:  # it is being answered, or has just come
            return self._request_count == 0
        return not waiter.done()

    def is_asking(self) -> bool:
        """A part of a request has come, or nothing yet: the rest is to come in time."""
        return self._begun

    def drop(self) -> None:
        """End it now."""
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What could not be read as a request; 500: what failed outside of all middleware."""
        id_ = f"{self._rng.getrandbits(64):016x}"
        if status >= 500:
            super().handle_error(request, status, exc, message)  # it tells the log
            detail = ""
        else:
            logger.debug("request %s cannot be read: %s", id_, message)
            detail = TOO_LONG if isinstance(exc, LineTooLong) else NO_HTTP
            if isinstance(exc, LineTooLong):
                status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE  # RFC 6585 §5: or the line
        reason = HTTPStatus(status).phrase
        code = reason.lower().replace(" ", "_")
        response = problem_response(request, id_, status, reason, code, detail)
        response.headers.update(SECURITY_HEADERS)
        response.headers["Server"] = SERVER
        response.headers[ID_HEADER] = id_
        response.force_close()
        return response


class Site(web.BaseSite):
    """A runner's server on a TCP socket."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        rng: random.Random,
        room: ConnectionRoom,
        clock: Clock,
    ) -> None:
        super().__init__(runner)
        self._host = host
        self._port = port
        self._rng = rng
        self._room = room
        self._clock = clock
        self._timer: Timer | None = None

    @property
    def name(self) -> str:
        """Its address, as it was asked for."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await super().start()
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None, "the runner is set up first"
        self._server = await loop.create_server(
            lambda: Connection(server, loop=loop, rng=self._rng, room=self._room),
            self._host,
            self._port,
            backlog=self._backlog,
        )
        self._look()

    async def stop(self) -> None:
        """Listen no more."""
        if self._timer is not None:
            self._timer.cancel()
        await super().stop()

    def _look(self) -> None:
        self._room.look(asyncio.get_running_loop().time())
        self._timer = self._clock.call_at(self._clock.now() + LOOK_EVERY_S, self._look)


def room_for(settings: HttpSettings) -> ConnectionRoom:
    """As configured, but never more than half of the files that this process may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    total = settings.max_connections
    if files != resource.RLIM_INFINITY:
        total = min(total, max(1, files // 2))
    limits = Limits(total, settings.max_connections_per_address)
    return ConnectionRoom(limits, networks(settings.trusted_proxies))
