"""Accounts, what they sign in with, their keys."""

from sqlalchemy import Column, Float

from .columns import entity, flag, nested, owned, wall, whole, words

ACCOUNTS = entity(
    "accounts",
    words("email", unique=True),
    words("username", null=True, unique=True),
    words("phone_number", null=True, unique=True),
    words("password_hash"),
    words("first_name"),
    words("last_name"),
    words("role"),
    flag("is_active"),
    flag("is_verified"),
    wall("first_login_wall"),
    words("company_number", null=True),
    nested("telegram", null=True),
    nested("notify_by"),
    whole("max_live_calls", null=True),
    Column("recording_keep_days", Float(53)),
    whole("token_generation"),
)
CREDENTIALS = owned(
    "credentials",
    words("kind"),
    words("name"),
    words("lookup", unique=True),
    words("secret_hash"),
    nested("scopes"),
    wall("expires_wall"),
    wall("revoked_wall"),
    wall("last_used_wall"),
)
ONE_TIME_CODES = owned(
    "one_time_codes",
    words("kind"),
    words("target", index=True),
    words("code_hash", index=True),
    wall("expires_wall", null=False),
    whole("tries"),
    wall("used_wall"),
)
PROVIDER_KEYS = owned(
    "provider_keys",
    words("provider"),
    words("kind"),
    words("base_url"),
    nested("models"),
    words("name"),
    words("secret"),
    words("hint"),
    whole("daily_limit", null=True),
    whole("used_today"),
    words("used_on"),
    flag("is_active"),
)
