"""Schedules: calls that recur, as their owners see them, and what is to be done when one is due.

Each occurrence makes one call: the call and the schedule's next moment are stored in one
transaction, and the database takes no second call with the same key. When a schedule comes next is
recurrence.py's; who waits for that moment is control/dialer/scheduler.py.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select

from ...media.clock import Clock
from ..auth.principal import Principal
from ..calls.calls import status_event
from ..dialer.callable_number import callable_number
from ..dialer.recurrence import Occurrence, completed, due, faults, next_after
from ..domain.schedules import Pattern, Schedule
from ..errors import FieldError, Unprocessable
from ..lines.lines import Lines
from ..store import schema
from ..store.active_owners import owner_is_active
from ..store.calls import CALLS
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .calls import NewCall, call_of, faults_of, speaking_agent
from .event_log import EventLog, Work
from .line_use import line_faults

SCHEDULES = Rows(schema.SCHEDULES, Schedule)
COLUMNS = schema.SCHEDULES.c
CALL = schema.CALLS.c
BATCH = 20
"Schedules that are seen to in one transaction."
MAX_PASSED = 50
"Occurrences of one schedule that are looked at together: it is the frames' thread that does it."
MAX_COUNTED = 1000
"Schedules of one account whose occurrences are counted."
GRACE_S = (0.0, 7 * 86_400.0)
_RUNS = (COLUMNS.is_active, owner_is_active(COLUMNS.owner_id))


class ScheduleFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which schedules; None: all."""

    is_active: bool | None = None
    agent_id: str | None = None
    pattern: Pattern | None = None
    search: str | None = None
    "A part of the name or the number."


class Ran(msgspec.Struct, frozen=True):
    """What was done for a schedule."""

    placed: bool
    "A call."
    more: bool
    "It has still more occurrences that have passed."


