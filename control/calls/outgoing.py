"""SHELL: one call that goes out: its lines in their order until somebody's telephone rings.

A line that fails before that is followed by the next one. Nothing is dialled twice: not by another
line after it rang, and not after a crash, because the call was stored as dialling before.
"""

import asyncio
import functools
import logging
from typing import Protocol

from ...media.clock import Clock, Timer
from ...media.conversation.records import CallEnded, CallRecord, CallStatus as MediaStatus
from ...media.errors import MediaError, Refused
from ...media.ports import (
    AnyLegEvent,
    HangUpCause,
    LegAnswered,
    LegEnded,
    LegPort,
    LegRinging,
)
from ..agents.agents import AgentRuntime
from ..dialer.call_pace import CallPace
from ..dialer.dial_queue import Chosen, may_try_next
from ..domain.calls import LineAttempt
from ..domain.dialing import RetryPolicy
from ..telemetry.log_context import CALL
from .calls import LiveCall
from .holding import Holding

logger = logging.getLogger(__name__)


class LineCalls(Protocol):
    """What is asked of the lines (lines.py)."""

    def call(self, name: str, to_number: str, from_number: str = "") -> LegPort:
        """Call a number by a line. Raises MediaError."""
        ...


class Outgoing:
    """Places calls that were chosen and claimed."""

    def __init__(self, holding: Holding, lines: LineCalls, clock: Clock, pace: CallPace) -> None:
        self._holding = holding
        self._lines = lines
        self._clock = clock
        self._pace = pace

    def begin(self, chosen: Chosen, agent: AgentRuntime, retry: RetryPolicy | None) -> None:
        """See to a call, which is stored as dialling. Returns at once.

        `retry`: its agent's rules for another try.
        """
        call = chosen.call
        record = CallRecord(
            id=call.id,
            line=chosen.lines[0],
            wire_id="",
            inbound=False,
            from_number=call.from_number,
            to_number=call.to_number,
            agent=agent.settings.name,
            status=MediaStatus.RINGING,
            started_wall=call.started_wall or self._clock.wall(),
        )
        live = self._holding.registry.add(call, record, _nothing_yet, is_new=False)
        live.retry = retry
        dialling = Dialling(live, self._holding, self._lines, self._clock, self._pace)
        live.hang_up = dialling.give_up
        self._holding.see_to(self._place(chosen, live, dialling, agent), f"call to {call.line}")

    async def _place(
        self, chosen: Chosen, live: LiveCall, dialling: "Dialling", agent: AgentRuntime
    ) -> None:
        CALL.set(live.id)  # this task is the call's own
        leg: LegPort | None = None
        try:
            leg = await dialling.reach(chosen)
            if leg is not None:
                await self._holding.go_on(leg, live, agent, dialling.events)
        finally:
            dialling.close()
            if leg is not None:
                leg.hang_up(HangUpCause.ERROR)  # if it is still there, we have failed it
            chosen.release()
            if live.record.status is not MediaStatus.ENDED:
                self._end(live, dialling.end or LegEnded(HangUpCause.ERROR, by_us=True))
            self._holding.registry.remove(live.id)

    def _end(self, live: LiveCall, end: LegEnded) -> None:
        """A call that never had a conversation is over."""
        record = live.record
        record.status = MediaStatus.ENDED
        record.cause, record.ended_by_us, record.sip_status = end.cause, end.by_us, end.status
        record.ended_wall = self._clock.wall()
        live.heard_end(end)
        event = CallEnded(live.id, record.ended_wall, 0, end.cause, end.by_us, end.status)
        self._holding.registry.tell(event)


