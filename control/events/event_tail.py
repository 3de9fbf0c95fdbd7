"""SHELL: what several nodes store, told at each of them in the one order of all (PostgreSQL).

Each node reads the table of events behind the last one that it has told: its own and the others'
come from there, so that a subscriber's cursor never runs ahead of an event that it has not had.
What is only told (somebody speaks) is told at its own node, behind the stored events before it.

A place in the table is given and committed by one writer at a time (store/postgresql.py): whatever
is read, nothing can come before it later. Own events are read at once, others' within `POLL_S`.
"""

import asyncio
import collections
import logging
from collections.abc import Callable

import msgspec

from ...media.clock import Clock, Timer
from ..domain.events import AnyEvent
from ..domain.webhooks import StoredEvent
from ..errors import StoreError
from .events import EVERYTHING, EventBus, EventHistory

POLL_S = 0.5
"So often another node's events are looked for."
RETRY_S = 1.0
PAGE_EVENTS = 50
"That are told at once: the frame clock runs in the same loop."
UNTOLD_EVENTS = 10_000
"What is only told and waits for a database that is away; beyond it the oldest are dropped."

logger = logging.getLogger(__name__)


class EventTail:
    """`start()`, then `aclose()`; `watch` it before."""

    def __init__(self, bus: EventBus, history: EventHistory, clock: Clock) -> None:
        self._bus = bus
        self._history = history
        self._clock = clock
        self._told = 0
        "The last place that was told."
        self._stored = 0
        "The last place that this node has stored."
        self._own: set[int] = set()
        "Places that this node has stored and not told yet."
        self._later: collections.deque[tuple[int, AnyEvent, str | None]] = collections.deque()
        "What is only told, behind a place that is not told yet."
        self._watchers: list[Callable[[], None]] = []
        self._wake = asyncio.Event()
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    def watch(self, callback: Callable[[], None]) -> None:
        """Call back, at once and without waiting, when another node has stored something."""
        self._watchers.append(callback)

    async def start(self) -> None:
        """Tell from now on. Raises StoreError."""
        _, self._told = await self._history.kept()
        self._bus.tail = self
        self._task = asyncio.get_running_loop().create_task(self._run(), name="read events")
        self._wake_in(POLL_S)

    async def aclose(self) -> None:
        """Tell no more of what others store."""
        self._bus.tail = None
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def keeps(self, event: AnyEvent, owner_id: str | None, stored: StoredEvent | None) -> bool:
        """Whether it is told later, by us: all that is stored, and what comes behind it."""
        if stored is not None:
            if stored.seq > self._told:
                self._own.add(stored.seq)
                self._stored = max(self._stored, stored.seq)
                self._wake.set()
            return True
        if self._stored <= self._told:
            return False
        if len(self._later) >= UNTOLD_EVENTS:
            self._later.popleft()
        self._later.append((self._stored, event, owner_id))
        return True

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._read()
            except StoreError as exc:
                logger.error("events cannot be read: %s", exc)
                self._wake_in(RETRY_S)
            else:
                self._wake_in(POLL_S)

    async def _read(self) -> None:
        """All there is by now."""
        news, full = False, True
        while full:
            stored = self._stored
            page = await self._history.after(self._told, EVERYTHING, PAGE_EVENTS)
            full = len(page) == PAGE_EVENTS
            for event in page:
                news |= event.seq not in self._own
                self._tell(event)
            if not full:
                # What was committed before the reading and is not there was deleted since.
                self._went_to(max(self._told, stored))
                self._own = {own for own in self._own if own > self._told}
        if news:
            for callback in self._watchers:
                callback()

    def _tell(self, stored: StoredEvent) -> None:
        try:
            event = msgspec.convert(stored.body, AnyEvent)
        except msgspec.ValidationError:
            event = None  # of a node of another version, which knows events that we do not
        if event is not None:
            self._bus.tell(event, stored.owner_id, stored)
        self._went_to(stored.seq)

    def _went_to(self, seq: int) -> None:
        self._told = seq
        self._own.discard(seq)
        while self._later and self._later[0][0] <= seq:
            _, event, owner_id = self._later.popleft()
            self._bus.tell(event, owner_id)

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(self._clock.now() + seconds, self._wake.set)
