"""`/v1/me`: the account of whoever asks."""

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


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/me",
        handler=get_me,
        summary="Get your account",
        tag=TAG,
        scope="accounts:read",
        returns=AccountView,
    ),
    Route(
        method="PATCH",
        path="/v1/me",
        handler=change_me,
        summary="Change your account",
        tag=TAG,
        scope="accounts:write",
        body=MyChanges,
        returns=AccountView,
        problems=(Conflict, Unprocessable),
    ),
    Route(
        method="GET",
        path="/v1/me/notification-settings",
        handler=get_my_notification_settings,
        summary="Get your notification settings",
        tag=TAG,
        scope="accounts:read",
        returns=NotificationSettings,
    ),
    Route(
        method="PATCH",
        path="/v1/me/notification-settings",
        handler=change_my_notification_settings,
        summary="Change your notification settings",
        tag=TAG,
        scope="accounts:write",
        body=NotificationChanges,
        returns=NotificationSettings,
    ),
)
