"""SHELL: the calls of this server. Sessions register here; every change is stored, then told.

One task stores what has changed since its last round and publishes the events of that round, so
the events of all calls stay in one order and a slow disk makes rounds larger, not the memory:
beyond UNTOLD_EVENTS, events that change nothing stored are dropped and counted.
"""

import asyncio
import logging
import pathlib
from collections.abc import Callable, Coroutine, Iterable

from ..media.clock import Clock, Timer
from ..media.conversation.records import (
    AnyCallEvent,
    CallAnswered,
    CallEnded,
    CallerPressed,
    CallRecord,
    CallStarted,
    CallStatus,
    TurnAdded,
)
from .call_index import cut_page, key_of, parse_cursor
from .calls import CallPage, CallQuery, CallStore, CallSummary, snapshot, summary
from .errors import StoreError
from .events import EventBus
from .metrics import Metrics

UNTOLD_EVENTS = 10_000
SWEEP_S = 3600.0
"How often old calls are looked for."

STORED_CHANGES = (CallStarted, CallAnswered, CallerPressed, TurnAdded, CallEnded)
"""Events after which the record is stored before they are told."""

logger = logging.getLogger(__name__)


class CallRegistry:
    """The server's calls (`Calls`). `retention_s` 0 keeps ended calls for ever."""

    def __init__(
        self,
        store: CallStore,
        bus: EventBus,
        metrics: Metrics,
        clock: Clock,
        recordings: pathlib.Path,
        retention_s: float = 0.0,
    ) -> None:
        self._store = store
        self._bus = bus
        self._metrics = metrics
        self._clock = clock
        self._recordings = recordings
        self._retention_s = retention_s
        self._live: dict[str, tuple[CallRecord, Callable[[], None]]] = {}
        self._changed: dict[str, CallRecord] = {}
        self._saving: dict[str, CallRecord] = {}
        self._untold: list[AnyCallEvent] = []
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweep: Timer | None = None
        self.dropped_events = 0
        "Events that were never told because the disk was too slow."
        self.store_failures = 0
        "Rounds in which something could not be stored."
        self._add_gauges(metrics)

    async def start(self) -> int:
        """Open the store; returns how many calls a crash had cut off. Raises StoreError."""
        crashed = await self._store.open()
        self._settled.set()
        self._spawn(self._store_and_tell(), "store and tell calls")
        if self._retention_s:
            self._spawn(self._forget_old(), "forget old calls")
        return crashed

    async def aclose(self) -> None:
        """Store and tell what is waiting, then close the store."""
        self._closing = True
        self._wake.set()
        if self._sweep is not None:
            self._sweep.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._store.aclose()

    # --- for sessions ---------------------------------------------------------------------------

    def add(self, record: CallRecord, hang_up: Callable[[], None]) -> None:
        """A call begins. Its session owns the record and tells of it until `remove`."""
        assert record.id not in self._live, f"call {record.id} is there twice"
        self._live[record.id] = (record, hang_up)
        self._change(record)

    def tell(self, event: AnyCallEvent) -> None:
        """Something happened in a call: the record has it already. Returns at once."""
        record, _ = self._live[event.call_id]
        self._metrics.count(event, record)
        if isinstance(event, STORED_CHANGES):
            self._change(record)
        elif self._settled.is_set():
            self._bus.publish(event)
            return
        elif len(self._untold) >= UNTOLD_EVENTS:
            self.dropped_events += 1
            return
        self._untold.append(event)

    def remove(self, call_id: str) -> None:
        """The call is over and its record complete: it is stored once more and let go."""
        record, _ = self._live.pop(call_id)
        assert record.status is CallStatus.ENDED, f"call {call_id} has not ended"
        self._metrics.count_ended(record)
        self._change(record)

    # --- for HTTP -------------------------------------------------------------------------------

    def live(self) -> list[CallRecord]:
        """The calls in progress, oldest first."""
        return [record for record, _ in self._live.values()]

    async def get(self, call_id: str) -> CallRecord | None:
        """A call, in progress or ended."""
        if call_id in self._live:
            return self._live[call_id][0]
        waiting = self._changed.get(call_id) or self._saving.get(call_id)
        return waiting or await self._store.read(call_id)

    async def page(self, query: CallQuery) -> CallPage:
        """A page of calls; those in progress are answered from memory."""
        if query.status in (None, CallStatus.ENDED):
            return await self._store.page(query)
        calls = sorted((summary(record) for record in self.live()), key=key_of, reverse=True)
        if query.cursor is not None:
            after = parse_cursor(query.cursor)
            calls = [call for call in calls if key_of(call) < after]
        return cut_page(calls, query)

    def hang_up(self, call_id: str) -> bool:
        """Ask a call's session to end it."""
        if call_id not in self._live:
            return False
        self._live[call_id][1]()
        return True

    async def recording_path(self, call_id: str) -> pathlib.Path | None:
        """The file of a call's recording."""
        record = await self.get(call_id)
        return None if record is None else self._recording(record.recording)

    def _add_gauges(self, metrics: Metrics) -> None:
        metrics.add_gauge("offhook_calls_live", "Calls in progress.", lambda: len(self._live))
        metrics.add_gauge(
            "offhook_store_failures_total",
            "Times that calls could not be stored.",
            lambda: self.store_failures,
            "counter",
        )
        metrics.add_gauge(
            "offhook_events_dropped_total",
            "Events that were never told because the disk was too slow.",
            lambda: self.dropped_events,
            "counter",
        )
        metrics.add_gauge(
            "offhook_event_subscribers_dropped_total",
            "Event subscribers that were closed because they fell behind.",
            lambda: self._bus.overflows,
            "counter",
        )

    # --- storing, then telling ------------------------------------------------------------------

    def _change(self, record: CallRecord) -> None:
        self._changed[record.id] = snapshot(record)
        self._settled.clear()
        self._wake.set()

    async def _store_and_tell(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._changed or self._untold:
                await self._round()
            self._settled.set()
            if self._closing:
                return

    async def _round(self) -> None:
        self._saving, self._changed = self._changed, {}
        events, self._untold = self._untold, []
        try:
            await self._store.save(tuple(self._saving.values()))
        except StoreError as exc:
            # The calls go on and are told of: a full disk must not silence the API.
            self.store_failures += 1
            logger.error("calls could not be stored: %s", exc)
        self._saving = {}
        for event in events:
            self._bus.publish(event)

    # --- forgetting -----------------------------------------------------------------------------

    async def _forget_old(self) -> None:
        try:
            forgotten = await self._store.forget(self._clock.wall() - self._retention_s)
            await asyncio.to_thread(self._delete_recordings, forgotten)
        except (StoreError, OSError) as exc:
            logger.error("old calls could not be deleted: %s", exc)
        if not self._closing:
            again = self._clock.now() + SWEEP_S
            self._sweep = self._clock.call_at(
                again, lambda: self._spawn(self._forget_old(), "forget old calls")
            )

    def _delete_recordings(self, calls: Iterable[CallSummary]) -> None:
        for call in calls:
            path = self._recording(call.recording)
            if path is not None:
                path.unlink(missing_ok=True)

    def _recording(self, name: str | None) -> pathlib.Path | None:
        """A recording is a plain file name: nothing leads out of the folder."""
        if not name or name == ".." or pathlib.PurePath(name).name != name:
            return None
        return self._recordings / name

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.critical("the task to %s died", task.get_name(), exc_info=error)
