"""How far a difference of two sets of values can be trusted: a bootstrap that knows of runs.

Values of one run are more alike than values of two, so runs are drawn first, then values from each
(cluster bootstrap). Two things keep it honest with the few runs that a person has patience for:

- of k runs k - 1 are drawn: drawing k understates the variance between runs by (k - 1) / k
  (Rao and Wu, JASA 83, 1988);
- the interval is widened by what Student's t asks for beyond the normal distribution at so many
  runs: two runs that agree by luck prove little.

Where one side has a single run, its noise between runs is taken to be the other side's. Where both
have, nothing is known of it and the interval is that of values alone. Pure: the randomness is
passed in.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from .repeats import Runs

LEVEL = 0.95
RESAMPLES = 4000
NORMAL = 1.960
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"97.5 % points at 1..10 degrees of freedom."
AT_ONCE = 2_000_000
"Values drawn in one array."

Floats = NDArray[np.float64]


class Interval(msgspec.Struct, frozen=True):
    """New less old."""

    difference: float
    low: float
    high: float


def interval(
    old: Runs,
    new: Runs,
    share: float | None,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """Of the difference of the percentile at `share`, or of the means when it is None."""
    before, after = _replicates(old, share, rng, resamples), _replicates(new, share, rng, resamples)
    if len(old) == 1 and len(new) > 1:
        before += _between(new, share, rng, resamples)
    if len(new) == 1 and len(old) > 1:
        after += _between(old, share, rng, resamples)
    difference = observed(new, share) - observed(old, share)
    tail = 50 * (1 - LEVEL)
    drawn = after - before
    low, high = (float(end) for end in np.percentile(drawn, [tail, 100 - tail]))
    degrees = len(old) - 1 + len(new) - 1
    factor = widening(degrees)
    # Means of two or three drawn runs have shorter tails than the noise that they stand for.
    least = factor * NORMAL * float(drawn.std()) if degrees else 0.0
    return Interval(
        difference,
        difference - max(least, factor * (difference - low), 0.0),
        difference + max(least, factor * (high - difference), 0.0),
    )


def widening(degrees: int) -> float:
    """What t asks for beyond the normal distribution; 1 where there is only one run a side."""
    if degrees == 0:
        return 1.0
    if degrees <= len(STUDENT):
        return STUDENT[degrees - 1] / NORMAL
    return 1 + (NORMAL**2 + 1) / (4 * degrees)  # its first-order expansion


def observed(runs: Runs, share: float | None) -> float:
    """The statistic of all values together."""
    values = np.sort(np.concatenate([np.asarray(run, np.float64) for run in runs]))
    return float(values.mean() if share is None else values[rank(share, len(values))])


def rank(share: float, count: int) -> int:
    """Index of the percentile among so many sorted values (as in waveform.percentile)."""
    return min(count - 1, max(0, math.ceil(share * count) - 1))


def _between(runs: Runs, share: float | None, rng: np.random.Generator, count: int) -> Floats:
    """How a single run strays from all of them."""
    return _replicates(runs, share, rng, count, draws=1) - observed(runs, share)


def _replicates(
    runs: Runs,
    share: float | None,
    rng: np.random.Generator,
    count: int,
    draws: int | None = None,
) -> Floats:
    """The statistic of `count` resamples."""
    lengths = np.array([len(run) for run in runs])
    table = np.zeros((len(runs), int(lengths.max())))
    for row, run in zip(table, runs, strict=True):
        row[: len(run)] = run
    draws = draws or max(1, len(runs) - 1)
    at_once = max(1, AT_ONCE // (draws * table.shape[1]))
    parts = [
        _resampled(table, lengths, share, rng, min(at_once, count - begin), draws)
        for begin in range(0, count, at_once)
    ]
    return np.concatenate(parts)


def _resampled(
    table: Floats,
    lengths: NDArray[np.int64],
    share: float | None,
    rng: np.random.Generator,
    count: int,
    draws: int,
) -> Floats:
    chosen = rng.integers(0, len(lengths), (count, draws))
    drawn = lengths[chosen]
    places = rng.random((count, draws, table.shape[1])) * drawn[:, :, None]
    values = table[chosen[:, :, None], places.astype(np.int64)]
    beyond = np.arange(table.shape[1]) >= drawn[:, :, None]
    total = drawn.sum(axis=1)
    if share is None:
        means: Floats = np.where(beyond, 0.0, values).sum(axis=(1, 2)) / total
        return means
    values[beyond] = np.inf
    ordered = np.sort(values.reshape(count, -1), axis=1)
    ranks = np.array([rank(share, int(n)) for n in total])
    found: Floats = ordered[np.arange(count), ranks]
    return found
