"""`/v1/me`: the account of whoever asks."""

import functools
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ...auth.principal import Principal
from ...domain.accounts import Account, Channel, Telegram
from ...errors import Conflict, Unprocessable
from ..edge import Edge
from ..route import AnyRoute, Asked, Nothing, Route
from .account_views import AccountView, Channels, Identifier, Name, account_view
from .agents import given

TAG = "Your account"


class MyChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    username: Identifier | None | UnsetType = UNSET
    phone_number: Identifier | None | UnsetType = UNSET
    "A new one has yet to be proved: `is_verified` is false again."
    first_name: Name | UnsetType = UNSET
    last_name: Name | UnsetType = UNSET
    company_number: Name | None | UnsetType = UNSET


class NotificationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the account is told of things."""

    notify_by: tuple[Channel, ...]
    telegram: Telegram | None
    "null: it is not linked."


class NotificationChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays."""

    notify_by: Channels | UnsetType = UNSET
    telegram: Telegram | None | UnsetType = UNSET


async def get_me(asked: Asked[Nothing, Nothing]) -> AccountView:
    """Your account."""
    return account_view(await asked.edge.services.accounts.get(asked.who, asked.who.account_id))


async def change_me(asked: Asked[Nothing, MyChanges]) -> AccountView:
    """Change some of your account; the e-mail address by `/v1/auth/email/change`."""
    return account_view(await _change(asked.edge, asked.who, given(asked.body)))


async def get_my_notification_settings(asked: Asked[Nothing, Nothing]) -> NotificationSettings:
    """How you are told of things."""
    return _settings(await asked.edge.services.accounts.get(asked.who, asked.who.account_id))


async def change_my_notification_settings(
    asked: Asked[Nothing, NotificationChanges],
) -> NotificationSettings:
    """Change how you are told of things."""
    changes = given(asked.body)
    if "notify_by" in changes:
        changes["notify_by"] = tuple(dict.fromkeys(changes["notify_by"]))
    return _settings(await _change(asked.edge, asked.who, changes))


async def _change(edge: Edge, who: Principal, changes: dict[str, Any]) -> Account:
    return await edge.services.accounts.change(who, who.account_id, changes)


def _settings(account: Account) -> NotificationSettings:
    return NotificationSettings(notify_by=account.notify_by, telegram=account.telegram)


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route("GET", "/v1/me", get_me, "Get your account", "accounts:read", returns=AccountView),
    _route(
        "PATCH",
        "/v1/me",
        change_me,
        "Change your account",
        "accounts:write",
        body=MyChanges,
        returns=AccountView,
        problems=(Conflict, Unprocessable),
    ),
    _route(
        "GET",
        "/v1/me/notification-settings",
        get_my_notification_settings,
        "Get your notification settings",
        "accounts:read",
        returns=NotificationSettings,
    ),
    _route(
        "PATCH",
        "/v1/me/notification-settings",
        change_my_notification_settings,
        "Change your notification settings",
        "accounts:write",
        body=NotificationChanges,
        returns=NotificationSettings,
    ),
)
