"""SHELL: the socket that the API is served on; what is no HTTP is refused with a problem as well.

aiohttp answers by itself, in plain text, what its parser does not take: lines over 8190 bytes,
methods and headers that are none. No route, no middleware sees those.
"""

import asyncio
import logging
import random
from http import HTTPStatus

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from .middleware import ID_HEADER, SECURITY_HEADERS, SERVER
from .problems import problem_response

TOO_LONG = "the request's line, or one of its headers, is too long: at most 8190 bytes"
NO_HTTP = "that is no HTTP request"

logger = logging.getLogger(__name__)


class Connection(web.RequestHandler):
    """One client's."""

    __slots__ = ("_rng",)

    def __init__(
        self, server: web.Server, *, loop: asyncio.AbstractEventLoop, rng: random.Random
    ) -> None:
        """`rng` makes ids: they are told apart by them, nothing more."""
        # None is what runners take for no access log, and hand on.
        super().__init__(server, loop=loop, access_log=None)  # type: ignore[arg-type]
        self._rng = rng

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

    def __init__(self, runner: web.AppRunner, host: str, port: int, rng: random.Random) -> None:
        super().__init__(runner)
        self._host = host
        self._port = port
        self._rng = rng

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
            lambda: Connection(server, loop=loop, rng=self._rng),
            self._host,
            self._port,
            backlog=self._backlog,
        )
