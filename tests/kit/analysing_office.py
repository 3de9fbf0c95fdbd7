"""Calls that have ended, and who analyses them, on a virtual clock."""

import asyncio
import pathlib
import random
from collections.abc import Sequence
from typing import Any

from offhook.control.agents.provider_places import OwnKey
from offhook.control.analysis.analysis_runner import AnalysisRunner
from offhook.control.analysis.analysts import Analysts
from offhook.control.analysis.conversation import Conversation, Findings
from offhook.control.analysis.embedded import analyse
from offhook.control.analysis.sentiment import Ear
from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.calls.calls import LiveCall
from offhook.control.configuration.config import ModelNames, ProviderSettings
from offhook.control.configuration.config_analysis import AnalysisConfig
from offhook.control.configuration.config_costs import CostSettings
from offhook.control.dialer.wall_timer import LOOK_S
from offhook.control.domain.agents import Agent
from offhook.control.domain.analyses import AnalysisSettings, CallAnalysis
from offhook.control.domain.calls import Call, CallStatus, Outcome
from offhook.control.errors import TooManyRequests
from offhook.control.events.events import EventBus
from offhook.control.services.agents import AGENTS
from offhook.control.services.analyses import AnalysisService
from offhook.control.services.analysis_follower import AnalysisFollower
from offhook.control.services.analysis_steps import AnalysisSteps
from offhook.control.services.event_log import COLUMNS, EVENTS, EventLog, stored_event
from offhook.control.services.notifications import NotificationService
from offhook.control.services.outbox import Outbox
from offhook.control.store.calls import CallChange, CallStore
from offhook.drivers.openai_client import Secret
from offhook.media.clock import VirtualClock
from offhook.media.conversation.records import CallEnded, CallStatus as MediaStatus, Role, Turn
from offhook.media.ports import HangUpCause

from .call_records import call_of, call_record
from .conversations import LOST_PARCEL
from .database import copy_database
from .sealing import a_box

LIMIT_S = 20.0
PROVIDER = "acme"
KEY_ENV = "OFFHOOK_TEST_KEY"


class InlineDesk:
    """Analyses in the test's process, and fails as often as the test says."""

    def __init__(self) -> None:
        self.ear = Ear()
        self.failures: list[Exception] = []
        self.gate: asyncio.Event | None = None
        "Analyses wait for it, where there is one."
        self.asked: list[Conversation] = []
        self.called = asyncio.Semaphore(0)
        "As free as it was asked."

    async def analyse(self, conversation: Conversation) -> Findings:
        self.asked.append(conversation)
        self.called.release()
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return analyse(conversation, self.ear)

    async def aclose(self) -> None:
        """There is nothing to end."""


