"""SHELL: who answers a call that comes in, and which lines a call that goes out may take.

In: by the dialled number, by the line, by default. Out: by the line that is asked for, by the line
of the number that calls, in the order of the configuration. What stands in the store decides; the
configuration is mirrored there (services/mirroring.py).
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import select

from ...media.clock import Clock
from ...media.ports import HangUpCause
from ..auth.principal import OPERATOR_ID
from ..configuration.config import Settings
from ..configuration.configured import BUILT_IN, BUILT_IN_ID, default_agent_of
from ..dialer.call_limits import Claim, Counted
from ..dialer.dialling import spellings
from ..domain.agents import Agent, AgentKind
from ..domain.calls import CallSummary
from ..domain.lines import Line, LineKind
from ..domain.numbers import PhoneNumber
from ..errors import ControlError
from ..services.accounts import ACCOUNTS
from ..services.agents import AGENTS
from ..services.modems import MODEMS
from ..services.numbers import NUMBERS
from ..store import schema
from ..store.database import Database, Transaction
from .lines import Lines, is_local
from .open_hours import is_open


class CallRefused(ControlError):
    """A call is not taken, or cannot be placed; `cause` is what its far end is told."""

    code = "call_refused"

    def __init__(self, cause: HangUpCause, reason: str) -> None:
        super().__init__(cause, reason)
        self.cause = cause
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class InboundRoute(msgspec.Struct, frozen=True):
    """Who answers a call."""

    agent: Agent
    owner_id: str
    "Whose call it is."
    number: PhoneNumber | None = None
    "The number that was dialled, when it is one of ours."
    claims: tuple[Claim, ...] = ()
    "What it counts for: its account, its number, its line."


class Routing:
    """Decides for every call."""

    def __init__(self, settings: Settings, database: Database, lines: Lines, clock: Clock) -> None:
        self._database = database
        self._lines = lines
        self._clock = clock
        self._line_agents = {line.name: line.agent for line in settings.lines if line.agent}
        self._line_agents |= {trunk.name: trunk.agent for trunk in settings.trunks if trunk.agent}
        self._default = default_agent_of(settings)
        self._order = settings.outbound_lines

    # --- in --------------------------------------------------------------------------------------

    async def inbound(self, line: str, number: str) -> InboundRoute:
        """Who answers `number`, dialled by `line`. Raises CallRefused and StoreError."""
        async with self._database.read() as tx:
            dialled = await self._number(tx, line, number)
            if dialled is None:
                agent, owner_id = await self._default_agent(tx, line), await _owner(tx, line)
            else:
                agent, owner_id = await self._who_answers(tx, line, dialled), dialled.owner_id
            claims = [await _account_claim(tx, owner_id), self._lines.claim(line)]
            if dialled is not None:
                claims.append(_number_claim(dialled))
        return InboundRoute(agent, owner_id, dialled, tuple(claims))

    async def agent_for(self, call: CallSummary) -> Agent:
        """Who speaks in a call that goes out: the one it names, else the default one.

        Raises CallRefused when that one is gone, switched off, or a person.
        """
        async with self._database.read() as tx:
            if call.agent_id is None:
                return await self._default_agent(tx, call.line)
            agent = await AGENTS.get(tx, call.agent_id, None)
        if agent is None:
            raise CallRefused(HangUpCause.ERROR, "its agent is gone")
        return _answering(agent, HangUpCause.ERROR)

    # --- out -------------------------------------------------------------------------------------

    async def outbound(self, call: CallSummary) -> tuple[str, ...]:
        """The lines to be tried for a call, in order. Raises CallRefused and StoreError.

        A line that the call asks for is the only one. Those that are known to be down come last.
        """
        async with self._database.read() as tx:
            own = await _from(tx, call)
            forbidden = await _modems_of_others(tx, call.owner_id)
        if own is not None and not own.is_active:
            raise CallRefused(HangUpCause.ERROR, "the number that calls is not active")
        if call.line:
            names: Iterable[str] = (call.line,)
        else:
            first = () if own is None or own.line is None else (own.line,)
            names = dict.fromkeys((*first, *self._in_order()))
        lines = [self._lines.get(name) for name in names if name not in forbidden]
        able = [line for line in lines if line is not None and line.can_call_out]
        if not able:
            what = f"line {call.line!r} cannot call out" if call.line else "no line calls out"
            raise CallRefused(HangUpCause.NETWORK, what)
        able.sort(key=lambda line: not line.is_usable)  # stable
        return tuple(line.name for line in able)

    async def outbound_claims(self, call: CallSummary) -> tuple[Claim, ...]:
        """What a call that goes out counts for, but for its line, which Lines.call counts."""
        async with self._database.read() as tx:
            own = await _from(tx, call)
            claims = [await _account_claim(tx, call.owner_id)]
            if call.campaign_id is not None:
                claims += await _campaign_claims(tx, call.campaign_id)
        return tuple(claims) if own is None else (*claims, _number_claim(own))

    def _in_order(self) -> tuple[str, ...]:
        if self._order:
            return self._order
        lines = [line for line in self._lines.all() if line.can_call_out]
        real = [line for line in lines if not line.simulated]
        return tuple(line.name for line in _carriers_first(real or lines))

    # --- inside ----------------------------------------------------------------------------------

    async def _number(self, tx: Transaction, line: str, number: str) -> PhoneNumber | None:
        forms = spellings(number)
        found = await NUMBERS.all(tx, None, NUMBERS.table.c.number.in_(forms))
        fitting = [each for each in found if each.line in (None, line) or is_local(line)]
        return min(fitting, key=lambda each: forms.index(each.number), default=None)

    async def _who_answers(self, tx: Transaction, line: str, number: PhoneNumber) -> Agent:
        if not number.is_active:
            raise CallRefused(HangUpCause.NOT_FOUND, "the number is not active")
        id_ = number.agent_id
        if not is_open(number.open_hours, self._clock.wall()):
            id_ = number.closed_agent_id
            if id_ is None:
                raise CallRefused(HangUpCause.BUSY, "outside the number's hours")
        agent = None if id_ is None else await AGENTS.get(tx, id_, number.owner_id)
        if agent is None:
            return await self._default_agent(tx, line)
        return _answering(agent, HangUpCause.BUSY)

    async def _default_agent(self, tx: Transaction, line: str) -> Agent:
        name = self._line_agents.get(line) or self._default
        agent = None
        if name is not None:
            c = AGENTS.table.c
            is_configured = (c.name == name, c.from_configuration.is_(True), c.is_active.is_(True))
            agent = await AGENTS.find(tx, OPERATOR_ID, *is_configured, c.id != BUILT_IN_ID)
        return agent or await AGENTS.get(tx, BUILT_IN_ID, None) or BUILT_IN


def _answering(agent: Agent, cause: HangUpCause) -> Agent:
    if not agent.is_active:
        raise CallRefused(cause, f"agent {agent.name!r} is switched off")
    if agent.kind is not AgentKind.AI:
        raise CallRefused(cause, f"agent {agent.name!r} is a person")
    return agent


async def _owner(tx: Transaction, line: str) -> str:
    """Whose a call to no number of ours is: the account's that the modem is assigned to."""
    modem = await MODEMS.find(tx, None, MODEMS.table.c.name == line)
    return (modem and modem.assigned_account_id) or OPERATOR_ID


