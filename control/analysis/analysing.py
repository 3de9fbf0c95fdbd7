"""SHELL: all that analyses calls, put together for one server (wiring.py)."""

import random
from collections.abc import Callable

from ...drivers.provider_watch import ProviderWatch, nobody_watches
from ...media.clock import Clock
from ..calls.registry import CallRegistry
from ..configuration.config import Settings
from ..events.events import EventBus
from ..services.analysis_follower import AnalysisFollower
from ..services.analysis_steps import AnalysisSteps
from ..services.catalog import Services
from ..store.database import Database
from .analysis_desk import AnalysisDesk
from .analysis_runner import AnalysisRunner
from .analysts import Analysts
from .live_sentiment import LiveSentiment
from .sentiment import Ear


class Analysing:
    """`start()`, then `aclose()`."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        services: Services,
        registry: CallRegistry,
        bus: EventBus,
        clock: Clock,
        rng: random.Random,
        watch: ProviderWatch = nobody_watches,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`watch` is told of every request to a language model; `leads`: see AnalysisRunner."""
        config = settings.analysis
        self._on = config.on
        self._registry = registry
        self._clock = clock
        self._analysts = Analysts(
            config,
            settings.providers,
            AnalysisDesk(clock),
            rng,
            watch,
            services.provider_keys.take_own,
        )
        steps = AnalysisSteps(
            database, services.events, registry, services.notifications, clock, settings.costs
        )
        self.runner = AnalysisRunner(
            AnalysisFollower(database, clock),
            steps,
            self._analysts,
            bus,
            clock,
            config.at_once,
            leads,
        )
        services.analyses.on = config.on
        services.analyses.on_change = self.runner.wake

    def start(self) -> None:
        """Go on where the last start ended."""
        if self._on:
            self._registry.watches.append(LiveSentiment(self._registry, Ear(), self._clock))
            self.runner.start()

    def wake(self) -> None:
        """There may be something to be analysed."""
        if self._on:
            self.runner.wake()

    async def aclose(self) -> None:
        """Stop; what is being analysed waits for the next start."""
        await self.runner.aclose()
        await self._analysts.aclose()
