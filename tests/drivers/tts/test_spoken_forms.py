import random
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
    spell_out,
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
        "plus one five five, five one two, three four five, six seven"
    )


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("You entered 4 2 1 7.", "You entered four two one seven."),
        ("Room 42, B12.", "Room forty two, B twelve."),
        ("At 9:30, at 14:05, at 2:15 pm.", "At nine thirty a.m., at two oh five p.m., "
         "at two fifteen p.m."),
        ("On 2026-11-24.", "On Tuesday November twenty fourth, twenty twenty six."),
        ("$12.50, £1, €3.01", "twelve dollars and fifty cents, one pound, three euros and "
         "one cent"),
        ("1,234 and 3.5% in 1984", "one thousand two hundred thirty four and three point five "
         "percent in nineteen eighty four"),
        ("the 3rd of May", "the third of May"),
        ("code 0042", "code zero zero four two"),
        ("call 555-0199", "call five five five, zero one nine nine"),
        ("2026-99-99", "two zero two six nine nine nine nine"),
        ("no numbers here", "no numbers here"),
        ("", ""),
    ],
)  # fmt: skip
def test_texts(text: str, spoken: str) -> None:
    said = spell_out(text)
    assert said.text == spoken


def test_every_spoken_digit_ends_at_its_own_digit() -> None:
    text = "You entered 4217 0 now"
    said = spell_out("Code 04217 now")
    ends = ["Code 04217 now"[: said.source_end(at)] for at in range(len(said.text))]
    position = said.text.index("two")
    assert ends[position] == "Code 042"
    assert ends[said.text.index("seven")] == "Code 04217"
    assert ends[-1] == "Code 04217 now"
    assert spell_out(text).source_end(0) == len("You")


def test_the_way_back_never_goes_backwards() -> None:
    rng = random.Random(7)
    alphabet = "ab 0123456789.,:-+%$#()é\n"
    for _ in range(3000):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(40)))
        said = spell_out(text)
        assert len(said.starts) == len(said.ends)
        assert list(said.starts) == sorted(said.starts)
        assert list(said.ends) == sorted(said.ends)
        assert all(0 <= end <= len(text) for end in said.ends)
        assert not any(character.isdigit() for character in said.text)
