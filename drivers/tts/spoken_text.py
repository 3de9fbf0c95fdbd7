"""A text as an English voice should say it: numbers in words, mark-up left out. Pure.

`spell_out` keeps the way back: every spoken word knows where it ends in the text that was asked
for, so that an interrupted "four two" of "4217" is cut there. `without_markup` is all that is done
to other languages. Not here: how a number is said (spoken_forms.py).
"""

import bisect
import re
from collections.abc import Callable, Iterator
from datetime import date

import msgspec

from .spoken_forms import (
    KEY_NAMES,
    say_date,
    say_digits,
    say_number,
    say_ordinal,
    say_phone_number,
    say_time,
    say_year,
)

PHONE_DIGITS = 7
"A run of at least so many digits, spaces and dashes aside, is a telephone number or a code."
CODE_DIGITS = 4
"An order or a ticket of so many digits is read one by one."


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


# Language models write for the eye: a voice that says "asterisk asterisk" helps nobody.
MARKUP = (
    r"</?[A-Za-z][^<>\n]{0,200}>"  # a tag, SSML or HTML
    r"|\*\*+|__+|`+"  # strong, code
    r"|(?<!\w)[*_](?=[A-Za-z])|(?<=[A-Za-z.,!?])[*_](?!\w)"  # emphasis
    r"|^[ \t]{0,8}(?:\#{1,6}|[-*+\u2022])[ \t]+"  # a heading, an item of a list
    r"|\[(?=[^\[\]\n]{1,200}\]\()|\]\([^()\s]{0,300}\)"  # a link around its words
    r"|[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F\u200B-\u200D\u20E3\U000E0020-\U000E007F]+"
    r"|[\x00-\x08\x0b-\x1f\x7f]+"
)
UNITS = {
    "$": ("dollar", "cent"),
    "USD": ("dollar", "cent"),
    "\u20ac": ("euro", "cent"),
    "EUR": ("euro", "cent"),
    "\u00a3": ("pound", "penny"),
    "GBP": ("pound", "penny"),
}
MANY = {"penny": "pence"}
UNIT = r"(?:[$\u20ac\u00a3]|\b(?:USD|EUR|GBP)\b)"
AMOUNT = r"\d{1,3}(?:,\d{3})+(?:\.\d{2})?|\d{1,9}(?:\.\d{2})?"
SCALE = r"(?:\s(?:thousand|million|billion)\b)?"
FRACTIONS = {
    "1/2": "one half",
    "1/3": "one third",
    "2/3": "two thirds",
    "1/4": "one quarter",
    "3/4": "three quarters",
    "24/7": "twenty four seven",
}
ADDRESS_SIGNS: dict[str, str] = KEY_NAMES | {
    ".": "dot",
    "/": "slash",
    "@": "at",
    "-": "dash",
    "_": "underscore",
}
# The order matters: the first pattern that fits at a place wins.
PATTERN = re.compile(
    rf"(?P<markup>{MARKUP})"
    r"|(?P<address>\b(?:https?://|www\.)[^\s<>\"')\]]*[^\s<>\"')\].,;:!?]"
    r"|\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]+)+)"
    r"|(?P<moment>\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?Z?(?!\d))"
    r"|(?P<date>\b\d{4}-\d{2}-\d{2}(?!\d)|\b\d{1,2}(?P<dot>[./])\d{1,2}(?P=dot)\d{4}\b)"
    r"|(?P<time>\b(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?![\d:])(?:\s*[ap]\.?m\b\.?)?)"
    r"|(?P<hour>\b(?:1[0-2]|0?[1-9])\s?(?:[ap]m\b|[ap]\.m\.))"
    rf"|(?P<money>{UNIT}\s?(?:{AMOUNT})(?![\d]){SCALE}|(?<![\d.,])(?:{AMOUNT})\s?{UNIT})"
    r"|(?P<ordinal>\b\d{1,4}(?:st|nd|rd|th)\b)"
    r"|(?P<decade>\b(?:1[1-9]|20)[1-9]0s\b)"
    r"|(?P<percent>\b\d{1,9}(?:\.\d+)?\s?%)"
    r"|(?P<grouped>(?<![\d.])\d{1,3}(?:,\d{3})+(?:\.\d+)?\b)"
    r"|(?P<dotted>(?<![\d.])\d+(?:\.\d+){2,})"
    r"|(?P<decimal>(?<![\w.,])[-\u2212]?\d+\.\d+)"
    r"|(?P<fraction>(?<![\d/])(?:1/2|1/3|2/3|1/4|3/4|24/7)(?![\d/]))"
    r"|(?P<range>(?<![\d-])\d{1,4}[-\u2013]\d{1,4}(?![-\d:]))"
    r"|(?P<code>(?<!\w)\#\d+|(?<!\w)\*\d+\#?)"
    r"|(?P<dialled>(?<=\bcall )\d{2,3}\b|(?<=\bdial )\d{2,3}\b)"
    r"|(?P<phone>(?:\+?\d|\(\d{1,5}\))[\d\-() ]*\d)"
    r"|(?P<negative>(?<![\w)])[-\u2212]\d+)"
    r"|(?P<number>\d+)",
    re.IGNORECASE | re.ASCII | re.MULTILINE,
)
MARKUP_PATTERN = re.compile(MARKUP, re.MULTILINE)


