"""The registry: stored before told, in order, whatever the disk does."""

import asyncio
import pathlib
from collections.abc import Sequence

import pytest

from offhook.control import registry as registry_module
from offhook.control.call_index import CallIndex
from offhook.control.calls import CallPage, CallQuery, CallSummary, summary
from offhook.control.errors import StoreError
from offhook.control.events import EventBus, Subscription
from offhook.control.metrics import Metrics
from offhook.control.registry import SWEEP_S, CallRegistry
from offhook.media.clock import VirtualClock
from offhook.media.conversation.records import (
    AgentDucked,
    CallEnded,
    CallerPressed,
    CallRecord,
    CallStatus,
)
from offhook.media.ports import HangUpCause
from offhook.tests.kit.call_records import agent_turn, call_record, started, turn_added


class FakeStore:
    """A CallStore in memory whose disk can be slow or full."""

    def __init__(self) -> None:
        self.saved: dict[str, CallRecord] = {}
        self.saves = 0
        self.full = False
        self.disk = asyncio.Event()
        self.disk.set()
        self.index = CallIndex()
        self.forgotten: list[float] = []
        self.closed = False

    async def open(self) -> int:
        return 3

    async def save(self, records: Sequence[CallRecord]) -> None:
        await self.disk.wait()
        self.saves += 1
        if self.full:
            raise StoreError("calls", "No space left on device")
        for record in records:
            self.saved[record.id] = record
            self.index.put(summary(record))

    async def read(self, call_id: str) -> CallRecord | None:
        return self.saved.get(call_id)

    async def page(self, query: CallQuery) -> CallPage:
        return self.index.page(query)

    async def forget(self, ended_before_wall: float) -> Sequence[CallSummary]:
        self.forgotten.append(ended_before_wall)
        return [summary(r) for r in self.saved.values() if r.status is CallStatus.ENDED]

    async def aclose(self) -> None:
        self.closed = True


class Bench:
    """A registry on a fake store and a virtual clock."""

    def __init__(self, recordings: pathlib.Path, retention_s: float = 0.0) -> None:
        self.store = FakeStore()
        self.bus = EventBus()
        self.clock = VirtualClock()
        self.metrics = Metrics()
        self.calls = CallRegistry(
            self.store, self.bus, self.metrics, self.clock, recordings, retention_s
        )
        self.hung_up: list[str] = []

    def add(self, record: CallRecord) -> None:
        self.calls.add(record, lambda: self.hung_up.append(record.id))
        self.calls.tell(started(record))


async def next_type(subscription: Subscription) -> str:
    published = await anext(subscription)
    return type(published.event).__name__


@pytest.fixture
async def bench(tmp_path: pathlib.Path) -> Bench:
    bench = Bench(tmp_path)
    assert await bench.calls.start() == 3
    return bench


async def test_a_turn_is_stored_before_it_is_told(bench: Bench) -> None:
    record = call_record(1)
    bench.add(record)
    events = bench.bus.subscribe()
    assert await next_type(events) == "NoneType"
    assert await next_type(events) == "CallStarted"
    bench.store.disk.clear()
    record.turns.append(agent_turn(1))
    bench.calls.tell(turn_added(record, record.turns[0]))
    waiting = asyncio.ensure_future(next_type(events))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done(), "the disk has not got it yet"
    bench.store.disk.set()
    assert await waiting == "TurnAdded"
    assert bench.store.saved["call-1"].turns == [agent_turn(1)]
    await bench.calls.aclose()


async def test_what_needs_no_storing_keeps_its_place_behind_what_does(bench: Bench) -> None:
    record = call_record(1)
    events = bench.bus.subscribe()
    bench.store.disk.clear()
    bench.add(record)
    bench.calls.tell(AgentDucked("call-1", 0.0, 1))
    bench.calls.tell(CallerPressed("call-1", 0.0, 2, "5"))
    bench.calls.tell(AgentDucked("call-1", 0.0, 3))
    bench.store.disk.set()
    types = [await next_type(events) for _ in range(5)]
    assert types == ["NoneType", "CallStarted", "AgentDucked", "CallerPressed", "AgentDucked"]
    await bench.calls.aclose()


async def test_with_nothing_to_store_events_are_told_at_once(bench: Bench) -> None:
    bench.add(call_record(1))
    events = bench.bus.subscribe()
    await anext(events)
    await anext(events)
    await asyncio.sleep(0)
    bench.calls.tell(AgentDucked("call-1", 0.0, 1))
    coming = events.__anext__()
    with pytest.raises(StopIteration):  # it is there: no waiting
        coming.send(None)
    await bench.calls.aclose()


