"""Numbers that are never called: by their account, or by nobody at all.

What waits for such a number is cancelled with it; what comes to wait later is refused when it is
asked for, and looked at again before it is dialled (control/dialer/permission.py).
"""

from collections.abc import Callable

from sqlalchemy import ColumnElement

from ...media.clock import Clock
from ..auth.principal import Principal
from ..dialer.dialling import bare, dialled, keys_of, spellings
from ..dialer.permission import LISTED_REASON
from ..domain.calls import PENDING
from ..domain.dialing import DoNotCall
from ..errors import Conflict, FieldError, Forbidden, Unprocessable
from ..store import schema
from ..store.calls import CALLS
from ..store.database import Database
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .event_log import EventLog, Work
from .retries import cancel_waiting, forget_retry

LISTED = Rows(schema.DO_NOT_CALL, DoNotCall)
COLUMNS = schema.DO_NOT_CALL.c
CALL = schema.CALLS.c
CANCELLED_AT_ONCE = 500
"Calls that wait for a number; more of them are cancelled when their moment comes."


class DoNotCallService:
    """The verbs."""

    def __init__(self, database: Database, log: EventLog, clock: Clock) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self.on_pending: Callable[[], None] = _nobody_waits
        "Calls that waited are over: whoever dials them may look."

    async def add(
        self, who: Principal, number: str, reason: str = "", *, everyone: bool = False
    ) -> DoNotCall:
        """Never call this number again; `everyone`: nor may any other account.

        Calls to it that wait, and retries, are cancelled. Raises Unprocessable, Conflict and
        Forbidden.
        """
        if everyone and not who.is_admin:
            raise Forbidden("only administrators forbid a number to everybody")
        if dialled(number) is None:
            raise Unprocessable("it cannot be called anyway", [_no_number()])
        owner = None if everyone else who.account_id
        now, key = self._clock.wall(), keys_of(number)[0]
        async with self._log.writing() as work:
            if await LISTED.find(work.tx, None, COLUMNS.key == key, _of(owner)) is not None:
                raise Conflict("that number is on the list already", field="number")
            entry = DoNotCall(
                owner_id=owner,
                number=bare(number),
                key=key,
                reason=reason,
                created_wall=now,
                updated_wall=now,
            )
            entry = await LISTED.add(work.tx, entry)
            await self._cancel(work, owner, entry, now)
        self.on_pending()
        return entry

    async def page(
        self, who: Principal, query: PageQuery, number: str | None = None
    ) -> Page[DoNotCall]:
        """The list in pages; of `number` all that forbids it. Raises BadRequest."""
        where = [] if number is None else [COLUMNS.key.in_(keys_of(number))]
        async with self._database.read() as tx:
            return await LISTED.page(tx, owner_of(who), query, *where)

    async def remove(self, who: Principal, id_: str) -> None:
        """The number may be called again; what was cancelled stays so. Raises NotFound."""
        async with self._database.write() as tx:
            if not await LISTED.delete(tx, id_, owner_of(who)):
                raise missing("number on the do-not-call list", id_)

    async def _cancel(self, work: Work, owner: str | None, entry: DoNotCall, now: float) -> None:
        pending = [status.value for status in PENDING]
        forms = {*spellings(entry.number), *spellings(entry.key), f"00{entry.key}"}
        waits = CALL.status.in_(pending) | CALL.next_retry_wall.is_not(None)
        calls = await CALLS.all(
            work.tx, owner, CALL.to_number.in_(forms), waits, limit=CANCELLED_AT_ONCE
        )
        for call in calls:
            if call.next_retry_wall is not None:
                await forget_retry(work, call, now)
            else:
                await cancel_waiting(work, call, LISTED_REASON, now)


def _of(owner: str | None) -> ColumnElement[bool]:
    return COLUMNS.owner_id.is_not_distinct_from(owner)


def _no_number() -> FieldError:
    return FieldError("number", "neither a number nor a SIP address")


def _nobody_waits() -> None:
    """Before there is somebody who dials."""
