"""Numbers, times, dates and telephone numbers as an English voice says them. Pure.

Not here: where they stand in a text (spoken_text.py), and other languages.
"""

import re
from datetime import date

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
    """Digit by digit with pauses: where it is written with any, else after every third."""
    groups: list[str] = []
    for digits in re.findall(r"[0-9]+", number):
        while len(digits) > 4:
            groups.append(digits[:3])
            digits = digits[3:]
        groups.append(digits)
    plus = "plus " if number.startswith("+") else ""
    return plus + ", ".join(say_digits(group) for group in groups)


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
