"""SHELL: the HTTP server: routes, middleware, and the socket they are served on."""

import random
from collections.abc import Sequence

from aiohttp import web

from ...media.clock import Clock, LoopClock
from ..auth.client_network import networks
from ..configuration.config_http import HttpSettings
from ..errors import StartError
from . import docs
from .compression import compress
from .connection_room import ConnectionRoom
from .connections import Site, room_for
from .cors import Cors
from .edge import AUTHENTICATOR, EDGE, Authenticator, Edge
from .finishing import Finishing
from .middleware import add_headers, admit, answer_options, tell_problems
from .native import Native
from .rate_limiting import RateLimiter
from .route import AnyRoute
from .serving import FINISHING, definitions
from .speech import SPEECHES, Speech
from .turnstile import Turnstile, in_turn
from .v1 import (
    accounts,
    agent_use,
    agents,
    analyses,
    analytics,
    api_keys,
    auth,
    broadcasts,
    call_control,
    calls,
    campaigns,
    connections,
    contacts,
    dialing,
    do_not_call,
    documents,
    error_logs,
    escalations,
    event_log,
    events,
    health,
    imports,
    knowledge,
    lines,
    me,
    modems,
    notes,
    notifications,
    numbers,
    outbox,
    payments,
    provider_keys,
    recordings,
    retries,
    schedules,
    setup,
    sms,
    sms_figures,
    sms_tasks,
    subscriptions,
    system,
    tickets,
    transcripts,
    twilio,
    webhooks,
)
from .watching import watch

DEFAULTS = HttpSettings()
STOP_S = 3.0
"Requests that are being answered may take so long when the server stops."

ROUTES: tuple[AnyRoute, ...] = (
    *calls.ROUTES,
    *call_control.ROUTES,
    *analyses.ROUTES,
    *retries.ROUTES,
    *dialing.ROUTES,
    *do_not_call.ROUTES,
    *recordings.ROUTES,
    *transcripts.ROUTES,
    *notes.ROUTES,
    *escalations.ROUTES,
    *events.ROUTES,
    *event_log.ROUTES,
    *webhooks.ROUTES,
    *agents.ROUTES,
    *agent_use.ROUTES,
    *numbers.ROUTES,
    *schedules.ROUTES,
    *campaigns.ROUTES,
    *imports.ROUTES,
    *documents.ROUTES,
    *knowledge.ROUTES,
    *analytics.ROUTES,
    *lines.ROUTES,
    *modems.ROUTES,
    *auth.ROUTES,
    *me.ROUTES,
    *accounts.ROUTES,
    *api_keys.ROUTES,
    *setup.ROUTES,
    *connections.ROUTES,
    *provider_keys.ROUTES,
    *sms.ROUTES,
    *sms_tasks.ROUTES,
    *sms_figures.ROUTES,
    *broadcasts.ROUTES,
    *twilio.ROUTES,
    *contacts.ROUTES,
    *notifications.ROUTES,
    *outbox.ROUTES,
    *error_logs.ROUTES,
    *subscriptions.ROUTES,
    *payments.ROUTES,
    *tickets.ROUTES,
    *system.ROUTES,
    *health.ROUTES,
    *docs.ROUTES,
)
"The whole API, chapter by chapter."


def make_app(
    edge: Edge,
    authenticator: Authenticator,
    settings: HttpSettings = DEFAULTS,
    limiter: RateLimiter | None = None,
    clock: Clock | None = None,
    dialects: Sequence[Speech] = (),
    alone: Speech | None = None,
) -> web.Application:
    """The application, for a server or a test's client. `limiter` None: nobody is limited.

    `dialects` are served beside our own API, `alone` instead of it.
    """
    speeches = (*dialects, alone or Native(ROUTES, limiter))
    watched = watch(clock or LoopClock(), edge.metrics.http, edge.tracing, random.Random())
    cors = Cors(frozenset(settings.cors_origins))
    trusted = networks(settings.trusted_proxies)
    app = web.Application(
        middlewares=[
            watched,
            in_turn(Turnstile()),
            compress,
            tell_problems,
            answer_options(cors),
            admit(authenticator, trusted),
        ]
    )
    app[EDGE] = edge
    app[AUTHENTICATOR] = authenticator
    app[docs.DESCRIBED] = ROUTES
    finishing = app[FINISHING] = Finishing()
    app[SPEECHES] = speeches
    for speech in speeches:
        app.add_routes(definitions(speech))
    app.on_response_prepare.append(add_headers(cors))

    async def finish(_: web.Application) -> None:
        await finishing.settled(STOP_S)

    app.on_cleanup.append(finish)
    return app


class HttpServer:
    """The API on its socket: `start()`, then `aclose()`."""

    def __init__(
        self,
        settings: HttpSettings,
        edge: Edge,
        authenticator: Authenticator,
        limiter: RateLimiter | None = None,
        dialects: Sequence[Speech] = (),
        alone: Speech | None = None,
        room: ConnectionRoom | None = None,
    ) -> None:
        """`room`: of several servers in one process, what they share."""
        self._settings = settings
        self.room = room or room_for(settings)
        "Who is connected."
        self._bus = edge.bus
        self._runner = web.AppRunner(
            make_app(edge, authenticator, settings, limiter, None, dialects, alone),
            access_log=None,
            shutdown_timeout=STOP_S,
            handler_cancellation=True,  # who has gone waits for nothing
        )
        self.port = 0
        "The port it is served on, once started."

    async def start(self) -> None:
        """Listen. Raises StartError naming the address."""
        docs.description(ROUTES)  # now, not while calls are live
        docs.files()
        await self._runner.setup()
        settings = self._settings
        site = Site(
            self._runner, settings.host, settings.port, random.Random(), self.room, LoopClock()
        )
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