async def _from(tx: Transaction, call: CallSummary) -> PhoneNumber | None:
    """The number that a call goes out from, when it is its owner's."""
    forms = spellings(call.from_number)
    return await NUMBERS.find(tx, call.owner_id, NUMBERS.table.c.number.in_(forms))


async def _modems_of_others(tx: Transaction, owner_id: str) -> set[str]:
    c = MODEMS.table.c
    mine = c.assigned_account_id != owner_id  # NULL, assigned to nobody, does not differ
    return {modem.name for modem in await MODEMS.all(tx, None, mine)}


async def _account_claim(tx: Transaction, owner_id: str) -> Claim:
    account = await ACCOUNTS.get(tx, owner_id, None)
    if account is None or not account.is_active:
        raise CallRefused(HangUpCause.NOT_FOUND, "the account is not active")
    return Claim(Counted.ACCOUNT, owner_id, account.max_live_calls)


async def _campaign_claims(tx: Transaction, campaign_id: str) -> list[Claim]:
    most = select(schema.CAMPAIGNS.c.max_concurrent).where(schema.CAMPAIGNS.c.id == campaign_id)
    return [Claim(Counted.CAMPAIGN, campaign_id, m) for m in (await tx.execute(most)).scalars()]


def _number_claim(number: PhoneNumber) -> Claim:
    return Claim(Counted.NUMBER, number.id, number.max_live_calls)


def _carriers_first(lines: list[Line]) -> list[Line]:
    order = (LineKind.SIP_TRUNK, LineKind.SIP_ACCOUNT, LineKind.MODEM, LineKind.LOOPBACK)
    return sorted(lines, key=lambda line: order.index(line.kind))
