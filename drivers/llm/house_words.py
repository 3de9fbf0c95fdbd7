"""What a house agent's slots are filled with: times, hours, choices, numbers, in words. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from ..tts.spoken_forms import WEEKDAYS, say_date, say_digits, say_phone_number, say_time
from .house_settings import DAYS, Answer, HouseSettings, OpeningHours, minutes

LISTS = ("choices", "keys")
"Slots that may have nothing to list."
MAX_CHOICES = 6
"More than a caller can keep in mind."
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def slots(
    settings: HouseSettings, moment: datetime, digits: str, caller_number: str
) -> dict[str, Callable[[], str]]:
    """Slot name -> what makes its words; `moment` is the agent's local time."""
    return {
        "digits": lambda: digits,
        "digits_spoken": lambda: read_back(digits),
        "caller_number": lambda: read_back(caller_number) or "not known to me",
        "time": lambda: say_time(moment.hour, moment.minute),
        "date": lambda: say_date(moment),
        "hours": lambda: say_hours(settings.hours),
        "open_now": lambda: "open" if is_open(settings.hours, moment) else "closed",
        "choices": lambda: say_choices(settings.answers),
        "keys": lambda: say_keys(settings.answers),
    }


def without_empty(words: str, used: Mapping[str, str]) -> str:
    """Without the sentences that would list nothing, such as "You can say {choices}."

    An agent that only answers from documents has neither choices nor keys. What is nothing but such
    sentences stays.
    """
    empty = [f"{{{name}}}" for name in LISTS if used.get(name) == ""]
    if not empty:
        return words
    kept = [each for each in _SENTENCE_END.split(words) if not any(slot in each for slot in empty)]
    return " ".join(kept) or words


def read_back(digits: str) -> str:
    """Keys one by one, in groups that can be followed."""
    return say_digits(digits) if {"*", "#"} & set(digits) else say_phone_number(digits)


def is_open(hours: tuple[OpeningHours, ...], moment: datetime) -> bool:
    """Whether the moment lies in opening hours."""
    day, now = DAYS[moment.weekday()], moment.hour * 60 + moment.minute
    return any(
        day in span.days and minutes(span.opens) <= now < minutes(span.closes) for span in hours
    )


def say_hours(hours: tuple[OpeningHours, ...]) -> str:
    """Monday to Friday from nine a.m. to five thirty p.m., and Saturday from ten a.m. to noon."""
    spans = [
        f"{_say_days(span.days)} from {_say_minutes(span.opens)} to {_say_minutes(span.closes)}"
        for span in hours
    ]
    return ", and ".join(spans) or "at no fixed hours"


def say_choices(answers: tuple[Answer, ...]) -> str:
    """The first phrase of the listed answers: "call forwarding, call waiting or goodbye"."""
    named = [answer.phrases[0] for answer in answers if answer.listed and answer.phrases]
    return _enumerate(named[:MAX_CHOICES])


def say_keys(answers: tuple[Answer, ...]) -> str:
    """The menu: "Press one for call forwarding, press two for call waiting."."""
    menu = [
        f"press {say_digits(answer.key)} for {answer.phrases[0] if answer.phrases else answer.name}"
        for answer in answers
        if answer.key and answer.listed
    ]
    return ", ".join(menu).capitalize() + "." if menu else ""


def _say_days(days: tuple[str, ...]) -> str:
    """Days in a row are a range."""
    indexes = sorted(DAYS.index(day) for day in days)
    names = [WEEKDAYS[index] for index in indexes]
    if len(names) > 2 and indexes == list(range(indexes[0], indexes[-1] + 1)):
        return f"{names[0]} to {names[-1]}"
    return _enumerate(names, "and")


def _say_minutes(text: str) -> str:
    hour, minute = divmod(minutes(text) % (24 * 60), 60)
    return say_time(hour, minute)


def _enumerate(items: list[str], word: str = "or") -> str:
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"
