from datetime import date

import pytest

from offhook.drivers.tts.spoken_forms import (
    say_date,
    say_digits,
    say_number,
    say_ordinal,
    say_phone_number,
    say_time,
    say_year,
)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (20, "twenty"),
        (42, "forty two"),
        (100, "one hundred"),
        (1234, "one thousand two hundred thirty four"),
        (1_000_001, "one million one"),
        (-7, "minus seven"),
        (10**12, "one" + " zero" * 12),
    ],
)
def test_numbers(number: int, words: str) -> None:
    assert say_number(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "first"), (12, "twelfth"), (20, "twentieth"), (21, "twenty first"), (40, "fortieth")],
)
def test_ordinals(number: int, words: str) -> None:
    assert say_ordinal(number) == words


@pytest.mark.parametrize(
    ("year", "words"),
    [
        (1066, "one thousand sixty six"),
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (2000, "two thousand"),
        (2005, "two thousand five"),
        (2026, "twenty twenty six"),
    ],
)
def test_years(year: int, words: str) -> None:
    assert say_year(year) == words


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [
        (0, 0, "midnight"),
        (12, 0, "noon"),
        (12, 5, "twelve oh five p.m."),
        (0, 30, "twelve thirty a.m."),
        (9, 0, "nine a.m."),
    ],
)
def test_times(hour: int, minute: int, words: str) -> None:
    assert say_time(hour, minute) == words


def test_dates_and_digits() -> None:
    assert say_date(date(2026, 11, 24), year=False) == "Tuesday November twenty fourth"
    assert say_digits("40*#") == "four zero star pound"
    assert say_phone_number("+1 (555) 123-4567") == (
        "plus one, five five five, one two three, four five six seven"
    )
    assert say_phone_number("+493012345") == "plus four nine three, zero one two, three four five"
