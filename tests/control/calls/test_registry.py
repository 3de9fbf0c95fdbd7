"""The registry: stored before told, in order, whatever the disk does."""

import asyncio
import pathlib
from collections.abc import Sequence

import msgspec
import pytest

from offhook.control.calls import call_rounds
from offhook.control.calls.registry import SWEEP_S, CallRegistry
from offhook.control.domain.calls import Call, CallStatus as BusinessStatus, CallSummary, Outcome
from offhook.control.domain.events import CallStatusChanged
from offhook.control.domain.webhooks import StoredEvent
from offhook.control.errors import StoreError
from offhook.control.events.events import EventBus, Subscription
from offhook.control.store.calls import CallChange, Saved
from offhook.control.telemetry.metrics import Metrics
from offhook.media.clock import VirtualClock
from offhook.media.conversation.records import (
    AgentDucked,
    CallEnded,
    CallerPressed,
    CallRecord,
    CallStatus,
    Turn,
)
from offhook.media.ports import HangUpCause
from offhook.tests.kit.call_records import agent_turn, call_of, call_record, started, turn_added


class FakeStore:
    """What keeps calls, in memory; its disk can be slow or full."""

    def __init__(self) -> None:
        self.saved: dict[str, Call] = {}
        self.turns: dict[str, list[Turn]] = {}
        self.events: list[str] = []
        self.saves = 0
        self.largest = 0
        self.full = False
        self.refuses: set[str] = set()
        self.disk = asyncio.Event()
        self.disk.set()
        self.forgotten: list[float] = []
        self.left_over: list[Call] = []

    async def save(self, changes: Sequence[CallChange], events: Sequence[StoredEvent]) -> Saved:
        await self.disk.wait()
        self.saves += 1
        self.largest = max(self.largest, len(changes))
        if self.full:
            raise StoreError("calls", "No space left on device")
        seqs: dict[str, int] = {}
        for change in changes:
            if change.call.id in self.refuses:
                continue
            if change.is_new:
                assert change.call.id not in self.saved, "born twice"
                seqs[change.call.id] = len(self.saved) + 1
            self.saved[change.call.id] = change.call
            self.turns.setdefault(change.call.id, []).extend(change.turns)
        self.events += [event.type for event in events]
        placed = [msgspec.structs.replace(e, seq=n) for n, e in enumerate(events, 1)]
        return Saved(seqs, tuple(placed), dict.fromkeys(self.refuses, "no such account"))

    async def cut_off(self) -> list[Call]:
        return self.left_over

    async def old(self, ended_before_wall: float) -> list[CallSummary]:
        self.forgotten.append(ended_before_wall)
        return [c for c in self.saved.values() if c.status is BusinessStatus.ENDED]

    async def forget(self, call_ids: Sequence[str]) -> None:
        for call_id in call_ids:
            del self.saved[call_id]


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
        self.calls.add(call_of(record), record, lambda: self.hung_up.append(record.id))
        self.calls.tell(started(record))


async def next_type(subscription: Subscription) -> str:
    published = await anext(subscription)
    return type(published.event).__name__


@pytest.fixture
async def bench(tmp_path: pathlib.Path) -> Bench:
    bench = Bench(tmp_path)
    assert await bench.calls.start() == 0
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
    assert bench.store.turns["call-1"] == [agent_turn(1)]
    assert bench.store.events == ["call.started", "turn.added"]
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
    kept = bench.store.saved["call-1"].record
    assert kept is not None
    assert kept.digits == "123456789"


async def test_too_much_behind_drops_what_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_rounds, "UNTOLD_EVENTS", 3)
    events = bench.bus.subscribe()
    bench.store.disk.clear()
    bench.add(call_record(1))
    for number in range(5):
        bench.calls.tell(AgentDucked("call-1", 0.0, number))
    bench.calls.tell(CallerPressed("call-1", 0.0, 9, "1"))
    bench.store.disk.set()
    types = [await next_type(events) for _ in range(5)]
    assert types[1:] == ["CallStarted", "AgentDucked", "AgentDucked", "CallerPressed"]
    assert bench.calls.rounds.dropped_events == 3
    await bench.calls.aclose()


