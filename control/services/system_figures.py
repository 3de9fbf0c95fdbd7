"""Figures of the whole server: accounts, calls of today, modems. A day is UTC's."""

import datetime

import msgspec
from sqlalchemy import func, select, union

from ...media.clock import Clock
from ..domain.accounts import CredentialKind
from ..lines.lines import Lines
from ..store import schema
from ..store.database import Database
from .availability import Availability, AvailabilityService


class SystemFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The server in numbers; nobody's things in particular."""

    accounts: int
    active_accounts_today: int
    "That have signed in, or had a call."
    calls_today: int
    "Made since midnight, whatever came of them."
    uptime_s: float
    availability: Availability
    "Of the last 30 days, or since the first start: the server, or another that shares its data."
    modems: int
    usable_modems: int
    "Whose line can carry calls now."


class SystemFigureService:
    """The verb."""

    def __init__(
        self, database: Database, clock: Clock, lines: Lines, availability: AvailabilityService
    ) -> None:
        self._database = database
        self._clock = clock
        self._lines = lines
        self._availability = availability
        self._begun_at = clock.now()

    def uptime_s(self) -> float:
        """How long this process has been running."""
        return self._clock.now() - self._begun_at

    async def get(self) -> SystemFigures:
        """As they are now. Raises StoreError."""
        now = datetime.datetime.fromtimestamp(self._clock.wall(), datetime.UTC)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        call, credential = schema.CALLS.c, schema.CREDENTIALS.c
        family = CredentialKind.REFRESH_FAMILY.value
        active = union(
            select(call.owner_id).where(call.created_wall >= today),
            select(credential.owner_id).where(
                credential.kind == family, credential.created_wall >= today
            ),
        ).subquery()
        async with self._database.read() as tx:
            accounts = await tx.scalar(select(func.count()).select_from(schema.ACCOUNTS))
            active_today = await tx.scalar(select(func.count()).select_from(active))
            calls = await tx.scalar(
                select(func.count()).select_from(schema.CALLS).where(call.created_wall >= today)
            )
            names = list((await tx.execute(select(schema.MODEMS.c.name))).scalars())
        return SystemFigures(
            accounts=accounts or 0,
            active_accounts_today=active_today or 0,
            calls_today=calls or 0,
            uptime_s=self.uptime_s(),
            availability=await self._availability.get(),
            modems=len(names),
            usable_modems=sum(self._is_usable(name) for name in names),
        )

    def _is_usable(self, name: str) -> bool:
        line = self._lines.get(name)
        return line is not None and line.is_usable
