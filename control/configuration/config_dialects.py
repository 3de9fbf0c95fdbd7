"""The configuration of older products' APIs, a part of config.py."""

from typing import Literal

import msgspec

from .config_http import Port


class DialectSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where one of them is served."""

    enabled: bool = True
    "Below its name, beside our own API."
    port: Port | None = None
    "As well at the root of a port of its own; 0: any free one, printed. Absent: not."


class DialectsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of them."""

    registration: Literal["open", "closed"] = "open"
    "Open: their clients may make accounts for themselves, whatever `auth.registration` says."
    session_token: Literal["optional", "required"] = "optional"
    """Of aetherium's WebSocket. Its clients of old send none: then whoever guesses a session's
    number hears it, and speaks into it."""
    aetherium: DialectSettings = DialectSettings()
    voicera: DialectSettings = DialectSettings()
    aicaller: DialectSettings = DialectSettings()
    callingplatform: DialectSettings = DialectSettings()
    smsagent: DialectSettings = DialectSettings()

    def of(self, name: str) -> DialectSettings:
        """One of them."""
        found: DialectSettings = getattr(self, name)
        return found
