"""Calls in the database: whole, in order, by filter, and after a crash."""

import os
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import numpy as np
import pytest

from offhook.codecs.wav import WavWriter
from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.calls.cut_off import end_cut_off
from offhook.control.domain.calls import Call, CallStatus, LineAttempt, Outcome
from offhook.control.domain.webhooks import StoredEvent
from offhook.control.errors import StoreError
from offhook.control.store.calls import CALLS, FORGET_BATCH, CallChange, CallFilter, CallStore
from offhook.control.store.database import Database
from offhook.control.store.rows import PageQuery
from offhook.media.ports import HangUpCause
from offhook.tests.kit.call_records import agent_turn, call_of, call_record
from offhook.tests.kit.database import copy_database

ALL = CallFilter()


@pytest.fixture
async def database(tmp_path: pathlib.Path) -> AsyncIterator[Database]:
    database = copy_database(tmp_path)
    await database.open()
    yield database
    await database.aclose()


@pytest.fixture
def store(database: Database) -> CallStore:
    return CallStore(database)


def a_call(number: int, **changes: Any) -> Call:
    record = call_record(number)
    return call_of(record, **({"record": record} | changes))


def an_event(call: Call) -> StoredEvent:
    return StoredEvent(
        owner_id=call.owner_id, call_id=call.id, type="call.started", at_wall=1.0, body={"a": 1}
    )


async def add(store: CallStore, *calls: Call) -> None:
    await store.save([CallChange(call, (), is_new=True) for call in calls], [])


async def ids(store: CallStore, wanted: CallFilter = ALL, sort: str = "-created_wall") -> list[str]:
    page = await store.page(None, PageQuery(sort=sort), wanted)
    return [call.id for call in page.items]


async def test_a_call_comes_back_with_its_turns_as_it_was_stored(store: CallStore) -> None:
    attempt = LineAttempt(line="a", at_wall=5.0, cause=HangUpCause.NETWORK, sip_status=503)
    call = a_call(1, context={"a": [1]}, attempts=(attempt,), substitutions=("llm acme",))
    saved = await store.save([CallChange(call, (agent_turn(0),), is_new=True)], [an_event(call)])
    assert saved.seqs == {"call-1": 1}
    assert [(event.seq, event.type) for event in saved.events] == [(1, "call.started")]
    later = msgspec.structs.replace(call, status=CallStatus.ENDED, duration_s=2.5)
    await store.save([CallChange(later, (agent_turn(1),))], [])
    found = await store.get("call-1", OPERATOR_ID)
    assert found is not None
    assert found.record is not None
    assert found.record.turns == [agent_turn(0), agent_turn(1)]
    found.record.turns = []
    assert found == msgspec.structs.replace(later, seq=1)
    some = await store.get("call-1", None, after=0, limit=1)
    assert some is not None
    assert some.record is not None
    assert some.record.turns == [agent_turn(1)]
    assert await store.get("call-1", "another") is None
    assert await store.get("call-2", None) is None


async def test_a_running_call_leaves_its_owners_data_alone(
    store: CallStore, database: Database
) -> None:
    call = a_call(1, metadata={"old": True})
    await add(store, call)
    async with database.write() as tx:
        await CALLS.update_where(tx, None, metadata={"new": True})
    await store.save([CallChange(call)], [])
    found = await store.get("call-1", None)
    assert found is not None
    assert found.metadata == {"new": True}


async def test_one_call_that_cannot_be_stored_does_not_keep_others_from_it(
    store: CallStore,
) -> None:
    orphan = a_call(1, owner_id="nobody")
    no_text = a_call(2, from_number="\ud800")
    no_json = a_call(3, metadata={"a": "\ud800"})
    good = a_call(4)
    changes = [CallChange(call, (), is_new=True) for call in (orphan, no_text, no_json, good)]
    saved = await store.save(changes, [an_event(good)])
    assert set(saved.refused) == {"call-1", "call-2", "call-3"}
    assert list(saved.seqs) == ["call-4"]
    assert len(saved.events) == 1
    assert await ids(store) == ["call-4"]