class ScheduleService:
    """The verbs."""

    def __init__(
        self, database: Database, log: EventLog, clock: Clock, lines: Lines | None = None
    ) -> None:
        """`lines` None: which one calls are to go out by is not looked at."""
        self._lines = lines
        self._database = database
        self._log = log
        self._clock = clock
        self.on_change: Callable[[], None] = _nobody
        "Another moment may be the next: whoever waits for it may look."
        self.on_pending: Callable[[], None] = _nobody
        "There are new calls: whoever dials them may look."

    # --- their owners' ----------------------------------------------------------------------------

    async def create(self, who: Principal, schedule: Schedule) -> Schedule:
        """Store a new one; its owner is whoever asks. Raises Unprocessable naming fields."""
        now = self._clock.wall()
        async with self._database.write() as tx:
            schedule = msgspec.structs.replace(schedule, owner_id=who.account_id)
            await _check(tx, schedule, now, await self._line_faults(tx, schedule))
            schedule = _cleaned(schedule, now)
            made = await SCHEDULES.add(
                tx,
                msgspec.structs.replace(
                    schedule,
                    next_run_wall=_next_wall(schedule, now),
                    created_wall=now,
                    updated_wall=now,
                ),
            )
        self.on_change()
        return made

    async def get(self, who: Principal, id_: str) -> Schedule:
        """One schedule. Raises NotFound."""
        async with self._database.read() as tx:
            return await _get(tx, who, id_)

    async def page(
        self, who: Principal, query: PageQuery, wanted: ScheduleFilter
    ) -> Page[Schedule]:
        """Schedules in pages."""
        where = []
        if wanted.is_active is not None:
            where.append(COLUMNS.is_active == wanted.is_active)
        if wanted.agent_id is not None:
            where.append(COLUMNS.agent_id == wanted.agent_id)
        if wanted.pattern is not None:
            where.append(COLUMNS.recurrence["pattern"].as_string() == wanted.pattern.value)
        if wanted.search:
            where.append(
                COLUMNS.name.icontains(wanted.search, autoescape=True)
                | COLUMNS.to_number.icontains(wanted.search, autoescape=True)
            )
        if query.sort.removeprefix("-") == COLUMNS.next_run_wall.name:
            where.append(COLUMNS.next_run_wall.is_not(None))
        async with self._database.read() as tx:
            return await SCHEDULES.page(tx, owner_of(who), query, *where)

    async def upcoming(self, who: Principal, within_s: tuple[float, ...]) -> list[int]:
        """How many calls schedules are to make in each of these times from now on."""
        now = self._clock.wall()
        counts = [0] * len(within_s)
        async with self._database.read() as tx:
            waiting = (COLUMNS.is_active, COLUMNS.next_run_wall <= now + max(within_s))
            found = await SCHEDULES.all(tx, owner_of(who), *waiting, limit=MAX_COUNTED)
        for schedule in found:
            await asyncio.sleep(0)  # others' turn: frames come every few milliseconds
            wall = schedule.next_run_wall
            while wall is not None and wall <= now + max(within_s):
                counts = [c + (wall <= now + s) for c, s in zip(counts, within_s, strict=True)]
                following = next_after(schedule.recurrence, wall)
                wall = None if following is None else following.wall
        return counts

    async def change(self, who: Principal, id_: str, changes: dict[str, Any]) -> Schedule:
        """Change some fields; calls that were placed stay as they are.

        `is_active` False pauses it: what would come meanwhile is neither placed nor missed. Raises
        NotFound and Unprocessable.
        """
        now = self._clock.wall()
        async with self._database.write() as tx:
            schedule = await _get(tx, who, id_)
            wanted = msgspec.structs.replace(schedule, **changes)
            # One whose line is gone can still be paused.
            other = wanted.line != schedule.line
            await _check(tx, wanted, now, await self._line_faults(tx, wanted) if other else [])
            wanted = _cleaned(wanted, now)
            changes = {name: getattr(wanted, name) for name in changes}
            if (wanted.is_active, wanted.recurrence) != (schedule.is_active, schedule.recurrence):
                changes["next_run_wall"] = _next_wall(wanted, now)
            changed = await SCHEDULES.update(tx, schedule, **changes, updated_wall=now)
        self.on_change()
        return changed

    async def pause(self, who: Principal, id_: str) -> Schedule:
        """Let it rest; a paused one stays so. Raises NotFound."""
        return await self.change(who, id_, {"is_active": False})

    async def resume(self, who: Principal, id_: str) -> Schedule:
        """Let it go on with its next moment from now on. Raises NotFound and Unprocessable."""
        return await self.change(who, id_, {"is_active": True})

    async def delete(self, who: Principal, id_: str) -> None:
        """Delete one; its calls remain. Raises NotFound."""
        async with self._database.write() as tx:
            schedule = await _get(tx, who, id_)
            await SCHEDULES.delete(tx, schedule.id, schedule.owner_id)
        self.on_change()

    # --- time's -----------------------------------------------------------------------------------

    async def next_due(self) -> float | None:
        """The next moment of all schedules, in wall seconds. Raises StoreError."""
        query = select(func.min(COLUMNS.next_run_wall)).where(*_RUNS)
        async with self._database.read() as tx:
            wall: float | None = (await tx.execute(query)).scalar_one()
        return wall

    async def run_due(self) -> bool:
        """Place the calls of some schedules that are due; False: no more are. Raises StoreError.

        Of the occurrences of one that have passed, the newest is placed, unless it is older than
        the schedule's grace; all others are missed, and counted.
        """
        now = self._clock.wall()
        placed, more = 0, False
        async with self._log.writing() as work:
            schedules = await SCHEDULES.first(
                work.tx,
                None,
                *_RUNS,
                COLUMNS.next_run_wall <= now,
                order=(COLUMNS.next_run_wall,),
                limit=BATCH,
            )
            for schedule in schedules:
                ran = await self.run(work, schedule, now)
                placed += ran.placed
                more |= ran.more
        if placed:
            self.on_pending()
        return more or len(schedules) == BATCH

    async def clock_was_set(self) -> None:
        """Look again at moments that lie ahead: some may have been found by a wrong clock."""
        now = self._clock.wall()
        after = 0
        while True:
            async with self._database.write() as tx:
                ahead = (COLUMNS.is_active, COLUMNS.next_run_wall > now, COLUMNS.seq > after)
                schedules = await SCHEDULES.first(
                    tx, None, *ahead, order=(COLUMNS.seq,), limit=BATCH
                )
                for schedule in schedules:
                    after = schedule.seq
                    wall = await self._sooner(tx, schedule, now)
                    if wall is not None:
                        await SCHEDULES.update(tx, schedule, next_run_wall=wall)
            if len(schedules) < BATCH:
                return

    async def run(self, work: Work, schedule: Schedule, now: float) -> Ran:
        """Place one schedule's call, or count it as missed, in the transaction of `work`."""
        rule = schedule.recurrence
        assert schedule.next_run_wall is not None, "it was found by that"
        passed = due(rule, schedule.next_run_wall, now, MAX_PASSED)
        latest = passed[-1] if passed else None
        following = next_after(rule, now if latest is None else latest.wall)
        more = following is not None and following.wall <= now
        changes: dict[str, Any] = {"next_run_wall": None if following is None else following.wall}
        placed = False
        if latest is not None and not await _was_placed(work.tx, schedule, latest):
            placed = not more and now - latest.wall <= schedule.grace_s
            changes["missed"] = schedule.missed + len(passed) - placed
        if latest is not None and placed:
            await _place(work, schedule, latest, now)
            changes |= {"runs": schedule.runs + 1, "last_run_wall": latest.wall}
        await SCHEDULES.update(work.tx, schedule, **changes)
        return Ran(placed, more)

    async def _line_faults(self, tx: Transaction, schedule: Schedule) -> list[FieldError]:
        return await line_faults(tx, self._lines, schedule.line, schedule.owner_id)

    async def _sooner(self, tx: Transaction, schedule: Schedule, now: float) -> float | None:
        """Its next moment by today's clock, if that is before the one that is stored."""
        found = next_after(schedule.recurrence, now)
        while found is not None and await _was_placed(tx, schedule, found):
            found = next_after(schedule.recurrence, found.wall)
        stored = schedule.next_run_wall
        if found is None or stored is None or found.wall >= stored:
            return None
        return found.wall


