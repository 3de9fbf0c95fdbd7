"""How long callers waited for replies: histograms in steps, and what they tell. Pure."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain.analytics import Gaps
from ..store.analytics import GAP_STEP_MS
from .picked_calls import Keys, Picked, groups

Array = NDArray[Any]

MAX_CELLS = 4_000_000
"Of histograms that are counted together: 32 MB."
NOBODYS = -1


def gaps_of(calls: Picked, keys: Keys) -> tuple[Array, Array]:
    """The gaps of these calls in steps, and the key of each; of no call's that is not meant."""
    whose, steps = calls.table.gaps
    key_of_row = np.full(len(calls.table.alive), NOBODYS, "i4")
    key_of_row[calls.rows] = 0 if keys.of is None else keys.of
    of_gap = key_of_row.take(whose)
    if calls.is_all:
        return steps, of_gap
    meant = of_gap != NOBODYS
    return steps[meant], of_gap[meant]


def histograms(calls: Picked, keys: Keys) -> list[Array]:
    """How many gaps have each number of steps, by key."""
    steps, of_gap = gaps_of(calls, keys)
    size = keys.size
    width = int(steps.max()) + 1 if len(steps) else 1
    if size * width <= MAX_CELLS:
        if size > 1:
            of_gap *= width
            of_gap += steps
        cells = np.bincount(of_gap if size > 1 else steps, minlength=size * width)
        return list(cells.reshape(size, width))
    # Somebody waited for minutes: there is no room for all the steps that nobody has.
    found = dict(groups(of_gap, steps))
    return [np.bincount(found.get(key, steps[:0])) for key in range(size)]


def gaps(histogram: Array) -> Gaps:
    """Percentiles by rank: the smallest gap that so many of all do not exceed."""
    replies = int(histogram.sum())
    if not replies:
        return Gaps()
    up_to = np.cumsum(histogram)
    p50, p90, p95, p99, last = (
        int(step) * GAP_STEP_MS
        for step in np.searchsorted(up_to, np.array((0.5, 0.9, 0.95, 0.99, 1.0)) * replies - 1e-9)
    )
    total = int(np.dot(histogram, np.arange(len(histogram)))) * GAP_STEP_MS
    return Gaps(
        replies=replies,
        mean_ms=round(total / replies, 1),
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        max_ms=last,
    )
