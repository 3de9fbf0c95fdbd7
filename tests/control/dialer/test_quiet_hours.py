"""Quiet hours, against an oracle that looks at every minute."""

import datetime
import random
import zoneinfo

import pytest

from offhook.control.dialer.quiet_hours import faults, is_quiet, quiet_until
from offhook.control.domain.dialing import QuietHours

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Apia",
)
MINUTE_S = 60


def wall(zone: str, *moment: int, fold: int = 0) -> float:
    year, month, day, hour, minute = moment
    tz = zoneinfo.ZoneInfo(zone)
    return datetime.datetime(year, month, day, hour, minute, fold=fold, tzinfo=tz).timestamp()


def oracle_is_quiet(hours: QuietHours, zone: str, at: float) -> bool:
    local = datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone))
    shown = local.strftime("%H:%M")
    if local.isoweekday() in hours.days:
        return True
    if hours.begins < hours.ends:
        return hours.begins <= shown < hours.ends
    return hours.begins != hours.ends and (shown >= hours.begins or shown < hours.ends)


def oracle_end(hours: QuietHours, zone: str, at: float) -> float | None:
    if not oracle_is_quiet(hours, zone, at):
        return None
    minute = at - at % MINUTE_S
    while oracle_is_quiet(hours, zone, minute):
        minute += MINUTE_S
    return minute


def test_the_night_is_quiet_where_the_number_is() -> None:
    night = QuietHours()
    at = wall("Europe/Berlin", 2026, 11, 30, 20, 59)
    assert not is_quiet(night, "Europe/Berlin", at)
    assert quiet_until(night, "Europe/Berlin", at) is None
    at = wall("Europe/Berlin", 2026, 11, 30, 21, 0)
    assert quiet_until(night, "Europe/Berlin", at) == wall("Europe/Berlin", 2026, 12, 1, 8, 0)
    assert not is_quiet(night, "America/New_York", at), "it is afternoon there"
    assert not is_quiet(None, "Europe/Berlin", at)


def test_a_quiet_weekend_ends_on_monday_morning() -> None:
    hours = QuietHours(days=(6, 7))
    saturday = wall("UTC", 2026, 11, 28, 12, 0)
    assert quiet_until(hours, "UTC", saturday) == wall("UTC", 2026, 11, 30, 8, 0)
    only_days = QuietHours(begins="00:00", ends="00:00", days=(7,))
    assert quiet_until(only_days, "UTC", saturday) is None
    sunday = wall("UTC", 2026, 11, 29, 12, 0)
    assert quiet_until(only_days, "UTC", sunday) == wall("UTC", 2026, 11, 30, 0, 0)


def test_an_end_that_clocks_jump_over_is_the_jump() -> None:
    hours = QuietHours(begins="22:00", ends="02:30")
    night = wall("Europe/Berlin", 2026, 3, 29, 1, 0)
    end = quiet_until(hours, "Europe/Berlin", night)
    assert end == wall("Europe/Berlin", 2026, 3, 29, 3, 0)


def test_an_hour_that_comes_twice_is_quiet_twice() -> None:
    hours = QuietHours(begins="22:00", ends="02:30")
    night = wall("Europe/Berlin", 2026, 10, 25, 1, 0)
    first = wall("Europe/Berlin", 2026, 10, 25, 2, 30)
    assert quiet_until(hours, "Europe/Berlin", night) == first
    again = wall("Europe/Berlin", 2026, 10, 25, 2, 10, fold=1)
    assert quiet_until(hours, "Europe/Berlin", again) == first + 3600


@pytest.mark.parametrize("zone", ZONES)
def test_any_hours_in_any_zone_agree_with_looking_at_every_minute(zone: str) -> None:
    rng = random.Random(zone)
    # Around changes of clocks, and at any other time; Samoa left out a day in 2011.
    around = [
        wall("UTC", 2026, 3, 29, 0, 0),
        wall("UTC", 2026, 10, 25, 0, 0),
        wall("UTC", 2026, 4, 5, 0, 0),
        wall("UTC", 2011, 12, 30, 0, 0),
        wall("UTC", 2026, 9, 6, 0, 0),
    ]
    for _ in range(40):
        begins, ends = (
            f"{rng.randrange(24):02}:{rng.choice((0, 15, 30, 59)):02}" for _ in range(2)
        )
        days = tuple(rng.sample(range(1, 8), rng.choice((0, 0, 1, 2, 6))))
        hours = QuietHours(begins=begins, ends=ends, days=days)
        assert faults(hours) == []
        at = rng.choice(around) + rng.uniform(-2, 2) * 86_400
        expected = oracle_end(hours, zone, at)
        assert is_quiet(hours, zone, at) is (expected is not None)
        assert quiet_until(hours, zone, at) == expected, (hours, zone, at)


@pytest.mark.parametrize(
    ("hours", "field"),
    [
        (QuietHours(begins="9"), "quiet_hours.begins"),
        (QuietHours(ends="25:00"), "quiet_hours.ends"),
        (QuietHours(days=(0,)), "quiet_hours.days"),
        (QuietHours(days=(1, 1)), "quiet_hours.days"),
        (QuietHours(days=(1, 2, 3, 4, 5, 6, 7)), "quiet_hours.days"),
        (QuietHours(begins="00:00", ends="24:00"), "quiet_hours.ends"),
    ],
)
def test_hours_that_make_no_sense_are_named(hours: QuietHours, field: str) -> None:
    assert [error.field for error in faults(hours)] == [field]
