"""SHELL: calls that were chosen are claimed and begun; those that cannot be placed are over.

A call is claimed, stored as dialling, before its line is told of it: what a crash cuts off then is
over, never dialled again. Not here: which may start (dial_queue.py), what forbids it
(permission.py), how one is placed (calls/outgoing.py).
"""

import logging
from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from ...media.clock import Clock
from ...media.ports import HangUpCause
from ..agents.agents import AgentRuntime
from ..calls.calls import status_event
from ..domain.calls import Call, CallStatus, CallSummary, Outcome
from ..domain.dialing import RetryPolicy
from ..services.event_log import EventLog
from ..store.call_queue import claim, give_up
from ..store.calls import CALLS
from ..store.database import Transaction
from .dial_queue import Chosen, Kind
from .permission import Hold, Stops
from .retry_rules import next_retry_wall
from .ways import NoWay, Way, Ways

logger = logging.getLogger(__name__)


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


class Claiming:
    """Both verbs raise StoreError."""

    def __init__(self, log: EventLog, allowing: Allowing, outgoing: Placing, clock: Clock) -> None:
        self._log = log
        self._allowing = allowing
        self._outgoing = outgoing
        self._clock = clock

    async def begin(self, chosen: tuple[Chosen, ...], ways: Ways) -> int:
        """Claim them, all in one transaction, and let them be dialled; returns how many.

        The room of those that do not wait any more is given back.
        """
        if not chosen:
            return 0
        claimed: list[tuple[Chosen, Way]] = []
        try:
            async with self._log.writing() as work:
                now = self._clock.wall()
                for each in await self._still_allowed(work.tx, chosen):
                    if not await claim(work.tx, each.call, now):
                        continue
                    way = ways.found(each.call)
                    # As it is now: its data may have been changed since it was looked at.
                    current = await CALLS.get(work.tx, each.call.id, None)
                    call = _dialling(current or each.call, way, now)
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

    async def give_up(self, call: Call, why: NoWay) -> None:
        """It is over, undialled, unless somebody has changed it meanwhile."""
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

    async def _still_allowed(self, tx: Transaction, chosen: Sequence[Chosen]) -> list[Chosen]:
        """What was stopped or forbidden before this transaction is not begun after it."""
        stops = await self._allowing.stops_in(tx)
        listed = await self._allowing.listed_in(tx, [each.call for each in chosen])
        return [x for x in chosen if x.call.id not in listed and not stops.stops(x.call)]


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
