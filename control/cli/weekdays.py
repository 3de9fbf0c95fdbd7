"""Days of the week as people type them: `mon,wed`, `mon-fri`, `1,3`. Pure."""

from ..errors import UsageError

NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL = {"daily", "all"}


def weekdays(text: str) -> list[int]:
    """ISO weekdays, 1 is Monday, in order. Raises UsageError."""
    days: set[int] = set()
    for part in text.lower().replace(" ", "").split(","):
        if part in ALL:
            days.update(range(1, 8))
            continue
        first, dash, last = part.partition("-")
        begin = _day(first, text)
        end = _day(last, text) if dash else begin
        # Past Sunday as well: sat-mon.
        days.update((begin - 1 + ahead) % 7 + 1 for ahead in range((end - begin) % 7 + 1))
    return sorted(days)


def _day(text: str, whole: str) -> int:
    for number, name in enumerate(NAMES, 1):
        if text == str(number) or (len(text) >= 3 and _full(name).startswith(text)):
            return number
    raise UsageError(f"{whole}: days are such as mon,wed, mon-fri or 1,3")


def _full(name: str) -> str:
    middle = {"tue": "s", "wed": "nes", "thu": "rs", "sat": "ur"}.get(name, "")
    return f"{name}{middle}day"
