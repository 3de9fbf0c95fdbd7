"""The bus: order, replay, and what happens to a subscriber that is too slow."""

import asyncio

from offhook.control.events import EventBus, PublishedEvent, Subscription
from offhook.media.conversation.records import CallerSpeaking


def event(number: int, call_id: str = "a") -> CallerSpeaking:
    return CallerSpeaking(call_id, 0.0, number)


async def taken(subscription: Subscription, count: int) -> list[PublishedEvent]:
    return [await anext(subscription) for _ in range(count)]


def samples(published: list[PublishedEvent]) -> list[int]:
    return [p.event.at_samples for p in published if p.event is not None]


async def test_tells_every_subscriber_everything_in_order() -> None:
    bus = EventBus("s")
    bus.publish(event(0))
    first, second = bus.subscribe(), bus.subscribe()
    for number in range(1, 4):
        bus.publish(event(number))
    assert samples(await taken(first, 4)) == [1, 2, 3]
    assert samples(await taken(second, 4)) == [1, 2, 3]


async def test_begins_with_the_cursor_to_go_on_from() -> None:
    bus = EventBus("s")
    bus.publish(event(1))
    assert await taken(bus.subscribe(), 1) == [PublishedEvent("s-1")]


async def test_goes_on_after_a_cursor() -> None:
    bus = EventBus("s")
    first = bus.subscribe()
    for number in range(1, 6):
        bus.publish(event(number))
    cursor = (await taken(first, 3))[-1].cursor
    again = bus.subscribe(cursor)
    bus.publish(event(6))
    published = await taken(again, 5)
    assert samples(published) == [3, 4, 5, 6]
    assert not published[0].missed
    assert [p.cursor for p in published[1:]] == ["s-3", "s-4", "s-5", "s-6"]


async def test_says_when_events_after_the_cursor_are_gone() -> None:
    bus = EventBus("s", kept=2)
    for number in range(1, 6):
        bus.publish(event(number))
    old = bus.subscribe("s-2")
    published = await taken(old, 3)
    assert published[0] == PublishedEvent("s-3", missed=True)
    assert samples(published) == [4, 5]
    assert not (await taken(bus.subscribe("s-3"), 1))[0].missed


async def test_a_cursor_of_another_start_or_of_nobody_gets_all_that_is_kept() -> None:
    bus = EventBus("s")
    bus.publish(event(1))
    for cursor in ("t-1", "s-99", "s-x", "", "s-", "s-" + "9" * 40, "s-²"):
        published = await taken(bus.subscribe(cursor), 2)
        assert published[0].missed
        assert samples(published) == [1]


async def test_follows_one_call() -> None:
    bus = EventBus("s")
    bus.publish(event(1, "a"))
    bus.publish(event(2, "b"))
    subscription = bus.subscribe("s-0", call_id="b")
    bus.publish(event(3, "a"))
    bus.publish(event(4, "b"))
    assert samples(await taken(subscription, 3)) == [2, 4]


async def test_a_slow_subscriber_is_closed_with_the_reason_and_others_go_on() -> None:
    bus = EventBus("s", queued=3)
    slow, quick = bus.subscribe(), bus.subscribe()
    await taken(quick, 1)
    for number in range(1, 6):
        bus.publish(event(number))
        assert samples(await taken(quick, 1)) == [number]
    assert slow.closed_because == "too slow: more than 3 events behind"
    assert [p async for p in slow] == []
    assert (len(bus), bus.overflows) == (1, 1)


async def test_a_long_replay_is_no_reason_to_be_closed() -> None:
    bus = EventBus("s", queued=3)
    for number in range(1, 101):
        bus.publish(event(number))
    subscription = bus.subscribe("s-0")
    for number in range(101, 104):
        bus.publish(event(number))
    assert samples(await taken(subscription, 104)) == list(range(1, 104))
    for number in range(4):
        bus.publish(event(number))
    assert subscription.closed_because is not None


async def test_closing_ends_a_subscriber_that_waits() -> None:
    bus = EventBus("s")
    subscription = bus.subscribe()
    await taken(subscription, 1)
    waiting = asyncio.ensure_future(anext(subscription, None))
    await asyncio.sleep(0)
    bus.close()
    assert await waiting is None
    assert subscription.closed_because == "the server stops"
    assert len(bus) == 0
