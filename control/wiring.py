"""SHELL: one server, put together: engine, SIP, speech, calls, HTTP; started, drained, stopped.

Everything that has a start() is ended here in the opposite order, whatever happens on the way.
"""

import asyncio
import contextlib
import functools
import gc
import logging
import signal
from collections.abc import AsyncIterator

from ..media.clock import LoopClock
from .agents.agents import Agents
from .analysis.analysing import Analysing
from .analytics.figures_keeper import FiguresKeeper
from .api_room import ApiRoom
from .auth.proofs import Proofs
from .auth.secret_file import open_keys
from .auth.secrets_box import KEY_FILE, SecretsBox
from .calls.call_room import CallRoom
from .calls.registry import CallRegistry
from .configuration.config import Settings
from .dialer.call_limits import CallLimits
from .dialer.dialer_room import DialerRoom
from .events.event_room import EventRoom
from .events.events import EventBus
from .health import Health
from .http.edge import Edge
from .knowledge.knowledge_room import KnowledgeRoom
from .lines.line_room import LineRoom
from .lines.routing import Routing
from .messages.message_room import MessageRoom
from .nodes import Nodes
from .pooled_random import PooledRandom
from .recordings.recording_room import RecordingRoom
from .services.accounts import ensure_operator
from .services.catalog import make_services
from .services.mirroring import mirror
from .store.calls import CallStore
from .store.database import Database
from .telemetry.telemetry_room import TelemetryRoom

GC_THRESHOLDS = (50_000, 20, 100)
"Collections are rare and young: what lives through the start is frozen and never looked at."
DAY_S = 86_400.0

