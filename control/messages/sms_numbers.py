"""Numbers that SMS go to and come from."""

import re

from ..dialer.dialling import bare

_NUMBER = re.compile(r"\+?[0-9]{3,15}\Z")
"E.164 §6: at most 15 digits; short codes have fewer."


def sms_number(text: str) -> str | None:
    """A number without what people write between its digits; None: it is none."""
    number = bare(text)
    return number if _NUMBER.match(number) else None
