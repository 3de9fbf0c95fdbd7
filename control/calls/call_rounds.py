"""SHELL: what has changed of calls is stored, and what they tell is told then, in rounds.

A round is one transaction of ROUND_CALLS calls at most: preparing it holds the loop, in which the
frame clock runs, for about a millisecond. A slow disk makes more rounds, not larger ones. Whatever
happens is stored at once, unless a round has only just been done: then it waits for its followers.
"""

import asyncio
import itertools
import logging
from collections.abc import Sequence
from typing import Protocol

from ...media.clock import Clock, Timer
from ..domain.events import AnyEvent, is_stored
from ..domain.webhooks import StoredEvent
from ..errors import StoreError
from ..events.events import EventBus
from ..services.event_log import stored_event
from ..store.calls import CallChange, Saved

REST_S = 0.05
"""What servers rest. A round is six trips to the database's
thread; with 240 calls it takes six changes along after this rest, and one or two without."""
UNTOLD_EVENTS = 10_000
ROUND_CALLS = 32
UNSTORED_CALLS = 10_000
"Calls whose changes wait for a disk that refuses them; beyond it the oldest are lost."
RETRY_S = 1.0
"After it what could not be stored is tried again."

logger = logging.getLogger(__name__)


class Saver(Protocol):
    """What stores (store/calls.py)."""

    async def save(self, changes: Sequence[CallChange], events: Sequence[StoredEvent]) -> Saved:
        """All of it or nothing. Raises StoreError."""
        ...


class Watcher(Protocol):
    """Who is told how it went."""

    def stored(self, call_id: str, seq: int | None) -> None:
        """All that was known of a call is stored; `seq` is its number, if it is new."""
        ...

    def lost(self, call_id: str) -> None:
        """A call is given up: it is not stored."""
        ...


class CallRounds:
    """Changes and events on their way. `run()` is a task until `close()`."""

    def __init__(
        self,
        store: Saver,
        bus: EventBus,
        clock: Clock,
        watcher: Watcher,
        rest_s: float = 0.0,
    ) -> None:
        """`rest_s`: from one round to the next, where nobody waits for it; servers: REST_S."""
        self._rest_s = rest_s
        self._store = store
        self._bus = bus
        self._clock = clock
        self._watcher = watcher
        self._changed: dict[str, CallChange] = {}
        self._untold: list[tuple[str, AnyEvent]] = []
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._closing = False
        self._rested_at = 0.0
        "The next round may begin."
        self._rest: Timer | None = None
        self._waiting = 0
        "For all to be stored: no round rests."
        self._retry: Timer | None = None
        self.dropped_events = 0
        "Events that were never told because the disk was too slow."
        self.failures = 0
        "Rounds and calls that could not be stored."

    def __len__(self) -> int:
        """Calls whose last change is not stored yet."""
        return len(self._changed)

    @property
    def untold(self) -> int:
        """Events that wait."""
        return len(self._untold)

    def change(self, change: CallChange) -> None:
        """Store a call's state; together with what waits of it already."""
        old = self._changed.get(change.call.id)
        self._changed[change.call.id] = change if old is None else joined(old, change)
        self._settled.clear()
        self._wake_rested()

    def tell(self, owner_id: str, event: AnyEvent) -> None:
        """Publish an event when the changes before it are stored; at once where none are waiting.

        What need not be stored itself is dropped when too much is waiting.
        """
        if not is_stored(event):
            if self._settled.is_set():
                self._bus.publish(event, owner_id)
                return
            if len(self._untold) >= UNTOLD_EVENTS:
                self.dropped_events += 1
                return
        self._untold.append((owner_id, event))
        self._settled.clear()
        self._wake_rested()

    async def settled(self) -> None:
        """Wait until all that has happened up to now is stored and told."""
        self._waiting += 1
        try:
            self._wake.set()
            await self._settled.wait()
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let `run()` end when it has tried to store what is waiting."""
        self._closing = True
        self._wake.set()
        for timer in (self._retry, self._rest):
            if timer is not None:
                timer.cancel()

    async def run(self) -> None:
        """Store and tell."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            refused = False
            while (self._changed or self._untold) and not refused:
                refused = not await self._round()
            if not refused:
                self._settled.set()
            if self._closing:
                return
            self._rested_at = self._clock.now() + self._rest_s

    def _wake_rested(self) -> None:
        """Do a round, when the one before it is long enough ago."""
        if self._closing or self._waiting or self._clock.now() >= self._rested_at:
            self._wake.set()
        elif self._rest is None:
            self._rest = self._clock.call_at(self._rested_at, self._rested)

    def _rested(self) -> None:
        self._rest = None
        self._wake.set()

    # --- one round ------------------------------------------------------------------------------

    async def _round(self) -> bool:
        """Store some changed calls, then tell what they have told; False: the disk refuses."""
        ids = list(itertools.islice(self._changed, ROUND_CALLS))
        saving = {id_: self._changed.pop(id_) for id_ in ids}
        told = self._next_events()
        stored = [stored_event(event, owner) for owner, event in told if is_stored(event)]
        try:
            saved = await self._store.save(tuple(saving.values()), stored)
        except StoreError as exc:
            # The calls go on and are told of: a full disk must not silence the API.
            self.failures += 1
            logger.error("calls could not be stored: %s", exc)
            self._publish(told, stored, ())
            self._keep_for_later(saving)
            return False
        # Nothing is awaited in between: events are told in the order in which they are stored.
        self._publish(told, stored, saved.events)
        self._note(saving, saved)
        return True

    def _next_events(self) -> list[tuple[str, AnyEvent]]:
        """Those in front, up to the first whose call is still to be stored."""
        waits = self._changed
        ready = itertools.takewhile(lambda untold: untold[1].call_id not in waits, self._untold)
        told = list(ready)
        del self._untold[: len(told)]
        return told

    def _publish(
        self,
        told: Sequence[tuple[str, AnyEvent]],
        wanted: Sequence[StoredEvent],
        kept: Sequence[StoredEvent],
    ) -> None:
        by_id = {event.id: event for event in kept}
        ids = iter(wanted)
        for owner_id, event in told:
            place = by_id.get(next(ids).id) if is_stored(event) else None
            self._bus.publish(event, owner_id, place)

    def _note(self, saving: dict[str, CallChange], saved: Saved) -> None:
        for id_, why in saved.refused.items():
            self.failures += 1
            logger.error("call %s cannot be stored: %s", id_, why)
        for id_ in saving:
            if id_ not in self._changed:
                self._watcher.stored(id_, saved.seqs.get(id_))

    def _keep_for_later(self, saving: dict[str, CallChange]) -> None:
        """In front of what has come since: a call's first change may be its birth."""
        newer = self._changed
        self._changed = {
            id_: joined(change, newer.pop(id_)) if id_ in newer else change
            for id_, change in saving.items()
        } | newer
        for id_ in list(self._changed)[: max(0, len(self._changed) - UNSTORED_CALLS)]:
            logger.error("call %s is lost: the disk has refused too many", id_)
            del self._changed[id_]
            self._watcher.lost(id_)
        if not self._closing:
            self._retry = self._clock.call_at(self._clock.now() + RETRY_S, self._wake.set)


def joined(old: CallChange, new: CallChange) -> CallChange:
    """Two changes of a call as one."""
    return CallChange(
        new.call,
        old.turns + new.turns,
        old.is_new or new.is_new,
        new.recording or old.recording,
        old.recording_is_new or new.recording_is_new,
    )
