"""Who may do what: accounts, their credentials, one-time codes, keys of providers."""

import enum
from typing import Literal

import msgspec

from .entity import Entity, Owned


class Role(enum.Enum):
    """An administrator sees every account's things."""

    USER = "user"
    ADMIN = "admin"


Channel = Literal["in_app", "sms", "email", "telegram"]


class Telegram(msgspec.Struct, frozen=True, kw_only=True):
    """The account's Telegram link, and what it wants to be told there."""

    user_id: int | None
    "None: there is no link yet."
    username: str = ""
    is_on: bool = True
    "False: nothing is told there, whatever the others say."
    notify_calls: bool = True
    notify_payments: bool = True
    notify_system: bool = True
    daily_reports: bool = False
    "Each day's calls in a few words, soon after midnight (UTC)."


class Account(Entity, frozen=True, kw_only=True):
    """Who owns things. `password_hash` empty: nobody can log in with a password."""

    email: str
    "Lower case; unique."
    username: str | None = None
    phone_number: str | None = None
    password_hash: str = ""
    first_name: str = ""
    last_name: str = ""
    role: Role = Role.USER
    is_active: bool = True
    is_verified: bool = False
    "The phone number was confirmed by a code."
    first_login_wall: float | None = None
    company_number: str | None = None
    telegram: Telegram | None = None
    notify_by: tuple[Channel, ...] = ("in_app",)
    max_live_calls: int | None = None
    "None: as many as the server takes."
    recording_keep_days: float | None = None
    "Recordings are deleted so long after their calls; 0: never. None: as the configuration says."
    token_generation: int = 0
    "Raised to revoke every token of the account at once."


class CredentialKind(enum.Enum):
    """What a credential is."""

    API_KEY = "api_key"
    REFRESH_FAMILY = "refresh_family"
    "One login and the refresh tokens that followed from it."
    TOKEN40 = "token40"
    "40 hexadecimal digits, for an older API."


class Credential(Owned, frozen=True, kw_only=True):
    """Something an account proves itself with. The secret is hashed; it is shown once, at birth."""

    kind: CredentialKind
    name: str = ""
    lookup: str
    "What a request names it by: a key's public part, a family's id."
    secret_hash: str = ""
    "Of a refresh family: the id of the one token that is still good."
    scopes: tuple[str, ...] = ()
    expires_wall: float | None = None
    revoked_wall: float | None = None
    last_used_wall: float | None = None


class CodeKind(enum.Enum):
    """What a one-time code is for."""

    SMS = "sms"
    RESET = "reset"
    EMAIL = "email"


class OneTimeCode(Owned, frozen=True, kw_only=True):
    """A code that was sent to somebody and is good once."""

    kind: CodeKind
    target: str
    "Where it was sent: a number or an address."
    code_hash: str
    expires_wall: float
    tries: int = 0
    used_wall: float | None = None


class ProviderModels(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a provider's models do what; empty: as the server knows the provider."""

    chat: str = ""
    speech: str = ""
    transcription: str = ""


class ProviderKey(Owned, frozen=True, kw_only=True):
    """A key for a provider's service. `secret` is sealed (auth/secrets_box.py)."""

    provider: str
    kind: str = "openai"
    "The protocol that it speaks."
    base_url: str = ""
    "Where it is; empty: as the server knows the provider."
    models: ProviderModels = ProviderModels()
    name: str = ""
    secret: str
    hint: str = ""
    "The last four characters, for people to tell keys apart."
    daily_limit: int | None = None
    used_today: int = 0
    used_on: str = ""
    "The UTC day that `used_today` counts, as 2026-11-30."
    is_active: bool = True
