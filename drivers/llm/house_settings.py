"""What a house agent is made of: settings that TOML can hold, and where they are wrong. Pure.

An *answer* is said for a phrase, a key or a moment; what it does besides (ask for keys, hang up,
hand over) stands beside its words. Words may have slots: {digits} {digits_spoken} {caller_number}
{time} {date} {hours} {open_now} {choices} {keys}.
"""

import string
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ..stt.grammar import normalise

SLOTS = frozenset(
    (
        "digits",
        "digits_spoken",
        "caller_number",
        "time",
        "date",
        "hours",
        "open_now",
        "choices",
        "keys",
    )
)
KEYS = frozenset("0123456789*#")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class HouseSettingsError(Exception):
    """A setting is wrong; `key` says where."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(key, what)
        self.key, self.what = key, what

    def __str__(self) -> str:
        return f"{self.key}: {self.what}"


class Collect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for keys; what they are for is the answer with the name `then`."""

    then: str
    max_digits: int = 15
    min_digits: int = 1
    terminator: str = "#"
    timeout_s: float = 4.0


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words for one thing that callers want."""

    name: str
    say: str
    phrases: tuple[str, ...] = ()
    "What callers say for it; the transcriber listens for these."
    key: str = ""
    "The key of the menu that asks for it, one of 0-9 * #."
    collect: Collect | None = None
    hang_up: bool = False
    repeat: bool = False
    "Says the last reply again, after its own words."
    transfer: str = ""
    "A number or SIP address that the caller is handed to afterwards."
    listed: bool = True
    "Named when the caller asks what can be said."


class OpeningHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """On one or more days, "09:00" to "17:30"."""

    days: tuple[str, ...]
    opens: str
    closes: str


class Fallback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a caller is not understood, or says nothing: once, twice, and for the last time."""

    first: str = "Sorry, I did not understand. You can say {choices}."
    second: str = "I still did not understand. Please use the keys. {keys}"
    last: str = "I am sorry that I could not help. Goodbye."
    last_with_human: str = "I will connect you to a person. One moment, please."
    silence: str = "Are you still there? You can say {choices}."


class HouseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One agent."""

    greeting: str
    answers: tuple[Answer, ...]
    fallback: Fallback = msgspec.field(default_factory=Fallback)
    hours: tuple[OpeningHours, ...] = ()
    timezone: str = "UTC"
    human: str = ""
    "The number of a person, for callers who ask or cannot be helped; empty: there is none."
    human_phrases: tuple[str, ...] = ("speak to a person", "operator")
    "How callers ask for the person; key 0 does it too where the menu has no other use for it."
    tries: int = 2
    "How many turns in a row may be not understood before the last words."
    knowledge_score: float = 0.3
    "How well a passage of its documents must fit to be answered from (0 to 1); above 1: never."


def load(toml: bytes) -> HouseSettings:
    """Read and check an agent. Raises HouseSettingsError."""
    try:
        settings = msgspec.toml.decode(toml, type=HouseSettings)
    except msgspec.DecodeError as exc:
        what, _, path = str(exc).partition(" - at `$")
        raise HouseSettingsError(path.strip(".`") or "agent", what) from exc
    check(settings)
    return settings


def check(settings: HouseSettings) -> None:
    """Names, keys, slots, hours and phrases fit together. Raises HouseSettingsError."""
    names = [answer.name for answer in settings.answers]
    keys = [answer.key for answer in settings.answers if answer.key]
    _no_doubles("answers.name", names)
    _no_doubles("answers.key", keys)
    heard = [normalise(phrase) for answer in settings.answers for phrase in answer.phrases]
    _no_doubles("answers.phrases", heard)
    if settings.tries < 0:
        raise HouseSettingsError("tries", f"{settings.tries} is less than 0")
    if settings.knowledge_score < 0:
        raise HouseSettingsError("knowledge_score", f"{settings.knowledge_score:g} is less than 0")
    if settings.human:
        _check_phrases("human_phrases", settings.human_phrases)
    _check_slots("greeting", settings.greeting, SLOTS)
    for answer in settings.answers:
        _check_answer(answer, names)
    for name in Fallback.__struct_fields__:
        _check_slots(f"fallback.{name}", getattr(settings.fallback, name), SLOTS)
    for index, hours in enumerate(settings.hours):
        _check_hours(f"hours[{index}]", hours)
    zone(settings.timezone)


def zone(name: str) -> tzinfo:
    """A time zone by its IANA name. Raises HouseSettingsError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise HouseSettingsError("timezone", f"{name!r} is not a known time zone") from exc


