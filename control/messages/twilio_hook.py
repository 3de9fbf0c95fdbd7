"""Twilio's webhook of a text that came in, as a form, and what it is answered with (TwiML). Pure.

Twilio's "Programmable Messaging", webhook parameters and TwiML for messages.
"""

from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import msgspec

from ..errors import BadRequest, FieldError, Unprocessable
from .twilio_signature import Fields

FORM = "application/x-www-form-urlencoded"
XML = "application/xml"
MAX_BYTES = 64 * 1024
MAX_FIELDS = 200
MAX_BODY_CHARS = 5000
"Of one text; Twilio has up to 1,600."
MAX_SHORT_CHARS = 200
REQUIRED = "required"


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text that has come in."""

    from_number: str
    to_number: str
    body: str
    sid: str


def fields_of(data: bytes) -> Fields:
    """The form's fields. Raises BadRequest."""
    try:
        return parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as exc:
        raise BadRequest(f"the form cannot be read: {exc}") from exc


def text_of(fields: Fields) -> Text:
    """What the form says, written by whoever sends it. Raises Unprocessable naming all fields.

    Some break the line after `&`, and send a plus that nobody has encoded: it is a space by now.
    """
    given = {name.strip(): value.strip("\r\n") for name, value in fields}
    errors = [
        FieldError(name, REQUIRED)
        for name in ("From", "To", "Body", "MessageSid")
        if name not in given or (name != "Body" and not given[name].strip())
    ]
    for name in ("From", "To", "MessageSid"):
        if len(given.get(name, "")) > MAX_SHORT_CHARS:
            errors.append(FieldError(name, f"at most {MAX_SHORT_CHARS} characters"))
    if len(given.get("Body", "")) > MAX_BODY_CHARS:
        errors.append(FieldError("Body", f"at most {MAX_BODY_CHARS} characters"))
    if errors:
        raise Unprocessable("the form does not fit", errors)
    return Text(
        from_number=number_of(given["From"]),
        to_number=number_of(given["To"]),
        body=given["Body"],
        sid=given["MessageSid"].strip(),
    )


def number_of(written: str) -> str:
    """A number whose plus may have become a space on its way."""
    return f"+{written.strip()}" if written.startswith(" ") else written.strip()


def twiml(message: str = "") -> bytes:
    """The answer; empty: nothing is said now."""
    said = f"\n    <Message>{escape(message)}</Message>\n" if message else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Response>{said}</Response>\n'.encode()
