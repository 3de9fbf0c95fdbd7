"""When something that recurs comes next. Pure: a rule and a moment in, a moment out.

A rule names days, and one time of day in a zone's own wall time. What that gives (its *nominal*
moments) becomes *occurrences*:

- A time that comes twice, because clocks are put back, is the first of the two. One that does not
  come, because clocks are put forward, is the moment after the jump. A day that a zone leaves out
  altogether (Samoa, 30 December 2011) has no occurrence.
- The 31st is the last day in months that are shorter.
- With business hours (9:00 to 18:00 on business days), a nominal moment outside them moves to the
  next 9:00 of a business day. No day gets two: one that has a nominal moment of its own within the
  hours keeps that, and what would move there is left out; several that move to one 9:00 are one.
- `end_date` ends moved ones as well.

So there is at most one occurrence on any local day, and its key is that day, time and zone: it
stays the same whatever clocks do, and differs when the rule is changed to another time.
"""

import calendar
import datetime
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from ..domain.schedules import Pattern, Recurrence
from ..errors import FieldError
from ..lines.open_hours import minutes_of, zone_of

OPENS, CLOSES = 9 * 60, 18 * 60
"Business hours, in minutes of the day."
DAY = datetime.timedelta(days=1)
MOVES_DAYS = 8
"A moved one lands so many days later, at most."
LOOK_DAYS = 70
"In so many days every rule has a nominal moment, and where it lands."
YEARS = (1970, 2199)


class Occurrence(msgspec.Struct, frozen=True):
    """One of its moments."""

    key: str
    "Its local day and time and its zone: `2026-11-30T09:00 Europe/Berlin`."
    wall: float
    "Seconds since 1970, UTC."


def next_after(rule: Recurrence, wall: float) -> Occurrence | None:
    """The first occurrence later than `wall`; None: there is none any more.

    The rule has a `start_date` and no faults.
    """
    zone = zone_of(rule.timezone)
    for day, minute in _landings(rule, _local_day(wall, zone)):
        moment = wall_of(day, minute, zone)
        if moment is not None and moment > wall:
            time = f"{minute // 60:02}:{minute % 60:02}"
            return Occurrence(f"{day.isoformat()}T{time} {rule.timezone}", moment)
    return None


def due(rule: Recurrence, first_wall: float, now_wall: float, limit: int) -> list[Occurrence]:
    """Occurrences from `first_wall` to `now_wall`, both included; the first `limit` of them."""
    found: list[Occurrence] = []
    after = first_wall - 1.0  # occurrences are whole minutes
    while len(found) < limit:
        occurrence = next_after(rule, after)
        if occurrence is None or occurrence.wall > now_wall:
            break
        found.append(occurrence)
        after = occurrence.wall
    return found


def completed(rule: Recurrence, now_wall: float) -> Recurrence:
    """With the day on which it starts, where that was left to us: today, in its zone."""
    if rule.start_date is not None:
        return rule
    return msgspec.structs.replace(rule, start_date=_local_day(now_wall, zone_of(rule.timezone)))


def faults(rule: Recurrence, field: str = "recurrence") -> list[FieldError]:
    """What cannot be in a rule, by field below `field`; empty when it is right."""
    found: list[FieldError] = []
    for name, check, value in (
        ("timezone", zone_of, rule.timezone),
        ("time", _minute_of_day, rule.time),
    ):
        try:
            check(value)
        except ValueError as exc:
            found.append(FieldError(f"{field}.{name}", str(exc)))
    for name, days in (("days", rule.days), ("business_days", rule.business_days)):
        if len(set(days)) < len(days) or not all(1 <= day <= 7 for day in days):
            said = "days are 1 (Monday) to 7 (Sunday), none of them twice"
            found.append(FieldError(f"{field}.{name}", said))
    if rule.business_hours_only and not rule.business_days:
        found.append(FieldError(f"{field}.business_days", "one day at least"))
    if rule.days and rule.pattern is not Pattern.WEEKLY:
        found.append(FieldError(f"{field}.days", "only of a weekly rule"))
    if rule.day is not None and rule.pattern is not Pattern.MONTHLY:
        found.append(FieldError(f"{field}.day", "only of a monthly rule"))
    if rule.day is not None and not 1 <= rule.day <= 31:
        found.append(FieldError(f"{field}.day", "days of a month are 1 to 31"))
    first, last = YEARS
    for name, date in (("start_date", rule.start_date), ("end_date", rule.end_date)):
        if date is not None and not first <= date.year <= last:
            found.append(FieldError(f"{field}.{name}", f"years are {first} to {last}"))
    if rule.start_date and rule.end_date and rule.end_date < rule.start_date:
        found.append(FieldError(f"{field}.end_date", "before the start"))
    return found