logger = logging.getLogger(__name__)


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT: then live calls end, or a time limit passes; twice ends at once.

    Raises StartError, StoreError, ConfigError, MediaError.
    """
    stop = asyncio.Queue[int]()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.put_nowait, number)
    async with contextlib.AsyncExitStack() as stack:
        server = Server(settings)
        await server.start(stack)
        print(server.how_to_call())  # noqa: T201 - for whoever started it
        print(server.ready_line(), flush=True)  # noqa: T201 - others wait for this line
        await stop.get()
        await server.drain(stop)


class Server:
    """The parts of one server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = LoopClock()
        self._rng = PooledRandom()
        self._call_limits = CallLimits()
        self._lines = LineRoom(settings, self._call_limits, self._clock, self._rng)
        self.engine, self.lines = self._lines.engine, self._lines.lines
        self._database = Database(settings.database_url(), settings.node_name())
        self._bus = EventBus()
        told = TelemetryRoom(settings.tracing, self._database, self._clock)
        self._telemetry, watch = told, told.providers.watch
        recordings = settings.recordings_folder()
        self.registry = CallRegistry(
            CallStore(self._database),
            self._bus,
            told.metrics,
            self._clock,
            recordings,
            settings.calls.retention_days * DAY_S,
            settings.costs,
        )
        self.registry.watches.append(told.tracing)
        self._box = functools.cache(
            lambda: SecretsBox(open_keys(settings.data_folder(), KEY_FILE), self._rng)
        )
        private = settings.webhooks.allow_private
        self._proofs = Proofs(
            settings.data_folder(),
            self._clock,
            self._rng,
            settings.auth,
            api_token=settings.api_token,
            throttled=settings.rate_limits,
        )
        self._services = make_services(
            self._database,
            self._clock,
            self._bus,
            self.lines,
            calls=self.registry,
            recordings=recordings,
            uploads=settings.data_folder() / "uploads",
            proofs=self._proofs,
            box=self._box,
            rng=self._rng,
            private_webhooks=private,
            providers=settings.providers,
            ring_s=settings.escalations.ring_s,
            keep_days=settings.recording.keep_days,
            connections=settings.connections,
            subscribing=settings.subscriptions,
            paying=settings.payments,
        )
        self._services.server_parts.standings = told.providers.standings
        nodes = Nodes(self._database, self._services.events, self._bus, self._clock)
        self._nodes = nodes
        self._events = EventRoom(
            settings,
            self._database,
            self._services,
            self._bus,
            self._box,
            self._clock,
            nodes.leads,
        )
        self._figures = FiguresKeeper(self._services.analytics, self._bus, self._clock)
        self._recordings = RecordingRoom(settings, self._services.recordings, self._clock)
        self._agents = Agents(
            settings,
            self._clock,
            self._rng,
            watch,
            self._services.provider_keys.take_own,
        )
        self._knowledge = KnowledgeRoom(
            settings, self._services, self._clock, self._rng, watch, nodes.leads
        )
        self._agents.knowledge = self._knowledge.of
        self._messages = MessageRoom(
            settings,
            self._database,
            self._services,
            self._agents,
            self._bus,
            self._clock,
            nodes.leads,
        )
        self._routing = Routing(settings, self._database, self.lines, self._clock)
        calls = CallRoom(
            self.registry,
            self._services,
            self._agents,
            self._routing,
            self._call_limits,
            self._lines.dial,
            recordings if settings.recording.on else None,
            self._clock,
        )
        self._calls, self.holding = calls, calls.holding
        self.health = Health(self.engine, self.holding, settings.limits.max_calls)
        self._dialer = DialerRoom(
            settings,
            self._database,
            self._services,
            self._bus,
            self._routing,
            self._agents,
            self.lines,
            self._call_limits,
            self.health,
            self.holding,
            self._clock,
            nodes.leads,
        )
        self.registry.on_retry = self._dialer.wake
        self._services.accounts.on_activated += [
            *self._dialer.wakes,
            self._events.wake,
        ]
        self._analysing = Analysing(
            settings,
            self._database,
            self._services,
            self.registry,
            self._bus,
            self._clock,
            self._rng,
            watch,
            nodes.leads,
        )
        edge = Edge(
            self.registry, self._bus, told.metrics, self.health, self._services, told.tracing
        )
        self._api = ApiRoom(settings, edge, self._clock)

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Start everything; `stack` ends it."""
        settings = self._settings
        self._recordings.make_folder()
        await asyncio.to_thread(self._services.imports.remove_parts)
        await asyncio.to_thread(self._knowledge.remove_parts)
        stack.push_async_callback(self._telemetry.aclose)
        stack.push_async_callback(self._lines.recorder.aclose)
        stack.push_async_callback(self._database.aclose)
        await self._database.open()
        await self._nodes.start(stack)
        self._box()  # the folder is ours now: the keys can be read, or made
        stack.push_async_callback(self._proofs.aclose)
        stack.push_async_callback(self._services.authentication.aclose)
        stack.push_async_callback(self._services.server_parts.aclose)
        self._proofs.open()
        await ensure_operator(self._database, self._clock)
        await self._ensure_admin()
        await mirror(settings, self._database, self._clock)
        await self._services.events.start()
        await self._nodes.follow(stack)
        self._recordings.start(stack)
        await self._events.start(stack)
        stack.push_async_callback(self._figures.aclose)
        self._figures.start()
        await self._messages.start(stack)
        await self._calls.start(stack)
        await stack.enter_async_context(_started(self._agents))
        self._analysing.start()
        stack.push_async_callback(self._analysing.aclose)
        self._telemetry.add_gauges(
            self._lines, self._calls, self._agents, self._events, self._messages, self._bus
        )
        await self._api.start(stack)
        await self._lines.start(
            stack, self._calls.reception.incoming, self.health.refusal, self._agents.voice
        )
        # Ends before the lines: sessions hang up by them.
        stack.push_async_callback(self._calls.end_calls)
        # What has lived up to here stays: later collections need not look at it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        self._lines.run(stack)
        self._dialer.start(stack)
        self._knowledge.start()
        stack.push_async_callback(self._knowledge.aclose)
        self._messages.start_answering(stack)
        self._nodes.wake(
            stack,
            [
                *self._dialer.wakes,
                self._knowledge.wake,
                self._events.wake,
                *self._messages.wakes,
                self._analysing.wake,
            ],
        )

    async def _ensure_admin(self) -> None:
        admin = self._settings.admin
        if admin.email and await self._services.accounts.ensure_admin(admin.email, admin.password):
            logger.info("the first administrator is made")

    def ready_line(self) -> str:
        """What others wait for: the addresses that are really served."""
        api, sip = self._api.address(), self._lines.sip_address()
        return f"ready http=http://{api} sip=sip:{sip}{self._api.ready_words()}"

    def how_to_call(self) -> str:
        """For people: who can call in, and where."""
        return self._lines.how_to_call()

    async def drain(self, stop: "asyncio.Queue[int]") -> None:
        """Refuse new calls; wait for live ones, a second signal, or the limit."""
        self.health.drain()
        if not len(self.holding):
            return
        logger.warning("calls still live: %d; a second signal ends them", len(self.holding))
        settled = asyncio.create_task(self.holding.settled(), name="wait for calls")
        again = asyncio.create_task(stop.get(), name="wait for a second signal")
        await asyncio.wait(
            (settled, again),
            timeout=self._settings.limits.drain_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in (settled, again):
            task.cancel()


@contextlib.asynccontextmanager
async def _started(agents: Agents) -> AsyncIterator[None]:
    """Worker processes are ended even if a later part does not start."""
    try:
        await agents.start()
        yield
    finally:
        await agents.aclose()
