"""How an account's calls are placed, and those of all accounts: quiet hours, and a stop.

What is stopped begins no call any more from the moment that this is answered for; calls in progress
go on, and what waits goes on waiting.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import func, select

from ...media.clock import Clock
from ..auth.principal import Principal
from ..dialer.permission import DIAL_SETTINGS, SETTING, Rules, rules_of, stops_in
from ..dialer.quiet_hours import faults
from ..domain.calls import IN_PROGRESS, CallStatus
from ..domain.dialing import DialSettings
from ..errors import FieldError, Forbidden, Unprocessable
from ..lines.open_hours import zone_of
from ..store import schema
from ..store.database import Database, Transaction
from .access import missing
from .accounts import ACCOUNTS

CALL = schema.CALLS.c
EVERYONE_ID = "00000000-0000-4000-8000-0000000000d1"
"Of the settings that count for all accounts: there is one row of them."


class DialState(msgspec.Struct, frozen=True, kw_only=True):
    """How the calls of an account, or of all, stand."""

    settings: DialSettings
    "Its own."
    rules: Rules
    "What is obeyed: its own, else what counts for all."
    stopped: bool
    "By itself or for all."
    quiet_until_wall: float | None
    "Numbers of the account's zone are not called before; None: they are called now."
    scheduled: int
    queued: int
    in_progress: int
    retries: int
    "Ended calls that are to be tried again."


class DialingService:
    """The verbs. `account_id` None: what counts for all accounts, for administrators alone."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.on_change: Callable[[], None] = _nobody_waits
        "Other calls may be placed now: whoever dials them may look."

    async def state(self, who: Principal, account_id: str | None) -> DialState:
        """How it stands. Raises NotFound and Forbidden."""
        async with self._database.read() as tx:
            await _check_theirs(tx, who, account_id)
            return await self._state(tx, account_id)

    async def change(
        self, who: Principal, account_id: str | None, changes: dict[str, Any]
    ) -> DialState:
        """Change some of DialSettings' timezone, quiet_hours and stop_reason; `stopped`: stop, go.

        Raises NotFound, Forbidden and Unprocessable.
        """
        now = self._clock.wall()
        changes = dict(changes)
        stopped = changes.pop("stopped", None)
        async with self._database.write() as tx:
            await _check_theirs(tx, who, account_id)
            had = await _settings(tx, account_id)
            if stopped is not None and stopped is (had.stopped_wall is None):
                changes["stopped_wall"] = now if stopped else None
            if stopped is False:
                changes["stop_reason"] = ""
            wanted = msgspec.structs.replace(had, **changes, updated_wall=now)
            if errors := _faults(wanted):
                raise Unprocessable("calls cannot be placed so", errors)
            if had.seq:
                await DIAL_SETTINGS.update(tx, had, **changes, updated_wall=now)
            else:
                wanted = msgspec.structs.replace(wanted, created_wall=now)
                await DIAL_SETTINGS.add(tx, wanted)
            state = await self._state(tx, account_id)
        self.on_change()
        return state

    async def _state(self, tx: Transaction, account_id: str | None) -> DialState:
        rules = (await rules_of(tx, [account_id or EVERYONE_ID]))[account_id or EVERYONE_ID]
        stops = await stops_in(tx)
        counts = await _counts(tx, account_id)
        return DialState(
            settings=await _settings(tx, account_id),
            rules=rules,
            stopped=stops.everyone or account_id in stops.owners,
            quiet_until_wall=rules.quiet_until(rules.timezone, self._clock.wall()),
            scheduled=counts.get(CallStatus.SCHEDULED.value, 0),
            queued=counts.get(CallStatus.QUEUED.value, 0),
            in_progress=sum(counts.get(status.value, 0) for status in IN_PROGRESS),
            retries=counts.get("retries", 0),
        )


async def _settings(tx: Transaction, account_id: str | None) -> DialSettings:
    mine = SETTING.owner_id.is_not_distinct_from(account_id)
    found = await DIAL_SETTINGS.find(tx, None, mine)
    if found is not None:
        return found
    if account_id is None:
        return DialSettings(id=EVERYONE_ID)
    return DialSettings(owner_id=account_id)


async def _check_theirs(tx: Transaction, who: Principal, account_id: str | None) -> None:
    if account_id is None:
        if not who.is_admin:
            raise Forbidden("only administrators say what counts for all accounts")
        return
    allowed = who.is_admin or account_id == who.account_id
    if not allowed or await ACCOUNTS.get(tx, account_id, None) is None:
        raise missing("account", account_id)


async def _counts(tx: Transaction, account_id: str | None) -> dict[str, int]:
    mine = [] if account_id is None else [CALL.owner_id == account_id]
    statuses = [CallStatus.SCHEDULED, CallStatus.QUEUED, *IN_PROGRESS]
    query = (
        select(CALL.status, func.count())
        .where(*mine, CALL.status.in_([status.value for status in statuses]))
        .group_by(CALL.status)
    )
    found: dict[str, int] = {status: count for status, count in await tx.execute(query)}
    retries = select(func.count()).where(*mine, CALL.next_retry_wall.is_not(None))
    return found | {"retries": (await tx.execute(retries)).scalar_one()}


def _faults(settings: DialSettings) -> list[FieldError]:
    found = [] if settings.quiet_hours is None else faults(settings.quiet_hours)
    if settings.timezone:
        try:
            zone_of(settings.timezone)
        except ValueError as exc:
            found.append(FieldError("timezone", str(exc)))
    return found


def _nobody_waits() -> None:
    """Before there is somebody who dials."""
