"""Steps, hours and weekdays of a zone, for moments by the million. Pure.

A day is from one local midnight to the next, however long that is: where clocks are put on or back
it has 23 or 25 hours. An hour of the day that comes twice is counted as one; one that is left out
has no calls.
"""

import datetime
import functools
import zoneinfo
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain.analytics import Step
from ..domain.analytics_questions import Bucket, Period

MAX_STEPS = 1100
"Three years of days, six weeks of hours."
DAY_S, HOUR_S = 86_400, 3_600
EPOCH_WEEKDAY = 3
"1970-01-01 was a Thursday; Monday is 0."

Array = NDArray[Any]


class TooManySteps(Exception):
    """A period has more steps than are counted at once."""


@functools.lru_cache(maxsize=64)
def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """A zone by its IANA name. Raises ValueError when there is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError(f"no time zone {name[:64]!r}") from exc


def steps_of(period: Period) -> list[Step]:
    """All steps that a period has a part of, in order. Raises TooManySteps."""
    zone = zone_of(period.timezone)
    last = period.to_wall
    steps: list[Step] = []
    if last <= period.from_wall:
        return steps
    day = datetime.datetime.fromtimestamp(period.from_wall, zone).date()
    begins_wall = _begin(period, day, zone)
    while begins_wall < last:
        begins_at = datetime.datetime.fromtimestamp(begins_wall, zone)
        steps.append(Step(date=begins_at.date(), begins_at=begins_at))
        if len(steps) > MAX_STEPS:
            raise TooManySteps
        begins_wall = _next(period.bucket, begins_wall, begins_at.date(), zone)
    return steps


def places_of(walls: Array, steps: list[Step]) -> Array:
    """Which step each moment lies in."""
    edges = np.array([step.begins_at.timestamp() for step in steps], "f8")
    places: Array = np.searchsorted(edges, walls, side="right") - 1
    return places


def hours_of_week(walls: Array, period: Period) -> Array:
    """The local hour of each moment: weekday (Monday is 0) × 24 + hour."""
    local = walls + offsets_of(walls, period)
    hours = np.floor_divide(local, HOUR_S).astype("i8")
    weekdays = (hours // 24 + EPOCH_WEEKDAY) % 7
    of_week: Array = weekdays * 24 + hours % 24
    return of_week


def offsets_of(walls: Array, period: Period) -> Array:
    """The zone's seconds east of UTC at each moment of a period."""
    zone = zone_of(period.timezone)
    edges, offsets = [period.from_wall], [_offset(period.from_wall, zone)]
    wall = period.from_wall
    while wall < period.to_wall:
        wall = min(wall + DAY_S, period.to_wall)
        if _offset(wall, zone) != offsets[-1]:
            edges.append(_change(wall - DAY_S, wall, zone))
            offsets.append(_offset(wall, zone))
    return np.array(offsets)[np.searchsorted(edges[1:], walls, side="right")]


def midnight(day: datetime.date, zone: zoneinfo.ZoneInfo) -> float:
    """When a local day begins; where clocks jump over midnight, when they do."""
    return datetime.datetime.combine(day, datetime.time(), zone).timestamp()


def _begin(period: Period, day: datetime.date, zone: zoneinfo.ZoneInfo) -> float:
    """Of the step that the period's first moment, on `day`, lies in."""
    match period.bucket:
        case Bucket.HOUR:
            local = period.from_wall + _offset(period.from_wall, zone)
            return period.from_wall - local % HOUR_S
        case Bucket.WEEK:
            day -= datetime.timedelta(days=day.weekday())
        case Bucket.MONTH:
            day = day.replace(day=1)
        case Bucket.DAY:
            pass
    return midnight(day, zone)


def _next(bucket: Bucket, wall: float, day: datetime.date, zone: zoneinfo.ZoneInfo) -> float:
    match bucket:
        case Bucket.HOUR:
            return wall + HOUR_S
        case Bucket.MONTH:
            day = (day.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
        case Bucket.WEEK | Bucket.DAY:
            day += datetime.timedelta(days=7 if bucket is Bucket.WEEK else 1)
    return midnight(day, zone)


def _offset(wall: float, zone: zoneinfo.ZoneInfo) -> float:
    offset = datetime.datetime.fromtimestamp(wall, zone).utcoffset()
    assert offset is not None, "a moment in a zone has one"
    return offset.total_seconds()


def _change(before: float, after: float, zone: zoneinfo.ZoneInfo) -> float:
    """The second in which the offset changes between two moments: the first with the new one."""
    low, high = int(before) - 1, int(after) + 1
    old = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == old:
            low = middle
        else:
            high = middle
    return float(high)
