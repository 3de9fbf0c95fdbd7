"""A recording's waveform for players: the least and the greatest sample of each slice of time.

    file ──slices of at most SLICE_SAMPLES──▶ min and max ──▶ buckets, equally long but for rounding

Bucket i of n covers the samples from i·length/n to (i+1)·length/n, rounded down, so that the places
of peaks can be computed by who draws them.
"""

import asyncio
import pathlib

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...codecs.wav import WavReader

SLICE_SAMPLES = 16_384
"That are read and looked at without a break: 64 kB of both channels, about 0.1 ms."
MAX_BUCKETS = 4000


class Peaks(msgspec.Struct, frozen=True):
    """A waveform; samples from -32768 to 32767, one figure a bucket."""

    rate_hz: int
    length_samples: int
    lows: tuple[tuple[int, ...], ...]
    "By channel."
    highs: tuple[tuple[int, ...], ...]


class Drawing:
    """A waveform in the making. A context manager: it holds the file open."""

    def __init__(self, path: pathlib.Path, buckets: int) -> None:
        """Blocks, as `step` does. Raises OSError and WavError.

        Of a file that is shorter than `buckets` samples there are only as many as samples.
        """
        self._file = path.open("rb")
        try:
            self._reader = WavReader(self._file)
        except BaseException:
            self._file.close()
            raise
        self._length = self._reader.length_samples or 0
        count = min(buckets, self._length)
        self._edges = np.arange(count + 1, dtype=np.int64) * self._length // max(1, count)
        self._lows = np.full((self._reader.channels, count), 32_767, np.int16)
        self._highs = np.full((self._reader.channels, count), -32_768, np.int16)
        self._position = 0

    def __enter__(self) -> "Drawing":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def step(self) -> bool:
        """Look at one more slice; False: that was all."""
        wanted = min(SLICE_SAMPLES, self._length - self._position)
        piece = self._reader.read(wanted)
        if not piece.shape[1]:  # the end, or a file cut short by a crash: the rest is silent
            return False
        _look_at(piece, self._position, self._edges, self._lows, self._highs)
        self._position += piece.shape[1]
        return self._position < self._length

    def peaks(self) -> Peaks:
        """What was seen."""
        missing = self._lows > self._highs
        self._lows[missing] = self._highs[missing] = 0
        rows = _rows(self._lows), _rows(self._highs)
        return Peaks(self._reader.rate_hz, self._length, *rows)


async def draw(path: pathlib.Path, buckets: int) -> Peaks:
    """The waveform of a whole WAV. Raises OSError and WavError.

    Each slice goes to a thread by itself: in between the event loop, in which the frame clock runs,
    has its turn at once, and need not win the interpreter lock from a thread that works on.
    """
    with await asyncio.to_thread(Drawing, path, buckets) as drawing:
        while await asyncio.to_thread(drawing.step):
            pass
        return await asyncio.to_thread(drawing.peaks)


def _look_at(
    piece: NDArray[np.int16],
    position: int,
    edges: NDArray[np.int64],
    lows: NDArray[np.int16],
    highs: NDArray[np.int16],
) -> None:
    """Let a piece that begins at `position` count in the buckets that it lies in."""
    first = int(np.searchsorted(edges, position, side="right")) - 1
    last = int(np.searchsorted(edges, position + piece.shape[1], side="left"))
    begins = np.maximum(edges[first:last] - position, 0)
    low = np.minimum.reduceat(piece, begins, axis=1)
    high = np.maximum.reduceat(piece, begins, axis=1)
    lows[:, first:last] = np.minimum(lows[:, first:last], low)
    highs[:, first:last] = np.maximum(highs[:, first:last], high)


def _rows(figures: NDArray[np.int16]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in figures.tolist())
