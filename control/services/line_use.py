"""Which lines an account may use: all of the server's, but modems that are assigned to another."""

from ..domain.lines import LineKind
from ..errors import FieldError
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


async def line_faults(
    tx: Transaction, lines: Lines | None, name: str, owner_id: str
) -> list[FieldError]:
    """What is wrong with the line that calls go out by; empty: any. `lines` None: not known."""
    if not name or lines is None or await may_use(tx, lines, name, owner_id):
        return []
    return [FieldError("line", "there is no such line")]