def spell_out(text: str) -> SpokenText:
    """Rewrite every number, time, date, amount, address and telephone number of an English text."""
    return _joined(_spoken_words(text))


def without_markup(text: str) -> SpokenText:
    """A text of any language without what only the eye understands."""

    def words() -> Iterator[tuple[str, int, str]]:
        done = 0
        for match in MARKUP_PATTERN.finditer(text):
            yield from _plain_words(text, done, match.start())
            done = match.end()
        yield from _plain_words(text, done, len(text))

    return _joined(words())


def _joined(words: Iterator[tuple[str, int, str]]) -> SpokenText:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    length = 0
    for word, end, gap in words:
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
        done = match.end()
        if match["markup"] is not None:
            continue
        if match.start() and text[match.start() - 1].isalnum():
            yield "", match.start(), " "  # "B12" is two words
        yield from _number_words(match)
        if text[done : done + 1].isalnum():
            yield "", done, " "  # and so is "4G"
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


# --- how each is read -----------------------------------------------------------------------------


def _read_date(source: str) -> str:
    try:
        return say_date(_as_date(source))
    except ValueError:
        return say_digits(source)


def _as_date(source: str) -> date:
    """2026-12-24, 24.12.2026, 12/24/2026; with slashes the month comes first where it can."""
    if "-" in source:
        return date.fromisoformat(source)
    first, second, year = map(int, re.split(r"[./]", source))
    day, month = (first, second) if "." in source or first > 12 else (second, first)
    return date(year, month, day)


def _read_moment(source: str) -> str:
    day, _, clock = source.upper().partition("T")
    return f"{_read_date(day)} at {_read_time(clock)}"


def _read_time(source: str) -> str:
    hour, minute = int(source.split(":")[0]), int(source.split(":")[1][:2])
    if re.search("p", source, re.IGNORECASE):
        hour = hour % 12 + 12
    elif re.search("a", source, re.IGNORECASE):
        hour %= 12
    return say_time(hour % 24, minute)


def _read_hour(source: str) -> str:
    hour = int(re.findall(r"\d+", source)[0])
    half = "p.m." if "p" in source.lower() else "a.m."
    return f"{say_number(hour)} {half}"


def _read_money(source: str) -> str:
    found = re.search(UNIT, source, re.IGNORECASE)
    assert found is not None, "the pattern has one"
    unit, small = UNITS[found.group().upper()]
    amount, *scale = re.sub(UNIT, "", source, flags=re.IGNORECASE).replace(",", "").split()
    if scale:
        return f"{_read_decimal(amount)} {scale[0]} {unit}s"
    whole, _, cents = amount.partition(".")
    parts = [(int(whole), unit), (int(cents or "0"), small)]
    said = [_say_amount(number, name) for number, name in parts if number]
    return " and ".join(said) or _say_amount(0, unit)


