"""The configuration of trying providers' keys, a part of config.py."""

from typing import Annotated

import msgspec

Url = Annotated[
    str, msgspec.Meta(pattern=r"^(https?://\S+)?\Z", description="an http(s) address, or empty")
]


class ConnectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a key is shown to when somebody asks whether it is good.

    An empty address: nobody; only its form is looked at.
    """

    openai_url: Url = "https://api.openai.com/v1"
    twilio_url: Url = "https://api.twilio.com"
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=30)] = 5.0
    "Of one question, connecting included."
