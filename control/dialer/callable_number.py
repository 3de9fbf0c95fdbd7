"""What a call may be placed to: a number or a SIP address. Pure."""

import re

from ...drivers.sip.errors import SipError
from ...drivers.sip.uri import Uri
from .dialling import bare, is_address

_NUMBER = re.compile(r"\+?[0-9]{3,15}\Z")
"E.164 §6: at most 15 digits; short ones are such as a telephone system has inside."


def callable_number(number: str) -> str | None:
    """A number without what people write between its digits, or a SIP address; None: neither."""
    if is_address(number):
        try:
            Uri.parse(number)
        except SipError:
            return None
        return number
    number = bare(number)
    return number if _NUMBER.match(number) else None