async def _place(work: Work, schedule: Schedule, occurrence: Occurrence, now: float) -> None:
    agent_name, _ = await speaking_agent(work.tx, schedule.owner_id, schedule.agent_id)
    call = call_of(schedule.owner_id, _wish(schedule, occurrence.wall), agent_name, now)
    call = msgspec.structs.replace(call, schedule_id=schedule.id, occurrence=occurrence.key)
    call = await CALLS.add(work.tx, call)
    work.tell(call.owner_id, status_event(call))


async def _was_placed(tx: Transaction, schedule: Schedule, occurrence: Occurrence) -> bool:
    """Clocks that are set back come to the same moment again."""
    same = (CALL.schedule_id == schedule.id, CALL.occurrence == occurrence.key)
    query = select(CALL.seq).where(*same).limit(1)
    return (await tx.execute(query)).first() is not None


async def _get(tx: Transaction, who: Principal, id_: str) -> Schedule:
    schedule = await SCHEDULES.get(tx, id_, owner_of(who))
    if schedule is None:
        raise missing("schedule", id_)
    return schedule


async def _check(
    tx: Transaction, schedule: Schedule, now: float, more: Sequence[FieldError]
) -> None:
    """Raises Unprocessable with all that is wrong."""
    errors = [*faults_of(_wish(schedule, None), now), *faults(schedule.recurrence), *more]
    _, fault = await speaking_agent(tx, schedule.owner_id, schedule.agent_id)
    errors += [fault] if fault is not None else []
    low, high = GRACE_S
    if not low <= schedule.grace_s <= high:
        errors.append(FieldError("grace_s", f"must be from {low:g} to {high:g}"))
    if errors:
        raise Unprocessable("the schedule does not fit", errors)


def _cleaned(schedule: Schedule, now: float) -> Schedule:
    """As it is stored: numbers bare, the rule with its start."""
    return msgspec.structs.replace(
        schedule,
        to_number=callable_number(schedule.to_number) or "",
        from_number=callable_number(schedule.from_number) or "",
        recurrence=completed(schedule.recurrence, now),
    )


def _next_wall(schedule: Schedule, now: float) -> float | None:
    following = next_after(schedule.recurrence, now) if schedule.is_active else None
    return None if following is None else following.wall


def _wish(schedule: Schedule, wall: float | None) -> NewCall:
    return NewCall(
        to=schedule.to_number,
        agent_id=schedule.agent_id,
        from_=schedule.from_number,
        line=schedule.line,
        context=schedule.context,
        metadata=schedule.metadata,
        priority=schedule.priority,
        scheduled_wall=wall,
        # The zone has a field of its own among the rule's, and is told there.
        timezone="UTC" if wall is None else schedule.recurrence.timezone,
        ring_limit_s=schedule.ring_limit_s,
    )


def _nobody() -> None:
    """Before there is somebody who waits."""
