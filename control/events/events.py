"""The bus of events: publishers never wait, subscribers have bounded queues, with replay.

A subscriber that falls behind is closed with a reason: it sees everything or knows that it does
not. An event that is stored (domain/events.py) has a place in the order of all, which is
its cursor; who comes back with the last one is first told what was stored since. An event that is
only told carries the cursor of the last stored one: it is not told again.
"""

import asyncio
import collections
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ...media.clock import Clock
from ..domain.events import AnyEvent, LineStateChanged
from ..domain.webhooks import StoredEvent
from .event_filter import EventFilter

QUEUED_EVENTS = 1000
"A subscriber may be this far behind."
REPLAY_PAGE = 200
"Stored events that are in memory at once for one that comes back."
MAX_CURSOR_DIGITS = 18

EVERYTHING = EventFilter()
_TRIED = LineStateChanged(at_wall=0.0, line="", state="")
"Told to nobody but whoever measures."


class PublishedEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event on its way to a subscriber. The first that a subscriber gets has no `event`."""

    cursor: str
    "Hand it in to go on after this event."
    event: AnyEvent | None = None
    missed: bool = False
    "Events after the cursor that was handed in are no longer kept: some are lost."
    id: str | None = None
    "Of a stored event: what webhooks call it, too."
    owner_id: str | None = None
    "The account that it is about."


class EventHistory(Protocol):
    """What is stored of events."""

    async def kept(self) -> tuple[int, int]:
        """The oldest and the newest place that are kept; (0, 0) of none. Raises StoreError."""
        ...

    async def after(self, seq: int, wanted: EventFilter, limit: int) -> Sequence[StoredEvent]:
        """The next ones after that place which pass the filter. Raises StoreError."""
        ...


class Tail(Protocol):
    """Who tells what is stored, where several nodes store (event_tail.py)."""

    def keeps(self, event: AnyEvent, owner_id: str | None, stored: StoredEvent | None) -> bool:
        """Whether it is told later, by `tell`."""
        ...


class EventBus:
    """Hands every event to every subscriber that wants it, in the order of publishing."""

    def __init__(self, queued: int = QUEUED_EVENTS) -> None:
        self._queued = queued
        self._last = 0
        self._subscriptions: set[Subscription] = set()
        self._watchers: list[Callable[[], None]] = []
        self.tail: Tail | None = None
        "None: this node stores alone, in the order in which it publishes."
        self.overflows = 0
        "Subscribers that were closed because they fell behind."

    def begin_after(self, seq: int) -> None:
        """The newest event of earlier starts: cursors go on from there."""
        self._last = max(self._last, seq)

    def publish(
        self, event: AnyEvent, owner_id: str | None = None, stored: StoredEvent | None = None
    ) -> None:
        """Tell everybody who wants it. Returns at once.

        `stored` is the event as it was stored, and its transaction has been committed; without it
        the event is only told. Stored events are published in the order of their `seq`.
        """
        if self.tail is None or not self.tail.keeps(event, owner_id, stored):
            self.tell(event, owner_id, stored)

    def tell(
        self, event: AnyEvent, owner_id: str | None = None, stored: StoredEvent | None = None
    ) -> None:
        """The same, when its turn has come."""
        if stored is not None:
            self._last = max(self._last, stored.seq)
        published = PublishedEvent(
            str(self._last if stored is None else stored.seq),
            event,
            id=None if stored is None else stored.id,
            owner_id=owner_id,
        )
        for subscription in tuple(self._subscriptions):
            if not subscription.offer(published):
                self.overflows += 1
                subscription.close(f"too slow: more than {self._queued} events behind")
        if stored is not None:
            self._wake_watchers()

    def subscribe(
        self,
        wanted: EventFilter = EVERYTHING,
        cursor: str | None = None,
        history: EventHistory | None = None,
    ) -> "Subscription":
        """Events from now on, after those that `history` has since `cursor`.

        The replay does not count for the queue's limit.
        """
        replay = None if cursor is None or history is None else Replay(history, cursor)
        subscription = Subscription(self, self._queued, wanted, replay)
        if replay is None:
            # Without a history nothing that was told before can be told again.
            subscription.begin(PublishedEvent(str(self._last), missed=cursor is not None))
        self._subscriptions.add(subscription)
        return subscription

    async def round_trip_s(self, clock: Clock) -> float:
        """How long an event takes to a subscriber who waits for it; nobody else hears this one."""
        alone = Subscription(self, 1, EVERYTHING, None)
        heard = asyncio.ensure_future(anext(alone))
        try:
            await asyncio.sleep(0)  # now it waits
            told_at = clock.now()
            alone.offer(PublishedEvent(str(self._last), _TRIED))
            await heard
            return clock.now() - told_at
        finally:
            heard.cancel()

    def watch(self, callback: Callable[[], None]) -> None:
        """Call back, at once and without waiting, whenever something may have been stored."""
        self._watchers.append(callback)

    def doubt(self) -> None:
        """Whether some events were stored is not known: subscribers must ask for them again."""
        for subscription in tuple(self._subscriptions):
            subscription.close("an event may be missing: come back with the last cursor")
        self._wake_watchers()

    def forget(self, subscription: "Subscription") -> None:
        """No more events for this one."""
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End all subscriptions: the server stops."""
        for subscription in tuple(self._subscriptions):
            subscription.close("the server stops")

    def __len__(self) -> int:
        return len(self._subscriptions)

    def held_by(self, account_id: str) -> int:
        """How many an account has, as far as they say whose they are."""
        return sum(each.whose == account_id for each in self._subscriptions)

    def longest_queue(self) -> int:
        """Events that wait for the subscriber who is furthest behind."""
        return max((each.waiting for each in self._subscriptions), default=0)

    def _wake_watchers(self) -> None:
        for callback in self._watchers:
            callback()


