"""What leaves outside calls, and people who take calls over: their configuration (config.py)."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from ...drivers.mail.errors import BadMail
from ...drivers.mail.message import address_of
from ..errors import ConfigError
from .config_reader import Origin


class SmtpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The server that takes e-mails."""

    host: str = ""
    "Empty: e-mails are kept in the outbox."
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 587
    username: str = ""
    "Empty: the server asks for none."
    password: str = ""
    security: Literal["starttls", "tls", "none"] = "starttls"
    from_: str = msgspec.field(name="from", default="")
    "An address, or `Name <address>`."


class EscalationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """People who take calls over."""

    ring_s: Annotated[float, msgspec.Meta(ge=5, le=120)] = 20.0
    "How long each of them is let ring before the next one is."


def wrong_smtp(smtp: SmtpSettings, origin: Origin) -> Iterable[ConfigError]:
    """What only shows when all of it is read."""
    if not smtp.host:
        return
    try:
        address_of(smtp.from_)
    except BadMail:
        yield origin.error("smtp.from", smtp.from_ or None, "an address such as me@example.org")
    if smtp.username and smtp.security == "none":
        expected = "a password is not sent in the clear: use starttls or tls"
        yield origin.error("smtp.security", smtp.security, expected)
