"""How what the server works with stands, as far as it shows by itself; whoever asks never waits.

What providers say is what the newest requests to them have said. Where those are older than a
minute, providers are asked what costs nothing (the list of models, the balance), beside whoever
wants to know: they get what was known before.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Protocol

from ...drivers.llm import openai_answers, openai_chat
from ...media.clock import Clock
from ..auth.principal import OPERATOR
from ..configuration.config_agents import ProviderSettings
from ..domain.server_parts import BusPart, ModelPart, PartState, TextingPart
from ..events.events import EventBus
from ..messages.twilio_account import TwilioAccount
from ..telemetry.provider_standings import ProviderStanding, ProviderStandings
from .connections import ConnectionTests
from .outbox import Outbox
from .sms_figures import SmsFigures

FRESH_S = 60.0
LATE_S = 1.0
"An event that takes longer shows that the event loop is overloaded."
MODELS = "models"
"What a provider is asked where nobody asks it anything else."
ANSWERING = (openai_chat.NAME, openai_answers.NAME)
NOT_CONNECTED = "provider_not_connected"


class Room(Protocol):
    """Who answers texts (messages/sms_task_runner.py)."""

    def __call__(self) -> int:
        """How many more would be begun at once."""
        ...


class ServerParts:
    """The verbs. What is assigned is assigned before the server starts; `aclose()` last."""

    def __init__(
        self,
        clock: Clock,
        bus: EventBus,
        outbox: Outbox,
        sms_figures: SmsFigures,
        connections: ConnectionTests,
        providers: Sequence[ProviderSettings],
    ) -> None:
        self._clock = clock
        self._bus = bus
        self._outbox = outbox
        self._sms_figures = sms_figures
        self._connections = connections
        self._provider = next((each for each in providers if each.models.chat), None)
        self.standings = ProviderStandings(clock)
        "What is seen of providers."
        self.room: Room = _nobody_answers
        self.twilio: TwilioAccount | None = None
        "None: none is configured."
        self._looked_at: float | None = None
        self._looking: asyncio.Task[None] | None = None

    async def bus(self) -> BusPart:
        """By an event of its own, which nobody else hears."""
        took_s = await self._bus.round_trip_s(self._clock)
        state = PartState.WELL if took_s <= LATE_S else PartState.IMPAIRED
        return BusPart(state=state, response_s=took_s)

    async def model(self) -> ModelPart:
        """What answers. Raises StoreError."""
        figures, refused = await self._sms_figures.lately(OPERATOR)
        seen, now = self._seen(), self._clock.now()
        said = self.standings.newest(ANSWERING)
        remaining = None if said is None else said.remaining(now)
        response_s = None if seen is None else seen.response_s
        return ModelPart(
            state=_state(seen, refused),
            provider="" if seen is None else seen.provider,
            response_s=figures.all.mean_processing_s if response_s is None else response_s,
            remaining=self.room() if remaining is None else remaining,
            error=None if seen is None else seen.error,
        )

    async def texting(self) -> TextingPart:
        """What sends texts. Raises StoreError."""
        unsent = await self._outbox.refused("sms")
        if self.twilio is None:
            return TextingPart(
                state=PartState.ABSENT, response_s=None, balance=None, currency="", error=""
            )
        standing = self.twilio.standing()
        state = PartState.IMPAIRED if unsent else PartState.WELL
        balance = standing.balance
        return TextingPart(
            state=PartState.DOWN if standing.error else state,
            response_s=standing.response_s,
            balance=None if balance is None else balance.amount,
            currency="" if balance is None else balance.currency,
            error=standing.error,
        )

    async def settled(self) -> None:
        """Wait until what is being asked for is known."""
        if self._looking is not None:
            await self._looking
        if self.twilio is not None:
            await self.twilio.settled()

    async def aclose(self) -> None:
        """Ask no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def _seen(self) -> ProviderStanding | None:
        """The newest of what answers; asks for it where that is old."""
        seen, now = self.standings.newest((*ANSWERING, MODELS)), self._clock.now()
        is_old = seen is None or now - seen.seen_at >= FRESH_S
        may_look = self._looked_at is None or now - self._looked_at >= FRESH_S
        if self._provider is not None and self._looking is None and is_old and may_look:
            self._looked_at = now
            self._looking = asyncio.get_running_loop().create_task(
                self._look(self._provider), name="look for a provider"
            )
        return seen

    async def _look(self, provider: ProviderSettings) -> None:
        begun_at = self._clock.now()
        key = os.environ.get(provider.api_key_env, "") if provider.api_key_env else ""
        try:
            found = await self._connections.server(provider.base_url, key)
        finally:
            self._looking = None
        if found.connected:
            self.standings.answered(provider.name, MODELS, self._clock.now() - begun_at)
        else:
            self.standings.failed(provider.name, MODELS, NOT_CONNECTED)


def _state(seen: ProviderStanding | None, refused: int) -> PartState:
    if seen is not None and seen.error is not None:
        return PartState.DOWN if seen.kind == MODELS else PartState.IMPAIRED
    return PartState.IMPAIRED if refused else PartState.WELL


def _nobody_answers() -> int:
    return 0
