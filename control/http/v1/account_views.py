"""Accounts as the API shows them, and what may be written in their fields."""

import datetime
from typing import Annotated

import msgspec

from ...auth.identifiers import MAX_CHARS
from ...domain.accounts import Account, Channel, Role, Telegram
from ...services.sign_in import SignedIn
from ..times import utc, utc_or_none

Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CHARS)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Password = Annotated[
    str, msgspec.Meta(min_length=1, max_length=1024, description="8 to 256 characters.")
]
Channels = Annotated[tuple[Channel, ...], msgspec.Meta(max_length=4)]
SAME = (
    "id",
    "seq",
    "email",
    "username",
    "phone_number",
    "first_name",
    "last_name",
    "role",
    "is_active",
    "is_verified",
    "company_number",
    "max_live_calls",
    "recording_keep_days",
    "notify_by",
    "telegram",
)


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account."""

    id: str
    seq: int
    email: str
    username: str | None
    phone_number: str | None
    first_name: str
    last_name: str
    role: Role
    is_active: bool
    is_verified: bool
    "The phone number was confirmed by a code."
    company_number: str | None
    max_live_calls: int | None
    "null: as many as the server takes."
    recording_keep_days: float | None
    "Recordings are deleted so long after their calls; 0: never; null: as configured."
    notify_by: tuple[Channel, ...]
    telegram: Telegram | None
    first_login_at: datetime.datetime | None
    created_at: datetime.datetime
    updated_at: datetime.datetime


class TokensView(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in (RFC 6749 §5.1)."""

    access_token: str
    "Sent as `Authorization: Bearer …`."
    token_type: str = "bearer"
    expires_in: int
    "Seconds that the access token is good."
    refresh_token: str
    "Exchanged for new tokens, once. A second time ends the sign-in: somebody stole it."
    account: AccountView


def account_view(account: Account) -> AccountView:
    """An account as the API shows it."""
    return AccountView(
        **{name: getattr(account, name) for name in SAME},
        first_login_at=utc_or_none(account.first_login_wall),
        created_at=utc(account.created_wall),
        updated_at=utc(account.updated_wall),
    )


def tokens_view(signed_in: SignedIn) -> TokensView:
    """A sign-in as the API shows it."""
    claims = signed_in.access.claims
    return TokensView(
        access_token=signed_in.access.token,
        expires_in=claims.expires_wall - claims.issued_wall,
        refresh_token=signed_in.refresh.token,
        account=account_view(signed_in.account),
    )
