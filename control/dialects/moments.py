"""Moments as older APIs write them (ISO 8601 in UTC), and as their clients do. Pure."""

import contextlib
import datetime
import re
import zoneinfo
from typing import Annotated

import msgspec

from ..errors import FieldError, Unprocessable
from .reading import BadQuery

DAY_S = 86_400.0
_FORM = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?)?\Z",
    re.ASCII,
)
_DATE_CHARS = 10

Moment = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
Date = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date"})]
AskedMoment = Annotated[
    str,
    msgspec.Meta(
        max_length=64, description="ISO 8601; a date alone is a whole day.", examples=["2026-11-01"]
    ),
]


def seconds(wall: float) -> str:
    """2025-11-02T10:00:00Z."""
    return _utc(wall).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_or_none(wall: float | None) -> str | None:
    """The same of what may not have come."""
    return None if wall is None else seconds(wall)


def millis(wall: float) -> str:
    """2025-11-02T10:00:00.000Z."""
    moment = _utc(round(wall, 3))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def millis_or_none(wall: float | None) -> str | None:
    """The same of what may not have come."""
    return None if wall is None else millis(wall)


def moment_of(text: str, timezone: str = "UTC", *, last: bool = False) -> float | None:
    """Wall seconds; None: it is no moment.

    Without an offset it is one of `timezone`. A date alone is its first moment; with `last` the
    first of the day after, for ends that are meant inclusive.
    """
    if not _FORM.match(text):
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            zone: datetime.tzinfo = datetime.UTC
            # Who knows the zone names the fault.
            with contextlib.suppress(zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
                zone = zoneinfo.ZoneInfo(timezone)
            moment = moment.replace(tzinfo=zone)
        wall = moment.timestamp()
        _utc(wall)
    except (ValueError, OverflowError, OSError):
        return None
    return wall + DAY_S if last and len(text) == _DATE_CHARS else wall


def asked_moment(text: str | None, field: str, *, last: bool = False) -> float | None:
    """A parameter. Raises BadQuery."""
    if text is None:
        return None
    wall = moment_of(text, last=last)
    if wall is None:
        raise BadQuery([FieldError(field, "must be ISO 8601, as 2025-11-02T10:00:00Z is")])
    return wall


def sent_moment(text: str | None, field: str, timezone: str = "UTC") -> float | None:
    """A body's field. Raises Unprocessable."""
    if text is None:
        return None
    wall = moment_of(text, timezone)
    if wall is None:
        said = "must be ISO 8601, as 2025-11-02T10:00:00Z is"
        raise Unprocessable(f"{field} {said}", [FieldError(field, said)])
    return wall


def _utc(wall: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(wall, datetime.UTC)
