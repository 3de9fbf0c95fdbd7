"""SHELL: calls that come in: who answers them, or why nobody does. Held by holding.py."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine

from ...drivers.sip.trunk import LOCAL_LINE
from ...media.clock import Clock
from ...media.conversation.records import CallRecord, CallStatus as MediaStatus
from ...media.ports import HangUpCause, LegPort
from ..agents.agents import AgentRuntime
from ..dialer.call_limits import CallLimits, LimitReached
from ..domain.agents import Agent
from ..domain.calls import Call, CallStatus
from ..errors import Problem
from ..lines.routing import CallRefused, InboundRoute
from ..telemetry.log_context import CALL
from .holding import Holding

LOCAL_RING_S = 3.0
"`ringing@` of the development mode."

logger = logging.getLogger(__name__)


class Reception:
    """Takes every leg that comes in."""

    def __init__(
        self,
        holding: Holding,
        route: Callable[[str, str], Awaitable[InboundRoute]],
        runtime: Callable[[Agent], AgentRuntime],
        limits: CallLimits,
        clock: Clock,
    ) -> None:
        """`route` says who answers a line and a dialled number; `runtime` makes that one ready."""
        self._holding = holding
        self._route = route
        self._runtime = runtime
        self._limits = limits
        self._clock = clock
        self.on_unfit: Callable[[Agent, Problem], Awaitable[None]] = _nobody_is_told
        "An agent cannot answer as it is set: its callers hear that it is not available."

    def incoming(self, leg: LegPort) -> None:
        """A line's `on_incoming`."""
        if leg.line == LOCAL_LINE and leg.to_number in ("busy", "decline"):
            busy = leg.to_number == "busy"
            leg.hang_up(HangUpCause.BUSY if busy else HangUpCause.DECLINED)
            return
        self._holding.know(leg)
        self._holding.see_to(self._hold(leg), f"call {leg.wire_id}")

    async def _hold(self, leg: LegPort) -> None:
        try:
            route = await self._route(leg.line, leg.to_number)
            seat = self._limits.acquire(*route.claims)
            try:
                await self._converse(leg, route)
            finally:
                seat.release()
        except CallRefused as exc:
            logger.info("a call by line %s is refused: %s", leg.line, exc)
            leg.hang_up(exc.cause)
        except LimitReached as exc:
            logger.warning("a call by line %s is refused: %s", leg.line, exc)
            leg.hang_up(HangUpCause.BUSY)
        finally:
            leg.hang_up(HangUpCause.ERROR)  # if it is still there, we have failed it

    async def _converse(self, leg: LegPort, route: InboundRoute) -> None:
        try:
            agent = self._runtime(route.agent)
        except Problem as exc:  # settings that this version does not take
            leg.hang_up(HangUpCause.NO_ANSWER)
            await self.on_unfit(route.agent, exc)
            return
        now = self._clock.wall()
        record = CallRecord(
            id=str(uuid.uuid4()),
            line=leg.line,
            wire_id=leg.wire_id,
            inbound=True,
            from_number=leg.from_number,
            to_number=leg.to_number,
            agent=agent.settings.name,
            status=MediaStatus.RINGING,
            started_wall=now,
        )
        call = Call(
            id=record.id,
            owner_id=route.owner_id,
            inbound=True,
            from_number=leg.from_number,
            to_number=leg.to_number,
            line=leg.line,
            agent_id=route.agent.id,
            agent_name=agent.settings.name,
            status=CallStatus.RINGING,
            substitutions=agent.substitutions,
            started_wall=now,
            created_wall=now,
            updated_wall=now,
        )
        CALL.set(call.id)  # this task is the call's own
        live = self._holding.registry.add(call, record, leg.hang_up)
        try:
            await self._holding.take(leg, live, agent, _ringing(leg))
        finally:
            self._holding.registry.remove(call.id)


async def _nobody_is_told(agent: Agent, problem: Problem) -> None:
    logger.error("agent %r cannot answer: %s", agent.name, problem)


def _ringing(leg: LegPort) -> Callable[[], Coroutine[None, None, None]] | None:
    if leg.line == LOCAL_LINE and leg.to_number == "ringing":
        return lambda: asyncio.sleep(LOCAL_RING_S)
    return None
