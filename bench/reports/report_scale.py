"""Axes: where a value lies between two ends, and which round numbers stand along it. Pure."""

import math
from collections.abc import Iterable

import msgspec

ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
LOG_FROM = 50.0
"Where the largest is so many times the smallest, a linear axis shows only the largest."
ZERO_WITHIN = 0.75
"An axis begins at 0 unless all its values lie in the upper quarter."
DECADES_WITH_STEPS = 2.5


class Scale(msgspec.Struct, frozen=True):
    """An axis from `low` to `high`."""

    low: float
    high: float
    ticks: list[float]
    log: bool = False

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        if self.log:
            whole = math.log(self.high) - math.log(self.low)
            return (math.log(max(value, self.low)) - math.log(self.low)) / whole
        return (value - self.low) / (self.high - self.low)


def spanning(
    values: Iterable[float], may_be_log: bool = True, count: int = 5, tight: bool = False
) -> Scale:
    """An axis that holds all values, with about `count` ticks.

    Its ends are round numbers or, where it is tight, the first and the last value.
    """
    known = list(values)
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if may_be_log and low > 0 and high / low >= LOG_FROM:
        return _within(_log(low, high), low, high) if tight else _log(low, high)
    if tight and low < high:
        return _within(spanning(known, False, count), low, high)
    if low == high == 0:
        high = 1.0
    elif 0 <= low <= ZERO_WITHIN * high:
        low = 0.0
    elif high <= 0 and high >= ZERO_WITHIN * low:
        high = 0.0
    if high == low:
        room = abs(high) / 10 or 1.0
        low, high = low - room, high + room
    step = round_step((high - low) / count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [_clean(n * step) for n in range(first, last + 1)]
    return Scale(ticks[0], ticks[-1], ticks)


def round_step(rough: float) -> float:
    """The round number that is not below `rough`."""
    decade = 10.0 ** math.floor(math.log10(rough))
    return next(decade * each for each in ROUND if decade * each >= rough * (1 - 1e-9))


def apart(places: list[float], gap: float, room: float) -> list[float]:
    """The places, moved as little as needs be so that they stand `gap` apart within 0..room."""
    order = sorted(range(len(places)), key=lambda n: places[n])
    moved = dict.fromkeys(range(len(places)), 0.0)
    at = -gap
    for n in order:
        at = moved[n] = max(places[n], at + gap, 0.0)
    limit = room
    for n in reversed(order):
        moved[n] = min(moved[n], limit)
        limit = moved[n] - gap
    return [moved[n] for n in range(len(places))]


def _log(low: float, high: float) -> Scale:
    steps = (1, 2, 5) if math.log10(high / low) <= DECADES_WITH_STEPS else (1,)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [_clean(step * 10.0**decade) for decade in decades for step in steps]
    begin = max(mark for mark in marks if mark <= low * (1 + 1e-9))
    end = min(mark for mark in marks if mark >= high * (1 - 1e-9))
    return Scale(begin, end, [mark for mark in marks if begin <= mark <= end], log=True)


def _within(scale: Scale, low: float, high: float) -> Scale:
    ticks = [tick for tick in scale.ticks if low <= tick <= high]
    return Scale(low, high, ticks, scale.log)


def _clean(value: float) -> float:
    return float(f"{value:.10g}")
