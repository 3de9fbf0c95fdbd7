"""SHELL: one server, put together of its rooms; started, drained, stopped.

What belongs to one subject is put together in its folder (`*_room.py`); here is what they share,
and the order. Everything that has a start() is ended in the opposite order, whatever happens:

    database, node's name    before anything is read; a node ends what it left before it takes over
    keys, accounts           before anybody can prove who they are
    log of events            before anything is told; its follower, before anything can be missed
    recordings, events,      what goes on by itself after an end that is stored. They end after the
    figures, messages        registry: the last ends are stored by then, and counted and told
    registry of calls        ends what a crash cut off, before anything new begins
    agents, analyses         worker processes, before the first call and the first question
    APIs                     when everything that can be asked is there
    lines                    calls may come; what is there by now is frozen for the collector
    the clock                frames flow, so nothing heavy is loaded from here on
    dialer, documents,       what begins calls and asks agents by itself: last, so that in the end
    answers to texts         nothing new begins while calls are ended and the clock stands
"""

import asyncio
import contextlib
import functools
import gc
import logging
import signal

from ..media.clock import LoopClock
from .agents.agents import Agents
from .analysis.analysing import Analysing
from .analytics.figures_keeper import FiguresKeeper
from .api_room import ApiRoom
from .auth.proofs import Proofs
from .auth.secret_file import open_keys
from .auth.secrets_box import KEY_FILE, SecretsBox
from .calls.call_room import CallRoom
from .calls.call_rounds import REST_S
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
from .services.catalog import Services
from .services.ground import Ground
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
        clock = self._clock = LoopClock()
        rng = self._rng = PooledRandom()
        limits = CallLimits()
        lines = self._lines = LineRoom(settings, limits, clock, rng)
        self.engine, self.lines = lines.engine, lines.lines
        database = self._database = Database(settings.database_url(), settings.node_name())
        bus = self._bus = EventBus()
        told = self._telemetry = TelemetryRoom(settings.tracing, database, clock)
        watch = told.providers.watch
        self.registry = self._make_registry()
        self._box = functools.cache(
            lambda: SecretsBox(open_keys(settings.data_folder(), KEY_FILE), rng)
        )
        self._proofs = Proofs(
            settings.data_folder(),
            clock,
            rng,
            settings.auth,
            api_token=settings.api_token,
            throttled=settings.rate_limits,
        )
        services = self._services = self._make_services()
        services.server_parts.standings = told.providers.standings
        self._nodes = Nodes(database, services.events, bus, clock)
        leads = self._nodes.leads
        self._events = EventRoom(settings, database, services, bus, self._box, clock, leads)
        self._figures = FiguresKeeper(services.analytics, bus, clock)
        self._recordings = RecordingRoom(settings, services.recordings, clock)
        agents = self._agents = Agents(settings, clock, rng, watch, services.provider_keys.take_own)
        self._knowledge = KnowledgeRoom(settings, services, clock, rng, watch, leads)
        agents.knowledge = self._knowledge.of
        self._messages = MessageRoom(settings, database, services, agents, bus, clock, leads)
        routing = Routing(settings, database, self.lines, clock)
        recordings = settings.recordings_folder() if settings.recording.on else None
        calls = self._calls = CallRoom(
            self.registry, services, agents, routing, limits, lines.dial, recordings, clock
        )
        self.holding = calls.holding
        self.health = Health(self.engine, self.holding, settings.limits.max_calls)
        self._dialer = DialerRoom(
            settings,
            database,
            services,
            bus,
            routing,
            agents,
            self.lines,
            limits,
            self.health,
            self.holding,
            clock,
            leads,
        )
        self.registry.on_retry = self._dialer.wake
        services.accounts.on_activated += [*self._dialer.wakes, self._events.wake]
        self._analysing = Analysing(
            settings, database, services, self.registry, bus, clock, rng, watch, leads
        )
        edge = Edge(self.registry, bus, told.metrics, self.health, services, told.tracing)
        self._api = ApiRoom(settings, edge, clock)

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Start everything; `stack` ends it."""
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
        await mirror(self._settings, self._database, self._clock)
        await self._services.events.start()
        await self._nodes.follow(stack)
        self._recordings.start(stack)
        await self._events.start(stack)
        stack.push_async_callback(self._figures.aclose)
        self._figures.start()
        await self._messages.start(stack)
        await self._calls.start(stack)
        stack.push_async_callback(self._agents.aclose)  # processes end even if one does not start
        await self._agents.start()
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

    def _make_registry(self) -> CallRegistry:
        settings, told = self._settings, self._telemetry
        registry = CallRegistry(
            CallStore(self._database),
            self._bus,
            told.metrics,
            self._clock,
            settings.recordings_folder(),
            settings.calls.retention_days * DAY_S,
            settings.costs,
            REST_S,
        )
        registry.watches.append(told.tracing)
        return registry

    def _make_services(self) -> Services:
        settings = self._settings
        return Services(
            Ground(
                database=self._database,
                clock=self._clock,
                bus=self._bus,
                lines=self.lines,
                calls=self.registry,
                recordings=settings.recordings_folder(),
                uploads=settings.data_folder() / "uploads",
                proofs=self._proofs,
                box=self._box,
                rng=self._rng,
                private_webhooks=settings.webhooks.allow_private,
                providers=settings.providers,
                ring_s=settings.escalations.ring_s,
                keep_days=settings.recording.keep_days,
                report_tokens={"exotel": settings.exotel.token},
                connections=settings.connections,
                subscribing=settings.subscriptions,
                paying=settings.payments,
            )
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