async def test_a_disk_that_fails_stores_nothing_of_a_round(
    store: CallStore, database: Database
) -> None:
    async with database.write() as tx:
        await tx.exec_driver_sql("DROP TABLE turns")
    change = CallChange(a_call(1), (agent_turn(0),), is_new=True)
    with pytest.raises(StoreError, match="turns"):
        await store.save([change], [])
    assert await ids(store) == []


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (ALL, [4, 3, 2, 1]),
        (CallFilter(statuses=(CallStatus.LIVE, CallStatus.QUEUED)), [3, 2]),
        (CallFilter(outcome=Outcome.BUSY), [1]),
        (CallFilter(inbound=False), [2]),
        (CallFilter(agent_id="x"), [3]),
        (CallFilter(number="+15550100"), [4, 1]),
        (CallFilter(line="office", inbound=True), [4, 3, 1]),
        (CallFilter(created_after_wall=1_700_000_003.0), [4, 3]),
        (CallFilter(created_before_wall=1_700_000_003.0), [2, 1]),
        (CallFilter(search="anna"), [2]),
        (CallFilter(search="5550100"), [4, 1]),
        (CallFilter(search="%"), []),
    ],
)
async def test_filters_say_the_same_to_the_database_and_of_a_call_in_memory(
    store: CallStore, wanted: CallFilter, numbers: list[int]
) -> None:
    calls = [
        a_call(
            1, status=CallStatus.ENDED, outcome=Outcome.BUSY, from_number="+15550100", record=None
        ),
        a_call(2, status=CallStatus.QUEUED, inbound=False, agent_name="Anna"),
        a_call(3, agent_id="x"),
        a_call(4, status=CallStatus.RINGING, to_number="+15550100"),
    ]
    await add(store, *calls)
    assert await ids(store, wanted) == [f"call-{number}" for number in numbers]
    assert [call.id for call in reversed(calls) if wanted.fits(call)] == [
        f"call-{number}" for number in numbers
    ]


async def test_lists_by_start_leave_out_what_has_not_started(store: CallStore) -> None:
    await add(store, a_call(1), a_call(2, started_wall=None), a_call(3))
    assert await ids(store, sort="started_wall") == ["call-1", "call-3"]
    page = await store.page(None, PageQuery(sort="-started_wall", limit=1, total=True), ALL)
    assert ([call.id for call in page.items], page.total) == (["call-3"], 2)
    rest = await store.page(None, PageQuery(sort="-started_wall", cursor=page.next), ALL)
    assert [call.id for call in rest.items] == ["call-1"]


async def test_forgets_what_ended_long_ago_with_all_that_hangs_on_it(
    store: CallStore, database: Database
) -> None:
    def ended(number: int, wall: float) -> Call:
        return a_call(number, status=CallStatus.ENDED, ended_wall=wall)

    await add(store, ended(1, 100.0), ended(2, 200.0), ended(3, 300.0), a_call(4))
    await store.save([CallChange(ended(1, 100.0), (agent_turn(0),))], [])
    old = [call.id for call in await store.old(250.0)]
    assert old == ["call-1", "call-2"]
    await store.forget(old)
    assert await ids(store) == ["call-4", "call-3"]
    async with database.read() as tx:
        turns = await tx.exec_driver_sql("SELECT count(*) FROM turns")
        assert turns.scalar_one() == 0
    assert await store.old(250.0) == []


async def test_forgetting_is_done_in_parts(store: CallStore) -> None:
    count = FORGET_BATCH + 3
    await add(store, *(a_call(n, status=CallStatus.ENDED, ended_wall=1.0) for n in range(count)))
    for expected in (FORGET_BATCH, 3, 0):
        old = await store.old(2.0)
        assert len(old) == expected
        await store.forget([call.id for call in old])


# --- what a crash has left ------------------------------------------------------------------------


async def test_only_calls_in_progress_are_cut_off(store: CallStore) -> None:
    statuses = list(CallStatus)
    await add(store, *(a_call(n, status=status) for n, status in enumerate(statuses)))
    cut_off = [call.status for call in await store.cut_off()]
    assert cut_off == [CallStatus.DIALING, CallStatus.RINGING, CallStatus.LIVE]


def test_a_crashed_call_lived_as_long_as_its_recording(tmp_path: pathlib.Path) -> None:
    with (tmp_path / "1.wav").open("wb") as file:
        writer = WavWriter(file, 8000, 2)
        writer.write(np.zeros((2, 12_000), np.int16))
        writer.flush()
    (tmp_path / "2.wav").write_bytes(b"RI")
    for name in ("1.wav", "2.wav"):
        os.utime(tmp_path / name, (2500.0, 2500.0))
    fields = {"started_wall": 1000.0, "answered_wall": 1500.0, "updated_wall": 2000.0}
    found = []
    for number, file_name in enumerate(("1.wav", "2.wav", "3.wav", None, "../secret"), 1):
        call, event = end_cut_off(a_call(number, recording=file_name, **fields), tmp_path)
        assert call.record is not None
        assert (call.status, call.outcome, event.cause) == (
            CallStatus.ENDED,
            Outcome.FAILED,
            HangUpCause.CRASH,
        )
        found.append((call.ended_wall, call.duration_s, call.record.length_samples))
    assert found == [(2500.0, 1000.0, 12_000), *[(2000.0, 500.0, 0)] * 4]


def test_a_call_that_crashed_while_it_was_dialled_has_no_record(tmp_path: pathlib.Path) -> None:
    call = a_call(1, status=CallStatus.DIALING, record=None, started_wall=None, updated_wall=7.0)
    ended, _ = end_cut_off(call, tmp_path)
    assert (ended.ended_wall, ended.duration_s, ended.record) == (7.0, None, None)
    assert ended.failure_reason == "the server was cut off"
