"""What is counted of the database, and of what waits in it."""

import asyncio
import pathlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from offhook.control.domain.calls import Call, CallStatus
from offhook.control.errors import Conflict, StoreError
from offhook.control.store import schema
from offhook.control.store.database import Database
from offhook.control.store.rows import Rows
from offhook.control.telemetry.backlog_metrics import COUNT_EVERY_S, Backlogs
from offhook.control.telemetry.prometheus import expose
from offhook.control.telemetry.store_metrics import StoreMetrics
from offhook.media.clock import VirtualClock
from offhook.tests.kit.call_records import call_of, call_record
from offhook.tests.kit.database import copy_database
from offhook.tests.kit.exposition import Family, parse

CALLS = Rows(schema.CALLS, Call)


@pytest.fixture
async def database(tmp_path: pathlib.Path) -> AsyncIterator[Database]:
    database = copy_database(tmp_path)
    await database.open()
    yield database
    await database.aclose()


def a_call(**changes: Any) -> Call:
    return msgspec.structs.replace(call_of(call_record(), id=str(uuid.uuid4())), **changes)


def value(family: Family, name: str = "", **labels: str) -> float:
    return family.values[name or family.name, frozenset(labels.items())]


def told(metrics: StoreMetrics | Backlogs) -> dict[str, Family]:
    return parse(expose(metrics.families()))


async def test_transactions_are_counted_and_timed(database: Database) -> None:
    clock = VirtualClock()
    metrics = StoreMetrics(clock, database)
    async with database.read():
        clock.advance(0.02)
    async with database.write():
        clock.advance(0.2)
    with pytest.raises(RuntimeError):
        async with database.write():
            raise RuntimeError
    families = told(metrics)
    ended = families["offhook_db_transactions_total"]
    assert value(ended, kind="read", result="done") == 1
    assert value(ended, kind="write", result="done") == 1
    assert value(ended, kind="write", result="rolled_back") == 1
    took = families["offhook_db_transaction_duration_seconds"]
    assert value(took, f"{took.name}_sum", kind="read") == pytest.approx(0.02)
    assert value(took, f"{took.name}_sum", kind="write") == pytest.approx(0.2)


async def test_a_writer_that_waits_is_shown_and_timed(database: Database) -> None:
    clock = VirtualClock()
    metrics = StoreMetrics(clock, database)
    entered = asyncio.Event()

    async def second() -> None:
        entered.set()
        async with database.write():
            pass

    async with database.write():
        task = asyncio.create_task(second())
        await entered.wait()
        assert value(told(metrics)["offhook_db_writers_waiting"]) == 1
        clock.advance(0.5)
    await task
    families = told(metrics)
    assert value(families["offhook_db_writers_waiting"]) == 0
    waited = families["offhook_db_write_wait_seconds"]
    assert value(waited, f"{waited.name}_sum") == pytest.approx(0.5)


async def test_a_writer_who_gives_up_waits_no_more(database: Database) -> None:
    metrics = StoreMetrics(VirtualClock(), database)
    entered = asyncio.Event()

    async def second() -> None:
        entered.set()
        async with database.write():
            pass

    async with database.write():
        task = asyncio.create_task(second())
        await entered.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert value(told(metrics)["offhook_db_writers_waiting"]) == 0


async def test_the_files_have_a_size(database: Database) -> None:
    size = told(StoreMetrics(VirtualClock(), database))["offhook_db_file_bytes"]
    assert value(size, file="database") > 4096


async def test_what_waits_is_counted_every_few_seconds(database: Database) -> None:
    clock = VirtualClock()
    backlogs = Backlogs(database, clock)

    async def add(status: CallStatus) -> None:
        async with database.write() as tx:
            await CALLS.add(tx, a_call(status=status))

    await add(CallStatus.QUEUED)
    await add(CallStatus.SCHEDULED)
    await add(CallStatus.ENDED)
    await backlogs.look()
    waiting = told(backlogs)["offhook_dial_queue_calls"]
    assert value(waiting, status="queued") == 1
    assert value(waiting, status="scheduled") == 1
    await add(CallStatus.QUEUED)
    clock.advance(COUNT_EVERY_S - 0.1)
    await backlogs.look()
    assert value(told(backlogs)["offhook_dial_queue_calls"], status="queued") == 1
    clock.advance(0.2)
    await backlogs.look()
    families = told(backlogs)
    assert value(families["offhook_dial_queue_calls"], status="queued") == 2
    assert value(families["offhook_webhook_deliveries"], status="failed") == 0
    assert value(families["offhook_outbox_messages"], status="waiting") == 0


async def test_a_database_that_refuses_leaves_the_other_metrics(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing() -> None:
        raise StoreError("the database", "disk I/O error")

    backlogs = Backlogs(database, VirtualClock())
    monkeypatch.setattr(database, "read", refusing)
    await backlogs.look()
    assert value(told(backlogs)["offhook_backlog_failures_total"]) == 1


async def test_a_broken_rule_is_told_by_what_it_is_through_the_one_hop_cursor(
    database: Database,
) -> None:
    call = a_call(inbound=False)
    async with database.write() as tx:
        stored = await CALLS.add(tx, call)
    with pytest.raises(Conflict, match="already"):
        async with database.write() as tx:
            await CALLS.add(tx, call)
    async with database.write() as tx:
        more = await CALLS.add_all(tx, [a_call(inbound=True) for _ in "abc"])
        assert await CALLS.update_where(tx, None, schema.CALLS.c.inbound.is_(True), line="x") == 3
        assert await CALLS.delete_where(tx, None, schema.CALLS.c.inbound.is_(True)) == 3
    assert [call.seq for call in more] == [stored.seq + n for n in (1, 2, 3)]
