"""How the database is: whether it answers, how large it is, how it is used."""

import asyncio
import os

import msgspec
from sqlalchemy import text

from ...media.clock import Clock
from ..store.database import Database

FILES = ("", "-wal", "-shm")
_SIZE = text("SELECT pg_database_size(current_database())")
_CACHE = text("SELECT blks_hit, blks_read FROM pg_stat_database WHERE datname = current_database()")
_ANSWER = text("SELECT 1")


class DatabaseUse(msgspec.Struct, frozen=True, kw_only=True):
    """As it is now."""

    response_s: float
    "Of the smallest question."
    size_bytes: int
    connections: int
    "Of this process."
    slow: int
    "Transactions of more than a second, since the start."
    cache_hit_ratio: float | None
    "Percent of what was read that was in its memory; None: it does not tell (SQLite)."


class DatabaseUseService:
    """The verb."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self) -> DatabaseUse:
        """Ask it. Raises StoreError."""
        database, begun_at = self._database, self._clock.now()
        ratio, size = None, 0
        async with database.read() as tx:
            await tx.execute(_ANSWER)
            took_s = self._clock.now() - begun_at
            if not database.is_sqlite:
                size = int((await tx.execute(_SIZE)).scalar_one())
                hit, read = (await tx.execute(_CACHE)).one()
                ratio = 100.0 * hit / (hit + read) if hit + read else None
        if database.is_sqlite:
            size = await asyncio.to_thread(_size_of_files, database.file or "")
        return DatabaseUse(
            response_s=took_s,
            size_bytes=size,
            connections=database.connections,
            slow=database.slow,
            cache_hit_ratio=ratio,
        )


def _size_of_files(file: str) -> int:
    size = 0
    for suffix in FILES:
        try:
            size += os.stat(file + suffix).st_size
        except OSError:
            continue
    return size