class Replay:
    """What was stored after a cursor, page by page, until there is no more."""

    def __init__(self, history: EventHistory, cursor: str) -> None:
        self._history = history
        self._cursor = cursor
        self._begun = False
        self.done = False
        self.behind = False
        "Live events had to be let go meanwhile: they are to be read as well."
        self.seq = 0
        "The last place that was read."

    async def page(self, wanted: EventFilter) -> list[PublishedEvent]:
        """The next ones; the very first says where it begins. Raises StoreError."""
        if not self._begun:
            self._begun = True
            oldest, newest = await self._history.kept()
            self.seq, missed = place(self._cursor, oldest, newest)
            return [PublishedEvent(str(self.seq), missed=missed)]
        self.behind = False
        stored = await self._history.after(self.seq, wanted, REPLAY_PAGE)
        # What was published while this page was being read is queued, or makes us `behind`.
        self.done = len(stored) < REPLAY_PAGE and not self.behind
        if stored:
            self.seq = stored[-1].seq
        return [told for event in stored if (told := _told_again(event)) is not None]


def place(cursor: str, oldest: int, newest: int) -> tuple[int, bool]:
    """After which place to go on, and whether some events after the cursor are no longer kept.

    A cursor that is none of ours gets all that is kept.
    """
    before = oldest - 1 if oldest else newest
    ours = cursor.isascii() and cursor.isdecimal() and len(cursor) <= MAX_CURSOR_DIGITS
    if not ours or int(cursor) > newest:
        return before, True
    return max(int(cursor), before), int(cursor) < before


def _told_again(stored: StoredEvent) -> PublishedEvent | None:
    try:
        event = msgspec.convert(stored.body, AnyEvent)
    except msgspec.ValidationError:
        return None  # of an older version, which knew events that are gone
    return PublishedEvent(str(stored.seq), event, id=stored.id, owner_id=stored.owner_id)


class Subscription:
    """One subscriber's events: `async for published in subscription`, until it is closed.

    Live events are queued while the replay is being read; those that it had already are dropped.
    When they are too many, they are read from the history like the rest, and what is only told is
    not told: that is for who is there.
    """

    def __init__(
        self, bus: EventBus, queued: int, wanted: EventFilter, replay: Replay | None
    ) -> None:
        self._bus = bus
        self._queued = queued
        self.wanted = wanted
        "May be changed at any time; what is queued already comes all the same."
        self.whose = ""
        "The account that has asked for it; empty: nobody says so."
        self._replay = replay
        self._again: collections.deque[PublishedEvent] = collections.deque()
        self._waiting: collections.deque[PublishedEvent] = collections.deque()
        self._something = asyncio.Event()
        self._closed = asyncio.Event()
        self.closed_because: str | None = None

    def begin(self, published: PublishedEvent) -> None:
        """Where it begins, when there is nothing to replay."""
        self._again.append(published)

    def offer(self, published: PublishedEvent) -> bool:
        """Queue an event if it is wanted; False when the queue is full."""
        assert published.event is not None, "only replays begin without an event"
        if not self.wanted.wants(published.owner_id, published.event):
            return True
        if len(self._waiting) >= self._queued:
            if self._replay is None or self._replay.done:
                return False
            self._waiting.clear()
            self._replay.behind = True
        self._waiting.append(published)
        self._something.set()
        return True

    @property
    def waiting(self) -> int:
        """Live events that are queued."""
        return len(self._waiting)

    def close(self, reason: str) -> None:
        """End it. What is queued is dropped: the subscriber can come back with its last cursor."""
        if self.closed_because is None:
            self.closed_because = reason
            self._again.clear()
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
        """Raises StoreError when the history cannot be read."""
        while self.closed_because is None:
            if self._again:
                return self._again.popleft()
            if self._replay is not None and not self._replay.done:
                self._again.extend(await self._replay.page(self.wanted))
            elif self._waiting:
                published = self._waiting.popleft()
                if not self._was_replayed(published):
                    return published
            else:
                self._something.clear()
                await self._something.wait()
        raise StopAsyncIteration

    def _was_replayed(self, published: PublishedEvent) -> bool:
        seen = 0 if self._replay is None else self._replay.seq
        return published.id is not None and int(published.cursor) <= seen
