"""Days and hours of zones, over the changes of their clocks."""

import datetime
import random
import zoneinfo

import numpy as np
import pytest

from offhook.control.analytics.local_time import (
    TooManySteps,
    hours_of_week,
    places_of,
    steps_of,
    zone_of,
)
from offhook.control.domain.analytics_questions import Bucket, Period

BERLIN = "Europe/Berlin"


def wall(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def period(from_: str, to: str, timezone: str, bucket: Bucket = Bucket.DAY) -> Period:
    return Period(from_wall=wall(from_), to_wall=wall(to), timezone=timezone, bucket=bucket)


def test_a_day_on_which_clocks_change_is_an_hour_shorter_or_longer() -> None:
    spring = steps_of(period("2026-03-28T23:00Z", "2026-03-30T22:00Z", BERLIN))
    lengths = [step.begins_at.timestamp() for step in spring]
    assert [step.date.isoformat() for step in spring] == ["2026-03-29", "2026-03-30"]
    assert lengths[1] - lengths[0] == 23 * 3600
    autumn = steps_of(period("2026-10-24T22:00Z", "2026-10-26T23:00Z", BERLIN))
    assert autumn[1].begins_at.timestamp() - autumn[0].begins_at.timestamp() == 25 * 3600


def test_weeks_begin_on_monday_and_months_on_their_first_day_before_the_period_if_need_be() -> None:
    weeks = steps_of(period("2026-03-04T12:00Z", "2026-03-16T12:00Z", BERLIN, Bucket.WEEK))
    assert [step.date.isoformat() for step in weeks] == ["2026-03-02", "2026-03-09", "2026-03-16"]
    months = steps_of(period("2025-12-31T23:30Z", "2026-03-01T12:00Z", BERLIN, Bucket.MONTH))
    assert [step.date.isoformat() for step in months] == ["2026-01-01", "2026-02-01", "2026-03-01"]


def test_hours_of_zones_with_quarters_begin_on_their_own_hour() -> None:
    steps = steps_of(
        period("2026-05-01T00:00Z", "2026-05-01T02:00Z", "Asia/Kathmandu", Bucket.HOUR)
    )
    assert [step.begins_at.isoformat() for step in steps] == [
        "2026-05-01T05:00:00+05:45",
        "2026-05-01T06:00:00+05:45",
        "2026-05-01T07:00:00+05:45",
    ]


def test_where_there_is_no_midnight_the_day_begins_when_clocks_jump() -> None:
    steps = steps_of(period("2024-03-30T12:00Z", "2024-04-01T12:00Z", "Asia/Beirut"))
    assert [step.begins_at.isoformat() for step in steps] == [
        "2024-03-30T00:00:00+02:00",
        "2024-03-31T01:00:00+03:00",
        "2024-04-01T00:00:00+03:00",
    ]


def test_too_many_steps_are_refused_and_an_empty_period_has_none() -> None:
    with pytest.raises(TooManySteps):
        steps_of(period("2020-01-01T00:00Z", "2026-01-01T00:00Z", BERLIN))
    assert steps_of(period("2026-01-01T00:00Z", "2026-01-01T00:00Z", BERLIN)) == []


def test_a_zone_that_is_none_is_told() -> None:
    for name in ("Europe/Atlantis", "", "../../etc/passwd", "x" * 300):
        with pytest.raises(ValueError, match="no time zone"):
            zone_of(name)


@pytest.mark.parametrize(
    "timezone", [BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
)
def test_hours_weekdays_and_days_are_those_that_a_calendar_tells(timezone: str) -> None:
    rng = random.Random(7)
    whole = period("2025-02-01T00:00Z", "2026-12-01T00:00Z", timezone)
    walls = [rng.uniform(whole.from_wall, whole.to_wall) for _ in range(3000)]
    # Around each change of the clocks, minute by minute.
    for day in ("2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05"):
        begin = wall(f"{day}T00:00Z") - 12 * 3600
        walls += [begin + 600 * number for number in range(216)]
    walls = [each for each in walls if whole.from_wall <= each < whole.to_wall]
    zone = zoneinfo.ZoneInfo(timezone)
    local = [datetime.datetime.fromtimestamp(each, zone) for each in walls]
    hours = hours_of_week(np.array(walls), whole)
    assert hours.tolist() == [each.weekday() * 24 + each.hour for each in local]
    steps = steps_of(whole)
    places = places_of(np.array(walls), steps)
    assert [steps[place].date for place in places] == [each.date() for each in local]
