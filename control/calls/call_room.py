"""SHELL: calls from their first moment to their record's end, put together for one server.

The registry is started before anything can call: what a crash has cut off ends first. Whoever holds
a call ends it before the lines close (`end_calls`), since sessions hang up by them; the registry
closes long after that, when every end is stored.
"""

import contextlib
import logging
from pathlib import Path

from ...media.clock import Clock
from ..agents.agents import Agents
from ..agents.unfit_agents import UnfitAgents
from ..dialer.call_limits import CallLimits
from ..lines.routing import Routing
from ..services.catalog import Services
from .bridging import Dial
from .call_length import CallLengths
from .holding import Holding
from .reception import Reception
from .registry import CallRegistry

logger = logging.getLogger(__name__)


class CallRoom:
    """`start()` when the database is open; it ends with the stack, as do calls before that."""

    def __init__(
        self,
        registry: CallRegistry,
        services: Services,
        agents: Agents,
        routing: Routing,
        limits: CallLimits,
        dial: Dial,
        recordings: Path | None,
        clock: Clock,
    ) -> None:
        """`dial`: legs to others, for a transfer; `recordings` None: calls are not recorded."""
        self.registry = registry
        self._escalations = services.escalations
        self._lengths = CallLengths(registry, services.subscriptions.longest_s, clock)
        registry.watches.append(self._lengths)
        self.holding = Holding(registry, clock, recordings, dial)
        self.holding.transfer = services.escalations.transfer
        self.holding.keyed = agents.keyed
        self.reception = Reception(self.holding, routing.inbound, agents.runtime, limits, clock)
        self.reception.on_unfit = UnfitAgents(services.error_logs).tell
        services.control.lines = routing.outbound

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """End what a crash has cut off, and take records from now on. Raises StoreError."""
        crashed = await self.registry.start()
        stack.push_async_callback(self.registry.aclose)
        stack.push_async_callback(self._lengths.aclose)
        await self._escalations.recover()
        stack.push_async_callback(self._escalations.aclose)
        if crashed:
            logger.warning("calls that a crash cut off: %d", crashed)

    async def end_calls(self) -> None:
        """Before the lines are closed."""
        await self.holding.aclose()
