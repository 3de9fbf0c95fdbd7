"""An e-mail as it is sent (RFC 5322): a subject, a text, who wrote it and to whom. Pure.

Not the envelope, nor the sending (smtp.py).
"""

import datetime
import email.policy
import email.utils
import re
from email.errors import HeaderParseError, MessageError
from email.message import EmailMessage

import msgspec

from .errors import BadMail

POLICY = email.policy.SMTP.clone(max_line_length=78)
MAX_SUBJECT_CHARS = 200
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,255}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent."""

    id: str
    "Stays the same when it is sent again, so that mail programs know it."
    from_: str
    "An address, or `Name <address>`."
    to: str
    subject: str
    text: str
    at_wall: float
    "When it was written."


def is_address(text: str) -> bool:
    """Whether it can be an address that SMTP is given: no quoted parts, no spaces."""
    return text.isascii() and _ADDRESS.match(text) is not None


def address_of(mailbox: str) -> str:
    """The address in `Name <address>`. Raises BadMail."""
    _, address = email.utils.parseaddr(mailbox)
    if not is_address(address):
        raise BadMail(f"{mailbox[:64]!r} is no e-mail address")
    return address


def composed(mail: Mail) -> EmailMessage:
    """The message with its headers. Raises BadMail for what cannot be one."""
    sender = address_of(mail.from_)
    message = EmailMessage(POLICY)
    try:
        message["From"] = _CONTROL.sub(" ", mail.from_)
        if not is_address(mail.to):
            raise BadMail(f"{mail.to[:64]!r} is no e-mail address")
        message["To"] = mail.to
        # A line break in a subject would begin a header of somebody else's.
        message["Subject"] = _CONTROL.sub(" ", mail.subject)[:MAX_SUBJECT_CHARS]
        message["Date"] = datetime.datetime.fromtimestamp(int(mail.at_wall), datetime.UTC)
        message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
        # RFC 3834 §5: no vacation notices back.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
    except (HeaderParseError, MessageError, UnicodeError, ValueError) as exc:
        raise BadMail(str(exc)) from exc
    return message
