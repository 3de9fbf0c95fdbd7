"""The bus: order, replay, and what happens to a subscriber that is too slow."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest

from offhook.control.domain.events import AnyEvent, LineStateChanged
from offhook.control.domain.webhooks import StoredEvent
from offhook.control.events import events as events_module
from offhook.control.events.event_filter import EventFilter
from offhook.control.events.events import EventBus, PublishedEvent, Subscription, place
from offhook.control.services.event_log import stored_event
from offhook.media.conversation.records import CallerPressed, CallerSpeaking


def passing(number: int, call_id: str = "a") -> CallerSpeaking:
    """An event that is only told."""
    return CallerSpeaking(call_id, 0.0, number)


def key(number: int, call_id: str = "a") -> CallerPressed:
    """An event that is stored."""
    return CallerPressed(call_id, 0.0, number, "5")


class Memory:
    """A history without a database, and a bus that is told of what is written."""

    def __init__(self, queued: int = 1000) -> None:
        self.bus = EventBus(queued)
        self.events: list[tuple[StoredEvent, AnyEvent]] = []
        self.while_reading: Callable[[], object] = lambda: None
        self.reads = 0

    def write(self, event: AnyEvent, owner_id: str | None = "ann", *, told: bool = True) -> None:
        seq = self.events[-1][0].seq + 1 if self.events else 1
        stored = msgspec.structs.replace(stored_event(event, owner_id), seq=seq)
        self.events.append((stored, event))
        if told:
            self.bus.publish(event, owner_id, stored)

    async def kept(self) -> tuple[int, int]:
        return (self.events[0][0].seq, self.events[-1][0].seq) if self.events else (0, 0)

    async def after(self, seq: int, wanted: EventFilter, limit: int) -> Sequence[StoredEvent]:
        self.reads += 1
        found = [
            stored
            for stored, event in self.events
            if stored.seq > seq and wanted.wants(stored.owner_id, event)
        ][:limit]
        self.while_reading()
        return found

    def follow(self, cursor: str, wanted: EventFilter | None = None) -> Subscription:
        return self.bus.subscribe(wanted or EventFilter(), cursor, self)


async def taken(subscription: Subscription, count: int) -> list[PublishedEvent]:
    return [await anext(subscription) for _ in range(count)]


def samples(published: list[PublishedEvent]) -> list[int]:
    events = [p.event for p in published if p.event is not None]
    return [e.at_samples for e in events if isinstance(e, CallerPressed | CallerSpeaking)]


async def test_tells_every_subscriber_everything_in_order() -> None:
    bus = EventBus()
    bus.publish(passing(0))
    first, second = bus.subscribe(), bus.subscribe()
    for number in range(1, 4):
        bus.publish(passing(number))
    assert samples(await taken(first, 4)) == [1, 2, 3]
    assert samples(await taken(second, 4)) == [1, 2, 3]


async def test_begins_with_the_cursor_to_go_on_from() -> None:
    memory = Memory()
    memory.write(key(1))
    assert await taken(memory.bus.subscribe(), 1) == [PublishedEvent("1")]
    memory.bus.begin_after(7)
    assert await taken(memory.bus.subscribe(), 1) == [PublishedEvent("7")]


async def test_what_is_only_told_has_the_cursor_of_what_was_stored_before() -> None:
    memory = Memory()
    subscription = memory.bus.subscribe()
    memory.write(key(1))
    memory.bus.publish(passing(2), "ann")
    memory.write(key(3))
    published = await taken(subscription, 4)
    assert [p.cursor for p in published] == ["0", "1", "1", "2"]
    assert [p.id for p in published] == [None, memory.events[0][0].id, None, memory.events[1][0].id]


async def test_goes_on_after_a_cursor() -> None:
    memory = Memory()
    first = memory.bus.subscribe()
    for number in range(1, 6):
        memory.write(key(number))
    cursor = (await taken(first, 3))[-1].cursor
    again = memory.follow(cursor)
    memory.write(key(6))
    published = await taken(again, 5)
    assert samples(published) == [3, 4, 5, 6]
    assert not published[0].missed
    assert [p.cursor for p in published[1:]] == ["3", "4", "5", "6"]


async def test_the_replay_is_read_in_pages_and_goes_over_to_live_without_gap_or_double(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events_module, "REPLAY_PAGE", 3)
    for before in range(9):
        memory = Memory()
        for number in range(before):
            memory.write(key(number))
        written = before

        def busy(memory: Memory = memory) -> None:
            nonlocal written
            if memory.reads < 4:
                memory.write(key(written))
                written += 1

        memory.while_reading = busy
        subscription = memory.follow("0")
        got: list[int] = []
        await taken(subscription, 1)
        while len(got) < written or not memory.reads:
            got += samples(await taken(subscription, 1))
        assert got == list(range(written))
        memory.write(key(100))
        assert samples(await taken(subscription, 1)) == [100]


async def test_what_was_stored_and_not_yet_told_comes_once() -> None:
    memory = Memory()
    memory.write(key(1), told=False)
    subscription = memory.follow("0")
    assert samples(await taken(subscription, 2)) == [1]
    stored, event = memory.events[0]
    memory.bus.publish(event, "ann", stored)
    memory.write(key(2))
    assert samples(await taken(subscription, 1)) == [2]


async def test_more_live_events_than_the_queue_holds_are_replayed_as_well() -> None:
    memory = Memory(queued=3)
    memory.write(key(0))

    def busy() -> None:
        if memory.reads == 1:
            for number in range(1, 20):
                memory.write(key(number))

    memory.while_reading = busy
    subscription = memory.follow("0")
    assert samples(await taken(subscription, 21)) == list(range(20))
    assert memory.bus.overflows == 0


async def test_says_when_events_after_the_cursor_are_gone() -> None:
    memory = Memory()
    for number in range(1, 6):
        memory.write(key(number))
    del memory.events[:3]
    published = await taken(memory.follow("2"), 3)
    assert published[0] == PublishedEvent("3", missed=True)
    assert samples(published) == [4, 5]
    assert not (await taken(memory.follow("3"), 1))[0].missed


@pytest.mark.parametrize("cursor", ["s-1", "99", "x", "", "-1", "9" * 40, "²"])
async def test_a_cursor_of_nobody_gets_all_that_is_kept(cursor: str) -> None:
    memory = Memory()
    memory.write(key(1))
    published = await taken(memory.follow(cursor), 2)
    assert published[0].missed
    assert samples(published) == [1]


def test_the_place_of_a_cursor_in_an_empty_history() -> None:
    assert place("0", 0, 0) == (0, False)
    assert place("7", 0, 0) == (0, True)


async def test_without_a_history_a_cursor_has_missed_something() -> None:
    assert await taken(EventBus().subscribe(cursor="3"), 1) == [PublishedEvent("0", missed=True)]


async def test_follows_one_call() -> None:
    memory = Memory()
    memory.write(key(1, "a"))
    memory.write(key(2, "b"))
    subscription = memory.follow("0", EventFilter(call_id="b"))
    memory.write(key(3, "a"))
    memory.bus.publish(passing(4, "b"), "ann")
    assert samples(await taken(subscription, 3)) == [2, 4]


async def test_an_account_hears_of_its_own_only() -> None:
    memory = Memory()
    everybody = memory.bus.subscribe()
    for number, owner in enumerate(("ann", "bob", None)):
        memory.write(key(number), owner)
    bob = memory.follow("0", EventFilter(owner_id="bob"))
    memory.bus.publish(passing(3), "ann")
    memory.bus.publish(LineStateChanged(at_wall=0.0, line="l", state="up"))
    memory.bus.publish(passing(4), "bob")
    assert samples(await taken(bob, 3)) == [1, 4]
    assert samples(await taken(everybody, 7)) == [0, 1, 2, 3, 4]


async def test_the_filter_can_be_changed_on_the_way() -> None:
    bus = EventBus()
    subscription = bus.subscribe(EventFilter(types=("caller.speaking",)))
    bus.publish(key(1))
    bus.publish(passing(2))
    subscription.wanted = EventFilter(types=("caller.pre*",))
    bus.publish(passing(3))
    bus.publish(key(4))
    assert samples(await taken(subscription, 3)) == [2, 4]


async def test_a_slow_subscriber_is_closed_with_the_reason_and_others_go_on() -> None:
    bus = EventBus(queued=3)
    slow, quick = bus.subscribe(), bus.subscribe()
    await taken(quick, 1)
    for number in range(1, 6):
        bus.publish(passing(number))
        assert samples(await taken(quick, 1)) == [number]
    assert slow.closed_because == "too slow: more than 3 events behind"
    assert [p async for p in slow] == []
    assert (len(bus), bus.overflows) == (1, 1)


async def test_when_in_doubt_subscribers_are_asked_to_come_again() -> None:
    memory = Memory()
    woken: list[bool] = []
    memory.bus.watch(lambda: woken.append(True))
    subscription = memory.bus.subscribe()
    memory.write(key(1), told=False)
    memory.bus.doubt()
    assert [p async for p in subscription] == []
    assert "come back" in str(subscription.closed_because)
    assert woken == [True]
    assert samples(await taken(memory.follow("0"), 2)) == [1]


async def test_watchers_hear_of_stored_events_only() -> None:
    memory = Memory()
    woken: list[bool] = []
    memory.bus.watch(lambda: woken.append(True))
    memory.bus.publish(passing(1), "ann")
    assert woken == []
    memory.write(key(2))
    assert woken == [True]


async def test_closing_ends_a_subscriber_that_waits() -> None:
    bus = EventBus()
    subscription = bus.subscribe()
    await taken(subscription, 1)
    waiting = asyncio.ensure_future(anext(subscription, None))
    await asyncio.sleep(0)
    bus.close()
    assert await waiting is None
    assert subscription.closed_because == "the server stops"
    assert len(bus) == 0
