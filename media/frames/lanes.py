"""Columns: arrays with one row a lane, that grow together and are cleared row by row.

Not here: which step uses which column. Every step of the frame path (jitter buffer, VAD, playout,
history) is a subclass of Columns, and one row number means the same leg in all of them.
"""

import heapq
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

FRAME_MS = 20


def frame_samples(rate_hz: int) -> int:
    """Samples of one 20 ms frame at `rate_hz`."""
    return rate_hz * FRAME_MS // 1000


def which(rows: NDArray[Any]) -> NDArray[np.intp]:
    """Where a column is true: numpy's flatnonzero takes six times as long, twenty times a tick."""
    return rows.nonzero()[0]


class Columns:
    """A set of arrays, each [capacity, *tail], whose rows belong to lanes.

    Rings that all rows pass at the same pace are tracks, [moments, capacity, *tail]: what a tick
    touches of them lies together. In rows of their own every lane would cost a tick a page.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._fills: dict[str, Any] = {}
        self._tracks: list[str] = []

    def column(
        self, name: str, dtype: DTypeLike, *tail: int, fill: float | bool = 0
    ) -> NDArray[Any]:
        """A new array of shape [capacity, *tail]; must be stored as attribute `name`."""
        self._fills[name] = fill
        return np.full((self.capacity, *tail), fill, dtype)

    def track(self, name: str, dtype: DTypeLike, moments: int, *tail: int) -> NDArray[Any]:
        """A new array of zeros, [moments, capacity, *tail]; must be stored as attribute `name`."""
        self._tracks.append(name)
        return np.zeros((moments, self.capacity, *tail), dtype)

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` rows; old rows keep their content. Replaces the arrays."""
        for name in self._tracks:
            track: NDArray[Any] = getattr(self, name)
            longer = np.zeros((len(track), capacity, *track.shape[2:]), track.dtype)
            longer[:, : self.capacity] = track
            setattr(self, name, longer)
        for name, fill in self._fills.items():
            old: NDArray[Any] = getattr(self, name)
            new = np.full((capacity, *old.shape[1:]), fill, old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)
        self.capacity = capacity

    def clear(self, row: int) -> None:
        """Make a row as new, for its next lane."""
        for name, fill in self._fills.items():
            getattr(self, name)[row] = fill
        for name in self._tracks:
            getattr(self, name)[:, row] = 0


class Rows:
    """Hands out row numbers, lowest first, so that live rows stay dense."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self.high = 0
        "One past the highest row in use: steps work on [:high]."
        self._used: set[int] = set()

    def take(self) -> int:
        """The lowest free row."""
        row = heapq.heappop(self._free) if self._free else self.high
        self._used.add(row)
        self.high = max(self.high, row + 1)
        return row

    def give_back(self, row: int) -> None:
        """Free a row. Trailing free rows are no longer worked on."""
        self._used.remove(row)
        heapq.heappush(self._free, row)
        if row == self.high - 1:
            self.high = max(self._used, default=-1) + 1
            self._free = [free for free in self._free if free < self.high]
            heapq.heapify(self._free)

    def __len__(self) -> int:
        return len(self._used)
