"""A server's outgoing side on a virtual clock: real store and rules; lines and speech by script."""

import asyncio
import pathlib
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from offhook.control.agents.agents import AgentRuntime
from offhook.control.auth.principal import OPERATOR, OPERATOR_ID, Principal, Role
from offhook.control.auth.scopes import EVERYTHING
from offhook.control.calls.holding import Holding
from offhook.control.calls.outgoing import Outgoing
from offhook.control.calls.registry import CallRegistry
from offhook.control.configuration.config_billing import SubscriptionSettings
from offhook.control.dialer.call_limits import CallLimits, Claim, Counted
from offhook.control.dialer.call_pace import CallPace
from offhook.control.dialer.dial_queue import Kind
from offhook.control.dialer.dispatch import Dispatch
from offhook.control.dialer.permission import Hold, Permission
from offhook.control.domain.accounts import Account
from offhook.control.domain.agents import Agent
from offhook.control.domain.calls import Call, CallStatus, CallSummary
from offhook.control.events.events import EventBus
from offhook.control.lines.routing import CallRefused
from offhook.control.services.accounts import ACCOUNTS
from offhook.control.services.calls import CallService, NewCall
from offhook.control.services.dialing import DialingService
from offhook.control.services.do_not_call import DoNotCallService
from offhook.control.services.event_log import EventLog
from offhook.control.services.retries import RetryService
from offhook.control.services.subscriptions import SubscriptionService
from offhook.control.store.call_queue import CallQueue
from offhook.control.store.calls import CallStore
from offhook.control.store.database import Database
from offhook.control.telemetry.metrics import Metrics
from offhook.drivers.llm.house import HouseResponder
from offhook.drivers.llm.house_settings import HouseSettings
from offhook.media.clock import VirtualClock
from offhook.media.conversation.settings import AgentSettings
from offhook.media.errors import MediaError
from offhook.media.ports import HangUpCause, LegEnded, LegPort
from offhook.tests.kit.database import copy_database
from offhook.tests.kit.fake_lane import FakeLane
from offhook.tests.kit.fake_leg import FakeLeg
from offhook.tests.kit.fake_speech import FakeSynthesizer, FakeTranscriber

LIMIT_S = 10.0
TO = "+15550001"


class Leg(FakeLeg):
    """A leg to somebody, who does what the test says."""

    def __init__(self, line: str, to: str, from_: str) -> None:
        super().__init__(FakeLane(), inbound=False)
        self.line, self.to_number, self.from_number = line, to, from_

    def end_by(self, end: LegEnded) -> None:
        """The same, with all that the line has told."""
        self.ended = end
        self.tell(end)

    def fail(self, cause: HangUpCause, status: int | None = None) -> None:
        """The far end, or the line, ends it."""
        if self.ended is None:
            self.ended = LegEnded(cause, False, status)
            self.tell(self.ended)


class FakeLines:
    """Lines whose calls are kept for the test; `down` ones refuse."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.limits: dict[str, int] = {}
        self.legs: asyncio.Queue[Leg] = asyncio.Queue()
        self.dialled: list[tuple[str, str]] = []

    def claim(self, name: str) -> Claim:
        return Claim(Counted.LINE, name, self.limits.get(name))

    def call(self, name: str, to_number: str, from_number: str = "") -> LegPort:
        if name in self.down:
            raise MediaError(f"{name} is down")
        self.dialled.append((name, to_number))
        leg = Leg(name, to_number, from_number)
        self.legs.put_nowait(leg)
        return leg


class FakeRouting:
    """Every call may go by these lines."""

    def __init__(self) -> None:
        self.lines: tuple[str, ...] = ("a", "b")
        self.refusal: CallRefused | None = None
        self.most: int | None = None

    async def outbound(self, call: CallSummary) -> tuple[str, ...]:
        if self.refusal is not None:
            raise self.refusal
        return self.lines

    async def outbound_claims(self, call: CallSummary) -> tuple[Claim, ...]:
        return (Claim(Counted.ACCOUNT, call.owner_id, self.most),)

    async def agent_for(self, call: CallSummary) -> Agent:
        return Agent(id="agent-1", owner_id=OPERATOR_ID, name="Anna")


class FakeAgents:
    """One agent that greets."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def runtime(self, agent: Agent) -> AgentRuntime:
        settings = HouseSettings(greeting="Hi.", answers=())
        return AgentRuntime(
            AgentSettings(name=agent.name),
            FakeTranscriber(self._clock, delay_s=0.0),
            FakeSynthesizer(self._clock, delay_s=0.0),
            lambda number: HouseResponder(settings, self._clock, number),
            ("llm acme",),
        )