class Memory:
    """The calls in progress: those whose ids the test puts here."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def live(self) -> list[LiveCall]:
        return []

    def find(self, call_id: str) -> Any:
        return object() if call_id in self.ids else None

    def is_live(self, call_id: str) -> bool:
        return call_id in self.ids

    def changed(self, call_id: str, **fields: Any) -> None:
        """Nobody looks."""


class AnalysingOffice:
    """`async with AnalysingOffice(folder) as office`."""

    def __init__(self, folder: pathlib.Path, base_url: str = "http://127.0.0.1:9/v1") -> None:
        self.clock = VirtualClock()
        self.database = copy_database(folder)
        self.store = CallStore(self.database)
        self.memory = Memory()
        self.desk = InlineDesk()
        self.config = AnalysisConfig(at_once=2)
        self.providers = (
            ProviderSettings(
                PROVIDER, base_url, api_key_env=KEY_ENV, models=ModelNames(chat="acme-large")
            ),
        )
        self.costs = CostSettings()
        self.leads = True
        self.own_key: str | None = None
        "The account's, of the provider."
        self.keys_used_up = False
        self._number = 0

    async def __aenter__(self) -> "AnalysingOffice":
        await self.database.open()
        await self.restart()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.aclose()
        await self.analysts.aclose()
        await self.database.aclose()

    async def restart(self) -> None:
        """A process that knows only what is stored."""
        bus = EventBus()
        self.log = EventLog(self.database, bus)
        self.service = AnalysisService(self.database, self.memory, self.clock)
        outbox = Outbox(self.database, self.log, self.clock, random.Random(1), a_box)
        notifications = NotificationService(self.database, self.log, outbox, self.clock)
        self.steps = AnalysisSteps(
            self.database, self.log, self.memory, notifications, self.clock, self.costs
        )
        self.analysts = Analysts(
            self.config, self.providers, self.desk, random.Random(1), take_key=self._own_key
        )
        follower = AnalysisFollower(self.database, self.clock)
        self.runner = AnalysisRunner(
            follower,
            self.steps,
            self.analysts,
            bus,
            self.clock,
            self.config.at_once,
            lambda: self.leads,
        )
        self.service.on_change = self.runner.wake
        self.runner.start()

    async def _own_key(self, owner_id: str, provider: str) -> OwnKey | None:
        if self.keys_used_up:
            raise TooManyRequests("all keys have reached their limits of the day", 7200.0)
        if self.own_key is None:
            return None
        place = next(each for each in self.providers if each.name == provider)
        return OwnKey(Secret(self.own_key), place)

    async def agent(self, settings: AnalysisSettings, **fields: Any) -> str:
        """An agent's id."""
        agent = Agent(owner_id=OPERATOR_ID, name="Anna", analysis=settings, **fields)
        async with self.database.write() as tx:
            return (await AGENTS.add(tx, agent)).id

    async def ended_call(
        self,
        lines: Sequence[str] = LOST_PARCEL,
        *,
        agent_id: str | None = None,
        answered: bool = True,
        end_is_told: bool = True,
        **record_fields: Any,
    ) -> str:
        """The id of a call that has ended, stored with the event that tells it."""
        self._number += 1
        record = call_record(
            self._number,
            id=f"00000000-0000-4000-9000-{self._number:012}",
            status=MediaStatus.ENDED,
            ended_wall=self.clock.wall(),
            cause=HangUpCause.NORMAL,
            **({} if answered else {"answered_wall": None}),
            **record_fields,
        )
        call: Call = call_of(
            record,
            status=CallStatus.ENDED,
            outcome=Outcome.COMPLETED if answered else Outcome.NO_ANSWER,
            agent_id=agent_id,
            answered_wall=record.answered_wall,
            ended_wall=record.ended_wall,
            duration_s=30.0 if answered else None,
            record=record,
        )
        turns = [turn_of(index, line) for index, line in enumerate(lines)]
        ended = CallEnded(record.id, self.clock.wall(), 240_000, HangUpCause.NORMAL, False)
        events = [stored_event(ended, OPERATOR_ID)] if end_is_told else []
        await self.store.save([CallChange(call, tuple(turns), is_new=True)], events)
        return record.id

    async def settled(self) -> None:
        """All is analysed that can be now."""
        self.runner.wake()
        async with asyncio.timeout(LIMIT_S):
            await self.runner.settled()

    async def pass_time(self, seconds: float) -> None:
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.advance(min(LOOK_S, end - self.clock.now()))
            async with asyncio.timeout(LIMIT_S):
                await self.runner.settled()

    async def analysis(self, call_id: str) -> CallAnalysis:
        return await self.service.get(OPERATOR, call_id)

    async def events(self, *types: str) -> list[dict[str, Any]]:
        """What was stored of these types, oldest first."""
        async with self.database.read() as tx:
            found = await EVENTS.all(tx, None, COLUMNS.type.in_(types))
        return [event.body for event in found]


def turn_of(index: int, line: str) -> Turn:
    """A turn of `Agent: …` or `Caller: …`, at 8 kHz."""
    who, _, text = line.partition(": ")
    return Turn(
        index=index,
        role=Role.AGENT if who == "Agent" else Role.CALLER,
        text=text,
        begin_samples=32_000 * index,
        end_samples=32_000 * index + 16_000,
    )
