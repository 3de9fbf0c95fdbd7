"""SHELL: calls that wait are placed when they are due and there is room. It waits to be woken.

What wakes it: a call that was placed, changed or cancelled (`CallService.on_pending`), one that has
ended (`Holding.on_end`), one whose next try is stored (`CallRegistry.on_retry`), a changed rule,
and the moment of the next scheduled one, retry, or end of quiet hours.

Room and pace are counted in memory, by the process that dials: where several share a database, each
has as much. What the store says (stops, quiet hours, campaigns' limits, forbidden numbers) is one.

Not here: which may start (dial_queue.py), how calls of a kind are placed (ways.py), how one is
claimed (claiming.py), when it is tried again (retry_rules.py). Who wants many calls, or regularly,
makes queued ones.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from ...media.clock import Clock
from ...media.ports import HangUpCause
from ..calls.calls import status_event
from ..domain.calls import Call
from ..services.event_log import EventLog
from ..store.call_queue import CallQueue, Place, place_retries, promote_due
from ..wake_loop import Again, WakeLoop
from .call_limits import CallLimits
from .call_pace import CallPace
from .claiming import Allowing, Claiming, Placing
from .dial_queue import Candidate, Passed, choose, kind_of
from .permission import LISTED_REASON
from .ways import DIALER, LineLimits, NoWay, Router, Runtimes, Way, Ways

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

QUOTA_REASON = "the account's tier allows no more calls this month"

BeyondQuota = Callable[[Sequence[Call]], Awaitable[set[str]]]


class Room(Protocol):
    """How many calls the server takes now."""

    def room(self) -> int: ...


class Looking(msgspec.Struct):
    """One round, as far as it is."""

    now: float
    "Monotonic, of the whole round: nobody overtakes because time goes on."
    room: int
    passed: Passed
    ways: Ways
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

    def again(self) -> Again:
        """When that is."""
        wait_s, wall = self.wait_s, self.wait_wall
        return Again(
            None if wait_s == float("inf") else wait_s, None if wall == float("inf") else wall
        )


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
        self._make_ways: Callable[[], Ways] = lambda: Ways(routing, agents, lines)
        self._limits = limits
        self._room = room
        self._claiming = Claiming(log, allowing, outgoing, clock)
        self._clock = clock
        self._allowing = allowing
        self._pace = pace
        self._max_calls = max_calls
        self.beyond_quota: BeyondQuota = _none
        "Which of these calls are more than their accounts' tiers allow in a month."
        self._loop = WakeLoop("dispatch calls", self._round, clock)

    @property
    def idle(self) -> asyncio.Event:
        """It has looked at all that waits, and waits to be woken."""
        return self._loop.idle

    def start(self) -> None:
        """Place what waits since the last time, and what will come."""
        self._loop.start()

    def wake(self) -> None:
        """Something may have changed."""
        self._loop.wake()

    async def aclose(self) -> None:
        """Begin no further call. One that is claimed is begun: it is dialled or never."""
        await self._loop.finish()

    # --- one round ------------------------------------------------------------------------------

    async def _round(self) -> Again:
        self._loop.clock_was_set()  # all is looked at anyway
        looking = Looking(self._clock.now(), 0, Passed(), self._make_ways())
        await self._look(looking)
        return looking.again()

    async def _look(self, looking: Looking) -> None:
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
        looking.begun += await self._claiming.begin(choice.chosen, looking.ways)
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
        beyond = await self.beyond_quota(calls)
        kinds = {kind_of(call) for call in calls}
        holds = await self._allowing.holds(kinds, self._clock.wall())
        found: list[Candidate] = []
        for call in calls:
            hold = holds.get(kind_of(call))
            if call.id in listed:
                await self._give_up(call, NoWay(HangUpCause.CANCELLED, LISTED_REASON), looking)
            elif call.id in beyond:
                await self._give_up(call, NoWay(HangUpCause.CANCELLED, QUOTA_REASON), looking)
            elif hold is not None and hold.over:
                await self._give_up(call, NoWay(HangUpCause.CANCELLED, hold.over), looking)
            elif hold is not None:
                looking.passed.kinds.add(kind_of(call))
                looking.look_at(hold.until_wall)
            else:
                way = await looking.ways.of(call)
                if isinstance(way, Way):
                    found.append(Candidate(call, way.claims, way.lines))
                else:
                    await self._give_up(call, way, looking)
        return found

    async def _give_up(self, call: Call, why: NoWay, looking: Looking) -> None:
        looking.given_up += 1
        await self._claiming.give_up(call, why)


async def _none(calls: Sequence[Call]) -> set[str]:
    return set()
