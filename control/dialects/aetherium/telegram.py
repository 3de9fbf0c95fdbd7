"""Telegram: which account there is the user's, and what is told there."""

import functools
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.accounts import Telegram
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ..dialect import AnyRow, Row

TAG = "Telegram Integration"
LINKED = "Telegram account linked"
FIELDS = {
    "notifications_enabled": "is_on",
    "session_updates": "notify_calls",
    "daily_reports": "daily_reports",
}
"As this API calls them -> as accounts have them."

UserId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Username = Annotated[str, msgspec.Meta(max_length=64)]


class Link(msgspec.Struct, frozen=True):
    """An account at Telegram."""

    telegram_user_id: UserId
    telegram_username: Username | None = None


class TelegramChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different."""

    notifications_enabled: bool | UnsetType = UNSET
    session_updates: bool | UnsetType = UNSET
    daily_reports: bool | UnsetType = UNSET


class LinkView(msgspec.Struct, frozen=True):
    """A link."""

    message: str
    linked: bool
    telegram_user_id: int
    telegram_username: str | None


class TelegramView(msgspec.Struct, frozen=True, kw_only=True):
    """What is told there, and where."""

    notifications_enabled: bool
    session_updates: bool
    daily_reports: bool
    linked: bool
    telegram_user_id: int | None
    telegram_username: str | None


async def link_telegram(asked: Asked[Nothing, Link]) -> LinkView:
    """Link an account at Telegram; another link is replaced."""
    body = asked.body
    link = await asked.edge.services.telegram.link(
        asked.who, body.telegram_user_id, body.telegram_username or ""
    )
    return LinkView(LINKED, True, body.telegram_user_id, link.username or None)


async def get_telegram(asked: Asked[Nothing, Nothing]) -> TelegramView:
    """What is told there."""
    return telegram_view(await asked.edge.services.telegram.get(asked.who))


async def change_telegram(asked: Asked[Nothing, TelegramChanges]) -> TelegramView:
    """Change what is told there, before there is a link as well."""
    changes = {FIELDS[name]: value for name, value in given(asked.body).items()}
    return telegram_view(await asked.edge.services.telegram.change(asked.who, changes))


def telegram_view(link: Telegram) -> TelegramView:
    """As it is shown."""
    return TelegramView(
        notifications_enabled=link.is_on,
        session_updates=link.notify_calls,
        daily_reports=link.daily_reports,
        linked=link.user_id is not None,
        telegram_user_id=link.user_id,
        telegram_username=link.username or None,
    )


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        "/api/telegram/link",
        link_telegram,
        "Link Telegram account",
        "accounts:write",
        body=Link,
        returns=LinkView,
        example={"telegram_user_id": 123456789, "telegram_username": "ann"},
    ),
    _row(
        "GET",
        "/api/telegram/settings",
        get_telegram,
        "Get Telegram settings",
        "accounts:read",
        returns=TelegramView,
    ),
    _row(
        "PUT",
        "/api/telegram/settings",
        change_telegram,
        "Update Telegram settings",
        "accounts:write",
        body=TelegramChanges,
        returns=TelegramView,
        example={"daily_reports": True},
    ),
)
