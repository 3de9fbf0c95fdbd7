"""The configuration of accounts and sign-in, a part of config.py."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from ..auth.identifiers import EXPECTED, email_of
from ..auth.password_rule import MAX_CHARS, MIN_CHARS, fits
from ..errors import ConfigError
from .config_reader import Origin

NumberClaims = Literal["own", "open", "admins"]


class AuthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may have an account, and how long a sign-in lasts."""

    registration: Literal["open", "closed"] = "closed"
    "Open: whoever reaches the API may make an account, and calls with it."
    numbers: NumberClaims = "own"
    "Which numbers others than administrators may add (services/number_claims.py)."
    access_ttl_s: Annotated[int, msgspec.Meta(ge=60, le=86_400)] = 3600
    "How long an access token is good."
    refresh_ttl_s: Annotated[int, msgspec.Meta(ge=3600, le=365 * 86_400)] = 30 * 86_400
    "How long nobody need sign in again; counted anew with each refresh."


class AdminSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first administrator: made at a start that finds none, never changed afterwards."""

    email: str = ""
    "Empty: none is made."
    password: str = ""


def wrong_admin(admin: AdminSettings, origin: Origin) -> Iterable[ConfigError]:
    """What would keep the first administrator from signing in."""
    if admin.email and email_of(admin.email) is None:
        yield origin.error("admin.email", admin.email, EXPECTED["email"])
    if admin.email and not fits(admin.password):
        expected = f"{MIN_CHARS} to {MAX_CHARS} characters are needed"
        yield origin.error("admin.password", None, expected)
    if admin.password and not admin.email:
        yield origin.error("admin.email", None, "is missing: whose is admin.password?")
