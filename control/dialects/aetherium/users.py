"""Users: their profiles and passwords."""

import functools
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ...auth.errors import WrongPassword
from ...domain.accounts import Account
from ...domain.subscriptions import Subscription
from ...http.route import Asked, Nothing
from ...http.v1.agents import given
from ..dialect import AnyRow, Row, Said
from ..moments import Moment, seconds, seconds_or_none
from ..people import full_name, names_of
from ..reading import Password, Phone, Short
from ..speaking import speaking
from .forms import Message, account_in_path, unfit

TAG = "User Management"
UNLIMITED = "unlimited"
"The tier of accounts without a subscription: they were not made by registering here."
CHANGED = "Password changed successfully"


class ProfileChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different."""

    full_name: Short | UnsetType = UNSET
    phone_number: Phone | UnsetType = UNSET


class NewPassword(msgspec.Struct, frozen=True):
    """Another password."""

    current_password: Password
    new_password: Password
    confirm_password: Password


class SubscriptionBrief(msgspec.Struct, frozen=True):
    """What the user has subscribed to."""

    tier: str
    status: str
    expires_at: Moment | None


class ProfileView(msgspec.Struct, frozen=True, kw_only=True):
    """A user."""

    id: int
    email: str
    phone_number: str | None
    full_name: str | None
    is_active: bool
    is_verified: bool
    created_at: Moment
    subscription: SubscriptionBrief


async def get_user(asked: Asked[Nothing, Nothing]) -> ProfileView:
    """A profile: your own, or anybody's for administrators."""
    id_ = await account_in_path(asked)
    return await _profile(asked, await asked.edge.services.accounts.get(asked.who, id_))


async def change_user(asked: Asked[Nothing, ProfileChanges]) -> ProfileView:
    """Change some of it; the rest stays. A new number has yet to be proved."""
    id_, sent = await account_in_path(asked), given(asked.body)
    changes: dict[str, Any] = {}
    if "full_name" in sent:
        changes["first_name"], changes["last_name"] = names_of(sent["full_name"])
    if "phone_number" in sent:
        changes["phone_number"] = sent["phone_number"]
    accounts = asked.edge.services.accounts
    return await _profile(asked, await accounts.change(asked.who, id_, changes))


async def change_password(asked: Asked[Nothing, NewPassword]) -> Message:
    """Another password for whoever knows the current one. Tokens of the old one end with it."""
    id_, body, services = await account_in_path(asked), asked.body, asked.edge.services
    if body.new_password != body.confirm_password:
        raise unfit("confirm_password", "must equal new_password")
    sign_in = services.sign_in
    if id_ == asked.who.account_id:
        audience = speaking(asked).audience
        sent = (body.current_password, body.new_password)
        await sign_in.change_password(asked.who, *sent, asked.address, audience)
    else:
        account = await services.accounts.get(asked.who, id_)
        await sign_in.prove(account, account.email, body.current_password, asked.address)
        await services.accounts.change(asked.who, id_, {}, body.new_password)
    return Message(CHANGED)


def brief(held: Subscription | None) -> SubscriptionBrief:
    """A subscription in a profile."""
    if held is None:
        return SubscriptionBrief(UNLIMITED, "active", None)
    return SubscriptionBrief(held.tier, held.status.value, seconds_or_none(held.expires_wall))


async def _profile(asked: Asked[Nothing, Any], account: Account) -> ProfileView:
    held = await asked.edge.services.subscriptions.of(asked.who, account.id)
    return ProfileView(
        id=account.seq,
        email=account.email,
        phone_number=account.phone_number,
        full_name=full_name(account) or None,
        is_active=account.is_active,
        is_verified=account.is_verified,
        created_at=seconds(account.created_wall),
        subscription=brief(held),
    )


ONE = "/api/users/{account}"
WRONG = Said("VALIDATION_ERROR", "The current password is wrong", 400)
_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row("GET", ONE, get_user, "Get user profile", "accounts:read", returns=ProfileView),
    _row(
        "PUT",
        ONE,
        change_user,
        "Update user profile",
        "accounts:write",
        body=ProfileChanges,
        returns=ProfileView,
        example={"full_name": "Ann Smith"},
    ),
    _row(
        "POST",
        f"{ONE}/change-password",
        change_password,
        "Change password",
        "accounts:write",
        body=NewPassword,
        returns=Message,
        refusals={WrongPassword: WRONG},
        example={
            "current_password": "a long password",
            "new_password": "another password",
            "confirm_password": "another password",
        },
        last=True,
    ),
)
