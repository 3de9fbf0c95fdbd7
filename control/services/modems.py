"""Modems as records: which there are, whose they are. What one does now, its line tells."""

import msgspec

from ...media.clock import Clock
from ..auth.principal import Principal
from ..domain.numbers import Modem, ModemState
from ..errors import FieldError, Unprocessable
from ..lines.lines import Lines
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing
from .accounts import ACCOUNTS

MODEMS = Rows(schema.MODEMS, Modem)
COLUMNS = schema.MODEMS.c


class ModemService:
    """The verbs. Whoever is no administrator sees the modems that are assigned to them."""

    def __init__(self, database: Database, clock: Clock, lines: Lines) -> None:
        self._database = database
        self._clock = clock
        self._lines = lines

    async def get(self, who: Principal, id_: str) -> Modem:
        """One modem, with its state now. Raises NotFound."""
        async with self._database.read() as tx:
            return self._as_now(await self._get(tx, who, id_))

    async def page(self, who: Principal, query: PageQuery) -> Page[Modem]:
        """Modems in pages, with their states now."""
        where = () if who.is_admin else (COLUMNS.assigned_account_id == who.account_id,)
        async with self._database.read() as tx:
            page = await MODEMS.page(tx, None, query, *where)
        return msgspec.structs.replace(page, items=tuple(map(self._as_now, page.items)))

    async def by_seq(self, who: Principal, seq: int) -> Modem:
        """One modem by its number, as older APIs have it. Raises NotFound."""
        async with self._database.read() as tx:
            modem = await MODEMS.by_seq(tx, seq, None)
            return self._as_now(await self._get(tx, who, str(seq) if modem is None else modem.id))

    async def number_of(self, account_id: str) -> str | None:
        """The number of the first modem that an account was given; None: there is none."""
        mine = (COLUMNS.assigned_account_id == account_id, COLUMNS.number.is_not(None))
        async with self._database.read() as tx:
            found = await MODEMS.all(tx, None, *mine, limit=1)
        return found[0].number if found else None

    async def assign(self, who: Principal, id_: str, account_id: str | None) -> Modem:
        """Give a modem to an account; None: to nobody. Raises NotFound and Unprocessable."""
        assert who.is_admin, "the route asks for an administrator"
        async with self._database.write() as tx:
            modem = await self._get(tx, who, id_)
            if account_id is not None and await ACCOUNTS.get(tx, account_id, None) is None:
                error = FieldError("account_id", "there is no such account")
                raise Unprocessable("the modem cannot be assigned", [error])
            changed = await MODEMS.update(
                tx, modem, assigned_account_id=account_id, updated_wall=self._clock.wall()
            )
        return self._as_now(changed)

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> Modem:
        modem = await MODEMS.get(tx, id_, None)
        if modem is None or not (who.is_admin or modem.assigned_account_id == who.account_id):
            raise missing("modem", id_)
        return modem

    def _as_now(self, modem: Modem) -> Modem:
        line = self._lines.get(modem.name)
        state = ModemState.OFFLINE
        if line is not None and line.is_usable:
            state = ModemState.IN_CALL if line.in_use else ModemState.IDLE
        return msgspec.structs.replace(modem, state=state)