def minutes(text: str) -> int:
    """Minutes since midnight of "HH:MM"; "24:00" is the day's end. Raises ValueError."""
    hour, _, minute = text.partition(":")
    if text == "24:00":
        return 24 * 60
    moment = datetime.strptime(f"{hour}:{minute}", "%H:%M")
    return moment.hour * 60 + moment.minute


def _check_answer(answer: Answer, names: list[str]) -> None:
    key = f"answers.{answer.name}"
    _check_slots(f"{key}.say", answer.say, SLOTS)
    if not (answer.say.strip() or answer.transfer or answer.hang_up or answer.repeat):
        raise HouseSettingsError(f"{key}.say", "nothing is said and nothing is done")
    _check_phrases(f"{key}.phrases", answer.phrases)
    if answer.key and answer.key not in KEYS:
        raise HouseSettingsError(f"{key}.key", f"{answer.key!r} is not a key of a telephone")
    if answer.collect is not None:
        _check_collect(f"{key}.collect", answer.collect, names)
    if answer.hang_up and (answer.transfer or answer.collect is not None):
        raise HouseSettingsError(f"{key}.hang_up", "nothing can follow when the call is over")


def _check_collect(key: str, collect: Collect, names: list[str]) -> None:
    if collect.then not in names:
        raise HouseSettingsError(f"{key}.then", f"no answer {collect.then!r}")
    if not 1 <= collect.min_digits <= collect.max_digits:
        span = f"{collect.min_digits} to {collect.max_digits}"
        raise HouseSettingsError(f"{key}.min_digits", f"nobody can enter {span} digits")
    if collect.terminator and collect.terminator not in KEYS:
        what = f"{collect.terminator!r} is not a key of a telephone"
        raise HouseSettingsError(f"{key}.terminator", what)
    if collect.timeout_s <= 0:
        raise HouseSettingsError(f"{key}.timeout_s", f"{collect.timeout_s:g} s is no time to wait")


def _check_phrases(key: str, phrases: tuple[str, ...]) -> None:
    for phrase in phrases:
        if not normalise(phrase):
            raise HouseSettingsError(key, f"{phrase!r} has no words that could be heard")


def _check_slots(key: str, text: str, known: frozenset[str]) -> None:
    try:
        fields = [field for field in string.Formatter().parse(text) if field[1] is not None]
    except ValueError as exc:
        raise HouseSettingsError(key, f"{text!r}: {exc}") from exc
    for _, name, form, conversion in fields:
        if name not in known:
            raise HouseSettingsError(key, f"unknown slot {{{name}}}")
        if form or conversion:
            raise HouseSettingsError(key, f"the slot {{{name}}} takes no format")


def _check_hours(key: str, hours: OpeningHours) -> None:
    if unknown := [day for day in hours.days if day not in DAYS]:
        raise HouseSettingsError(f"{key}.days", f"{unknown[0]!r} is none of {', '.join(DAYS)}")
    try:
        opens, closes = minutes(hours.opens), minutes(hours.closes)
    except ValueError as exc:
        raise HouseSettingsError(key, f"{hours.opens}-{hours.closes}: {exc}") from exc
    if closes <= opens:
        raise HouseSettingsError(key, f"closes at {hours.closes}, opens at {hours.opens}")


def _no_doubles(key: str, values: list[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise HouseSettingsError(key, f"{value!r} stands twice")
        seen.add(value)
