"""`/v1/subscription` and `/v1/tiers`: what accounts subscribe to."""

import datetime
import functools
from typing import Annotated

import msgspec

from ...domain.subscriptions import Period, Subscription, SubscriptionStatus, Tier
from ...errors import NotFound
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none

TAG = "Subscriptions"

TierName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class TierView(msgspec.Struct, frozen=True, kw_only=True):
    """What can be subscribed to."""

    number: int
    name: str
    display_name: str
    description: str
    price_monthly: float
    price_yearly: float
    max_sessions_per_month: int
    "Calls that are placed in a calendar month (UTC); 0: any number."
    max_session_minutes: int
    "How long a call may be; 0: any length."
    features: tuple[str, ...]


class TierList(msgspec.Struct, frozen=True):
    """All tiers; the first one is free."""

    items: tuple[TierView, ...]


class SubscriptionChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another tier."""

    tier: TierName
    period: Period = Period.MONTHLY


class SubscriptionView(msgspec.Struct, frozen=True, kw_only=True):
    """An account's subscription."""

    id: str
    account_id: str
    tier: str
    status: SubscriptionStatus
    period: Period | None
    started_at: datetime.datetime
    expires_at: datetime.datetime | None
    paid_tier: str
    "What was paid for last; empty: nothing."
    paid_until: datetime.datetime | None


class StandingView(msgspec.Struct, frozen=True):
    """What an account has subscribed to."""

    subscription: SubscriptionView | None
    "null: nothing, and it has no limits."


async def list_tiers(asked: Asked[Nothing, Nothing]) -> TierList:
    """What can be subscribed to."""
    return TierList(tuple(tier_view(tier) for tier in asked.edge.services.subscriptions.tiers))


async def get_subscription(asked: Asked[Nothing, Nothing]) -> StandingView:
    """What you have subscribed to."""
    return await _of(asked, asked.who.account_id)


async def get_subscription_of(asked: Asked[Nothing, Nothing]) -> StandingView:
    """What an account has subscribed to."""
    return await _of(asked, asked.path("id"))


async def change_subscription(asked: Asked[Nothing, SubscriptionChange]) -> SubscriptionView:
    """Choose a tier. One that costs something is in force when it is paid for: `/v1/payments`."""
    service, body = asked.edge.services.subscriptions, asked.body
    return subscription_view(await service.choose(asked.who, service.tier(body.tier), body.period))


async def cancel_subscription(asked: Asked[Nothing, Nothing]) -> SubscriptionView:
    """Do not renew it; what was paid for stays in force to its end."""
    return subscription_view(await asked.edge.services.subscriptions.cancel(asked.who))


async def _of(asked: Asked[Nothing, Nothing], account_id: str) -> StandingView:
    held = await asked.edge.services.subscriptions.of(asked.who, account_id)
    return StandingView(None if held is None else subscription_view(held))


def tier_view(tier: Tier) -> TierView:
    """A tier as the API shows it."""
    return TierView(number=tier.id, **{n: getattr(tier, n) for n in TierView.__struct_fields__[1:]})


def subscription_view(held: Subscription) -> SubscriptionView:
    """A subscription as the API shows it."""
    same = ("id", "tier", "status", "period", "paid_tier")
    return SubscriptionView(
        **{name: getattr(held, name) for name in same},
        account_id=held.owner_id,
        started_at=utc(held.started_wall),
        expires_at=utc_or_none(held.expires_wall),
        paid_until=utc_or_none(held.paid_until_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route("GET", "/v1/tiers", list_tiers, "List tiers", "billing:read", returns=TierList),
    _route(
        "GET",
        "/v1/subscription",
        get_subscription,
        "Get your subscription",
        "billing:read",
        returns=StandingView,
    ),
    _route(
        "PUT",
        "/v1/subscription",
        change_subscription,
        "Choose a tier",
        "billing:write",
        body=SubscriptionChange,
        returns=SubscriptionView,
        problems=(NotFound,),
    ),
    _route(
        "DELETE",
        "/v1/subscription",
        cancel_subscription,
        "Cancel your subscription",
        "billing:write",
        returns=SubscriptionView,
        problems=(NotFound,),
    ),
    _route(
        "GET",
        "/v1/accounts/{id}/subscription",
        get_subscription_of,
        "Get an account's subscription",
        "billing:read",
        returns=StandingView,
        problems=(NotFound,),
    ),
)
