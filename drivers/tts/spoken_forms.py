"""Numbers, times, dates and telephone numbers as an English voice says them. Pure.

`spell_out` rewrites a text for a synthesizer and keeps the way back: every spoken word knows where
it ends in the text that was asked for, so that an interrupted "four two" of "4217" is cut there.
Not here: other languages; their text is passed on as it is.
"""

import bisect
import re
from collections.abc import Callable, Iterator
from datetime import date

import msgspec

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SCALES = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
LARGEST = 10**12
"From here on a number is said digit by digit."
IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
KEY_NAMES = {"*": "star", "#": "pound", "+": "plus"} | {str(n): ONES[n] for n in range(10)}
PHONE_DIGITS = 7
"A run of at least so many digits, spaces and dashes aside, is a telephone number or a code."


def say_number(number: int) -> str:
    """A cardinal: 1234 is "one thousand two hundred thirty four"."""
    if number < 0:
        return "minus " + say_number(-number)
    if number >= LARGEST:
        return say_digits(str(number))
    if number < 20:
        return ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return TENS[tens - 2] + (f" {ONES[ones]}" if ones else "")
    size, name = next(scale for scale in SCALES if number >= scale[0])
    many, rest = divmod(number, size)
    return f"{say_number(many)} {name}" + (f" {say_number(rest)}" if rest else "")


def say_ordinal(number: int) -> str:
    """21 is "twenty first"."""
    *before, last = say_number(number).split()
    if last in IRREGULAR_ORDINALS:
        last = IRREGULAR_ORDINALS[last]
    else:
        last = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return " ".join([*before, last])


def say_digits(digits: str) -> str:
    """Keys one by one: "4217#" is "four two one seven pound"; other characters are left out."""
    return " ".join(KEY_NAMES[key] for key in digits if key in KEY_NAMES)


def say_phone_number(number: str) -> str:
    """Digit by digit, in groups of three and a last one of four, with pauses between."""
    plus, digits = number.startswith("+"), re.sub(r"[^0-9]", "", number)
    groups: list[str] = []
    while len(digits) > 4:
        groups.append(digits[:3])
        digits = digits[3:]
    groups = [*groups, digits] if digits else groups
    return ("plus " if plus else "") + ", ".join(say_digits(group) for group in groups)


def say_time(hour: int, minute: int) -> str:
    """A time of day on the 12-hour clock: 17, 5 is "five oh five p.m."."""
    if (hour, minute) in ((0, 0), (12, 0)):
        return "noon" if hour else "midnight"
    spoken = [say_number((hour - 1) % 12 + 1)]
    if minute:
        spoken += ["oh"] if minute < 10 else []
        spoken += [say_number(minute)]
    return " ".join([*spoken, "a.m." if hour < 12 else "p.m."])


def say_year(year: int) -> str:
    """1984 is "nineteen eighty four", 2005 "two thousand five", 2026 "twenty twenty six"."""
    century, rest = divmod(year, 100)
    if not 1100 <= year <= 2099 or 2000 <= year <= 2009 or not century % 10 and not rest:
        return say_number(year)
    if not rest:
        return f"{say_number(century)} hundred"
    return f"{say_number(century)} {'oh ' if rest < 10 else ''}{say_number(rest)}"


def say_date(day: date, *, year: bool = True) -> str:
    """Tuesday November twenty fourth, twenty twenty six."""
    spoken = f"{WEEKDAYS[day.weekday()]} {MONTHS[day.month - 1]} {say_ordinal(day.day)}"
    return spoken + (f", {say_year(day.year)}" if year else "")


# --- rewriting a text -----------------------------------------------------------------------------


class SpokenText(msgspec.Struct, frozen=True):
    """A text for the voice, and the way back to the text that was asked for."""

    text: str
    starts: tuple[int, ...]
    "Where each word begins in `text`, ascending."
    ends: tuple[int, ...]
    "Just past that word in the source."

    def source_end(self, position: int) -> int:
        """Just past, in the source, the word that holds index `position` of `text`."""
        index = bisect.bisect_right(self.starts, position) - 1
        return self.ends[index] if index >= 0 else 0


CURRENCIES = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny")}
# The order matters: the first pattern that fits at a place wins.
PATTERN = re.compile(
    r"(?P<date>\b\d{4}-\d{2}-\d{2}\b)"
    r"|(?P<time>\b(?:[01]?\d|2[0-3]):[0-5]\d\b(?:\s*[ap]\.?m\b\.?)?)"
    r"|(?P<money>[$€£]\d{1,9}(?:,\d{3})*(?:\.\d{2})?\b)"
    r"|(?P<ordinal>\b\d{1,4}(?:st|nd|rd|th)\b)"
    r"|(?P<percent>\b\d{1,9}(?:\.\d+)?\s?%)"
    r"|(?P<grouped>(?<![\d.])\d{1,3}(?:,\d{3})+(?:\.\d+)?\b)"
    r"|(?P<phone>\+?\(?\d[\d\-() ]*\d)"
    r"|(?P<decimal>\b\d+\.\d+\b)"
    r"|(?P<number>\d+)",
    re.IGNORECASE | re.ASCII,
)


