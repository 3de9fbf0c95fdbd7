"""Figures follow stored events: all of them, once or twice, over crashes, and anew when asked."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.calls import Call, CallStatus, Outcome
from offhook.control.domain.webhooks import StoredEvent
from offhook.control.errors import StoreError
from offhook.control.services.event_log import EVENTS
from offhook.control.services.figures_follower import BATCH_EVENTS, FiguresFollower
from offhook.control.store import analytics, schema
from offhook.control.store.calls import CALLS
from offhook.control.store.database import Database
from offhook.tests.kit.database import copy_database
from offhook.tests.kit.seeded_calls import make_calls, store_calls

COLUMNS = [column for column in schema.CALL_FIGURES.c if column.name != "version"]


@pytest.fixture
async def database(tmp_path: pathlib.Path) -> AsyncIterator[Database]:
    database = copy_database(tmp_path)
    await database.open()
    yield database
    await database.aclose()


async def rows(database: Database) -> list[Any]:
    async with database.read() as tx:
        query = select(*COLUMNS).order_by(schema.CALL_FIGURES.c.call_seq)
        return [tuple(row) for row in await tx.execute(query)]


async def add_calls(database: Database, number: int, status: CallStatus) -> list[Call]:
    calls = [
        Call(
            owner_id=OPERATOR_ID,
            inbound=True,
            from_number="1",
            to_number="2",
            status=status,
            outcome=Outcome.COMPLETED if status is CallStatus.ENDED else None,
        )
        for _ in range(number)
    ]
    async with database.write() as tx:
        return await CALLS.add_all(tx, calls)


async def tell(database: Database, call_id: str | None, *types: str) -> None:
    events = [
        StoredEvent(owner_id=OPERATOR_ID, call_id=call_id, type=type_, at_wall=1.0, body={})
        for type_ in types
    ]
    async with database.write() as tx:
        await EVENTS.add_all(tx, events)


async def followed(follower: FiguresFollower) -> int:
    steps = 0
    while await follower.follow():
        steps += 1
    return steps


async def test_what_was_there_before_is_gone_through_in_parts_and_over_a_restart(
    database: Database,
) -> None:
    made = make_calls(3, 100, [OPERATOR_ID], [], 1.7e9, 1.71e9)
    await store_calls(database, made)
    follower = FiguresFollower(database)
    assert not await follower.is_complete()
    for _ in range(3):
        await follower.follow()
    assert 0 < len(await rows(database)) < 100
    again = FiguresFollower(database)
    await followed(again)
    assert await again.is_complete()
    assert len(await rows(database)) == 100


async def test_each_event_about_an_ended_call_makes_its_row_anew(database: Database) -> None:
    follower = FiguresFollower(database)
    await followed(follower)
    (ended,) = await add_calls(database, 1, CallStatus.ENDED)
    (live,) = await add_calls(database, 1, CallStatus.LIVE)
    await tell(database, live.id, "call.status", "call.updated")
    await tell(database, ended.id, "note.added")
    await tell(database, None, "line.state")
    await followed(follower)
    assert await rows(database) == []
    await tell(database, ended.id, "call.ended")
    await followed(follower)
    assert [row[0] for row in await rows(database)] == [ended.seq]
    async with database.write() as tx:
        await CALLS.update(tx, ended, duration_s=9.0)
    await tell(database, ended.id, "call.analysed")
    await followed(follower)
    (row,) = await rows(database)
    assert 9.0 in row


async def test_many_events_at_once_are_all_followed(database: Database) -> None:
    follower = FiguresFollower(database)
    await followed(follower)
    calls = await add_calls(database, 150, CallStatus.ENDED)
    for call in calls:
        await tell(database, call.id, "call.ended", "escalation.closed", "sms.sent")
    assert await followed(follower) >= 3 * 150 // BATCH_EVENTS
    assert len(await rows(database)) == 150


async def test_a_crash_in_the_middle_loses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = FiguresFollower(database)
    await followed(follower)
    (call,) = await add_calls(database, 1, CallStatus.ENDED)
    await tell(database, call.id, "call.ended")
    refresh = analytics.refresh

    async def fail(*arguments: Any) -> int:
        await refresh(*arguments)
        raise StoreError("the disk", "is full")

    monkeypatch.setattr(analytics, "refresh", fail)
    with pytest.raises(StoreError):
        await follower.follow()
    assert await rows(database) == []
    monkeypatch.undo()
    await followed(FiguresFollower(database))
    assert len(await rows(database)) == 1


async def test_what_is_made_anew_is_the_same_and_mends_what_was_wrong(database: Database) -> None:
    await store_calls(database, make_calls(5, 80, [OPERATOR_ID], [], 1.7e9, 1.71e9))
    follower = FiguresFollower(database)
    await followed(follower)
    before = await rows(database)
    async with database.write() as tx:
        await tx.execute(delete(schema.CALL_FIGURES).where(schema.CALL_FIGURES.c.call_seq < 20))
        await tx.execute(schema.CALL_FIGURES.update().values(duration_s=1.0))
    await follower.begin_again()
    assert not await follower.is_complete()
    await followed(follower)
    assert await rows(database) == before


async def test_versions_are_given_once_and_figures_go_with_their_call(database: Database) -> None:
    await store_calls(database, make_calls(6, 40, [OPERATOR_ID], [], 1.7e9, 1.71e9))
    follower = FiguresFollower(database)
    await followed(follower)
    version = schema.CALL_FIGURES.c.version
    async with database.read() as tx:
        first = (await tx.execute(select(func.max(version)))).scalar_one()
    await follower.begin_again()
    await followed(follower)
    async with database.write() as tx:
        lowest = (await tx.execute(select(func.min(version)))).scalar_one()
        assert lowest > first
        await tx.execute(delete(schema.CALLS))
    assert await rows(database) == []
