"""How far each reader of the table of events has read, kept in the transaction of what it made."""

from sqlalchemy import insert, select, update

from . import schema
from .database import Transaction

_TABLE = schema.EVENT_POSITIONS
_POSITION = _TABLE.c


async def position_of(tx: Transaction, reader: str) -> int | None:
    """The last event that it has read; None: it has never kept one."""
    query = select(_POSITION.seq).where(_POSITION.reader == reader)
    found: int | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def keep_position(tx: Transaction, reader: str, seq: int) -> None:
    """It has read up to `seq`."""
    kept = update(_TABLE).where(_POSITION.reader == reader).values(seq=seq)
    if not (await tx.execute(kept)).rowcount:
        await tx.execute(insert(_TABLE).values(reader=reader, seq=seq))
