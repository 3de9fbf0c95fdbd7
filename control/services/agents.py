"""Agents: made, changed, deleted by their owners; what they say is checked when they are written.

Not how one answers a call (control/agents.py), nor which (control/routing.py).
"""

from typing import Any

import msgspec

from ...media.clock import Clock
from ..auth.principal import Principal
from ..domain.agents import Agent, AgentKind
from ..errors import Conflict
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of

AGENTS = Rows(schema.AGENTS, Agent)
COLUMNS = schema.AGENTS.c


class AgentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which agents; None: all."""

    kind: AgentKind | None = None
    is_active: bool | None = None
    search: str | None = None
    "A part of the name."


class AgentService:
    """The verbs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, who: Principal, agent: Agent) -> Agent:
        """Store a new agent; its owner is whoever asks."""
        now = self._clock.wall()
        agent = msgspec.structs.replace(
            agent, owner_id=who.account_id, created_wall=now, updated_wall=now
        )
        async with self._database.write() as tx:
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
        if wanted.is_active is not None:
            where.append(COLUMNS.is_active == wanted.is_active)
        if wanted.search:
            where.append(COLUMNS.name.icontains(wanted.search, autoescape=True))
        async with self._database.read() as tx:
            return await AGENTS.page(tx, owner_of(who), query, *where)

    async def change(self, who: Principal, id_: str, changes: dict[str, Any]) -> Agent:
        """Change some fields. Raises NotFound, and Conflict for one from the configuration."""
        async with self._database.write() as tx:
            agent = await self._own(tx, who, id_)
            return await AGENTS.update(tx, agent, **changes, updated_wall=self._clock.wall())

    async def delete(self, who: Principal, id_: str) -> None:
        """Delete one; calls that it answered keep its name. Raises NotFound and Conflict."""
        async with self._database.write() as tx:
            agent = await self._own(tx, who, id_)
            await AGENTS.delete(tx, agent.id, agent.owner_id)

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> Agent:
        agent = await AGENTS.get(tx, id_, owner_of(who))
        if agent is None:
            raise missing("agent", id_)
        return agent

    async def _own(self, tx: Transaction, who: Principal, id_: str) -> Agent:
        agent = await self._get(tx, who, id_)
        if agent.from_configuration:
            raise Conflict(f"agent {agent.name!r} is set in the configuration: change it there")
        return agent
