"""SHELL: all that places calls by itself, put together for one server (wiring.py)."""

import contextlib
from collections.abc import Callable

from ...media.clock import Clock
from ..agents.agents import Agents
from ..calls.holding import Holding
from ..calls.outgoing import Outgoing
from ..configuration.config import Settings
from ..configuration.config_dialer import rates_of
from ..events.events import EventBus
from ..imports.import_runner import ImportRunner
from ..lines.lines import Lines
from ..lines.routing import Routing
from ..services.catalog import Services
from ..store.call_queue import CallQueue
from ..store.database import Database
from .call_limits import CallLimits
from .call_pace import CallPace
from .campaign_runner import CampaignRunner
from .dispatch import Dispatch, Room
from .permission import Permission
from .scheduler import Scheduler


class DialerRoom:
    """The queue, and who fills it: schedules, campaigns, uploaded files."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        services: Services,
        bus: EventBus,
        routing: Routing,
        agents: Agents,
        lines: Lines,
        limits: CallLimits,
        room: Room,
        holding: Holding,
        clock: Clock,
        leads: Callable[[], bool],
    ) -> None:
        """`leads`: whether this node reads uploaded files for all (nodes.py)."""
        pace = CallPace(rates_of(settings.dialer, (*settings.lines, *settings.trunks)))
        self._dispatch = Dispatch(
            CallQueue(database),
            services.events,
            routing,
            agents,
            lines,
            limits,
            room,
            Outgoing(holding, lines, clock, pace),
            clock,
            Permission(database),
            pace,
            settings.dialer.max_calls,
        )
        self._dispatch.beyond_quota = services.subscriptions.beyond
        self._campaigns = CampaignRunner(services.campaign_steps, bus, clock)
        self._imports = ImportRunner(services.imports, services.import_steps, clock, leads)
        self._scheduler = Scheduler(services.schedules, clock)
        self.wake = self._dispatch.wake
        "A call may be due, or have room."
        self.wakes = [
            self._dispatch.wake,
            self._scheduler.wake,
            self._campaigns.wake,
            self._imports.wake,
        ]
        "When anything at all may have changed: an account, what another node has stored."
        holding.on_end = services.dialing.on_change = self.wake
        services.calls.on_pending = services.retries.on_pending = self.wake
        services.agent_removal.on_pending = services.do_not_call.on_pending = self.wake
        services.schedules.on_pending = services.campaign_steps.on_pending = self.wake
        services.import_steps.on_pending = self.wake
        services.campaigns.on_change = self._campaigns.wake
        services.imports.on_change = self._imports.wake
        services.schedules.on_change = self._scheduler.wake

    def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Begin, with the clock running; `stack` ends it."""
        for part in (self._dispatch, self._scheduler, self._campaigns, self._imports):
            part.start()
            stack.push_async_callback(part.aclose)
