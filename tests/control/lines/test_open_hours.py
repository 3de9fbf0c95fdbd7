"""Whether somebody is there: days, nights, zones, and the two days a year that are odd."""

import datetime

import pytest

from offhook.control.domain.agents import OpenHours
from offhook.control.lines.open_hours import faults, is_open, minutes_of

OFFICE = OpenHours()
"Monday to Friday, 09:00 to 18:00 in UTC."
NIGHT = OpenHours(days=(5,), opens="22:00", closes="06:00")
"From Friday night into Saturday morning."


def wall(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("hours", "at", "is_there"),
    [
        # 30 November 2026 is a Monday.
        (OFFICE, "2026-11-30T08:59:59Z", False),
        (OFFICE, "2026-11-30T09:00:00Z", True),
        (OFFICE, "2026-11-30T17:59:59Z", True),
        (OFFICE, "2026-11-30T18:00:00Z", False),
        (OFFICE, "2026-11-28T12:00:00Z", False),
        (NIGHT, "2026-11-27T21:59:00Z", False),
        (NIGHT, "2026-11-27T22:00:00Z", True),
        (NIGHT, "2026-11-28T05:59:00Z", True),
        (NIGHT, "2026-11-28T06:00:00Z", False),
        (NIGHT, "2026-11-27T05:00:00Z", False),
        (OpenHours(days=(7,), opens="22:00", closes="06:00"), "2026-11-30T05:00:00Z", True),
        (OpenHours(days=(1,), opens="08:00", closes="08:00"), "2026-12-01T07:59:00Z", True),
        (OpenHours(days=(1,), opens="08:00", closes="08:00"), "2026-11-30T07:59:00Z", False),
        (OpenHours(days=(1,), opens="00:00", closes="24:00"), "2026-11-30T23:59:59Z", True),
        (OpenHours(days=(1,), opens="00:00", closes="24:00"), "2026-12-01T00:00:00Z", False),
        # The zone decides what day and what time it is.
        (OpenHours(timezone="Asia/Kolkata"), "2026-11-30T03:30:00Z", True),
        (OpenHours(timezone="Asia/Kolkata"), "2026-11-30T03:29:00Z", False),
        (OpenHours(timezone="Pacific/Auckland"), "2026-11-29T20:00:00Z", True),
    ],
)
def test_hours_are_those_of_the_zone(hours: OpenHours, at: str, is_there: bool) -> None:
    assert is_open(hours, wall(at)) is is_there


def test_without_hours_it_is_always_open() -> None:
    assert is_open(None, 0.0)


@pytest.mark.parametrize(
    ("at", "is_there"),
    [
        # Germany, 29 March 2026, a Sunday: 02:00 is followed by 03:00.
        ("2026-03-29T00:59:59Z", False),
        ("2026-03-29T01:00:00Z", True),
        ("2026-03-29T01:29:00Z", True),
        ("2026-03-29T01:30:00Z", False),
        # 25 October 2026: the hour from 02:00 to 03:00 comes twice.
        ("2026-10-25T00:29:00Z", False),
        ("2026-10-25T00:30:00Z", True),
        ("2026-10-25T00:59:00Z", True),
        ("2026-10-25T01:00:00Z", False),
        ("2026-10-25T01:30:00Z", True),
        ("2026-10-25T02:29:00Z", True),
        ("2026-10-25T02:30:00Z", False),
    ],
)
def test_clocks_that_are_put_forward_and_back(at: str, is_there: bool) -> None:
    hours = OpenHours(timezone="Europe/Berlin", days=(7,), opens="02:30", closes="03:30")
    assert is_open(hours, wall(at)) is is_there


@pytest.mark.parametrize(
    ("hours", "fields"),
    [
        (OFFICE, []),
        (OpenHours(timezone="Mars/Base"), ["timezone"]),
        (OpenHours(timezone="Europe"), ["timezone"]),
        (OpenHours(timezone="../../etc/passwd"), ["timezone"]),
        (OpenHours(timezone="x" * 1000), ["timezone"]),
        (OpenHours(timezone=""), ["timezone"]),
        (OpenHours(days=()), ["days"]),
        (OpenHours(days=(1, 1)), ["days"]),
        (OpenHours(days=(0, 8)), ["days"]),
        (OpenHours(opens="9:00", closes="24:01"), ["opens", "closes"]),
        (OpenHours(opens="25:00", closes="12:60"), ["opens", "closes"]),
        (OpenHours(opens="", closes="¹²:00"), ["opens", "closes"]),
    ],
)
def test_what_cannot_be_is_named_by_its_field(hours: OpenHours, fields: list[str]) -> None:
    assert [error.field for error in faults(hours, "hours")] == [f"hours.{f}" for f in fields]


def test_every_minute_of_a_day_is_read() -> None:
    texts = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(24 * 60 + 1)]
    assert [minutes_of(text) for text in texts] == list(range(24 * 60 + 1))