def spell_out(text: str) -> SpokenText:
    """Rewrite every number, time, date, amount and telephone number of an English text."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    length = 0
    for word, end, gap in _spoken_words(text):
        starts.append(length)
        ends.append(end)
        pieces.append(word + gap)
        length += len(pieces[-1])
    return SpokenText("".join(pieces), tuple(starts), tuple(ends))


def _spoken_words(text: str) -> Iterator[tuple[str, int, str]]:
    """(spoken word, its end in the source, what stands between it and the next)."""
    done = 0
    for match in PATTERN.finditer(text):
        yield from _plain_words(text, done, match.start())
        if done < match.start() and text[match.start() - 1].isalnum():
            yield "", match.start(), " "  # "B12" is two words
        yield from _number_words(match)
        done = match.end()
    yield from _plain_words(text, done, len(text))


def _plain_words(text: str, begin: int, end: int) -> Iterator[tuple[str, int, str]]:
    for match in re.finditer(r"\S*\s*", text[begin:end]):
        whole = match.group()
        word = whole.rstrip()
        if whole:
            yield word, begin + match.start() + len(word), whole[len(word) :]


def _number_words(match: re.Match[str]) -> Iterator[tuple[str, int, str]]:
    """The words of one number; those of digits end at their digit, all others at its end."""
    kind = match.lastgroup
    assert kind is not None, "every alternative of the pattern is named"
    source = match.group()
    spoken = READINGS[kind](source).split()
    ends = [match.end()] * len(spoken)
    keys = [match.start() + at + 1 for at, key in enumerate(source) if key in KEY_NAMES]
    if len(keys) == len(spoken):
        ends = [*keys[:-1], match.end()]
    for index, (word, end) in enumerate(zip(spoken, ends, strict=True)):
        yield word, end, " " if index + 1 < len(spoken) else ""


def _read_date(source: str) -> str:
    try:
        return say_date(date.fromisoformat(source))
    except ValueError:
        return say_digits(source)


def _read_time(source: str) -> str:
    hour, minute = int(source.split(":")[0]), int(source.split(":")[1][:2])
    if re.search("p", source, re.IGNORECASE):
        hour = hour % 12 + 12
    elif re.search("a", source, re.IGNORECASE):
        hour %= 12
    return say_time(hour, minute)


def _read_money(source: str) -> str:
    unit, small = CURRENCIES[source[0]]
    whole, _, cents = source[1:].replace(",", "").partition(".")
    spoken = f"{say_number(int(whole))} {unit}{'' if int(whole) == 1 else 's'}"
    if not cents or not int(cents):
        return spoken
    smalls = small if int(cents) == 1 else "pence" if small == "penny" else f"{small}s"
    return f"{spoken} and {say_number(int(cents))} {smalls}"


def _read_decimal(source: str) -> str:
    whole, _, fraction = source.replace(",", "").partition(".")
    return say_number(int(whole)) + (f" point {say_digits(fraction)}" if fraction else "")


def _read_phone(source: str) -> str:
    """Digits and spaces: a telephone number, single keys, or numbers that stand side by side."""
    groups = source.split()
    digits = re.sub(r"[^0-9]", "", source)
    if len(digits) >= PHONE_DIGITS or source[0] in "+(":
        return say_phone_number(source)
    if all(len(group) == 1 for group in groups):
        return say_digits(source)
    if {"-", "(", ")"} & set(source):
        return ", ".join(say_digits(part) for part in re.split(r"[\s()-]+", source) if part)
    return " ".join(_read_number(group) for group in groups)


def _read_number(source: str) -> str:
    """A leading zero or many digits: read one by one; else a cardinal, or a year."""
    if source.startswith("0") and len(source) > 1 or len(source) >= PHONE_DIGITS:
        return say_digits(source)
    number = int(source)
    return say_year(number) if len(source) == 4 and 1900 <= number <= 2099 else say_number(number)


READINGS: dict[str, Callable[[str], str]] = {
    "date": _read_date,
    "time": _read_time,
    "money": _read_money,
    "ordinal": lambda source: say_ordinal(int(source[:-2])),
    "percent": lambda source: _read_decimal(source.rstrip("% ")) + " percent",
    "grouped": _read_decimal,
    "phone": _read_phone,
    "decimal": _read_decimal,
    "number": _read_number,
}
