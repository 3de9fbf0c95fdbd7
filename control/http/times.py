"""Moments as the API shows and reads them: RFC 3339 in UTC."""

import datetime


def utc(wall: float) -> datetime.datetime:
    """Seconds since 1970 as a moment; JSON has it with milliseconds and Z."""
    moment = datetime.datetime.fromtimestamp(round(wall, 3), datetime.UTC)
    return moment


def utc_or_none(wall: float | None) -> datetime.datetime | None:
    """The same for a moment that may not have come."""
    return None if wall is None else utc(wall)


def wall_of(moment: datetime.datetime) -> float:
    """Back; one without a zone is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp()
