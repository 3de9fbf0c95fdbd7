"""How calls of a kind are placed now: by which lines, counted for what, with whom at our end.

It makes no difference where the number is, and in one round of the dispatcher it stays the same; so
each is found once a round. Not here: which lines those are (lines/routing.py).
"""

from typing import Protocol

import msgspec

from ...media.ports import HangUpCause
from ..agents.agents import AgentRuntime
from ..domain.agents import Agent
from ..domain.calls import Call, CallSummary
from ..domain.dialing import RetryPolicy
from ..errors import Problem
from ..lines.routing import CallRefused
from .call_limits import Claim, Counted
from .dial_queue import Kind, kind_of

DIALER = Claim(Counted.DIALER, "")


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


class Ways:
    """Of one round."""

    def __init__(self, routing: Router, agents: Runtimes, lines: LineLimits) -> None:
        self._routing = routing
        self._agents = agents
        self._lines = lines
        self._found: dict[Kind, Way | NoWay] = {}

    async def of(self, call: Call) -> Way | NoWay:
        """How this call is placed. Raises StoreError."""
        kind = _anywhere(call)
        way = self._found.get(kind)
        if way is None:
            way = self._found[kind] = await self._find(call)
        return way

    def found(self, call: Call) -> Way:
        """The same, of a call that was a candidate in this round."""
        way = self._found[_anywhere(call)]
        assert isinstance(way, Way), "only such were candidates"
        return way

    async def _find(self, call: Call) -> Way | NoWay:
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


def _anywhere(call: Call) -> Kind:
    return msgspec.structs.replace(kind_of(call), timezone="")
