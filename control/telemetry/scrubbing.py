"""Texts without what must not be seen: credentials of every kind, telephone numbers. Pure.

Told by their form, wherever they stand: a library may quote a body, a path or a header that
nobody meant to log. What is only a secret because it is configured is taken out by its value.
"""

import re
from collections.abc import Iterable

HIDDEN = "***"
SHOWN_DIGITS = 3
"The end of a masked number, to tell two apart."

_NUMBER = re.compile(r"(?<![\w.-])(\+?)(\d{7,15})(?![\w-]|\.\d)")
_NAMES = r"[a-z0-9_-]*(?:password|passwd|secret|token|api[_-]?key|refresh|access)"
"Ends of the names of what is secret: `new_password`, `client_secret`; not `max_tokens`."
_MARK = r"\\{0,64}[\"']"
"""A quotation mark, also where a quoted text is quoted again: six times at most, as a text of
nothing but backslashes would be looked through again from each of them."""

_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Headers, to the end of their line: a digest's parts stand behind commas.
    (re.compile(r"(?i)((?:proxy-)?authorization[\"']?\s*[:=]\s*).*"), rf"\g<1>{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\g<1> {HIDDEN}"),
    # JSON, and what Python shows of a dict.
    (
        re.compile(rf"(?i)({_MARK}{_NAMES}{_MARK}\s*:\s*)({_MARK})(?:(?!\2).)*(?:\2|$)"),
        rf"\g<1>\g<2>{HIDDEN}\g<2>",
    ),
    # Queries and forms.
    (re.compile(rf"(?i)(?<![a-z0-9_-])({_NAMES}=)[^&\s\"'#,;]+"), rf"\g<1>{HIDDEN}"),
    # JSON Web Tokens: sign-ins and their refresh tokens.
    (re.compile(r"\beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    # Keys for programs; the part in the middle is their id, which is shown in lists.
    (re.compile(r"\b(ohk_[a-z0-9]{1,16})_[\w-]+"), rf"\g<1>_{HIDDEN}"),
    (re.compile(r"\bwhsec_[\w+/=-]+"), f"whsec_{HIDDEN}"),
    # Of providers: `sk-…`.
    (re.compile(r"\bsk-[\w-]{16,}"), f"sk-{HIDDEN}"),
    (re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])"), HIDDEN),
    # The database's address, and others with a password in them.
    (re.compile(r"(://[^/\s:@]*:)[^@\s/]+@"), rf"\g<1>{HIDDEN}@"),
)


class Scrubber:
    """Takes secrets out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets`: values that are never shown, whatever they look like."""
        # The longest first: a secret may be a part of another.
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)

    def without_secrets(self, text: str) -> str:
        """The text with `***` in their place."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for form, replacement in _FORMS:
            text = form.sub(replacement, text)
        return text


def mask_numbers(text: str) -> str:
    """Telephone numbers in a text, without all but their last digits."""
    return _NUMBER.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    plus, digits = match.groups()
    return f"{plus}{'*' * (len(digits) - SHOWN_DIGITS)}{digits[-SHOWN_DIGITS:]}"