def _say_amount(number: int, unit: str) -> str:
    return f"{say_number(number)} {unit if number == 1 else MANY.get(unit, f'{unit}s')}"


def _read_decimal(source: str) -> str:
    whole, _, fraction = source.replace(",", "").partition(".")
    minus = "minus " if whole[:1] in ("-", "\u2212") else ""
    number = minus + say_number(int(whole.lstrip("-\u2212")))
    return number + (f" point {say_digits(fraction)}" if fraction else "")


def _read_dotted(source: str) -> str:
    """A version, an address of the internet."""
    return " point ".join(_read_number(part) for part in source.split("."))


def _read_range(source: str) -> str:
    """ "10-15" is "ten to fifteen", but "12-3456" and "555-0199" are codes."""
    first, last = re.split("[-\u2013]", source)
    years = len(first) == len(last) == 4 and first[:2] in ("19", "20") and first < last
    if not years and (max(len(first), len(last)) > 3 or first[0] == "0" or last[0] == "0"):
        return _read_phone(source.replace("\u2013", "-"))
    return f"{_read_number(first)} to {_read_number(last)}"


def _read_code(source: str) -> str:
    """ "*72#" is keys, "#5" a number, "#4217" one digit by digit."""
    if source[0] == "*":
        return say_digits(source)
    digits = source[1:]
    return f"number {say_digits(digits) if len(digits) >= CODE_DIGITS else _read_number(digits)}"


def _read_decade(source: str) -> str:
    return say_year(int(source[:-1])).removesuffix("y") + "ies"


def _read_address(source: str) -> str:
    """An address of the web or of mail, as people say it; a query is not said."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?|[?#].*$", "", source, flags=re.IGNORECASE)
    bare = bare.rstrip("/")
    parts: list[str] = re.findall(r"[^\W\d_]+|\d|[^\s\w]|_", bare)
    return " ".join(ADDRESS_SIGNS.get(part, part) for part in parts)


def _read_phone(source: str) -> str:
    """Digits and spaces: a telephone number, single keys, or numbers that stand side by side."""
    groups = source.split()
    digits = re.sub(r"[^0-9]", "", source)
    if re.fullmatch(r"[1-9]\d{0,2}(?: \d{3})* 000", source):
        return say_number(int(digits))
    if len(digits) >= PHONE_DIGITS or source[0] in "+(" or {"-", "(", ")"} & set(source):
        return say_phone_number(source)
    if all(len(group) == 1 for group in groups):
        return say_digits(source)
    return " ".join(_read_number(group) for group in groups)


def _read_number(source: str) -> str:
    """A leading zero or many digits: read one by one; else a cardinal, or a year."""
    if source.startswith("0") and len(source) > 1 or len(source) >= PHONE_DIGITS:
        return say_digits(source)
    number = int(source)
    return say_year(number) if len(source) == 4 and 1900 <= number <= 2099 else say_number(number)


READINGS: dict[str, Callable[[str], str]] = {
    "address": _read_address,
    "moment": _read_moment,
    "date": _read_date,
    "time": _read_time,
    "hour": _read_hour,
    "money": _read_money,
    "ordinal": lambda source: say_ordinal(int(source[:-2])),
    "decade": _read_decade,
    "percent": lambda source: _read_decimal(source.rstrip("% ")) + " percent",
    "grouped": _read_decimal,
    "dotted": _read_dotted,
    "decimal": _read_decimal,
    "fraction": lambda source: FRACTIONS[source],
    "range": _read_range,
    "code": _read_code,
    "dialled": say_digits,
    "phone": _read_phone,
    "negative": lambda source: say_number(-int(source[1:])),
    "number": _read_number,
}
