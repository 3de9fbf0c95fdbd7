"""The samples of each lane by their place in time: what was written where, and what is absent.

A place is a *position*, a count of lane samples on the stream's own axis; it is kept at index
position modulo R. Not here: which position a packet has, and when it is played (jitter.py).
"""

import numpy as np
from numpy.typing import NDArray

from .lanes import Columns, frame_samples, which

ABSENT = -32768
"Marks a place where nothing was written; written samples are clipped to -32767."
RING_FRAMES = 64
"1.28 s a lane."
MAX_VIEWS = 16
"Packet lengths that are remembered; a far end can make up as many as it likes."


class Ring(Columns):
    """A ring of samples for each lane. Positions are int64, frames [n, F] or windows [n, any]."""

    def __init__(self, capacity: int, rate_hz: int) -> None:
        super().__init__(capacity)
        self.size = RING_FRAMES * frame_samples(rate_hz)
        self.samples: NDArray[np.int16] = self.column("samples", np.int16, self.size, fill=ABSENT)
        self._views: dict[int, NDArray[np.int16]] = {}

    def grow(self, capacity: int) -> None:
        super().grow(capacity)
        self._views.clear()

    def read(
        self, rows: NDArray[np.int64], positions: NDArray[np.int64], length: int
    ) -> NDArray[np.int16]:
        """`length` samples from each position: a new [k, length], ABSENT where unwritten."""
        at = positions % self.size
        whole = self._whole(rows, at, length)
        beyond = at > self.size - length
        if np.count_nonzero(beyond):
            straddles = which(beyond)
            places = (at[straddles, np.newaxis] + np.arange(length)) % self.size
            whole[straddles] = self.samples[rows[straddles, np.newaxis], places]
        return whole

    def _whole(
        self, rows: NDArray[np.int64], at: NDArray[np.int64], length: int
    ) -> NDArray[np.int16]:
        # A window that straddles the end of its row reads on into the next one; that is put right
        # by the caller. Only the last row has no next one.
        begin = np.minimum(rows * self.size + at, self.samples.size - length)
        return np.asarray(self._windows(length)[begin])

    def write(
        self,
        rows: NDArray[np.int64],
        positions: NDArray[np.int64],
        pcm: NDArray[np.int16],
        lengths: NDArray[np.int64],
        floor: NDArray[np.int64],
    ) -> None:
        """Write the first `lengths` samples of each `pcm` [k, S] at its position.

        What lies before `floor` or beyond a ring's length from there is left out.
        """
        pcm = np.maximum(pcm, ABSENT + 1)
        width = pcm.shape[1]
        at = positions % self.size
        ahead = positions - floor
        simple = (lengths == width) & (at <= self.size - width)
        simple &= ahead >= 0
        simple &= ahead <= self.size - width
        if np.count_nonzero(simple) == len(simple):
            self._windows(width)[rows * self.size + at] = pcm
            return
        for index in which(~simple):
            self._write_part(
                int(rows[index]),
                int(positions[index]),
                pcm[index, : lengths[index]],
                int(floor[index]),
            )
        some = which(simple)
        self._windows(width)[rows[some] * self.size + at[some]] = pcm[some]

    def _write_part(self, row: int, position: int, pcm: NDArray[np.int16], floor: int) -> None:
        begin = max(position, floor)
        end = min(position + len(pcm), floor + self.size)
        if begin < end:
            places = np.arange(begin, end) % self.size
            self.samples[row, places] = pcm[begin - position : end - position]

    def blank(
        self, rows: NDArray[np.int64], positions: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> None:
        """Forget `lengths` samples (at most a ring) from each position."""
        if not rows.size:
            return
        offsets = np.arange(min(int(lengths.max()), self.size))
        index, offset = np.nonzero(offsets < lengths[:, np.newaxis])
        self.samples[rows[index], (positions[index] + offset) % self.size] = ABSENT

    def blank_frames(
        self, rows: NDArray[np.int64], positions: NDArray[np.int64], length: int
    ) -> None:
        """Forget the same `length` from each position; quicker than `blank`."""
        at = positions % self.size
        straddles = at > self.size - length
        if np.count_nonzero(straddles):
            odd = which(straddles)
            self.blank(rows[odd], positions[odd], np.full(odd.size, length, np.int64))
            rows, at = rows[~straddles], at[~straddles]
        self._windows(length)[rows * self.size + at] = ABSENT

    def _windows(self, length: int) -> NDArray[np.int16]:
        """Every run of `length` samples of the whole table as a view [places, length]."""
        view = self._views.get(length)
        if view is None:
            if len(self._views) >= MAX_VIEWS:
                self._views.clear()
            view = np.lib.stride_tricks.sliding_window_view(
                self.samples.reshape(-1), length, writeable=True
            )
            self._views[length] = view
        return view
