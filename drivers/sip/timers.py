"""SIP's timers (RFC 3261 §17 table 4, RFC 6026 §7) and an agenda of who waits until when.

Not here: what happens when one fires; that is each machine's own table.
"""

import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

import msgspec

Key = TypeVar("Key", bound=Hashable)

STALE_ENTRIES = 1024
"Replaced entries that the agenda's heap may hold before it is made anew."


class Timers(msgspec.Struct, frozen=True):
    """The three base times, and the timers that RFC 3261 derives from them. All in seconds."""

    t1_s: float = 0.5
    "Round-trip estimate."
    t2_s: float = 4.0
    "Longest retransmission interval of a non-INVITE request and of an INVITE response."
    t4_s: float = 5.0
    "Longest time that a message stays in the network."

    @property
    def transaction_s(self) -> float:
        """Timers B, F, H, J, L and M: how long a transaction tries, or remembers."""
        return 64 * self.t1_s

    def d_s(self, reliable: bool) -> float:
        """Timer D: an INVITE client waits for repeated final responses."""
        return 0.0 if reliable else max(32.0, self.transaction_s)

    def i_s(self, reliable: bool) -> float:
        """Timer I: an INVITE server waits for repeated ACKs."""
        return 0.0 if reliable else self.t4_s

    def j_s(self, reliable: bool) -> float:
        """Timer J: a non-INVITE server waits for repeated requests."""
        return 0.0 if reliable else self.transaction_s

    def k_s(self, reliable: bool) -> float:
        """Timer K: a non-INVITE client waits for repeated responses."""
        return 0.0 if reliable else self.t4_s


class Agenda(Generic[Key]):
    """Many owners with one timer each: who is next, and who is due. O(log n) a change."""

    def __init__(self) -> None:
        self._at: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._at)

    def set(self, key: Key, at: float | None) -> None:
        """Make `at` the key's only timer; None takes it off the agenda."""
        if at is None:
            self._at.pop(key, None)
        elif self._at.get(key) != at:
            self._at[key] = at
            heapq.heappush(self._heap, (at, next(self._order), key))
            if len(self._heap) > 2 * len(self._at) + STALE_ENTRIES:
                self._heap = [(at, next(self._order), key) for key, at in self._at.items()]
                heapq.heapify(self._heap)

    def get_timer(self) -> float | None:
        """The earliest moment on the agenda."""
        # Replaced and removed entries stay in the heap until they come up.
        while self._heap and self._at.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[Key]:
        """Take every key whose moment has come off the agenda, earliest first."""
        keys: list[Key] = []
        while (at := self.get_timer()) is not None and at <= now:
            key = heapq.heappop(self._heap)[2]
            del self._at[key]
            keys.append(key)
        return keys
