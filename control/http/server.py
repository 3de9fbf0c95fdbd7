"""SHELL: the HTTP server: routes, middleware, and the socket they are served on."""

from aiohttp import web

from ..auth.operator_token import ApiToken
from ..config import HttpSettings
from ..errors import StartError
from .calls import get_call, get_recording, hang_up, list_calls
from .edge import EDGE, Edge
from .events import get_events
from .health import get_health, get_metrics
from .middleware import MAX_BODY_BYTES, limit_body, name_response, require_token, tell_problems

STOP_S = 3.0
"Requests that are being answered may take so long when the server stops."

ROUTES = (
    web.get("/health", get_health),
    web.get("/metrics", get_metrics),
    web.get("/v1/calls", list_calls),
    web.get("/v1/calls/{id}", get_call),
    web.delete("/v1/calls/{id}", hang_up),
    web.post("/v1/calls/{id}/hangup", hang_up),
    web.get("/v1/calls/{id}/recording", get_recording),
    web.get("/v1/events", get_events),
)


def make_app(edge: Edge, token: ApiToken) -> web.Application:
    """The application, for a server or a test's client."""
    app = web.Application(
        middlewares=[tell_problems, limit_body, require_token(token)],
        client_max_size=MAX_BODY_BYTES,
    )
    app[EDGE] = edge
    app.add_routes(ROUTES)
    app.on_response_prepare.append(name_response)
    return app


class HttpServer:
    """The API on its socket: `start()`, then `aclose()`."""

    def __init__(self, settings: HttpSettings, edge: Edge, token: ApiToken) -> None:
        self._settings = settings
        self._bus = edge.bus
        self._runner = web.AppRunner(
            make_app(edge, token), access_log=None, shutdown_timeout=STOP_S
        )
        self.port = 0
        "The port it is served on, once started."

    async def start(self) -> None:
        """Listen. Raises StartError naming the address."""
        await self._runner.setup()
        settings = self._settings
        site = web.TCPSite(self._runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as exc:
            await self._runner.cleanup()
            where = f"HTTP on {settings.host} port {settings.port}"
            raise StartError(where, exc.strerror or str(exc)) from exc
        self.port = int(self._runner.addresses[0][1])

    async def aclose(self) -> None:
        """Let event clients go, finish what is being answered, close the socket."""
        self._bus.close()
        await self._runner.cleanup()