class Room:
    """How many calls more the server takes."""

    def __init__(self, holding: Holding) -> None:
        self.calls = 100
        self._holding = holding

    def room(self) -> int:
        return self.calls - len(self._holding)


class Meanwhile(Permission):
    """What may be called; lets something happen after calls were looked at, before their claim."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.once: Callable[[], Awaitable[object]] | None = None

    async def holds(self, kinds: Collection[Kind], now_wall: float) -> dict[Kind, Hold]:
        found = await super().holds(kinds, now_wall)
        once, self.once = self.once, None
        if once is not None:
            await once()
        return found


class Desk:
    """A server's outgoing side."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.clock = VirtualClock()
        self._database = copy_database(folder)
        self.bus = EventBus()
        log = EventLog(self._database, self.bus)
        self.store = CallStore(self._database)
        self.registry = CallRegistry(self.store, self.bus, Metrics(), self.clock, folder)
        self.calls = CallService(self.store, log, self.registry, self.clock, folder)
        self.holding = Holding(self.registry, self.clock, None)
        self.lines, self.routing = FakeLines(), FakeRouting()
        self.limits, self.room = CallLimits(), Room(self.holding)
        self.permission = Meanwhile(self._database)
        self.pace = CallPace({"a": 1000.0})
        self.dispatch = Dispatch(
            CallQueue(self._database),
            log,
            self.routing,
            FakeAgents(self.clock),
            self.lines,
            self.limits,
            self.room,
            Outgoing(self.holding, self.lines, self.clock, self.pace),
            self.clock,
            self.permission,
            self.pace,
        )
        self.calls.on_pending = self.holding.on_end = self.dispatch.wake
        self.registry.on_retry = self.dispatch.wake
        self.dialing = DialingService(self._database, self.clock)
        self.listing = DoNotCallService(self._database, log, self.clock)
        self.retries = RetryService(self._database, log, self.registry, self.clock)
        self.dialing.on_change = self.listing.on_pending = self.dispatch.wake
        self.subscriptions = SubscriptionService(self._database, self.clock, SubscriptionSettings())
        self.dispatch.beyond_quota = self.subscriptions.beyond
        self._events = self.bus.subscribe()

    async def __aenter__(self) -> "Desk":
        await self._database.open()
        await self.registry.start()
        self.dispatch.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.dispatch.aclose()
        await self.holding.aclose()
        await self.registry.aclose()
        await self._database.aclose()
        for kind, name in (
            (Counted.LINE, "a"),
            (Counted.LINE, "b"),
            (Counted.ACCOUNT, OPERATOR_ID),
        ):
            assert self.limits.in_use(kind, name) == 0, "room is not given back"

    async def user(self, email: str) -> Principal:
        """Somebody with an account."""
        async with self._database.write() as tx:
            account = await ACCOUNTS.add(tx, Account(email=email))
        return Principal(account.id, Role.USER, EVERYTHING, "access")

    async def switch_off(self, who: Principal) -> None:
        """Somebody's account, behind everybody's back."""
        async with self._database.write() as tx:
            theirs = ACCOUNTS.table.c.id == who.account_id
            await ACCOUNTS.update_where(tx, None, theirs, is_active=False)

    async def place(self, to: str = TO, who: Principal = OPERATOR, **wanted: Any) -> Call:
        return await self.calls.place(who, NewCall(to=to, **wanted))

    async def leg(self) -> Leg:
        """The next one that is dialled."""
        async with asyncio.timeout(LIMIT_S):
            return await self.lines.legs.get()

    async def looked(self) -> None:
        """Until it has looked at what waits, and waits itself."""
        async with asyncio.timeout(LIMIT_S):
            await self.dispatch.idle.wait()

    async def becomes(self, call: Call, status: CallStatus) -> None:
        """Until it is told that the call has this status."""
        async with asyncio.timeout(LIMIT_S):
            async for published in self._events:
                event: Any = published.event
                if event is None or event.call_id != call.id:
                    continue
                if getattr(event, "status", None) is status:
                    return

    async def ended(self, call: Call) -> Call:
        await self.becomes(call, CallStatus.ENDED)
        async with asyncio.timeout(LIMIT_S):
            await self.registry.settled()
        found = await self.store.get(call.id, None)
        assert found is not None
        return found
