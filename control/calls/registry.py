"""SHELL: the calls in progress. Sessions register here; every change is stored, then told.

Of an ended call nothing stays in memory. Not how it is stored: call_rounds.py.
"""

import asyncio
import logging
import pathlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec

from ...media.clock import Clock, Timer
from ...media.conversation.records import (
    AnyCallEvent,
    CallEnded,
    CallRecord,
    CallStatus as MediaStatus,
)
from ..configuration.config_costs import CostSettings
from ..domain.calls import Call, CallSummary, Recording
from ..domain.events import CallSentimentChanged, is_stored
from ..errors import StoreError
from ..events.events import EventBus
from ..recordings.files import delete_recordings
from ..recordings.finished import recording_left
from ..store.calls import CallChange
from ..telemetry.metrics import Metrics
from .call_rounds import CallRounds, Saver
from .calls import NO_COSTS, LiveCall, status_event
from .costing import cost_of, usage_of
from .cut_off import end_cut_off, recording_in

CUT_OFF_BATCH = 32
SWEEP_S = 3600.0
"How often old calls are looked for."

logger = logging.getLogger(__name__)


class Keeper(Saver, Protocol):
    """What keeps calls (store/calls.py)."""

    async def cut_off(self) -> list[Call]:
        """Calls that are in progress as far as is stored. Raises StoreError."""
        ...

    async def old(self, ended_before_wall: float) -> list[CallSummary]:
        """Some calls that ended before; none are left when it returns none. Raises StoreError."""
        ...

    async def forget(self, call_ids: Sequence[str]) -> None:
        """Delete calls. Raises StoreError."""
        ...


class CallWatch(Protocol):
    """Who counts calls, or traces them. Returns at once."""

    def count(self, event: AnyCallEvent, record: CallRecord) -> None:
        """Something happened in a call: the record has it already."""
        ...

    def count_ended(self, record: CallRecord) -> None:
        """A call is over and its record complete."""
        ...


