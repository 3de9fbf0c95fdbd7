"""An account's end: all that it owns goes, in parts, so that others can write in between.

If it is interrupted, the account is still there, deactivated: it can be asked for again.
"""

import asyncio
import pathlib
from typing import Any

from sqlalchemy import Table, delete, select

from ..auth.principal import Principal
from ..auth.proofs import Proofs
from ..calls.calls import Calls
from ..errors import Conflict
from ..recordings.files import delete_recordings
from ..store import schema
from ..store.database import Database
from .accounts import ACCOUNTS, AccountService, check_allowed

ROWS_AT_ONCE = 500
"That are removed in one transaction."


class AccountRemoval:
    """The verb."""

    def __init__(
        self,
        database: Database,
        proofs: Proofs,
        accounts: AccountService,
        calls: Calls,
        recordings: pathlib.Path,
    ) -> None:
        """`calls`: those in progress; `recordings`: the folder of all accounts' recordings."""
        self._database = database
        self._proofs = proofs
        self._accounts = accounts
        self._calls = calls
        self._recordings = recordings

    async def delete(self, who: Principal, id_: str) -> None:
        """Remove an account and all that it owns, recordings as well.

        It must have been deactivated, and have no calls in progress. Raises NotFound and Conflict.
        """
        account = await self._accounts.get(who, id_)
        check_allowed(who, account, {"is_active": False})
        if account.is_active:
            raise Conflict("deactivate the account first: all that it owns goes with it")
        if any(call.owner_id == account.id for call in self._calls.live()):
            raise Conflict("the account has calls in progress: wait, or hang them up")
        for table in reversed(schema.METADATA.sorted_tables):
            if "owner_id" in table.c:
                while await self._remove_some(table, account.id):
                    pass
        async with self._database.write() as tx:
            await ACCOUNTS.delete(tx, account.id, None)
        self._proofs.known.forget(account.id)

    async def _remove_some(self, table: Table, owner_id: str) -> bool:
        """A part of what the account owns; False: that was the rest."""
        key = list(table.primary_key)[-1]
        mine = table.c.owner_id == owner_id
        recording = [table.c.recording] if table is schema.CALLS else []
        async with self._database.read() as tx:
            some = select(key, *recording).where(mine).limit(ROWS_AT_ONCE)
            rows: list[tuple[Any, ...]] = [tuple(row) for row in await tx.execute(some)]
        if recording:  # voices first: their calls are still there for another try
            await asyncio.to_thread(delete_recordings, self._recordings, [row[1] for row in rows])
        if rows:
            async with self._database.write() as tx:
                await tx.execute(delete(table).where(mine, key.in_([row[0] for row in rows])))
        return len(rows) == ROWS_AT_ONCE
