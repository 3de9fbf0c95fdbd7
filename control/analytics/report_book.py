"""What a printed report is made of, and how its figures are written for people. Pure."""

import datetime
import unicodedata

import msgspec

from ..domain.analytics import (
    Agents,
    Costs,
    Hours,
    Latency,
    Outcomes,
    Phrases,
    Quality,
    Sentiments,
    Summary,
    Volume,
)
from ..domain.analytics_questions import Bucket, Period
from .local_time import zone_of

DAY_S = 86_400.0
MOST_DAYS, MOST_WEEKS = 62, 62
"More bars than these cannot be told apart on a page."
NO_FIGURE = "–"


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on the pages."""

    account: str
    period: Period
    made_wall: float
    is_complete: bool
    filters: tuple[str, ...] = ()
    "What was left out, in words."
    summary: Summary
    volume: Volume
    agents: Agents
    outcomes: Outcomes
    hours: Hours
    sentiment: Sentiments
    phrases: Phrases
    costs: Costs
    latency: Latency
    qa: Quality


def bucket_for(period: Period) -> Bucket:
    """Steps that make a legible picture of a period."""
    days = (period.to_wall - period.from_wall) / DAY_S
    if days <= MOST_DAYS:
        return Bucket.DAY
    return Bucket.WEEK if days <= MOST_WEEKS * 7 else Bucket.MONTH


def period_text(period: Period) -> str:
    """Such as `1 March 2026 to 31 March 2026`: both days are in it."""
    zone = zone_of(period.timezone)
    first = datetime.datetime.fromtimestamp(period.from_wall, zone)
    last = datetime.datetime.fromtimestamp(max(period.from_wall, period.to_wall - 1), zone)
    if first.date() == last.date():
        return _day(first)
    return f"{_day(first)} to {_day(last)}"


def moment_text(wall: float, timezone: str) -> str:
    """Such as `1 April 2026, 09:30`."""
    moment = datetime.datetime.fromtimestamp(wall, zone_of(timezone))
    return f"{_day(moment)}, {moment:%H:%M}"


def number(value: float | None, decimals: int = 0) -> str:
    """With commas."""
    return NO_FIGURE if value is None else f"{value:,.{decimals}f}"


def rate(value: float | None) -> str:
    """A percentage."""
    return NO_FIGURE if value is None else f"{value:.1f} %"


def duration(seconds: float | None) -> str:
    """In the two largest units."""
    if seconds is None:
        return NO_FIGURE
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest_s:02} s"
    hours, rest_min = divmod(minutes, 60)
    return f"{hours:,} h {rest_min:02} min" if hours < 1000 else f"{hours:,} h"


def milliseconds(value: float | None) -> str:
    """Short waits in ms, long ones in s."""
    if value is None:
        return NO_FIGURE
    return f"{value:,.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"


def price(value: float | None, currency: str) -> str:
    """Two decimals; small ones as many as it takes to see something."""
    if value is None or not currency:
        return NO_FIGURE
    decimals = 2 if value == 0 or abs(value) >= 1 else 4
    return f"{currency} {value:,.{decimals}f}"


def short(text: str, most: int) -> str:
    """On one line, cut where it is too long. What is as wide as high counts as two."""
    line = " ".join(text.split())
    if len(line) <= most and sum(map(_columns, line)) <= most:
        return line
    room, kept = most - 1, []
    for char in line:
        room -= _columns(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def _columns(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _day(moment: datetime.datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
