"""How long calls may be: the agent says goodbye shortly before, then it is hung up.

How long that is, is asked when a call is answered: what its account subscribes to later counts for
its next calls.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from ...media.clock import Clock, Timer
from ...media.conversation.records import AnyCallEvent, CallAnswered, CallRecord
from ...media.errors import MediaError
from ..errors import StoreError
from .calls import Calls, LiveCall

GOODBYE_S = 6.0
"So long before its end a call hears of it."
WORDS = "I am sorry, the time for this call is over. Goodbye."

Longest = Callable[[str], Awaitable[float | None]]
"Of an account: how long its calls may be, in seconds; None: as long as they like."

logger = logging.getLogger(__name__)


class CallLengths:
    """A CallWatch (registry.py). `aclose()` ends it."""

    def __init__(self, calls: Calls, longest: Longest, clock: Clock, words: str = WORDS) -> None:
        self._calls = calls
        self._longest = longest
        self._clock = clock
        self._words = words
        self._timers: dict[str, Timer] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def count(self, event: AnyCallEvent, record: CallRecord) -> None:
        """A call was answered: it has so long from now on."""
        if isinstance(event, CallAnswered):
            work = self._begin(record.id, self._clock.now())
            task = asyncio.get_running_loop().create_task(work, name=f"limit call {record.id}")
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    def count_ended(self, record: CallRecord) -> None:
        """It is over, whoever ended it."""
        timer = self._timers.pop(record.id, None)
        if timer is not None:
            timer.cancel()

    async def aclose(self) -> None:
        """No call is ended any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for task in tuple(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _begin(self, call_id: str, answered_at: float) -> None:
        live = self._calls.find(call_id)
        if live is None:
            return
        try:
            longest_s = await self._longest(live.owner_id)
        except StoreError as exc:
            logger.error("how long call %s may be is not known: %s", call_id, exc)
            return
        if longest_s is not None and self._calls.is_live(call_id):
            at = answered_at + max(0.0, longest_s - GOODBYE_S)
            self._set(call_id, at, lambda: self._warn(live, answered_at + longest_s))

    def _warn(self, live: LiveCall, end_at: float) -> None:
        if live.session is not None:
            with contextlib.suppress(MediaError):  # it has ended, or a person has it
                live.session.say(self._words, interrupt=True)
        self._set(live.id, end_at, lambda: self._end(live))

    def _end(self, live: LiveCall) -> None:
        self._timers.pop(live.id, None)
        live.hang_up()

    def _set(self, call_id: str, at: float, then: Callable[[], None]) -> None:
        if self._calls.is_live(call_id):
            self._timers[call_id] = self._clock.call_at(at, then)
