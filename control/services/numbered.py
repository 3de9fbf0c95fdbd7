"""What has a number of its kind (Entity.seq): from the number to the UUID, and back.

For older APIs that call things by numbers; everything else here calls them by their UUIDs.
"""

from collections.abc import Collection

from sqlalchemy import Table, select

from ..auth.principal import Principal
from ..store import schema
from ..store.database import Database
from .access import owner_of

TABLES: dict[str, Table] = {
    "account": schema.ACCOUNTS,
    "agent": schema.AGENTS,
    "call": schema.CALLS,
    "error_log": schema.ERROR_LOGS,
    "modem": schema.MODEMS,
    "provider_key": schema.PROVIDER_KEYS,
    "sms": schema.SMS_MESSAGES,
    "sms_task": schema.SMS_TASKS,
    "ticket": schema.TICKETS,
}
"Kind -> where they are. What has no owner is everybody's, but for accounts, which are their own."
MAX_SEQ = 2**63 - 1


class NumberedService:
    """The verbs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def id_of(self, who: Principal, kind: str, seq: int) -> str | None:
        """The UUID of what has this number; None: there is none, or it is somebody else's."""
        if not 0 < seq <= MAX_SEQ:
            return None
        table = TABLES[kind]
        query = select(table.c.id).where(table.c.seq == seq)
        owner = owner_of(who)
        if owner is not None and "owner_id" in table.c:
            query = query.where(table.c.owner_id == owner)
        elif owner is not None and kind == "account":
            query = query.where(table.c.id == owner)
        async with self._database.read() as tx:
            found: str | None = (await tx.execute(query)).scalar_one_or_none()
        return found

    async def seqs_of(self, kind: str, ids: Collection[str | None]) -> dict[str, int]:
        """The numbers of these, of which their owner may see that they are there."""
        wanted = {id_ for id_ in ids if id_ is not None}
        if not wanted:
            return {}
        table = TABLES[kind]
        query = select(table.c.id, table.c.seq).where(table.c.id.in_(wanted))
        async with self._database.read() as tx:
            return {row.id: row.seq for row in await tx.execute(query)}
