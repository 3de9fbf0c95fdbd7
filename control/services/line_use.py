"""Which lines an account may use: all of the server's, but modems that are assigned to another."""

from ..domain.lines import LineKind
from ..lines.lines import Lines
from ..store.database import Transaction
from .modems import MODEMS


async def may_use(tx: Transaction, lines: Lines, name: str, owner_id: str) -> bool:
    """Whether there is a line of that name, and it is not kept for somebody else."""
    line = lines.get(name)
    if line is None or line.kind is not LineKind.MODEM:
        return line is not None
    modem = await MODEMS.find(tx, None, MODEMS.table.c.name == name)
    return modem is None or modem.assigned_account_id in (None, owner_id)
