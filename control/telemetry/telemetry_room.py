"""SHELL: what one server tells of itself, put together: figures for Prometheus, spans of traces.

It is made first, since calls and services are counted from their first moment, and ends last: what
the others do while they stop is told as well. What the parts know of themselves (`add_gauges`) is
read when somebody asks for it.
"""

from ...media.clock import Clock
from ..agents.agents import Agents
from ..calls.call_room import CallRoom
from ..configuration.config_tracing import TracingSettings
from ..events.event_room import EventRoom
from ..events.events import EventBus
from ..lines.line_room import LineRoom
from ..messages.message_room import MessageRoom
from ..store.database import Database
from .backlog_metrics import Backlogs
from .engine_metrics import (
    add_call_gauges,
    add_engine_gauges,
    add_sender_gauges,
    add_sip_gauges,
    add_worker_gauges,
)
from .metrics import Metrics
from .process_metrics import add_process_gauges
from .provider_metrics import ProviderMetrics
from .server_metrics import add_event_gauges, add_line_gauges
from .store_metrics import StoreMetrics
from .tracing import open_tracing


class TelemetryRoom:
    """`aclose()` when everything else is closed."""

    def __init__(self, settings: TracingSettings, database: Database, clock: Clock) -> None:
        """Raises StartError when traces are wanted and what sends them is not installed."""
        self.metrics = Metrics()
        StoreMetrics(clock, database).add_to(self.metrics)
        backlogs = Backlogs(database, clock)
        self.metrics.add_families(backlogs.families(), backlogs.look)
        self.tracing = open_tracing(settings)
        self.providers = ProviderMetrics(clock, self.tracing)
        "Its `watch` is told of every request to a service."
        self.metrics.add_families(self.providers.families())

    def add_gauges(
        self,
        lines: LineRoom,
        calls: CallRoom,
        agents: Agents,
        events: EventRoom,
        messages: MessageRoom,
        bus: EventBus,
    ) -> None:
        """What is read of each part."""
        metrics = self.metrics
        metrics.add_clock(lines.engine.health)
        add_engine_gauges(metrics, lines.engine, lines.recorder, lines.ports)
        add_call_gauges(metrics, calls.registry, calls.holding)
        add_sip_gauges(metrics, lines.sip_kept)
        add_worker_gauges(metrics, agents)
        add_sender_gauges(metrics, events.webhooks, messages.outbox_sender)
        add_line_gauges(metrics, lines.lines)
        add_event_gauges(metrics, bus, calls.registry)
        add_process_gauges(metrics)

    async def aclose(self) -> None:
        """Send the traces that wait."""
        await self.tracing.aclose()
