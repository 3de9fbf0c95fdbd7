"""Calls whose course their owners state: expected, begun and ended elsewhere, by no line of ours.

They wait without a moment (`Call.scheduled_wall`): nobody dials them.
"""

from typing import Any

from ...media.clock import Clock
from ..auth.principal import Principal
from ..calls.calls import status_event
from ..domain.calls import Call, CallStatus, Outcome
from ..errors import Conflict, Unprocessable
from ..store.calls import CALLS
from .access import missing, owner_of
from .calls import NewCall, faults_of, speaking_agent
from .event_log import EventLog

LINE = "stated"
"What such a call is said to be on."


class StatedCalls:
    """The verbs."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    def now_wall(self) -> float:
        """The moment, for who tells of it."""
        return self._clock.wall()

    def is_stated(self, call: Call) -> bool:
        """Whether it is one of these."""
        return call.inbound and call.line == LINE

    async def expect(
        self, who: Principal, agent_id: str, from_number: str, metadata: dict[str, Any]
    ) -> Call:
        """A call that is to come in. Raises Unprocessable naming fields."""
        now = self._clock.wall()
        errors = faults_of(NewCall(to=from_number, metadata=metadata), now)
        async with self._log.writing() as work:
            agent_name, fault = await speaking_agent(work.tx, owner_of(who), agent_id)
            if fault is not None:
                errors.append(fault)
            if errors:
                raise Unprocessable("no such call can be expected", errors)
            call = await CALLS.add(
                work.tx,
                Call(
                    owner_id=who.account_id,
                    inbound=True,
                    from_number=from_number,
                    to_number="",
                    line=LINE,
                    agent_id=agent_id,
                    agent_name=agent_name,
                    status=CallStatus.SCHEDULED,
                    metadata=metadata,
                    created_wall=now,
                    updated_wall=now,
                ),
            )
            work.tell(call.owner_id, status_event(call))
        return call

    async def state(
        self, who: Principal, id_: str, status: CallStatus, outcome: Outcome | None
    ) -> Call:
        """It is live now, or has ended so. Raises NotFound, and Conflict for any other call."""
        now = self._clock.wall()
        async with self._log.writing() as work:
            call = await CALLS.get(work.tx, id_, owner_of(who))
            if call is None:
                raise missing("call", id_)
            if not self.is_stated(call) or call.status is CallStatus.ENDED:
                raise Conflict(f"call {id_} is {call.status.value}: nothing can be stated of it")
            answered = call.answered_wall
            if status is CallStatus.LIVE:
                answered = now if answered is None else answered
            changes: dict[str, Any] = {"status": status, "answered_wall": answered}
            changes["started_wall"] = call.started_wall or answered
            if status is CallStatus.ENDED:
                changes |= {"outcome": outcome, "ended_wall": now}
                changes["duration_s"] = None if answered is None else max(0.0, now - answered)
            call = await CALLS.update(work.tx, call, **changes, updated_wall=now)
            work.tell(call.owner_id, status_event(call))
        return call
