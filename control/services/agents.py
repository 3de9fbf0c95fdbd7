"""Agents: made, changed, deleted by their owners; what they say is checked when they are written.

Not how one answers a call (control/agents/agents.py), nor which (control/lines/routing.py).
"""

from typing import Any

import msgspec
from sqlalchemy import func

from ...media.clock import Clock
from ..agents.agent_settings import house_of, turn_of
from ..analysis.checklist import faults as analysis_faults
from ..auth.principal import Principal
from ..dialer.dialling import dialled
from ..domain.agents import Agent, AgentKind, Availability
from ..errors import Conflict, FieldError, Unprocessable
from ..lines.open_hours import faults, is_open
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of

AGENTS = Rows(schema.AGENTS, Agent)
COLUMNS = schema.AGENTS.c
MAX_HUMANS = 1000
"Of one account, that are looked at for one who takes a call."


class AgentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which agents; None: all."""

    kind: AgentKind | None = None
    owner_id: str | None = None
    "Only of this account; it is no permission."
    is_active: bool | None = None
    name: str | None = None
    "Exactly."
    search: str | None = None
    "A part of the name."


class AgentService:
    """The verbs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, who: Principal, agent: Agent, *, alone: bool = False) -> Agent:
        """Store a new agent; its owner is whoever asks. Raises Unprocessable naming fields.

        `alone`: no other of the owner's may be called so, in whatever case: raises Conflict then.
        """
        check(agent)
        now = self._clock.wall()
        agent = msgspec.structs.replace(
            agent, owner_id=who.account_id, created_wall=now, updated_wall=now
        )
        async with self._database.write() as tx:
            if alone:
                await _check_alone(tx, agent)
            return await AGENTS.add(tx, agent)

    async def get(self, who: Principal, id_: str) -> Agent:
        """One agent. Raises NotFound."""
        async with self._database.read() as tx:
            return await self._get(tx, who, id_)

    async def page(self, who: Principal, query: PageQuery, wanted: AgentFilter) -> Page[Agent]:
        """Agents in pages."""
        where = []
        if wanted.kind is not None:
            where.append(COLUMNS.kind == wanted.kind.value)
        if wanted.owner_id is not None:
            where.append(COLUMNS.owner_id == wanted.owner_id)
        if wanted.is_active is not None:
            where.append(COLUMNS.is_active == wanted.is_active)
        if wanted.name is not None:
            where.append(COLUMNS.name == wanted.name)
        if wanted.search:
            where.append(COLUMNS.name.icontains(wanted.search, autoescape=True))
        async with self._database.read() as tx:
            return await AGENTS.page(tx, owner_of(who), query, *where)

    async def change(
        self, who: Principal, id_: str, changes: dict[str, Any], *, alone: bool = False
    ) -> Agent:
        """Change some fields; calls in progress keep what they began with.

        `alone` as for `create`. Raises NotFound and Unprocessable, and Conflict for one that is
        set in the configuration.
        """
        async with self._database.write() as tx:
            agent = await self._own(tx, who, id_)
            changed = msgspec.structs.replace(agent, **changes)
            check(changed)
            if alone:
                await _check_alone(tx, changed)
            return await AGENTS.update(tx, agent, **changes, updated_wall=self._clock.wall())

    async def delete(self, who: Principal, id_: str) -> None:
        """Delete one; calls that it answered keep its name. Raises NotFound and Conflict."""
        async with self._database.write() as tx:
            agent = await self._get(tx, who, id_)
            if agent.is_active:  # one that is gone from the file is switched off there
                _not_from_configuration(agent)
            await AGENTS.delete(tx, agent.id, agent.owner_id)

    async def available_humans(self, owner_id: str, wall: float) -> list[Agent]:
        """People of an account who take calls at the moment `wall`, those made first first."""
        async with self._database.read() as tx:
            humans = await AGENTS.all(
                tx,
                owner_id,
                COLUMNS.kind == AgentKind.HUMAN.value,
                COLUMNS.is_active.is_(True),
                COLUMNS.availability == Availability.AVAILABLE.value,
                limit=MAX_HUMANS,
            )
        return [
            human
            for human in humans
            if (human.address or human.phone_number) and is_open(human.open_hours, wall)
        ]

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> Agent:
        agent = await AGENTS.get(tx, id_, owner_of(who))
        if agent is None:
            raise missing("agent", id_)
        return agent

    async def _own(self, tx: Transaction, who: Principal, id_: str) -> Agent:
        agent = await self._get(tx, who, id_)
        _not_from_configuration(agent)
        return agent


def check(agent: Agent) -> None:
    """Raises Unprocessable for values that no call could be made with; all are told together."""
    errors: list[FieldError] = []
    for settings, read in ((agent.house, house_of), (agent.turn, turn_of)):
        try:
            read(settings)
        except Unprocessable as exc:
            errors += exc.errors
    if agent.open_hours is not None:
        errors += faults(agent.open_hours)
    errors += analysis_faults(agent.analysis)
    if agent.address is not None and dialled(agent.address) is None:
        errors.append(FieldError("address", "neither a number nor a SIP address"))
    if errors:
        raise Unprocessable("the agent does not fit", errors)


async def _check_alone(tx: Transaction, agent: Agent) -> None:
    same = func.lower(COLUMNS.name) == agent.name.lower()
    if await AGENTS.find(tx, agent.owner_id, same, COLUMNS.id != agent.id) is not None:
        raise Conflict("there is an agent of that name already", field="name")


def _not_from_configuration(agent: Agent) -> None:
    if agent.from_configuration:
        raise Conflict(f"agent {agent.name!r} is set in the configuration: change it there")
