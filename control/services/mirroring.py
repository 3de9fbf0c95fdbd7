"""What stands in the configuration, kept in the store as well: agents, numbers, modems.

The file decides: what it changes is changed here at the next start, and the API does not change it.
What is gone from the file is deleted; an agent that calls refer to is switched off instead.
"""

import logging
from typing import Any

import msgspec
from sqlalchemy import select

from ...media.clock import Clock
from ..auth.principal import OPERATOR_ID
from ..configuration.config import Settings
from ..configuration.configured import BUILT_IN, BUILT_IN_ID, agents_of, modems_of
from ..dialer.dialling import bare
from ..domain.agents import Agent
from ..domain.entity import Entity
from ..domain.numbers import PhoneNumber
from ..store import schema
from ..store.database import Database, Transaction
from .agents import AGENTS
from .modems import MODEMS
from .numbers import NUMBERS

ITS_OWN = {"id", "seq", "created_wall", "updated_wall", "retry"}
"What the store gives an entity, whatever the file says; when calls are retried it does not say."
MAX_ENTRIES = 100_000

logger = logging.getLogger(__name__)


async def mirror(settings: Settings, database: Database, clock: Clock) -> None:
    """Bring the store to what the file says. Once, at the start. Raises StoreError."""
    async with database.write() as tx:
        now = clock.wall()
        agents = await _agents(tx, settings, now)
        await _numbers(tx, settings, agents, now)
        await _modems(tx, settings, now)


async def _agents(tx: Transaction, settings: Settings, now: float) -> dict[str, Agent]:
    c = AGENTS.table.c
    stored = await AGENTS.all(
        tx, OPERATOR_ID, c.from_configuration.is_(True), c.id != BUILT_IN_ID, limit=MAX_ENTRIES
    )
    had = {agent.name: agent for agent in stored}
    built_in = await AGENTS.get(tx, BUILT_IN_ID, None)
    await _put(tx, AGENTS, built_in, BUILT_IN, now)
    agents = {
        agent.name: await _put(tx, AGENTS, had.pop(agent.name, None), agent, now)
        for agent in agents_of(settings)
    }
    for gone in had.values():
        called = select(schema.CALLS.c.seq).where(schema.CALLS.c.agent_id == gone.id).limit(1)
        if (await tx.execute(called)).first() is None:
            await AGENTS.delete(tx, gone.id, OPERATOR_ID)
        elif gone.is_active:
            await AGENTS.update(tx, gone, is_active=False, updated_wall=now)
    return agents


async def _numbers(
    tx: Transaction, settings: Settings, agents: dict[str, Agent], now: float
) -> None:
    wanted = {bare(number): agents[name].id for number, name in settings.numbers.items()}
    c = NUMBERS.table.c
    for old in await NUMBERS.all(tx, None, c.from_configuration.is_(True), limit=MAX_ENTRIES):
        if old.number not in wanted:
            await NUMBERS.delete(tx, old.id, None)
    for number, agent_id in wanted.items():
        had = await NUMBERS.find(tx, None, c.number == number)
        if had is not None and had.owner_id != OPERATOR_ID:
            logger.warning("a number of account %s is in the configuration now", had.owner_id)
        entry = PhoneNumber(
            owner_id=OPERATOR_ID, number=number, agent_id=agent_id, from_configuration=True
        )
        await _put(tx, NUMBERS, had, entry, now)


async def _modems(tx: Transaction, settings: Settings, now: float) -> None:
    had = {modem.name: modem for modem in await MODEMS.all(tx, None, limit=MAX_ENTRIES)}
    for modem in modems_of(settings):
        old = had.pop(modem.name, None)
        if old is not None:  # whose it is, is not the file's to say
            modem = msgspec.structs.replace(
                modem, imei=old.imei, assigned_account_id=old.assigned_account_id
            )
        await _put(tx, MODEMS, old, modem, now)
    for gone in had.values():
        await MODEMS.delete(tx, gone.id, None)


async def _put(tx: Transaction, rows: Any, had: Any, wanted: Any, now: float) -> Any:
    """Store `wanted`, or what is different in it; what is the same keeps its `updated_wall`."""
    if had is None:
        times = {"created_wall": now, "updated_wall": now}
        return await rows.add(tx, msgspec.structs.replace(wanted, **times))
    changes = {
        name: getattr(wanted, name)
        for name in _fields(wanted)
        if getattr(wanted, name) != getattr(had, name)
    }
    return await rows.update(tx, had, **changes, updated_wall=now) if changes else had


def _fields(entity: Entity) -> list[str]:
    return [name for name in entity.__struct_fields__ if name not in ITS_OWN]
