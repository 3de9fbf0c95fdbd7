"""For which share of the time a server was up: by the record of servers' lives."""

import pathlib
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select

from offhook.control.services.availability import (
    BEAT_S,
    PERIOD_S,
    AvailabilityService,
    share_of,
)
from offhook.control.store import schema
from offhook.control.store.database import Database
from offhook.media.clock import VirtualClock
from offhook.tests.kit.database import copy_database

DAY_S = 86_400.0


@pytest.fixture
async def database(tmp_path: pathlib.Path) -> AsyncIterator[Database]:
    made = copy_database(tmp_path)
    await made.open()
    yield made
    await made.aclose()


async def live(database: Database, clock: VirtualClock, seconds: float) -> AvailabilityService:
    """A server that is up for so long, and keeps it."""
    life = AvailabilityService(database, clock)
    await life.begin()
    clock.advance(seconds)
    await life.beat()
    return life


async def lives(database: Database) -> int:
    async with database.read() as tx:
        return int(await tx.scalar(select(func.count()).select_from(schema.NODE_LIVES)) or 0)


def test_what_lies_in_two_spans_counts_once() -> None:
    assert share_of([(0.0, 4.0), (2.0, 6.0), (8.0, 20.0)], 0.0, 10.0) == 0.8


def test_what_lies_outside_the_time_does_not_count() -> None:
    assert share_of([(-5.0, 1.0), (9.0, 30.0), (40.0, 50.0)], 0.0, 10.0) == 0.2


def test_of_no_time_all_is_covered() -> None:
    assert share_of([], 3.0, 3.0) == 1.0


async def test_the_first_server_has_been_up_all_the_time(database: Database) -> None:
    clock = VirtualClock()
    life = await live(database, clock, 3600.0)
    found = await life.get()
    assert found.share == 1.0
    assert found.to_wall - found.from_wall == 3600.0


async def test_time_between_two_starts_is_missing(database: Database) -> None:
    clock = VirtualClock()
    first = await live(database, clock, 900.0)
    await first.beat(last=True)
    clock.advance(50.0)
    second = await live(database, clock, 50.0)
    assert (await second.get()).share == pytest.approx(0.95)


async def test_a_killed_server_was_up_until_it_was_last_seen(database: Database) -> None:
    clock = VirtualClock()
    await live(database, clock, 100.0)
    clock.advance(100.0)
    second = await live(database, clock, 200.0)
    assert (await second.get()).share == pytest.approx(300 / 400)


async def test_another_server_that_is_up_counts_until_now(database: Database) -> None:
    clock = VirtualClock()
    await live(database, clock, 100.0)
    clock.advance(BEAT_S)
    second = AvailabilityService(database, clock)
    await second.begin()
    assert (await second.get()).share == 1.0


async def test_another_server_that_has_ended_counts_until_its_end(database: Database) -> None:
    clock = VirtualClock()
    first = await live(database, clock, 30.0)
    await first.beat(last=True)
    clock.advance(10.0)
    second = AvailabilityService(database, clock)
    await second.begin()
    assert (await second.get()).share == pytest.approx(0.75)


async def test_only_the_last_30_days_count(database: Database) -> None:
    clock = VirtualClock()
    first = await live(database, clock, DAY_S)
    await first.beat(last=True)
    clock.advance(39 * DAY_S)
    second = await live(database, clock, 3 * DAY_S)
    found = await second.get()
    assert found.to_wall - found.from_wall == PERIOD_S
    assert found.share == pytest.approx(0.1)


async def test_old_lives_are_forgotten_but_the_first(database: Database) -> None:
    clock = VirtualClock()
    for _ in range(3):
        await (await live(database, clock, 60.0)).beat(last=True)
    clock.advance(40 * DAY_S)
    await live(database, clock, 60.0)
    assert await lives(database) == 2


async def test_a_wall_clock_that_is_set_moves_the_beginning_along(database: Database) -> None:
    clock = VirtualClock()
    life = await live(database, clock, 100.0)
    clock._wall_at_zero += 400.0  # as who sets the clock does
    await life.beat()
    found = await life.get()
    assert found.share == 1.0
    assert found.to_wall - found.from_wall == 100.0
