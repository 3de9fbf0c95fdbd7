"""Key presses gathered into one turn. Pure; positions are samples."""

import msgspec

from ..speech_ports import CollectDigits


class Keys(msgspec.Struct, frozen=True):
    """The keys of a turn so far, and the rule that ends it."""

    rule: CollectDigits
    last_samples: int
    digits: str = ""
    complete: bool = False
    "By the terminator or the number of digits; otherwise time decides."


def press(keys: Keys | None, digit: str, rule: CollectDigits, at_samples: int) -> Keys:
    """One key more. The terminator ends the turn and is no part of it, unless it stands alone."""
    keys = keys or Keys(rule, at_samples)
    if keys.complete:
        return keys
    if digit == keys.rule.terminator:
        digits = keys.digits or digit
        return Keys(keys.rule, at_samples, digits, complete=True)
    digits = keys.digits + digit
    return Keys(keys.rule, at_samples, digits, complete=len(digits) >= keys.rule.max_digits)


def due_samples(keys: Keys, rate_hz: int) -> int:
    """When the turn is over if no other key comes."""
    if keys.complete:
        return keys.last_samples
    return keys.last_samples + round(keys.rule.timeout_s * rate_hz)
