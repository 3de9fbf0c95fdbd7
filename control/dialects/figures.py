"""Figures as older APIs have them: zero where there is nothing to divide by. Pure."""


def or_zero(value: float | None, digits: int) -> float:
    """Rounded."""
    return 0.0 if value is None else round(value, digits)


def share(part: int, whole: int, digits: int = 2) -> float:
    """A percentage."""
    return round(100 * part / whole, digits) if whole else 0.0
