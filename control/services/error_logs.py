"""What went wrong and a person should look at: kept by whoever meets it, resolved by people."""

from typing import Any

import msgspec

from ...media.clock import Clock
from ..auth.principal import Principal
from ..dialer.dialling import spellings
from ..domain.messages import ErrorLog
from ..errors import Conflict
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of

ERROR_LOGS = Rows(schema.ERROR_LOGS, ErrorLog)
COLUMNS = schema.ERROR_LOGS.c
MAX_MESSAGE_CHARS = 1000


class ErrorLogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries; None: all."""

    type: str | None = None
    severity: str | None = None
    is_resolved: bool | None = None
    call_id: str | None = None
    phone_number: str | None = None
    "Whom it is about, however it is written."
    from_wall: float | None = None
    to_wall: float | None = None
    "No longer in it."


async def record(tx: Transaction, entry: ErrorLog, wall: float) -> ErrorLog:
    """Keep one, with what else is stored in this transaction."""
    message = entry.message[:MAX_MESSAGE_CHARS]
    entry = msgspec.structs.replace(entry, message=message, created_wall=wall, updated_wall=wall)
    return await ERROR_LOGS.add(tx, entry)


class ErrorLogService:
    """The verbs. Whoever is no administrator sees the entries about their own things."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def record(self, entry: ErrorLog) -> ErrorLog:
        """Keep one by itself. Raises StoreError."""
        async with self._database.write() as tx:
            return await record(tx, entry, self._clock.wall())

    async def get(self, who: Principal, id_: str) -> ErrorLog:
        """One entry. Raises NotFound."""
        async with self._database.read() as tx:
            return await self._get(tx, who, id_)

    async def by_seq(self, who: Principal, seq: int) -> ErrorLog:
        """One entry by its number, as older APIs have it. Raises NotFound."""
        async with self._database.read() as tx:
            entry = await ERROR_LOGS.by_seq(tx, seq, owner_of(who))
        if entry is None:
            raise missing("error log", str(seq))
        return entry

    async def page(
        self, who: Principal, query: PageQuery, wanted: ErrorLogFilter
    ) -> Page[ErrorLog]:
        """Entries in pages."""
        where = []
        for name in ("type", "severity", "call_id"):
            if (value := getattr(wanted, name)) is not None:
                where.append(COLUMNS[name] == value)
        if wanted.phone_number is not None:
            where.append(COLUMNS.phone_number.in_(spellings(wanted.phone_number)))
        if wanted.from_wall is not None:
            where.append(COLUMNS.created_wall >= wanted.from_wall)
        if wanted.to_wall is not None:
            where.append(COLUMNS.created_wall < wanted.to_wall)
        if wanted.is_resolved is not None:
            resolved = COLUMNS.resolved_wall
            where.append(resolved.is_not(None) if wanted.is_resolved else resolved.is_(None))
        async with self._database.read() as tx:
            return await ERROR_LOGS.page(tx, owner_of(who), query, *where)

    async def resolve(self, who: Principal, id_: str, resolution: str) -> ErrorLog:
        """Somebody has seen to it. Raises NotFound, and Conflict when somebody has already."""
        now = self._clock.wall()
        async with self._database.write() as tx:
            entry = await self._get(tx, who, id_)
            if entry.resolved_wall is not None:
                raise Conflict("it is resolved already")
            return await ERROR_LOGS.update(
                tx, entry, resolved_wall=now, resolution=resolution, updated_wall=now
            )

    async def change(
        self, who: Principal, id_: str, is_resolved: bool | None, resolution: str | None
    ) -> ErrorLog:
        """Say whether it has been seen to, and what was done; None: as it was. Raises NotFound."""
        now = self._clock.wall()
        changes: dict[str, Any] = {"updated_wall": now}
        if resolution is not None:
            changes["resolution"] = resolution
        async with self._database.write() as tx:
            entry = await self._get(tx, who, id_)
            if is_resolved is not None:
                changes["resolved_wall"] = (entry.resolved_wall or now) if is_resolved else None
            return await ERROR_LOGS.update(tx, entry, **changes)

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> ErrorLog:
        entry = await ERROR_LOGS.get(tx, id_, owner_of(who))
        if entry is None:
            raise missing("error log", id_)
        return entry
