"""SHELL: calls that wait are placed when they are due and there is room. It waits to be woken.

What wakes it: a call that was placed, changed or cancelled (`CallService.on_pending`), one that has
ended (`Holding.on_end`), and the moment of the next scheduled one. A call is claimed, stored as
dialling, before its line is told of it: what a crash cuts off then is over, never dialled again.

Not here: which may start (dial_queue.py), how one is placed (outgoing.py). Who wants calls placed
again, or many, or regularly, makes queued ones (services/calls.py), and is told of their ends by
the event bus.
"""

import asyncio
import logging
from typing import Protocol

import msgspec

from ..media.clock import Clock, Timer
from ..media.ports import HangUpCause
from .agents import AgentRuntime
from .call_limits import CallLimits, Claim
from .calls import status_event
from .dial_queue import Candidate, Chosen, choose
from .domain.agents import Agent
from .domain.calls import Call, CallStatus, CallSummary, Outcome
from .errors import Problem, StoreError
from .outgoing import Outgoing
from .routing import CallRefused
from .services.event_log import EventLog
from .store.call_queue import CallQueue, Place, claim, give_up, promote_due

PAGE = 32
"Calls that are looked at together."
LOOKED_AT = 512
"... in one round. It is rare that so many of the first have to wait for a line or a number."
STARTS = 8
"Calls that are begun in one round; the next follows after PACE_S."
PACE_S = 0.1
NO_ROOM_S = 1.0
"When the server is full or late it is tried again after that."
BLOCKED_S = 5.0
"When only limits are in the way: their room may have been given back without a call's end."
MAX_AHEAD_S = 3600.0
"A timer looks at the wall clock as often, which may be set."

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


class Way(msgspec.Struct, frozen=True):
    """How calls of one kind are placed now: the same for all of a campaign."""

    lines: tuple[Claim, ...]
    claims: tuple[Claim, ...]
    agent: Agent
    runtime: AgentRuntime


Ways = dict[tuple[str, str, str, str | None], Way | CallRefused]
"By owner, calling number, line and agent; for one round."


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
        outgoing: Outgoing,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._log = log
        self._routing = routing
        self._agents = agents
        self._lines = lines
        self._limits = limits
        self._room = room
        self._outgoing = outgoing
        self._clock = clock
        self._woken = asyncio.Event()
        self.idle = asyncio.Event()
        "It has looked at all that waits, and waits to be woken."
        self._task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None
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
        if self._timer is not None:
            self._timer.cancel()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self._closing:
                return
            try:
                wait_s = await self._round()
            except StoreError as exc:
                logger.error("calls that wait cannot be read: %s", exc)
                wait_s = NO_ROOM_S
            except Exception:
                # At the task's root: without it no call would ever be placed again.
                logger.exception("dispatching failed")
                wait_s = NO_ROOM_S
            self._arm(wait_s)
            if not self._woken.is_set():
                self.idle.set()

    def _arm(self, wait_s: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if wait_s is not None:
            at = self._clock.now() + min(wait_s, MAX_AHEAD_S)
            self._timer = self._clock.call_at(at, self.wake)

    # --- one round ------------------------------------------------------------------------------

    async def _round(self) -> float | None:
        """Begin what may begin; returns in how many seconds to look again, None: when woken."""
        waits = [await self._promote()]
        room = self._room.room()
        after: Place | None = None
        passed: set[str] = set()
        ways: Ways = {}
        begun = looked = 0
        while looked < LOOKED_AT:
            calls = await self._queue.waiting(after, passed, PAGE)
            if not calls:
                break
            if room <= 0:
                waits.append(NO_ROOM_S)
                break
            looked += len(calls)
            after = (calls[-1].priority_rank, calls[-1].seq)
            candidates = await self._candidates(calls, ways)
            choice = choose(candidates, self._limits, min(room, STARTS) - begun)
            passed |= choice.full_owners
            begun += await self._begin(choice.chosen, ways)
            if begun >= min(room, STARTS):
                waits.append(PACE_S)
                break
            if choice.waits:
                waits.append(BLOCKED_S)
        return min((wait for wait in waits if wait is not None), default=None)

    async def _promote(self) -> float | None:
        """Queue what has become due; returns in how many seconds the next is."""
        while True:
            now = self._clock.wall()
            async with self._log.writing() as work:
                queued = await promote_due(work.tx, now, PAGE)
                for call in queued:
                    work.tell(call.owner_id, status_event(call))
            if len(queued) < PAGE:
                break
        due = await self._queue.next_due()
        return None if due is None else max(0.0, due - self._clock.wall())

    async def _candidates(self, calls: list[Call], ways: Ways) -> list[Candidate]:
        """With what they need; those that cannot be placed at all are over."""
        found: list[Candidate] = []
        for call in calls:
            key = _kind(call)
            way = ways.get(key)
            if way is None:
                way = ways[key] = await self._way(call)
            if isinstance(way, CallRefused):
                await self._fail(call, way)
            else:
                found.append(Candidate(call, way.claims, way.lines))
        return found

    async def _way(self, call: Call) -> Way | CallRefused:
        try:
            names = await self._routing.outbound(call)
            claims = await self._routing.outbound_claims(call)
            agent = await self._routing.agent_for(call)
            runtime = self._agents.runtime(agent)
        except CallRefused as exc:
            return exc
        except Problem as exc:  # settings of an agent that this version does not take
            return CallRefused(HangUpCause.ERROR, str(exc))
        return Way(tuple(self._lines.claim(name) for name in names), claims, agent, runtime)

    async def _begin(self, chosen: tuple[Chosen, ...], ways: Ways) -> int:
        """Claim them, all in one transaction, and let them be dialled; returns how many."""
        if not chosen:
            return 0
        claimed: list[tuple[Chosen, Way]] = []
        try:
            async with self._log.writing() as work:
                now = self._clock.wall()
                for each in chosen:
                    if not await claim(work.tx, each.call, now):
                        continue
                    way = ways[_kind(each.call)]
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
            self._outgoing.begin(each, way.runtime)
        ids = {each.call.id for each, _ in claimed}
        for each in chosen:
            if each.call.id not in ids:
                each.release()
        return len(claimed)

    async def _fail(self, call: Call, why: CallRefused) -> None:
        logger.warning("call %s cannot be placed: %s", call.id, why)
        now = self._clock.wall()
        async with self._log.writing() as work:
            if await give_up(work.tx, call, why.cause.value, why.reason, now):
                ended = msgspec.structs.replace(
                    call,
                    status=CallStatus.ENDED,
                    outcome=Outcome.FAILED,
                    failure_reason=why.reason,
                    updated_wall=now,
                )
                work.tell(call.owner_id, status_event(ended))


def _kind(call: Call) -> tuple[str, str, str, str | None]:
    return call.owner_id, call.from_number, call.line, call.agent_id


def _dialling(call: Call, way: Way, now: float) -> Call:
    return msgspec.structs.replace(
        call,
        status=CallStatus.DIALING,
        agent_id=way.agent.id,
        agent_name=way.agent.name,
        substitutions=way.runtime.substitutions,
        started_wall=now,
        updated_wall=now,
    )