class Dialling:
    """The time from the first line to the first ring."""

    def __init__(
        self, live: LiveCall, holding: Holding, lines: LineCalls, clock: Clock, pace: CallPace
    ) -> None:
        self._live = live
        self._holding = holding
        self._lines = lines
        self._clock = clock
        self._pace = pace
        self._leg: LegPort | None = None
        self._decided = asyncio.Event()
        self._given_up = False
        self._timer: Timer | None = None
        self.events: list[AnyLegEvent] = []
        "What the last leg has told."
        self.end: LegEnded | None = None
        "How the last leg has ended, if it has."

    def give_up(self) -> None:
        """Somebody does not want the call any more."""
        self._given_up = True
        if self._leg is not None:
            self._leg.hang_up(HangUpCause.NORMAL)

    def close(self) -> None:
        """The call is over: it is not to be let ring any more."""
        if self._timer is not None:
            self._timer.cancel()

    async def reach(self, chosen: Chosen) -> LegPort | None:
        """The leg that rings or is answered; None: there is none, `end` says why."""
        for index, name in enumerate(chosen.lines):
            if index:
                await self._turn_of(name)  # the first one's was seen to before it was chosen
            if self._given_up:
                self.end = LegEnded(HangUpCause.CANCELLED, by_us=True)
                return None
            leg = await self._try(name, chosen)
            if leg is not None:
                return leg
            assert self.end is not None, "a leg that did not ring has ended"
            if index + 1 == len(chosen.lines) or not may_try_next(self.end, self._live.rang):
                return None
            self._note(name, self.end)
        return None

    async def _turn_of(self, line: str) -> None:
        """Wait until the line may begin a call."""
        wait_s = self._pace.spend(line, self._clock.now())
        if wait_s > 0.0:
            turn = asyncio.Event()
            timer = self._clock.call_at(self._clock.now() + wait_s, turn.set)
            try:
                await turn.wait()
            finally:
                timer.cancel()

    async def _try(self, name: str, chosen: Chosen) -> LegPort | None:
        call, record = chosen.call, self._live.record
        self.events, self.end = [], None
        self._decided.clear()
        chosen.line_seat.release()  # the line itself counts from here on, and nothing comes between
        try:
            leg = self._leg = self._lines.call(name, call.to_number, call.from_number)
        except MediaError as exc:
            cause = HangUpCause.OVERLOADED if isinstance(exc, Refused) else HangUpCause.NETWORK
            self.end = LegEnded(cause, by_us=False, reason=str(exc))
            record.line = name
            return None
        leg.sink = self._receive
        self._holding.know(leg)
        record.line, record.wire_id = name, leg.wire_id
        record.from_number = leg.from_number or record.from_number
        self._arm(leg, call.ring_limit_s)
        try:
            await self._decided.wait()
        except BaseException:
            leg.hang_up(HangUpCause.NORMAL)
            raise
        if self.end is not None and not self._rings():
            self._leg = None
            self.close()
            return None
        return leg

    def _receive(self, event: AnyLegEvent) -> None:
        self.events.append(event)
        if isinstance(event, LegEnded):
            self.end = event
        if isinstance(event, LegEnded | LegRinging | LegAnswered):
            self._decided.set()

    def _rings(self) -> bool:
        return any(isinstance(event, LegRinging | LegAnswered) for event in self.events)

    def _arm(self, leg: LegPort, limit_s: float) -> None:
        self.close()
        at = self._clock.now() + limit_s
        self._timer = self._clock.call_at(at, functools.partial(self._ring_no_longer, leg))

    def _ring_no_longer(self, leg: LegPort) -> None:
        if self._live.record.answered_wall is None:
            leg.hang_up(HangUpCause.NO_ANSWER)

    def _note(self, line: str, end: LegEnded) -> None:
        """The line has failed, and another one is tried."""
        logger.warning("line %s: %s", line, end.reason or end.cause.value)
        attempt = LineAttempt(
            line=line,
            at_wall=self._clock.wall(),
            cause=end.cause,
            sip_status=end.status,
            q850=end.q850,
            gsm_cause=end.gsm_cause,
            reason=end.reason,
        )
        attempts = (*self._live.attempts, attempt)
        self._holding.registry.changed(self._live.id, attempts=attempts)


def _nothing_yet() -> None:
    """Until there is something to be given up."""
