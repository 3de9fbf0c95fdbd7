"""Days of the week as people type them."""

import pytest

from offhook.control.cli.weekdays import weekdays
from offhook.control.errors import UsageError


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon", [1]),
        ("wed,mon", [1, 3]),
        ("Mon-Fri", [1, 2, 3, 4, 5]),
        ("sat-mon", [1, 6, 7]),
        ("1,3", [1, 3]),
        ("thursday, tues", [2, 4]),
        ("all", [1, 2, 3, 4, 5, 6, 7]),
        ("tue-tue", [2]),
    ],
)
def test_days_are_named_numbered_and_spanned(text: str, days: list[int]) -> None:
    assert weekdays(text) == days


@pytest.mark.parametrize("text", ["", "mo", "8", "0", "mon-", "monkey", "mon;tue"])
def test_what_is_no_day_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="days are such as"):
        weekdays(text)
