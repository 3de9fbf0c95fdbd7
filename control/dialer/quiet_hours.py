"""Whether nobody may be called at a moment, and until when: hours in a zone's own wall time. Pure.

Hours are compared as clocks show them: where clocks are put back, an hour that comes twice is quiet
twice; where they are put forward, it is quiet until the first moment that they show later.
"""

import datetime

from ..domain.dialing import QuietHours
from ..errors import FieldError
from ..lines.open_hours import minutes_of, zone_of

MINUTE_S = 60
LOOK_DAYS = 8
"A week of quiet days, less one, and the night after it."
ALL_DAYS = 7


def is_quiet(hours: QuietHours | None, timezone: str, wall: float) -> bool:
    """Whether `wall` (seconds since 1970, UTC) is quiet in that zone; None: never."""
    if hours is None:
        return False
    return _is_quiet(hours, datetime.datetime.fromtimestamp(wall, zone_of(timezone)))


def quiet_until(hours: QuietHours | None, timezone: str, wall: float) -> float | None:
    """The first moment from `wall` on, to the minute, at which calls may be begun again.

    None: `wall` is not quiet.
    """
    if hours is None or not is_quiet(hours, timezone, wall):
        return None
    zone = zone_of(timezone)
    quiet = wall
    for moment in _changes(hours, zone, wall):
        if moment <= wall:
            continue
        if not is_quiet(hours, timezone, moment):
            return _first_loud(hours, timezone, quiet, moment)
        quiet = moment
    raise AssertionError("a week has an hour that is not quiet: faults() sees to it")


def faults(hours: QuietHours, field: str = "quiet_hours") -> list[FieldError]:
    """What cannot be in `hours`, by field below `field`."""
    found: list[FieldError] = []
    for name, text in (("begins", hours.begins), ("ends", hours.ends)):
        try:
            minutes_of(text)
        except ValueError as exc:
            found.append(FieldError(f"{field}.{name}", str(exc)))
    if not all(1 <= day <= ALL_DAYS for day in hours.days):
        found.append(FieldError(f"{field}.days", "days are 1 (Monday) to 7 (Sunday)"))
    if len(set(hours.days)) < len(hours.days):
        found.append(FieldError(f"{field}.days", "none of them twice"))
    if len(set(hours.days)) >= ALL_DAYS:
        found.append(FieldError(f"{field}.days", "not all of them: to call nobody, stop"))
    if not found and (minutes_of(hours.begins), minutes_of(hours.ends)) == (0, 24 * 60):
        found.append(FieldError(f"{field}.ends", "a part of the day must be left"))
    return found


def _is_quiet(hours: QuietHours, local: datetime.datetime) -> bool:
    if local.isoweekday() in hours.days:
        return True
    begins, ends = minutes_of(hours.begins), minutes_of(hours.ends)
    minute = local.hour * 60 + local.minute
    if begins <= ends:
        return begins <= minute < ends
    return minute >= begins or minute < ends


def _changes(hours: QuietHours, zone: datetime.tzinfo, wall: float) -> list[float]:
    """Moments at which quiet may end: midnights, and the end of hours, wherever clocks show it."""
    day = datetime.datetime.fromtimestamp(wall, zone).date()
    found = set[float]()
    for ahead in range(LOOK_DAYS + 1):
        for minute in (0, minutes_of(hours.ends)):
            time = datetime.timedelta(days=ahead, minutes=minute)
            local = datetime.datetime.combine(day, datetime.time()) + time
            for fold in (0, 1):
                found.add(local.replace(tzinfo=zone, fold=fold).timestamp())
    return sorted(found)


def _first_loud(hours: QuietHours, timezone: str, quiet: float, loud: float) -> float:
    """Between a quiet moment and one that is not: clocks may have jumped over the end."""
    low, high = int(quiet // MINUTE_S), int(loud // MINUTE_S)
    while high - low > 1:
        middle = (low + high) // 2
        if is_quiet(hours, timezone, middle * MINUTE_S):
            low = middle
        else:
            high = middle
    return float(high * MINUTE_S)
