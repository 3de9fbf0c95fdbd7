"""Time scaling: one frame made from a little more or a little less signal, without a seam.

About one pitch period is taken out or repeated, where the signal resembles itself most, and the
join is cross-faded (waveform-similarity overlap-add). Not here: when to do it (jitter.py).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SHORTEST_MS = 2.5
LONGEST_MS = 10
"Of what is taken out or put in."
OVERLAP_MS = 8
"Of the cross-fade; with the longest change it still fits into a 20 ms frame."
QUIET_RMS = 30.0
"int16 units, -61 dBov: below this any place is as good as another."


class Match(NamedTuple):
    """Where each signal resembles its own beginning most."""

    lag: NDArray[np.int64]
    "Samples from the beginning, [k]."
    likeness: NDArray[np.float32]
    "-1..1; 1 for quiet signals, [k]."


def reach(rate_hz: int) -> int:
    """How many samples beyond a frame taking out may need."""
    return LONGEST_MS * rate_hz // 1000


def match(signal: NDArray[np.int16], rate_hz: int) -> Match:
    """Compare the first 8 ms of `signal` int16[k, >= 18 ms] with itself 2.5-10 ms later."""
    shortest, longest = int(SHORTEST_MS * rate_hz / 1000), reach(rate_hz)
    overlap = OVERLAP_MS * rate_hz // 1000
    samples = signal[:, : longest + overlap].astype(np.float32)
    begin = samples[:, :overlap]
    later = np.lib.stride_tricks.sliding_window_view(samples[:, shortest:], overlap, axis=1)
    product = np.einsum("klo,ko->kl", later, begin)
    energy = np.einsum("klo,klo->kl", later, later)
    own = np.einsum("ko,ko->k", begin, begin)
    floor = np.float32(overlap * QUIET_RMS**2)
    likeness = product / np.sqrt(np.maximum(energy * own[:, np.newaxis], floor * floor))
    best = likeness.argmax(axis=1)
    # In quiet take the longest, it brings the most.
    quiet = np.maximum(own, energy.max(axis=1)) < floor
    score = np.take_along_axis(likeness, best[:, np.newaxis], axis=1)[:, 0]
    return Match(
        np.where(quiet, longest, best + shortest).astype(np.int64),
        np.where(quiet, np.float32(1.0), score).astype(np.float32),
    )


def shorten(
    signal: NDArray[np.int16], lags: NDArray[np.int64], frame: int, rate_hz: int
) -> NDArray[np.int16]:
    """int16[k, >= frame + 10 ms] to int16[k, frame], which uses up frame + lag samples."""
    at = np.arange(frame)
    later = np.take_along_axis(signal, at + lags[:, np.newaxis], axis=1)
    return _fade(signal[:, :frame], later, (at + 1) / (OVERLAP_MS * rate_hz // 1000 + 1))


def lengthen(
    signal: NDArray[np.int16], lags: NDArray[np.int64], frame: int, rate_hz: int
) -> NDArray[np.int16]:
    """int16[k, >= frame] to int16[k, frame], which uses up frame - lag samples."""
    since = np.arange(frame) - lags[:, np.newaxis]
    earlier = np.take_along_axis(signal, np.maximum(since, 0), axis=1)
    return _fade(signal[:, :frame], earlier, (since + 1) / (OVERLAP_MS * rate_hz // 1000 + 1))


def _fade(
    a: NDArray[np.int16], b: NDArray[np.int16], weight: NDArray[np.float64]
) -> NDArray[np.int16]:
    weight = np.clip(weight, 0.0, 1.0)
    return np.asarray(np.rint(a + weight * (b.astype(np.float64) - a)), np.int16)
