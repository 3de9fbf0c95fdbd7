"""SHELL: hands e-mails to a server by SMTP (RFC 5321), one connection each. Decides nothing.

A message is sent when the server has accepted its data, not before.
"""

from typing import Literal

import aiosmtplib
import msgspec

from .errors import MailLost, MailRefused
from .message import Mail, address_of, composed

TIMEOUT_S = 30.0
"Of each command."
MAX_WORDS_CHARS = 300
NO_CREDENTIALS = 535
"RFC 4954 §6. Also for servers that take none: what is configured is wrong, and stays so."

Security = Literal["starttls", "tls", "none"]


class SmtpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where e-mails are handed in, and how."""

    host: str
    port: int
    security: Security
    "`starttls`: RFC 3207, and never without; `tls`: from the first byte; `none`: in the clear."
    username: str = ""
    "Empty: the server asks for none."
    password: str = ""


class SmtpClient:
    """`await send(mail)`."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, mail: Mail) -> str:
        """Hand one in; returns the server's words. Raises MailError."""
        message = composed(mail)
        settings = self._settings
        try:
            _, words = await aiosmtplib.send(
                message,
                sender=address_of(mail.from_),
                recipients=[mail.to],
                hostname=settings.host,
                port=settings.port,
                username=settings.username or None,
                password=settings.password if settings.username else None,
                use_tls=settings.security == "tls",
                start_tls=settings.security == "starttls",
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as exc:
            # One recipient a message: it was this one.
            refused = exc.recipients[0]
            raise MailRefused(refused.code, _words(refused.message)) from exc
        except aiosmtplib.SMTPResponseException as exc:
            raise MailRefused(exc.code, _words(exc.message)) from exc
        except aiosmtplib.SMTPNotSupported as exc:
            if settings.security == "starttls" and "STARTTLS" in str(exc).upper():
                # It may be an attack, or a server that is being repaired: never in the clear.
                raise MailLost("the server does not offer STARTTLS") from exc
            raise MailRefused(NO_CREDENTIALS, _words(str(exc))) from exc
        except (aiosmtplib.SMTPException, OSError, ValueError) as exc:
            raise MailLost(_words(str(exc)) or type(exc).__name__) from exc
        return _words(words)


def _words(text: str) -> str:
    return " ".join(text.split())[:MAX_WORDS_CHARS]
