"""Moments of older APIs: as they are shown, and as clients write them."""

import pytest

from offhook.control.dialects.moments import (
    asked_moment,
    millis,
    moment_of,
    seconds,
    sent_moment,
)
from offhook.control.dialects.reading import BadQuery
from offhook.control.errors import Unprocessable

NOON = 1_762_077_600.0  # 2025-11-02T10:00:00Z


def test_seconds_have_no_fraction_and_milliseconds_three_digits() -> None:
    assert seconds(NOON) == "2025-11-02T10:00:00Z"
    assert millis(NOON + 0.0496) == "2025-11-02T10:00:00.050Z"


@pytest.mark.parametrize(
    ("text", "zone", "wall"),
    [
        ("2025-11-02T10:00:00Z", "UTC", NOON),
        ("2025-11-02T10:00:00.000Z", "Asia/Kolkata", NOON),
        ("2025-11-02T15:30:00+05:30", "UTC", NOON),
        ("2025-11-02T15:30", "Asia/Kolkata", NOON),
        ("2025-11-02 10:00:00", "Nowhere/At-all", NOON),
        ("2025-11-02", "UTC", NOON - 36_000),
    ],
)
def test_offsets_win_and_zones_stand_in(text: str, zone: str, wall: float) -> None:
    assert moment_of(text, zone) == wall


@pytest.mark.parametrize(
    "text", ["", "soon", "2025-13-01", "20251102", "2025-11-02T25:00", "2025-W44-7", "0001-01-01x"]
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert moment_of(text) is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_beyond_the_ends_of_the_calendar_is_no_moment(text: str) -> None:
    assert moment_of(text) is None


def test_a_date_at_the_end_is_included() -> None:
    assert asked_moment("2025-11-02", "end", last=True) == NOON + 14 * 3600


def test_a_wrong_one_is_told_by_its_field() -> None:
    with pytest.raises(BadQuery) as query:
        asked_moment("x", "startDate")
    assert [error.field for error in query.value.errors] == ["startDate"]
    with pytest.raises(Unprocessable) as body:
        sent_moment("x", "scheduledFor")
    assert [error.field for error in body.value.errors] == ["scheduledFor"]