async def test_a_full_disk_does_not_silence_the_events(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.store.full = True
    events = bench.bus.subscribe()
    bench.add(call_record(1))
    assert [await next_type(events) for _ in range(2)] == ["NoneType", "CallStarted"]
    assert bench.calls.rounds.failures == 1
    assert "No space left" in caplog.text
    assert "offhook_store_failures_total 1" in bench.metrics.text()
    await bench.calls.aclose()


async def test_what_a_full_disk_refused_is_stored_when_it_has_room(bench: Bench) -> None:
    record = call_record(1)
    bench.store.full = True
    bench.add(record)
    record.turns.append(agent_turn(1))
    bench.calls.tell(turn_added(record, record.turns[0]))
    events = bench.bus.subscribe()
    await anext(events)
    assert await next_type(events) == "CallStarted"
    bench.store.full = False
    record.turns.append(agent_turn(2))
    bench.calls.tell(turn_added(record, record.turns[1]))
    bench.clock.advance(call_rounds.RETRY_S)
    await bench.calls.settled()
    assert bench.store.turns["call-1"] == [agent_turn(1), agent_turn(2)]
    await bench.calls.aclose()


async def test_a_call_that_cannot_be_stored_does_not_keep_others_from_it(bench: Bench) -> None:
    bench.store.refuses = {"call-1"}
    bench.add(call_record(1))
    bench.add(call_record(2))
    await bench.calls.settled()
    assert list(bench.store.saved) == ["call-2"]
    assert bench.calls.rounds.failures == 1
    await bench.calls.aclose()


async def test_a_round_is_bounded_whatever_has_changed(bench: Bench) -> None:
    events = bench.bus.subscribe()
    for number in range(100):
        bench.add(call_record(number))
    await bench.calls.settled()
    assert bench.store.largest == call_rounds.ROUND_CALLS
    await anext(events)
    told = [(await anext(events)).event for _ in range(100)]
    assert [event and event.call_id for event in told] == [f"call-{n}" for n in range(100)]
    await bench.calls.aclose()


async def test_a_call_lives_until_it_is_removed(bench: Bench) -> None:
    record = call_record(1)
    bench.add(record)
    (live,) = bench.calls.live()
    assert live.record is record
    live.hang_up()
    assert bench.hung_up == ["call-1"]
    record.status, record.cause = CallStatus.ENDED, HangUpCause.NORMAL
    bench.calls.tell(CallEnded("call-1", 0.0, 0, HangUpCause.NORMAL, True))
    record.recording = "call-1.wav"
    bench.store.disk.clear()
    bench.calls.remove("call-1")
    assert bench.calls.live() == []
    assert not bench.calls.is_live("call-1")
    await asyncio.sleep(0)
    found = bench.calls.find("call-1")
    assert found is not None, "it is still on its way to the disk"
    assert found.record.recording == "call-1.wav"
    bench.store.disk.set()
    await bench.calls.settled()
    assert bench.calls.find("call-1") is None, "of an ended call nothing stays"
    assert bench.store.saved["call-1"].recording == "call-1.wav"
    await bench.calls.aclose()


async def test_every_status_is_told_once_and_with_what_became_of_the_call(bench: Bench) -> None:
    record = call_record(1, status=CallStatus.RINGING, inbound=False, answered_wall=None)
    events = bench.bus.subscribe()
    bench.add(record)
    bench.calls.rang("call-1")
    bench.calls.rang("call-1")
    record.status, record.cause = CallStatus.ENDED, HangUpCause.BUSY
    record.ended_by_us = False
    bench.calls.tell(CallEnded("call-1", 0.0, 0, HangUpCause.BUSY, False))
    bench.calls.remove("call-1")
    await bench.calls.settled()
    await anext(events)
    told = [(await anext(events)).event for _ in range(4)]
    statuses = [
        (e.status.value, e.outcome, e.failure_reason)
        for e in told
        if isinstance(e, CallStatusChanged)
    ]
    assert statuses == [
        ("ringing", None, ""),
        ("ended", Outcome.BUSY, "the far end is busy"),
    ]
    await bench.calls.aclose()


async def test_what_somebody_said_of_the_end_is_not_overruled_by_the_line(bench: Bench) -> None:
    record = call_record(1)
    bench.add(record)
    bench.calls.live()[0].wanted_end = {"outcome": Outcome.FAILED, "failure_reason": "wrong"}
    record.status, record.cause = CallStatus.ENDED, HangUpCause.NORMAL
    bench.calls.remove("call-1")
    await bench.calls.aclose()
    saved = bench.store.saved["call-1"]
    assert (saved.outcome, saved.failure_reason) == (Outcome.FAILED, "wrong")


async def test_calls_that_a_crash_cut_off_are_ended_and_told(tmp_path: pathlib.Path) -> None:
    bench = Bench(tmp_path)
    bench.store.left_over = [call_of(call_record(n)) for n in (1, 2)]
    assert await bench.calls.start() == 2
    await bench.calls.settled()
    ended = bench.store.saved["call-2"]
    assert (ended.status, ended.cause, ended.outcome) == (
        BusinessStatus.ENDED,
        HangUpCause.CRASH,
        Outcome.FAILED,
    )
    assert bench.store.events == ["call.ended", "call.status"] * 2
    await bench.calls.aclose()


async def test_old_calls_and_their_recordings_go(tmp_path: pathlib.Path) -> None:
    bench = Bench(tmp_path, retention_s=86400.0)
    recording = tmp_path / "call-1.wav"
    recording.write_bytes(b"RIFF")
    record = call_record(1, status=CallStatus.ENDED)
    bench.store.saved["call-1"] = call_of(record, recording="call-1.wav")
    await bench.calls.start()
    tasks = {task.get_name(): task for task in bench.calls._tasks}
    await tasks["forget old calls"]
    assert not recording.exists()
    bench.clock.advance(SWEEP_S)
    await asyncio.gather(*(t for t in bench.calls._tasks if t.get_name() == "forget old calls"))
    now = 1_700_000_000.0
    first, second = now - 86400.0, now + SWEEP_S - 86400.0
    assert bench.store.forgotten == [first, first, second], "until none are left"
    await bench.calls.aclose()
