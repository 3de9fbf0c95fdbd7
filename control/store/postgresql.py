"""SHELL: what PostgreSQL needs to keep the promises that SQLite keeps by itself.

One writer at a time, over all nodes: a transaction that writes begins by taking one advisory lock,
which its end gives back after the commit can be seen. So what it reads stays as it was read, as the
services expect of `Database.write()`, and `seq` grows in the order of commits: who reads events
after a place misses none. The cost: nodes do not write beside each other.

Advisory locks belong to a connection: they are free as soon as the process that has them is gone.
"""

import importlib
import zlib
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

WRITES = "offhook_writes"
WRITER = (0x0FF_400C, 0)
"The advisory lock of whoever writes; the first number is Offhook's own."
LOCK_TIMEOUT_MS = 15_000
"How long a writer waits for its turn."
IDLE_TIMEOUT_MS = 10_000
"A node that stops in a transaction is cut off, so that the others can write."
SESSION = {
    "application_name": "offhook",
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
    # A machine that is gone without a word: its locks are free after half a minute.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}
BAD_DATA = "22"
"The class of SQLSTATEs that blame a value (PostgreSQL, appendix A)."
NUL, INSTEAD = "\0", "\N{REPLACEMENT CHARACTER}"
"No text of PostgreSQL holds a NUL; SQLite's do."


def set_up(engine: AsyncEngine) -> None:
    """Let whoever writes wait for their turn; take every text."""

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.run_async(_take_every_text)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        if connection.get_execution_options().get(WRITES):
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock($1, $2)", WRITER)


async def _take_every_text(connection: Any) -> None:
    for type_ in ("text", "varchar"):
        await connection.set_type_codec(
            type_, schema="pg_catalog", format="text", encoder=_storable, decoder=str
        )


def _storable(text: str) -> str:
    return text.replace(NUL, INSTEAD)


def options(writes: bool) -> dict[str, Any]:
    """Of a connection: a reader sees one moment, however many statements it asks."""
    if writes:
        return {WRITES: True, "isolation_level": "READ COMMITTED"}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def driver_errors(is_sqlite: bool) -> tuple[type[Exception], ...]:
    """What asyncpg raises when it cannot connect; SQLite has no need of asyncpg."""
    if is_sqlite:
        return ()
    asyncpg: Any = importlib.import_module("asyncpg")  # an extra, without types
    return asyncpg.PostgresError, asyncpg.InterfaceError


def blames_value(refused: object) -> bool:
    """Whether an error of the driver says that a value is none that can be stored."""
    return str(getattr(refused, "sqlstate", None) or "").startswith(BAD_DATA)


def name_lock(name: str) -> tuple[int, int]:
    """The advisory lock that stands for a name."""
    # int4, signed, as PostgreSQL has it.
    return WRITER[0] + 1, zlib.crc32(name.encode()) - 2**31
