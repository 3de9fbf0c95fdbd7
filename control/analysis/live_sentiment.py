"""SHELL: the caller's mood while a call goes on: told when its label changes, shown on the call.

Every turn of the caller's is scored where it is said: a phrase costs a tenth of a millisecond, and
what is longer is judged by its end (sentiment.py). English only: of others nothing is told.
"""

from typing import Protocol

from ...media.clock import Clock
from ...media.conversation.records import AnyCallEvent, CallRecord, Role, TurnAdded
from ..calls.calls import LiveCall
from ..domain.events import CallSentimentChanged
from .conversation import is_english
from .sentiment import Ear, label_of, mood_after


class Told(Protocol):
    """The calls in progress (calls/registry.py)."""

    def find(self, call_id: str) -> LiveCall | None:
        """One of them."""
        ...

    def felt(self, event: CallSentimentChanged) -> None:
        """The caller's mood is another one."""
        ...


class LiveSentiment:
    """A CallWatch."""

    def __init__(self, calls: Told, ear: Ear, clock: Clock) -> None:
        self._calls = calls
        self._ear = ear
        self._clock = clock
        self._moods: dict[str, float] = {}

    def __len__(self) -> int:
        """Calls whose mood is known."""
        return len(self._moods)

    def count(self, event: AnyCallEvent, record: CallRecord) -> None:
        """Something happened in a call."""
        if not isinstance(event, TurnAdded):
            return
        turn = event.turn
        if turn.role is not Role.CALLER or turn.rejected or not turn.text or not record.rate_hz:
            return
        live = self._calls.find(record.id)
        if live is None or live.language is None or not is_english(live.language):
            return
        before = self._moods.get(record.id)
        mood = self._moods[record.id] = mood_after(before, self._ear.score(turn.text))
        label, previous = label_of(mood), None if before is None else label_of(before)
        if label is previous:
            return
        self._calls.felt(
            CallSentimentChanged(
                at_wall=self._clock.wall(),
                call_id=record.id,
                label=label,
                previous=previous,
                score=mood,
                at_s=round(turn.begin_samples / record.rate_hz, 3),
            ),
        )

    def count_ended(self, record: CallRecord) -> None:
        """A call is over."""
        self._moods.pop(record.id, None)
