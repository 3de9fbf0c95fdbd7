"""A recording's waveform for players: the least and the greatest sample of each slice of time.

    file ──slices of at most SLICE_SAMPLES──▶ min and max ──▶ buckets, equally long but for rounding

Bucket i of n covers the samples from i·length/n to (i+1)·length/n, rounded down, so that the places
of peaks can be computed by who draws them. Blocks: to be run in a thread; numpy lets go of the
interpreter lock while it looks at a slice, and the engine's threads take turns every 0.1 ms.
"""

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


def peaks_of(path: pathlib.Path, buckets: int) -> Peaks:
    """The waveform of a whole WAV. Raises OSError and WavError.

    Of a file that is shorter than `buckets` samples there are only as many buckets as samples.
    """
    with path.open("rb") as file:
        reader = WavReader(file)
        length = reader.length_samples or 0
        count = min(buckets, length)
        edges = np.arange(count + 1, dtype=np.int64) * length // max(1, count)
        lows = np.full((reader.channels, count), 32_767, np.int16)
        highs = np.full((reader.channels, count), -32_768, np.int16)
        position = 0
        while position < length:
            piece = reader.read(min(SLICE_SAMPLES, length - position))
            if not piece.shape[1]:
                break  # cut short by a crash: what is missing is silent
            _look_at(piece, position, edges, lows, highs)
            position += piece.shape[1]
    missing = lows > highs
    lows[missing] = highs[missing] = 0
    return Peaks(reader.rate_hz, length, _rows(lows), _rows(highs))


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