def wall_of(day: datetime.date, minute: int, zone: datetime.tzinfo) -> float | None:
    """The first moment of a day at which clocks show that time or later; None: no such day."""
    naive = datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(minutes=minute)
    local = naive.replace(tzinfo=zone)
    moment = local.timestamp()  # fold=0: the first of two
    back = datetime.datetime.fromtimestamp(moment, zone).replace(tzinfo=None)
    if back == naive:
        return moment
    # In a gap: by the offset that holds after it the moment lies before it, and the other way
    # round. The jump is between the two.
    before, after = local.replace(fold=1).timestamp(), moment
    if after - before >= DAY.total_seconds():
        return None
    return _jump(before, after, zone)


# --- inside ---------------------------------------------------------------------------------------


def _landings(rule: Recurrence, around: datetime.date) -> Iterator[tuple[datetime.date, int]]:
    """Local days and minutes from a little before a day on, ascending."""
    minute = minutes_of(rule.time)
    if not rule.business_hours_only:
        yield from ((day, minute) for day in _nominal_days(rule, around))
        return
    in_hours = OPENS <= minute < CLOSES
    last = rule.end_date
    for day in _nominal_days(rule, around):
        if in_hours and day.isoweekday() in rule.business_days:
            yield day, minute
            continue
        lands = _next_opening(day, minute, rule.business_days)
        if last is not None and lands > last:
            continue
        if not (in_hours and _is_nominal(rule, lands)):
            yield lands, OPENS


def _next_opening(day: datetime.date, minute: int, business_days: tuple[int, ...]) -> datetime.date:
    """The day of the first opening at or after a moment that lies outside the hours."""
    if minute >= OPENS:
        day += DAY
    while day.isoweekday() not in business_days:
        day += DAY
    return day


def _nominal_days(rule: Recurrence, around: datetime.date) -> Iterator[datetime.date]:
    start = rule.start_date
    assert start is not None, "a rule is completed before it is asked"
    day = max(start, around - MOVES_DAYS * DAY)
    last = day + (MOVES_DAYS + LOOK_DAYS) * DAY
    if rule.end_date is not None:
        last = min(last, rule.end_date)
    while day <= last:
        if _is_nominal(rule, day):
            yield day
        day += DAY


def _is_nominal(rule: Recurrence, day: datetime.date) -> bool:
    start = rule.start_date
    assert start is not None, "a rule is completed before it is asked"
    if day < start or (rule.end_date is not None and day > rule.end_date):
        return False
    if rule.pattern is Pattern.WEEKLY:
        return day.isoweekday() in (rule.days or (start.isoweekday(),))
    if rule.pattern is Pattern.MONTHLY:
        wanted = rule.day or start.day
        return day.day == min(wanted, calendar.monthrange(day.year, day.month)[1])
    return True


@lru_cache(maxsize=256)
def _jump(before: float, after: float, zone: datetime.tzinfo) -> float:
    """The second at which a zone's offset changes, between two moments."""
    low, high = int(before), int(after)
    offset = datetime.datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return float(high)


def _local_day(wall: float, zone: datetime.tzinfo) -> datetime.date:
    return datetime.datetime.fromtimestamp(wall, zone).date()


def _minute_of_day(text: str) -> int:
    minute = minutes_of(text)
    if minute == 24 * 60:
        raise ValueError("00:00 is a day's beginning; 24:00 is none")
    return minute
