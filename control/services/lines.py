"""Lines as an account may see them: state and use. Addresses are for administrators."""

import msgspec

from ..auth.principal import Principal
from ..domain.lines import Line
from ..lines.lines import Lines
from ..store.database import Database
from .access import missing
from .modems import MODEMS


class LineService:
    """The verbs."""

    def __init__(self, database: Database, lines: Lines) -> None:
        self._database = database
        self._lines = lines

    async def all(self, who: Principal) -> list[Line]:
        """Every line that `who` may know of, as it is now."""
        if who.is_admin:
            return self._lines.all()
        async with self._database.read() as tx:
            c = MODEMS.table.c
            others = {
                m.name for m in await MODEMS.all(tx, None, c.assigned_account_id.is_not(None))
            }
            mine = await MODEMS.all(tx, None, c.assigned_account_id == who.account_id)
        hidden = others - {modem.name for modem in mine}
        return [
            msgspec.structs.replace(line, address="", reason=_plain(line))
            for line in self._lines.all()
            if line.name not in hidden
        ]

    async def get(self, who: Principal, name: str) -> Line:
        """One of them. Raises NotFound."""
        for line in await self.all(who):
            if line.name == name:
                return line
        raise missing("line", name)


def _plain(line: Line) -> str:
    """What a registrar says may name it."""
    return "" if line.is_usable else line.state.value
