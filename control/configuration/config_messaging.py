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


class TwilioSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Twilio, which takes SMS and tells of those that come in."""

    account_sid: str = ""
    "Empty: SMS are kept in the outbox."
    auth_token: str = ""
    "When it is set, what is told by Twilio's webhooks must be signed by it."
    from_number: str = ""
    "One of Twilio's: SMS come from it, but for replies, which come from the number written to."
    base_url: Annotated[
        str, msgspec.Meta(pattern=r"^https?://\S+\Z", description="an http(s) address")
    ] = "https://api.twilio.com"
    status_callback: str = ""
    "Where Twilio tells what became of an SMS: our address and /v1/messages/twilio/status."


class ExotelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exotel, which tells of calls that it carries, and signs nothing."""

    token: str = ""
    "What its webhook must show as `?token=`; empty: nothing, and anybody may tell of calls."


class SmsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of SMS that come in, and how fast those go out that are for many."""

    answer: bool = True
    "Agents answer what comes in."
    at_once: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    "Texts that are being answered."
    quotas: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = msgspec.field(
        default_factory=lambda: {"free": 60, "premium": 300, "enterprise": 3000}
    )
    "Texts of one contact in an hour that are answered, by tier; 0, or not named: all."
    broadcast_per_s: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 20.0
    "Texts of a broadcast that go to the outbox."


class TelegramSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bot of ours at Telegram, which tells accounts what they want to be told there."""

    token: str = ""
    "Empty: what is for Telegram is kept in the outbox."
    base_url: Annotated[
        str, msgspec.Meta(pattern=r"^https?://\S+\Z", description="an http(s) address")
    ] = "https://api.telegram.org"


class EscalationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """People who take calls over."""

    ring_s: Annotated[float, msgspec.Meta(ge=5, le=120)] = 20.0
    "How long each of them is let ring before the next one is."


def wrong_twilio(twilio: TwilioSettings, origin: Origin) -> Iterable[ConfigError]:
    """What only shows when all of it is read."""
    if not twilio.account_sid:
        return
    for key in ("auth_token", "from_number"):
        if not getattr(twilio, key):
            yield origin.error(f"twilio.{key}", None, "it belongs to twilio.account_sid")


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
