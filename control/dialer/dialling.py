"""Numbers as people write them and as lines dial them. Pure."""

import re

_SEPARATORS = re.compile(r"[ ()/-]")
_NUMBER = re.compile(r"\+?[0-9*#A-D]{1,32}\Z")
_ADDRESS = re.compile(r"sips?:|tel:", re.IGNORECASE)


def bare(number: str) -> str:
    """Without what people put between digits (`+49 30/123-456`). Addresses stay as they are."""
    return number if is_address(number) else _SEPARATORS.sub("", number)


def is_address(text: str) -> bool:
    """Whether it is a SIP address, or a number written as one (RFC 3966)."""
    return _ADDRESS.match(text) is not None


def dialled(number: str) -> str | None:
    """What a line dials for it; None: it is neither a number nor an address."""
    number = bare(number)
    return number if is_address(number) or _NUMBER.match(number) else None


def spellings(number: str) -> tuple[str, ...]:
    """How else one and the same number may be stored, itself first: carriers leave out the plus."""
    number = bare(number)
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        return (number,)
    forms = [number, f"+{digits}", digits]
    if digits.startswith("00"):
        forms.append(f"+{digits[2:]}")
    return tuple(dict.fromkeys(forms))


def keys_of(number: str) -> tuple[str, ...]:
    """What all spellings of a number share; of an address with a number in it, both.

    `+49 30 1234`, `49301234`, `0049301234` and `tel:+49-30-1234` are one; a number without its
    country is another one, as nobody can tell whose it is.
    """
    if not is_address(number):
        return (_digits_of(number),)
    scheme, _, rest = number.partition(":")
    target = re.split(r"[;?]", rest, maxsplit=1)[0].lower()
    if scheme.lower() == "tel":
        return (_digits_of(target),)
    user = target.rpartition("@")[0].partition(":")[0]
    key = _digits_of(user)
    return (target, key) if key.isascii() and key.isdecimal() and len(key) > 4 else (target,)


def _digits_of(number: str) -> str:
    number = re.sub(r"[ ()/.-]", "", number)
    return number.removeprefix("+").removeprefix("00") if number[:1] in "+0" else number
