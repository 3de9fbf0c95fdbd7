"""What accounts are known by: e-mail address, user name, phone number; each in one spelling. Pure.

No two forms meet: an address has an @, a number begins with a plus, a user name with a letter. So
whoever signs in need not say which of them it is.
"""

import re
from collections.abc import Iterable

from ..dialer.dialling import bare
from ..errors import FieldError, Unprocessable

MAX_EMAIL_CHARS = 254
"RFC 5321 §4.5.3.1.3, without the angle brackets."
MAX_CHARS = 320
"Of anything that may name an account."

# Not RFC 5321's whole grammar: no quoting, no comments. What it takes cannot end a header's line.
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f]{1,64}@[\w-]+(?:\.[\w-]+)*\Z")
_USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,63}\Z")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}\Z")  # E.164 §6


def email_of(text: str) -> str | None:
    """The address in small letters; None: it is none."""
    text = text.strip().lower()
    return text if len(text) <= MAX_EMAIL_CHARS and _EMAIL.match(text) else None


def username_of(text: str) -> str | None:
    """The name in small letters; None: it is none."""
    text = text.strip().lower()
    return text if _USERNAME.match(text) else None


def phone_of(text: str) -> str | None:
    """The number as +49301234567; None: it is none. A leading 00 is a plus."""
    text = bare(text.strip()) if len(text) <= MAX_CHARS else ""
    text = f"+{text[2:]}" if text.startswith("00") else text
    return text if _PHONE.match(text) else None


READERS = {"email": email_of, "username": username_of, "phone_number": phone_of}
EXPECTED = {
    "email": "no e-mail address",
    "username": "2 to 64 letters, digits, dots, dashes and underlines, a letter first",
    "phone_number": "no phone number with its country: +49301234567",
}


def kind_of(text: str) -> tuple[str, str] | None:
    """Which of an account's fields the text is, and its one spelling; None: nobody's."""
    for field, read in READERS.items():
        if (value := read(text)) is not None:
            return field, value
    return None


def read_identifiers(given: Iterable[tuple[str, str | None]]) -> dict[str, str | None]:
    """Fields in their one spelling; None stays. Raises Unprocessable naming all that do not fit."""
    read: dict[str, str | None] = {}
    errors: list[FieldError] = []
    for field, text in given:
        value = None if text is None else READERS[field](text)
        if text is not None and value is None:
            errors.append(FieldError(field, EXPECTED[field]))
        read[field] = value
    if errors:
        raise Unprocessable("the account does not fit", errors)
    return read
