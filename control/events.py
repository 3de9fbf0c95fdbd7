"""The bus of call events: publishers never wait, subscribers have bounded queues, with replay.

A subscriber that falls behind is closed with a reason: it sees everything or knows that it does
not. Every event has a cursor; who comes back with the last one gets what was missed, as far as the
last events are kept.
"""

import asyncio
import collections

import msgspec

from ..media.conversation.records import AnyCallEvent

KEPT_EVENTS = 2000
"For replay: minutes of a busy server."
QUEUED_EVENTS = 1000
"A subscriber may be this far behind."


class PublishedEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event on its way to a subscriber. The first that a subscriber gets has no `event`."""

    cursor: str
    "Hand it in to go on after this event."
    event: AnyCallEvent | None = None
    missed: bool = False
    "Events after the cursor that was handed in are no longer kept: some are lost."


class EventBus:
    """Hands every event to every subscriber, in the order of publishing.

    `start_id` tells this start of the server from others: their cursors are not ours.
    """

    def __init__(self, start_id: str, kept: int = KEPT_EVENTS, queued: int = QUEUED_EVENTS) -> None:
        self._start_id = start_id
        self._kept: collections.deque[tuple[int, AnyCallEvent]] = collections.deque(maxlen=kept)
        self._queued = queued
        self._published = 0
        self._subscriptions: set[Subscription] = set()
        self.overflows = 0
        "Subscribers that were closed because they fell behind."

    def publish(self, event: AnyCallEvent) -> None:
        """Tell everybody. Returns at once."""
        self._published += 1
        self._kept.append((self._published, event))
        published = PublishedEvent(self._cursor(self._published), event)
        for subscription in tuple(self._subscriptions):
            if not subscription.offer(published):
                self.overflows += 1
                subscription.close(f"too slow: more than {self._queued} events behind")

    def subscribe(self, cursor: str | None = None, call_id: str | None = None) -> "Subscription":
        """Events from now on, after those that were published since `cursor`.

        Only of one call if `call_id` is given. The replay does not count for the queue's limit.
        """
        subscription = Subscription(self, self._queued, call_id)
        after, missed = self._place(cursor)
        subscription.push(PublishedEvent(self._cursor(after), missed=missed))
        for number, event in self._kept:
            if number > after and subscription.wants(event):
                subscription.push(PublishedEvent(self._cursor(number), event))
        self._subscriptions.add(subscription)
        return subscription

    def forget(self, subscription: "Subscription") -> None:
        """No more events for this one."""
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End all subscriptions: the server stops."""
        for subscription in tuple(self._subscriptions):
            subscription.close("the server stops")

    def __len__(self) -> int:
        return len(self._subscriptions)

    def _cursor(self, number: int) -> str:
        return f"{self._start_id}-{number}"

    def _place(self, cursor: str | None) -> tuple[int, bool]:
        """After which event to go on, and whether some before the kept ones are lost."""
        if cursor is None:
            return self._published, False
        start_id, _, number = cursor.rpartition("-")
        oldest = self._kept[0][0] - 1 if self._kept else self._published
        ours = start_id == self._start_id and number.isascii() and number.isdecimal()
        if not ours or len(number) > 18 or int(number) > self._published:
            return oldest, True
        after = int(number)
        return max(after, oldest), after < oldest


class Subscription:
    """One subscriber's events: `async for published in subscription`, until it is closed."""

    def __init__(self, bus: EventBus, queued: int, call_id: str | None) -> None:
        self._bus = bus
        self._queued = queued
        self._call_id = call_id
        self._waiting: collections.deque[PublishedEvent] = collections.deque()
        self._replayed = 0
        self._something = asyncio.Event()
        self._closed = asyncio.Event()
        self.closed_because: str | None = None

    def wants(self, event: AnyCallEvent) -> bool:
        """Whether the event is of a call that this subscriber follows."""
        return self._call_id is None or event.call_id == self._call_id

    def push(self, published: PublishedEvent) -> None:
        """Queue something of the replay."""
        self._replayed += 1
        self._waiting.append(published)
        self._something.set()

    def offer(self, published: PublishedEvent) -> bool:
        """Queue an event; False when the queue is full."""
        assert published.event is not None, "only replays begin without an event"
        if not self.wants(published.event):
            return True
        if len(self._waiting) - self._replayed >= self._queued:
            return False
        self._waiting.append(published)
        self._something.set()
        return True

    def close(self, reason: str) -> None:
        """End it. What is queued is dropped: the subscriber can come back with its last cursor."""
        if self.closed_because is None:
            self.closed_because = reason
            self._waiting.clear()
            self._bus.forget(self)
            self._something.set()
            self._closed.set()

    async def wait_closed(self) -> None:
        """Return when it has been closed."""
        await self._closed.wait()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> PublishedEvent:
        while not self._waiting:
            if self.closed_because is not None:
                raise StopAsyncIteration
            self._something.clear()
            await self._something.wait()
        self._replayed = max(0, self._replayed - 1)
        return self._waiting.popleft()
