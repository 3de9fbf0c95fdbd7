"""Schedules run: once each, whatever stops, sleeps, or is set. On a virtual clock."""

import asyncio
import contextlib
import datetime
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.dialer.scheduler import Scheduler
from offhook.control.dialer.wall_timer import LOOK_S
from offhook.control.domain.calls import Call, CallStatus
from offhook.control.domain.schedules import Pattern, Recurrence, Schedule
from offhook.control.errors import Conflict
from offhook.control.events.events import EventBus
from offhook.control.services.event_log import EventLog
from offhook.control.services.schedules import BATCH, MAX_PASSED, SCHEDULES, ScheduleService
from offhook.control.store.calls import CALLS, COLUMNS
from offhook.control.store.database import Database
from offhook.media.clock import VirtualClock
from offhook.tests.kit.database import copy_database

LIMIT_S = 10.0
HOUR, DAY = 3600.0, 86_400.0
DAILY = Recurrence(pattern=Pattern.DAILY, time="09:00", start_date=datetime.date(2023, 1, 1))


def wall(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


class SettableClock(VirtualClock):
    """One whose wall time somebody sets."""

    def set_wall(self, wall: float) -> None:
        self._wall_at_zero = wall - self.now()


class PowerCut(Exception):
    """The process ends here."""


class Office:
    """Schedules, and who runs them."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.clock = SettableClock(wall_at_zero=wall("2023-11-15T08:00Z"))
        self.database: Database = copy_database(folder)
        self.bus = EventBus()
        self.placed = 0
        self.restart()

    def restart(self) -> None:
        """A process that knows only what is stored."""
        log = EventLog(self.database, self.bus)
        self.schedules = ScheduleService(self.database, log, self.clock)
        self.schedules.on_pending = self._count
        self.scheduler = Scheduler(self.schedules, self.clock)
        self.schedules.on_change = self.scheduler.wake

    def _count(self) -> None:
        self.placed += 1

    async def start(self) -> None:
        self.scheduler.start()
        await self.idle()

    async def idle(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            await self.scheduler.idle.wait()

    async def pass_time(self, seconds: float) -> None:
        """Time goes on, and whatever it brings is done."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.advance(min(LOOK_S, end - self.clock.now()))
            await self.idle()

    async def add(self, recurrence: Recurrence = DAILY, **fields: Any) -> Schedule:
        schedule = Schedule(
            owner_id=OPERATOR_ID, to_number="+15550001", recurrence=recurrence, **fields
        )
        return await self.schedules.create(OPERATOR, schedule)

    async def now(self, schedule: Schedule) -> Schedule:
        return await self.schedules.get(OPERATOR, schedule.id)

    async def calls(self) -> list[Call]:
        async with self.database.read() as tx:
            return await CALLS.all(tx, None)

    async def keys(self) -> list[str | None]:
        return [call.occurrence for call in await self.calls()]


@pytest.fixture
async def office(tmp_path: pathlib.Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    await office.database.open()
    yield office
    await office.scheduler.aclose()
    await office.database.aclose()


async def test_a_call_is_placed_at_its_moment_and_the_next_one_awaited(office: Office) -> None:
    await office.start()
    made = await office.add(context={"room": 5})
    await office.pass_time(HOUR - 1)
    assert await office.calls() == []
    await office.pass_time(1)
    (call,) = await office.calls()
    assert (call.to_number, call.context, call.status) == (
        "+15550001",
        {"room": 5},
        CallStatus.QUEUED,
    )
    assert (call.schedule_id, call.occurrence) == (made.id, "2023-11-15T09:00 UTC")
    assert call.scheduled_wall == wall("2023-11-15T09:00Z")
    assert office.placed == 1
    now = await office.now(made)
    assert (now.runs, now.missed, now.last_run_wall) == (1, 0, call.scheduled_wall)
    assert now.next_run_wall == wall("2023-11-16T09:00Z")
    events = await EventLog(office.database, office.bus).kept()
    assert events[1] == 1  # call.status, stored with it


async def test_of_what_was_missed_the_newest_is_placed_if_it_is_not_too_old(
    office: Office,
) -> None:
    forgiving = await office.add(grace_s=2 * HOUR)
    strict = await office.add(grace_s=HOUR)
    office.clock.advance(3 * DAY + 2.5 * HOUR)  # nobody ran: 10:30, three days later
    await office.start()
    assert [(call.schedule_id, call.occurrence) for call in await office.calls()] == [
        (forgiving.id, "2023-11-18T09:00 UTC")
    ]
    late, gone = await office.now(forgiving), await office.now(strict)
    assert (late.runs, late.missed) == (1, 3)
    assert (gone.runs, gone.missed) == (0, 4)
    assert late.next_run_wall == gone.next_run_wall == wall("2023-11-19T09:00Z")


async def test_after_very_long_only_the_newest_of_those_in_grace_is_placed(
    office: Office,
) -> None:
    made = await office.add(grace_s=7 * DAY)
    office.clock.advance((MAX_PASSED + 2) * DAY + HOUR)
    await office.start()
    assert await office.keys() == ["2024-01-06T09:00 UTC"]
    assert (await office.now(made)).missed == MAX_PASSED + 2


async def test_an_occurrence_is_placed_once_however_often_the_process_ends(
    office: Office,
) -> None:
    await office.add()
    for _ in range(4):
        await office.start()
        await office.scheduler.aclose()
        office.restart()
        office.clock.advance(HOUR / 2)
    assert await office.keys() == ["2023-11-15T09:00 UTC"]


async def test_a_crash_before_the_commit_leaves_it_to_be_placed(office: Office) -> None:
    made = await office.add()
    office.clock.advance(HOUR)
    with contextlib.suppress(PowerCut):
        async with EventLog(office.database, office.bus).writing() as work:
            due = await SCHEDULES.get(work.tx, made.id, None)
            assert due is not None
            assert (await office.schedules.run(work, due, office.clock.wall())).placed
            raise PowerCut
    assert await office.calls() == []
    await office.start()
    assert await office.keys() == ["2023-11-15T09:00 UTC"]


async def test_the_database_takes_no_second_call_for_an_occurrence(office: Office) -> None:
    await office.add()
    office.clock.advance(HOUR)
    await office.start()
    (call,) = await office.calls()
    twin = msgspec.structs.replace(call, id="another", seq=0)
    with pytest.raises(Conflict):
        async with office.database.write() as tx:
            await CALLS.add(tx, twin)


async def test_a_clock_that_is_set_back_brings_nothing_twice(office: Office) -> None:
    made = await office.add()
    await office.start()
    await office.pass_time(1.5 * HOUR)
    office.clock.set_wall(wall("2023-11-15T08:50Z"))
    # Even where its next moment is found anew, it comes to the one that was placed.
    await office.schedules.pause(OPERATOR, made.id)
    resumed = await office.schedules.resume(OPERATOR, made.id)
    assert resumed.next_run_wall == wall("2023-11-15T09:00Z")
    await office.pass_time(HOUR)
    assert await office.keys() == ["2023-11-15T09:00 UTC"]
    now = await office.now(made)
    assert (now.runs, now.missed) == (1, 0)
    assert now.next_run_wall == wall("2023-11-16T09:00Z")


async def test_a_clock_that_is_set_forward_is_noticed_soon(office: Office) -> None:
    await office.add()
    await office.start()
    office.clock.set_wall(wall("2023-11-15T09:10Z"))
    await office.pass_time(LOOK_S)
    assert await office.keys() == ["2023-11-15T09:00 UTC"]


async def test_after_a_clock_was_years_ahead_calls_go_on(office: Office) -> None:
    made = await office.add()
    await office.start()
    office.clock.set_wall(wall("2030-01-01T12:00Z"))
    await office.pass_time(LOOK_S)
    assert (await office.now(made)).missed > 2000
    office.clock.set_wall(wall("2023-11-15T08:59Z"))
    await office.pass_time(2 * LOOK_S)
    assert (await office.now(made)).next_run_wall == wall("2023-11-15T09:00Z")
    await office.pass_time(60)
    assert await office.keys() == ["2023-11-15T09:00 UTC"]


async def test_many_that_are_due_together_are_all_placed(office: Office) -> None:
    for _ in range(2 * BATCH + 1):
        await office.add()
    office.clock.advance(HOUR)
    await office.start()
    calls = await office.calls()
    assert len({call.schedule_id for call in calls}) == len(calls) == 2 * BATCH + 1


async def test_one_that_is_paused_changed_or_deleted_is_not_placed(office: Office) -> None:
    await office.start()
    paused, changed, deleted = [await office.add() for _ in range(3)]
    later = msgspec.structs.replace(DAILY, time="09:30")
    await office.schedules.pause(OPERATOR, paused.id)
    await office.schedules.change(OPERATOR, changed.id, {"recurrence": later})
    await office.schedules.delete(OPERATOR, deleted.id)
    await office.pass_time(HOUR)
    assert await office.calls() == []
    await office.pass_time(HOUR / 2)
    assert await office.keys() == ["2023-11-15T09:30 UTC"]
    assert (await office.now(paused)).missed == 0


async def test_one_that_is_over_comes_no_more(office: Office) -> None:
    ends = msgspec.structs.replace(DAILY, end_date=datetime.date(2023, 11, 15))
    made = await office.add(ends)
    await office.start()
    await office.pass_time(2 * HOUR)
    assert len(await office.calls()) == 1
    assert (await office.now(made)).next_run_wall is None
    assert await office.schedules.next_due() is None


async def test_calls_remain_when_their_schedule_is_gone(office: Office) -> None:
    made = await office.add()
    office.clock.advance(HOUR)
    await office.start()
    await office.schedules.delete(OPERATOR, made.id)
    async with office.database.read() as tx:
        assert await CALLS.count(tx, None, COLUMNS.schedule_id == made.id) == 1