class CallRegistry:
    """The server's calls in progress (`Calls`). `retention_s` 0 keeps ended calls for ever."""

    def __init__(
        self,
        store: Keeper,
        bus: EventBus,
        metrics: Metrics,
        clock: Clock,
        recordings: pathlib.Path,
        retention_s: float = 0.0,
        costs: CostSettings = NO_COSTS,
        rest_s: float = 0.0,
    ) -> None:
        """`costs`: the prices by which calls are charged; `rest_s`: call_rounds.py."""
        self._costs = costs
        self._store = store
        self._bus = bus
        self.watches: list[CallWatch] = [metrics]
        "Who is told of calls, beside the bus."
        self.on_retry: Callable[[], None] = _nothing
        "The end of a call is stored, and when it is to be tried again."
        self._clock = clock
        self._recordings = recordings
        self._retention_s = retention_s
        self._live: dict[str, LiveCall] = {}
        self._leaving: dict[str, LiveCall] = {}
        "Calls that are over and whose end is not stored yet."
        self.rounds = CallRounds(store, bus, clock, self, rest_s)
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweep: Timer | None = None
        self._add_gauges(metrics)

    async def start(self) -> int:
        """End what a crash has cut off; returns how many calls. Raises StoreError."""
        crashed = await self._end_cut_off()
        self._spawn(self.rounds.run(), "store and tell calls")
        if self._retention_s:
            self._spawn(self._forget_old(), "forget old calls")
        return crashed

    async def aclose(self) -> None:
        """Store and tell what is waiting."""
        self._closing = True
        self.rounds.close()
        if self._sweep is not None:
            self._sweep.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until all that has happened up to now is stored and told."""
        await self.rounds.settled()

    # --- for sessions ---------------------------------------------------------------------------

    def add(
        self, call: Call, record: CallRecord, hang_up: Callable[[], None], *, is_new: bool = True
    ) -> LiveCall:
        """A call begins. Its session owns the record and tells of it until `remove`.

        `is_new`: the store has no row of it yet.
        """
        assert call.id == record.id, "the record is another call's"
        assert call.id not in self._live, f"call {call.id} is there twice"
        live = self._live[call.id] = LiveCall(
            call, record, hang_up, is_new=is_new, costs=self._costs
        )
        self._change(live)
        return live

    def rang(self, call_id: str) -> None:
        """The far end of a call that goes out rings."""
        live = self._live[call_id]
        if not live.rang:
            live.rang = True
            self._change(live)
            self._tell_status(live)

    def tell(self, event: AnyCallEvent) -> None:
        """Something happened in a call: the record has it already. Returns at once."""
        live = self._live[event.call_id]
        if is_stored(event):
            self._change(live)
        self.rounds.tell(live.owner_id, event)
        self._tell_status(live)
        for watch in self.watches:
            watch.count(event, live.record)

    def felt(self, event: CallSentimentChanged) -> None:
        """The caller's mood is another one: the call shows it, and that is told."""
        live = self._live[event.call_id]
        live.learn(sentiment=event.label)
        self._change(live)
        self.rounds.tell(live.owner_id, event)

    def changed(self, call_id: str, **fields: Any) -> None:
        """Business knows more of a call; one that is not in progress is left alone."""
        live = self._live.get(call_id)
        if live is not None:
            live.learn(**fields)
            self._change(live)
            self._tell_status(live)

    def remove(self, call_id: str) -> None:
        """The call is over and its record complete: it is stored once more and let go."""
        live = self._live.pop(call_id)
        assert live.record.status is MediaStatus.ENDED, f"call {call_id} has not ended"
        live.let_go()
        self._leaving[call_id] = live
        for watch in self.watches:
            watch.count_ended(live.record)
        self._change(live)
        self._tell_status(live)

    # --- to be read -----------------------------------------------------------------------------

    def live(self) -> list[LiveCall]:
        """The calls in progress, oldest first."""
        return list(self._live.values())

    def find(self, call_id: str) -> LiveCall | None:
        """A call in progress, or one whose end is not stored yet."""
        return self._live.get(call_id) or self._leaving.get(call_id)

    def is_live(self, call_id: str) -> bool:
        """Whether it is in progress."""
        return call_id in self._live

    # --- from the rounds (Watcher) --------------------------------------------------------------

    def stored(self, call_id: str, seq: int | None) -> None:
        """All that was known of a call is stored; `seq` is its number, if it is new."""
        live = self.find(call_id)
        if live is not None and seq is not None:
            live.learn(seq=seq)
        left = self._leaving.pop(call_id, None)
        if left is not None and left.as_now(self._clock.wall()).next_retry_wall is not None:
            self.on_retry()

    def lost(self, call_id: str) -> None:
        """A call is given up: it is not stored."""
        self._leaving.pop(call_id, None)

    # --- inside ---------------------------------------------------------------------------------

    def _change(self, live: LiveCall) -> None:
        self.rounds.change(live.change(self._clock.wall()))

    def _tell_status(self, live: LiveCall) -> None:
        if live.has_moved():
            self.rounds.tell(live.owner_id, status_event(live.as_now(self._clock.wall())))

    async def _end_cut_off(self) -> int:
        calls = await self._store.cut_off()
        for at in range(0, len(calls), CUT_OFF_BATCH):
            batch = calls[at : at + CUT_OFF_BATCH]
            ended = await asyncio.to_thread(_end_all, batch, self._recordings, self._costs)
            for call, event, recording in ended:
                left = recording is not None
                change = CallChange(call, recording=recording, recording_is_new=left)
                self.rounds.change(change)
                self.rounds.tell(call.owner_id, event)
                self.rounds.tell(call.owner_id, status_event(call))
        return len(calls)

    async def _forget_old(self) -> None:
        try:
            while old := await self._store.old(self._clock.wall() - self._retention_s):
                # Voices first: what a crash leaves of a call is old, and goes the next time.
                await asyncio.to_thread(_delete_recordings, old, self._recordings)
                await self._store.forget([call.id for call in old])
        except (StoreError, OSError) as exc:
            logger.error("old calls could not be deleted: %s", exc)
        if not self._closing:
            again = self._clock.now() + SWEEP_S
            self._sweep = self._clock.call_at(
                again, lambda: self._spawn(self._forget_old(), "forget old calls")
            )

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.critical("the task to %s died", task.get_name(), exc_info=error)

    def _add_gauges(self, metrics: Metrics) -> None:
        rounds, bus = self.rounds, self._bus
        gauges: list[tuple[str, str, Callable[[], float], str]] = [
            (
                "offhook_calls_unstored",
                "Calls whose last change is not stored yet.",
                lambda: len(rounds),
                "gauge",
            ),
            (
                "offhook_store_failures_total",
                "Times that calls could not be stored.",
                lambda: rounds.failures,
                "counter",
            ),
            (
                "offhook_events_dropped_total",
                "Events that were never told because the disk was too slow.",
                lambda: rounds.dropped_events,
                "counter",
            ),
            (
                "offhook_event_subscribers_dropped_total",
                "Event subscribers that were closed because they fell behind.",
                lambda: bus.overflows,
                "counter",
            ),
        ]
        for name, help_, read, kind in gauges:
            metrics.add_gauge(name, help_, read, kind)


def _end_all(
    calls: list[Call], recordings: pathlib.Path, costs: CostSettings
) -> list[tuple[Call, CallEnded, Recording | None]]:
    found: list[tuple[Call, CallEnded, Recording | None]] = []
    for cut_off in calls:
        call, event = end_cut_off(cut_off, recordings)
        path = recording_in(recordings, call.recording)
        if call.record is not None:
            usage, cost = usage_of(call.record, costs), cost_of(call.record, costs)
            call = msgspec.structs.replace(call, usage=usage, cost=cost)
        found.append((call, event, recording_left(call, path)))
    return found


def _delete_recordings(calls: list[CallSummary], folder: pathlib.Path) -> None:
    delete_recordings(folder, [call.recording for call in calls])


def _nothing() -> None:
    """Before anybody waits for tries."""
