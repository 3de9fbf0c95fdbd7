"""Whether somebody is there at a moment: days and hours in a zone's own wall time. Pure.

Hours are compared as its clocks show them. So where clocks are put forward, hours that do not exist
are not open; where they are put back, the hour that comes twice is open twice.
"""

import datetime
import zoneinfo

from ..domain.agents import OpenHours
from ..errors import FieldError

DAY_MINUTES = 24 * 60
MAX_ZONE_CHARS = 64


def is_open(hours: OpenHours | None, wall: float) -> bool:
    """Whether `wall` (seconds since 1970, UTC) lies in the hours; None: always open."""
    if hours is None:
        return True
    moment = datetime.datetime.fromtimestamp(wall, zone_of(hours.timezone))
    minute = moment.hour * 60 + moment.minute
    opens, closes = minutes_of(hours.opens), minutes_of(hours.closes)
    today = moment.isoweekday()
    if opens < closes:
        return today in hours.days and opens <= minute < closes
    # Past midnight: what opened today is still open, or what opened yesterday is.
    yesterday = (today - 2) % 7 + 1
    return (today in hours.days and minute >= opens) or (
        yesterday in hours.days and minute < closes
    )


def faults(hours: OpenHours, field: str = "open_hours") -> list[FieldError]:
    """What cannot be in `hours`, by field below `field`; empty when they are right."""
    found: list[FieldError] = []
    try:
        zone_of(hours.timezone)
    except ValueError as exc:
        found.append(FieldError(f"{field}.timezone", str(exc)))
    if not hours.days or len(set(hours.days)) < len(hours.days):
        found.append(FieldError(f"{field}.days", "one day at least, and none of them twice"))
    if not all(1 <= day <= 7 for day in hours.days):
        found.append(FieldError(f"{field}.days", "days are 1 (Monday) to 7 (Sunday)"))
    for name, text in (("opens", hours.opens), ("closes", hours.closes)):
        try:
            minutes_of(text)
        except ValueError as exc:
            found.append(FieldError(f"{field}.{name}", str(exc)))
    return found


def zone_of(name: str) -> datetime.tzinfo:
    """A zone by its IANA name. Raises ValueError."""
    if name == "UTC":
        return datetime.UTC
    try:
        if len(name) > MAX_ZONE_CHARS:
            raise ValueError("too long")
        return zoneinfo.ZoneInfo(name)
    # OSError: the name of a folder of the zones' database, such as Europe.
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError(f"{name[:MAX_ZONE_CHARS]!r} is not a known time zone") from exc


def minutes_of(text: str) -> int:
    """Minutes from midnight to `HH:MM`; `24:00` is the day's end. Raises ValueError."""
    hour, colon, minute = text.partition(":")
    digits = f"{hour}{minute}"
    if colon and len(hour) == len(minute) == 2 and digits.isascii() and digits.isdecimal():
        total = int(hour) * 60 + int(minute)
        if int(minute) < 60 and total <= DAY_MINUTES:
            return total
    raise ValueError("a time is written as 09:30, and 24:00 is the day's end")
