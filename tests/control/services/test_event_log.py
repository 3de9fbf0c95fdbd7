"""Events in the database: stored with what they tell of, told afterwards, read again."""

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.accounts import Account
from offhook.control.domain.events import AgentChanged, LineStateChanged, NoteAdded
from offhook.control.errors import Conflict
from offhook.control.events.event_filter import EventFilter
from offhook.control.events.events import EventBus, PublishedEvent, Subscription
from offhook.control.services.accounts import ACCOUNTS
from offhook.control.services.event_log import EVENTS, EventLog
from offhook.control.store.database import Database
from offhook.media.conversation.records import CallerSpeaking
from offhook.tests.kit.database import copy_database, url_in


def changed(number: int) -> AgentChanged:
    return AgentChanged(at_wall=float(number), agent_id=f"a-{number}", change="changed")


def noted(call_id: str) -> NoteAdded:
    return NoteAdded(at_wall=0.0, call_id=call_id, note_id="n", text="hm")


class Log:
    """A database, a bus and a log, as after a start."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.bus = EventBus()
        self.events = EventLog(database, self.bus)

    async def tell(
        self, *events: AgentChanged | NoteAdded, owner: str | None = OPERATOR_ID
    ) -> None:
        async with self.events.writing() as work:
            for event in events:
                work.tell(owner, event)


@pytest.fixture
async def log(tmp_path: pathlib.Path) -> AsyncIterator[Log]:
    log = Log(copy_database(tmp_path))
    await log.database.open()
    yield log
    await log.database.aclose()


async def taken(subscription: Subscription, count: int) -> list[PublishedEvent]:
    return [await anext(subscription) for _ in range(count)]


async def ann(database: Database) -> str:
    async with database.write() as tx:
        return (await ACCOUNTS.add(tx, Account(email="ann@example.org"))).id


async def test_what_is_told_is_stored_and_then_told_in_order(log: Log) -> None:
    subscription = log.bus.subscribe()
    passing = CallerSpeaking("c", 0.0, 1)
    async with log.events.writing() as work:
        work.tell(OPERATOR_ID, changed(1))
        work.tell(OPERATOR_ID, passing)
        stored = await work.store(None, LineStateChanged(at_wall=2.0, line="l", state="up"))
        work.tell(OPERATOR_ID, changed(3))
        assert stored.seq == 2
        assert len(subscription._waiting) == 0
    published = await taken(subscription, 5)
    assert [p.cursor for p in published] == ["0", "1", "1", "2", "3"]
    assert [p.event for p in published[1:3]] == [changed(1), passing]
    assert [p.owner_id for p in published[1:]] == [OPERATOR_ID, OPERATOR_ID, None, OPERATOR_ID]


async def test_what_fails_is_neither_stored_nor_told(log: Log) -> None:
    subscription = log.bus.subscribe()
    with pytest.raises(Conflict):
        await log.tell(changed(1), owner="nobody")
    with contextlib.suppress(ZeroDivisionError):
        async with log.events.writing() as work:
            work.tell(OPERATOR_ID, changed(1))
            raise ZeroDivisionError
    await log.tell(changed(2))
    assert [p.event for p in await taken(subscription, 2)] == [None, changed(2)]
    oldest, newest = await log.events.kept()
    assert oldest == newest  # PostgreSQL does not give the number of what failed again


async def test_who_was_cancelled_while_committing_lets_subscribers_ask_again(log: Log) -> None:
    subscription = log.bus.subscribe()

    async def told() -> None:
        async with log.events.writing() as work:
            work.tell(OPERATOR_ID, changed(1))

    task = asyncio.create_task(told())
    real = log.database._engine.sync_engine.dialect.do_commit

    def commit(connection: object) -> None:
        task.cancel()
        real(connection)  # type: ignore[arg-type] # SQLAlchemy's own

    log.database._engine.sync_engine.dialect.do_commit = commit  # type: ignore[assignment,method-assign]
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert [p async for p in subscription] == []
    assert "come back" in str(subscription.closed_because)


async def test_a_cursor_goes_on_after_a_restart(log: Log, tmp_path: pathlib.Path) -> None:
    await log.tell(changed(1), changed(2))
    cursor = "1"
    await log.database.aclose()
    again = Log(Database(url_in(tmp_path)))
    await again.database.open()
    await again.events.start()
    assert (await taken(again.bus.subscribe(), 1))[0].cursor == "2"
    subscription = again.events.follow(EventFilter(), cursor)
    await again.tell(changed(3))
    published = await taken(subscription, 3)
    assert [p.event for p in published] == [None, changed(2), changed(3)]
    assert [p.cursor for p in published] == ["1", "2", "3"]
    assert not published[0].missed
    await again.database.aclose()


async def test_a_replay_has_only_what_passes_the_filter(log: Log) -> None:
    owner = await ann(log.database)
    await log.tell(changed(1), noted("a"), noted("b"))
    await log.tell(changed(2), noted("a"), owner=owner)
    for wanted, cursors in (
        (EventFilter(), ["1", "2", "3", "4", "5"]),
        (EventFilter(owner_id=owner), ["4", "5"]),
        (EventFilter(call_id="a"), ["2", "5"]),
        (EventFilter(types=("note.*",), owner_id=OPERATOR_ID), ["2", "3"]),
        (EventFilter(types=("agent.changed", "x_y")), ["1", "4"]),
    ):
        subscription = log.events.follow(wanted, "0")
        published = await taken(subscription, len(cursors) + 1)
        assert [p.cursor for p in published[1:]] == cursors


async def test_old_events_go_in_batches_and_the_newest_stays(log: Log) -> None:
    await log.tell(*(changed(number) for number in range(1, 11)))
    assert await log.events.delete_old(4.0, 1000, batch=2) == 2
    assert await log.events.delete_old(4.0, 1000, batch=2) == 1
    assert await log.events.delete_old(4.0, 1000, batch=2) == 0
    assert await log.events.kept() == (4, 10)
    assert await log.events.delete_old(4.0, 5, batch=100) == 2
    assert await log.events.kept() == (6, 10)
    assert await log.events.delete_old(99.0, 5, batch=100) == 4
    assert await log.events.kept() == (10, 10)
    published = await taken(log.events.follow(EventFilter(), "3"), 2)
    assert published[0] == PublishedEvent("9", missed=True)
    assert published[1].event == changed(10)


async def test_a_deleted_call_takes_its_events_along(log: Log) -> None:
    await log.tell(noted("a"), noted("b"))
    async with log.database.write() as tx:
        assert await log.events.forget_call(tx, "a") == 1
        assert [event.call_id for event in await EVENTS.all(tx, None)] == ["b"]
