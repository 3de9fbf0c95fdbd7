"""SHELL: calls that wait are placed when they are due and there is room. It waits to be woken.

What wakes it: a call that was placed, changed or cancelled (`CallService.on_pending`), one that has
ended (`Holding.on_end`), one whose next try is stored (`CallRegistry.on_retry`), a changed rule,
and the moment of the next scheduled one, retry, or end of quiet hours. A call is claimed, stored as
dialling, before its line is told of it: what a crash cuts off then is over, never dialled again.

Not here: which may start (dial_queue.py), what forbids it (permission.py), when it is tried again
(retry_rules.py), how one is placed (outgoing.py). Who wants many calls, or regularly, makes queued
ones.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from ...media.clock import Clock, Timer
from ...media.ports import HangUpCause
from ..agents.agents import AgentRuntime
from ..calls.calls import status_event
from ..domain.agents import Agent
from ..domain.calls import Call, CallStatus, CallSummary, Outcome
from ..domain.dialing import RetryPolicy
from ..errors import Problem, StoreError
from ..lines.routing import CallRefused
from ..services.event_log import EventLog
from ..store.call_queue import CallQueue, Place, claim, give_up, place_retries, promote_due
from ..store.database import Transaction
from .call_limits import CallLimits, Claim, Counted
from .call_pace import CallPace
from .dial_queue import Candidate, Chosen, Kind, Passed, choose, kind_of
from .permission import LISTED_REASON, Hold, Stops
from .retry_rules import next_retry_wall
from .wall_timer import WallTimer

PAGE = 32
"Calls that are looked at together."
LOOKED_AT = 512
"... in one round. It is rare that so many have to be looked at: those that wait are left out."
STARTS = 8
"Calls that are begun in one round; the next follows after PACE_S."
PACE_S = 0.1
NO_ROOM_S = 1.0
"When the server is full or late it is tried again after that."
BLOCKED_S = 30.0
"When only limits are in the way: they may have been raised, or given room without a call's end."
DIALER = Claim(Counted.DIALER, "")

logger = logging.getLogger(__name__)


class Room(Protocol):
    """How many calls the server takes now."""

    def room(self) -> int: ...


class Router(Protocol):
    """What a call needs (routing.py). Each raises CallRefused and StoreError."""

    async def outbound(self, call: CallSummary) -> tuple[str, ...]: ...

    async def outbound_claims(self, call: CallSummary) -> tuple[Claim, ...]: ...

    async def agent_for(self, call: CallSummary) -> Agent: ...


class Runtimes(Protocol):
    """Makes agents ready (agents.py). Raises Problem."""

    def runtime(self, agent: Agent) -> AgentRuntime: ...


class LineLimits(Protocol):
    """What a call counts for on its line (lines.py)."""

    def claim(self, name: str) -> Claim: ...


class Allowing(Protocol):
    """What forbids calls (permission.py). Each raises StoreError."""

    async def stops(self) -> Stops: ...

    async def holds(self, kinds: Collection[Kind], now_wall: float) -> dict[Kind, Hold]: ...

    async def listed(self, calls: Sequence[CallSummary]) -> set[str]: ...

    async def stops_in(self, tx: Transaction) -> Stops: ...

    async def listed_in(self, tx: Transaction, calls: Sequence[CallSummary]) -> set[str]: ...


class Placing(Protocol):
    """Places calls that were claimed (outgoing.py)."""

    def begin(self, chosen: Chosen, agent: AgentRuntime, retry: RetryPolicy | None) -> None: ...


class Way(msgspec.Struct, frozen=True):
    """How calls of one kind are placed now."""

    lines: tuple[Claim, ...]
    claims: tuple[Claim, ...]
    agent: Agent
    runtime: AgentRuntime


class NoWay(msgspec.Struct, frozen=True):
    """Why they cannot be placed."""

    cause: HangUpCause
    reason: str
    may_retry: bool = False
    "Another time they may."
    retry: RetryPolicy | None = None


Ways = dict[Kind, Way | NoWay]
"For one round; it makes no difference where the number is."


class Looking(msgspec.Struct):
    """One round, as far as it is."""

    now: float
    "Monotonic, of the whole round: nobody overtakes because time goes on."
    room: int
    passed: Passed
    ways: Ways = {}
    begun: int = 0
    given_up: int = 0
    wait_s: float = float("inf")
    wait_wall: float = float("inf")

    def look_again(self, seconds: float) -> None:
        """After so long at the latest."""
        self.wait_s = min(self.wait_s, seconds)

    def look_at(self, wall: float | None) -> None:
        """At that moment at the latest; None: when woken."""
        self.wait_wall = min(self.wait_wall, float("inf") if wall is None else wall)


class Dispatch:
    """`start()`, then `wake()` whenever something has changed, `aclose()` last."""

    def __init__(
        self,
        queue: CallQueue,
        log: EventLog,
        routing: Router,
        agents: Runtimes,
        lines: LineLimits,
        limits: CallLimits,
        room: Room,
        outgoing: Placing,
        clock: Clock,
        allowing: Allowing,
        pace: CallPace,
        max_calls: int | None = None,
    ) -> None:
        """`max_calls`: that were placed and are in progress, beside what the server takes."""
        self._queue = queue
        self._log = log
        self._routing = routing
        self._agents = agents
        self._lines = lines
        self._limits = limits
        self._room = room
        self._outgoing = outgoing
        self._clock = clock
        self._allowing = allowing
        self._pace = pace
        self._max_calls = max_calls
        self._woken = asyncio.Event()
        self.idle = asyncio.Event()
        "It has looked at all that waits, and waits to be woken."
        self._task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None
        self._wall_timer = WallTimer(clock, self.wake)
        self._closing = False

    def start(self) -> None:
        """Place what waits since the last time, and what will come."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="dispatch calls")
        self.wake()

    def wake(self) -> None:
        """Something may have changed."""
        self.idle.clear()
        self._woken.set()

    async def aclose(self) -> None:
        """Begin no further call. One that is claimed is begun: it is dialled or never."""
        self._closing = True
        self.wake()
        if self._task is not None:
            await self._task
        self._arm(Looking(0.0, 0, Passed()))

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self._closing:
                return
            looking = Looking(self._clock.now(), 0, Passed())
            try:
                await self._round(looking)
            except StoreError as exc:
                logger.error("calls that wait cannot be read: %s", exc)
                looking.look_again(NO_ROOM_S)
            except Exception:
                # At the task's root: without it no call would ever be placed again.
                logger.exception("dispatching failed")
                looking.look_again(NO_ROOM_S)
            self._arm(looking)
            if not self._woken.is_set():
                self.idle.set()

    def _arm(self, looking: Looking) -> None:
        """One timer by each clock."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if looking.wait_s != float("inf"):
            self._timer = self._clock.call_at(self._clock.now() + looking.wait_s, self.wake)
        self._wall_timer.was_set()  # all is looked at anyway
        wall = looking.wait_wall
        self._wall_timer.set(None if wall == float("inf") else wall)

    # --- one round ------------------------------------------------------------------------------

    async def _round(self, looking: Looking) -> None:
        """Begin what may begin."""
        looking.look_at(await self._promote())
        stops = await self._allowing.stops()
        if stops.everyone:
            return
        looking.passed.owners |= stops.owners
        server_room = self._room.room()
        looking.room = min(server_room, self._dialer_room())
        after: Place | None = None
        looked = 0
        while looked < LOOKED_AT:
            calls = await self._queue.waiting(after, looking.passed, PAGE)
            if not calls:
                return
            if looking.room <= 0:
                if server_room <= 0:
                    looking.look_again(NO_ROOM_S)
                return
            looked += len(calls)
            after = (calls[-1].priority_rank, calls[-1].seq)
            if await self._begin_some(calls, looking):
                return
        looking.look_again(PACE_S if looking.begun or looking.given_up else BLOCKED_S)

    def _dialer_room(self) -> int:
        in_use = self._limits.in_use(DIALER.kind, DIALER.name)
        return LOOKED_AT if self._max_calls is None else self._max_calls - in_use

    async def _begin_some(self, calls: list[Call], looking: Looking) -> bool:
        """Of a page; True: the round has begun as many as it may."""
        candidates = await self._candidates(calls, looking)
        most = min(looking.room, STARTS) - looking.begun
        choice = choose(candidates, self._limits, self._pace, most, looking.now, looking.passed)
        looking.begun += await self._begin(choice.chosen, looking)
        if choice.wait_s is not None:
            looking.look_again(max(choice.wait_s, PACE_S))  # fast lines begin several then
        if choice.waits:
            looking.look_again(BLOCKED_S)
        if choice.full:
            looking.look_again(PACE_S)
        return choice.full

    async def _promote(self) -> float | None:
        """Queue what has become due; returns when the next is, in wall seconds."""
        while True:
            due, now = await self._queue.next_due(), self._clock.wall()
            if due is None or due > now:
                return due
            async with self._log.writing() as work:
                queued = await promote_due(work.tx, now, PAGE)
                queued += await place_retries(work.tx, now, PAGE)
                for call in queued:
                    work.tell(call.owner_id, status_event(call))

    async def _candidates(self, calls: list[Call], looking: Looking) -> list[Candidate]:
        """With what they need; those that cannot be placed at all are over."""
        listed = await self._allowing.listed(calls)
        kinds = {kind_of(call) for call in calls}
        holds = await self._allowing.holds(kinds, self._clock.wall())
        found: list[Candidate] = []
        for call in calls:
            hold = holds.get(kind_of(call))
            if call.id in listed:
                await self._give_up(call, NoWay(HangUpCause.CANCELLED, LISTED_REASON), looking)
            elif hold is not None and hold.over:
                await self._give_up(call, NoWay(HangUpCause.CANCELLED, hold.over), looking)
            elif hold is not None:
                looking.passed.kinds.add(kind_of(call))
                looking.look_at(hold.until_wall)
            else:
                way = await self._way(call, looking)
                if isinstance(way, Way):
                    found.append(Candidate(call, way.claims, way.lines))
                else:
                    await self._give_up(call, way, looking)
        return found

    async def _way(self, call: Call, looking: Looking) -> Way | NoWay:
        kind = _anywhere(call)
        way = looking.ways.get(kind)
        if way is None:
            way = looking.ways[kind] = await self._found_way(call)
        return way

    async def _found_way(self, call: Call) -> Way | NoWay:
        agent: Agent | None = None
        try:
            agent = await self._routing.agent_for(call)
            names = await self._routing.outbound(call)
            claims = await self._routing.outbound_claims(call)
            runtime = self._agents.runtime(agent)
        except CallRefused as exc:
            if agent is None:
                return NoWay(exc.cause, exc.reason)
            return NoWay(exc.cause, exc.reason, exc.cause is HangUpCause.NETWORK, agent.retry)
        except Problem as exc:  # settings of an agent that this version does not take
            return NoWay(HangUpCause.ERROR, str(exc))
        lines = tuple(self._lines.claim(name) for name in names)
        return Way(lines, (*claims, DIALER), agent, runtime)

    async def _begin(self, chosen: tuple[Chosen, ...], looking: Looking) -> int:
        """Claim them, all in one transaction, and let them be dialled; returns how many."""
        if not chosen:
            return 0
        claimed: list[tuple[Chosen, Way]] = []
        try:
            async with self._log.writing() as work:
                now = self._clock.wall()
                for each in await self._still_allowed(work.tx, chosen):
                    if not await claim(work.tx, each.call, now, self._queue.node):
                        continue
                    way = looking.ways[_anywhere(each.call)]
                    assert isinstance(way, Way), "only such were candidates"
                    call = _dialling(each.call, way, now)
                    work.tell(call.owner_id, status_event(call))
                    claimed.append((msgspec.structs.replace(each, call=call), way))
        except BaseException:
            for each in chosen:
                each.release()
            raise
        # Nothing is awaited from the commit on: whoever asks for these calls finds them in memory.
        for each, way in claimed:
            self._outgoing.begin(each, way.runtime, way.agent.retry)
        ids = {each.call.id for each, _ in claimed}
        for each in chosen:
            if each.call.id not in ids:
                each.release()
        return len(claimed)

    async def _still_allowed(self, tx: Transaction, chosen: Sequence[Chosen]) -> list[Chosen]:
        """What was stopped or forbidden before this transaction is not begun after it."""
        stops = await self._allowing.stops_in(tx)
        listed = await self._allowing.listed_in(tx, [each.call for each in chosen])
        return [x for x in chosen if x.call.id not in listed and not stops.stops(x.call)]

    async def _give_up(self, call: Call, why: NoWay, looking: Looking) -> None:
        looking.given_up += 1
        logger.warning("call %s cannot be placed: %s", call.id, why.reason)
        now = self._clock.wall()
        cancelled = why.cause is HangUpCause.CANCELLED
        ended = msgspec.structs.replace(
            call,
            status=CallStatus.ENDED,
            outcome=Outcome.CANCELLED if cancelled else Outcome.FAILED,
            cause=why.cause,
            failure_reason=why.reason,
            ended_wall=now,
            updated_wall=now,
        )
        if why.may_retry:
            retry_wall = next_retry_wall(why.retry, ended)
            ended = msgspec.structs.replace(ended, next_retry_wall=retry_wall)
        async with self._log.writing() as work:
            if await give_up(work.tx, ended):
                work.tell(call.owner_id, status_event(ended))


def _anywhere(call: Call) -> Kind:
    return msgspec.structs.replace(kind_of(call), timezone="")


def _dialling(call: Call, way: Way, now: float) -> Call:
    return msgspec.structs.replace(
        call,
        status=CallStatus.DIALING,
        agent_id=way.agent.id,
        agent_name=way.agent.name,
        substitutions=way.runtime.substitutions,
        wished_line=call.line,
        wished_from=call.from_number,
        started_wall=now,
        updated_wall=now,
    )