async def test_a_slow_disk_makes_larger_rounds(bench: Bench) -> None:
    record = call_record(1)
    bench.store.disk.clear()
    bench.add(record)
    await asyncio.sleep(0)
    for digit in "123456789":
        record.digits += digit
        bench.calls.tell(CallerPressed("call-1", 0.0, 0, digit))
    bench.store.disk.set()
    await bench.calls.aclose()
    assert bench.store.saves == 2
    assert bench.store.saved["call-1"].digits == "123456789"


async def test_too_much_behind_drops_what_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "UNTOLD_EVENTS", 3)
    events = bench.bus.subscribe()
    bench.store.disk.clear()
    bench.add(call_record(1))
    for number in range(5):
        bench.calls.tell(AgentDucked("call-1", 0.0, number))
    bench.calls.tell(CallerPressed("call-1", 0.0, 9, "1"))
    bench.store.disk.set()
    types = [await next_type(events) for _ in range(5)]
    assert types[1:] == ["CallStarted", "AgentDucked", "AgentDucked", "CallerPressed"]
    assert bench.calls.dropped_events == 3
    await bench.calls.aclose()


async def test_a_full_disk_does_not_silence_the_events(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.store.full = True
    events = bench.bus.subscribe()
    bench.add(call_record(1))
    assert [await next_type(events) for _ in range(2)] == ["NoneType", "CallStarted"]
    assert bench.calls.store_failures == 1
    assert "No space left" in caplog.text
    assert "offhook_store_failures_total 1" in bench.metrics.text()
    await bench.calls.aclose()


async def test_a_call_lives_until_it_is_removed(bench: Bench) -> None:
    record = call_record(1)
    bench.add(record)
    assert bench.calls.live() == [record]
    assert bench.calls.hang_up("call-1")
    assert bench.hung_up == ["call-1"]
    record.status, record.cause = CallStatus.ENDED, HangUpCause.NORMAL
    bench.calls.tell(CallEnded("call-1", 0.0, 0, HangUpCause.NORMAL, True))
    record.recording = "call-1.wav"
    bench.store.disk.clear()
    bench.calls.remove("call-1")
    assert bench.calls.live() == []
    assert not bench.calls.hang_up("call-1")
    await asyncio.sleep(0)
    found = await bench.calls.get("call-1")
    assert found is not None, "it is still on its way to the disk"
    assert found.recording == "call-1.wav"
    bench.store.disk.set()
    await bench.calls.aclose()
    assert bench.store.saved["call-1"].recording == "call-1.wav"
    assert bench.store.closed


async def test_live_calls_are_listed_from_memory(bench: Bench) -> None:
    for number in range(1, 6):
        bench.add(call_record(number, status=CallStatus.LIVE))
    bench.add(call_record(6, status=CallStatus.RINGING))
    page = await bench.calls.page(CallQuery(status=CallStatus.LIVE, limit=3))
    assert [call.id for call in page.items] == ["call-5", "call-4", "call-3"]
    rest = await bench.calls.page(CallQuery(status=CallStatus.LIVE, limit=3, cursor=page.next))
    assert [call.id for call in rest.items] == ["call-2", "call-1"]
    assert rest.next is None
    await bench.calls.aclose()


async def test_a_recording_is_a_file_of_the_recordings_folder(
    bench: Bench, tmp_path: pathlib.Path
) -> None:
    names = ["a.wav", "../secrets/api_token", "/etc/passwd", "..", None]
    for number, name in enumerate(names, 1):
        bench.add(call_record(number, recording=name))
    paths = [await bench.calls.recording_path(f"call-{n}") for n in range(1, 6)]
    assert paths == [tmp_path / "a.wav", None, None, None, None]
    assert await bench.calls.recording_path("call-9") is None
    await bench.calls.aclose()


async def test_old_calls_and_their_recordings_go(tmp_path: pathlib.Path) -> None:
    bench = Bench(tmp_path, retention_s=86400.0)
    recording = tmp_path / "call-1.wav"
    recording.write_bytes(b"RIFF")
    old = call_record(1, status=CallStatus.ENDED, recording="call-1.wav")
    bench.store.saved["call-1"] = old
    await bench.calls.start()
    tasks = {task.get_name(): task for task in bench.calls._tasks}
    await tasks["forget old calls"]
    assert not recording.exists()
    bench.clock.advance(SWEEP_S)
    await asyncio.gather(*(t for t in bench.calls._tasks if t.get_name() == "forget old calls"))
    now = 1_700_000_000.0
    assert bench.store.forgotten == [now - 86400.0, now + SWEEP_S - 86400.0]
    await bench.calls.aclose()
