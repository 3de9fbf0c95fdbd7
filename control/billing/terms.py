"""What becomes of a subscription when it is chosen, paid for, cancelled, and as time goes. Pure."""

import calendar
import datetime

import msgspec

from ..domain.subscriptions import Period, Subscription, SubscriptionStatus, Tier

MONTHS = {Period.MONTHLY: 1, Period.YEARLY: 12}


def begun(owner_id: str, free: Tier, now_wall: float) -> Subscription:
    """An account's first one: the free tier."""
    return Subscription(
        owner_id=owner_id,
        tier=free.name,
        status=SubscriptionStatus.ACTIVE,
        started_wall=now_wall,
        created_wall=now_wall,
        updated_wall=now_wall,
    )


def chosen(held: Subscription, tier: Tier, period: Period, now_wall: float) -> Subscription:
    """Another tier was chosen: a free one counts at once, what is paid for when it is paid.

    Who has paid for that tier already stays as they are.
    """
    held = as_now(held, now_wall)
    if not tier.is_free and _is_paid(held, now_wall) and held.paid_tier == tier.name:
        return msgspec.structs.replace(
            held,
            tier=tier.name,
            status=SubscriptionStatus.ACTIVE,
            expires_wall=held.paid_until_wall,
            updated_wall=now_wall,
        )
    pending = SubscriptionStatus.PENDING_PAYMENT
    return msgspec.structs.replace(
        held,
        tier=tier.name,
        status=SubscriptionStatus.ACTIVE if tier.is_free else pending,
        period=None if tier.is_free else period,
        started_wall=now_wall,
        expires_wall=None,
        updated_wall=now_wall,
    )


def paid(held: Subscription, tier: Tier, period: Period, now_wall: float) -> Subscription:
    """A period of a tier was paid for: it begins now, or when the one that runs is over."""
    held = as_now(held, now_wall)
    renewed = _is_paid(held, now_wall) and held.paid_tier == tier.name
    begin_wall = held.paid_until_wall if renewed else None
    until_wall = after(now_wall if begin_wall is None else begin_wall, period)
    return msgspec.structs.replace(
        held,
        tier=tier.name,
        status=SubscriptionStatus.ACTIVE,
        period=period,
        started_wall=held.started_wall if renewed else now_wall,
        expires_wall=until_wall,
        paid_tier=tier.name,
        paid_until_wall=until_wall,
        updated_wall=now_wall,
    )


def cancelled(held: Subscription, now_wall: float) -> Subscription:
    """It is not to go on; what was paid for does, to its end."""
    held = as_now(held, now_wall)
    if held.status is SubscriptionStatus.EXPIRED:
        return held
    status = SubscriptionStatus.CANCELLED
    return msgspec.structs.replace(held, status=status, updated_wall=now_wall)


def as_now(held: Subscription, now_wall: float) -> Subscription:
    """As it stands at a moment: what has run out is expired, without anybody's doing."""
    if (
        held.status is SubscriptionStatus.ACTIVE
        and held.expires_wall is not None
        and held.expires_wall <= now_wall
    ):
        return msgspec.structs.replace(held, status=SubscriptionStatus.EXPIRED)
    return held


def in_force(held: Subscription, tiers: tuple[Tier, ...], now_wall: float) -> Tier:
    """The tier whose limits hold: what is paid for, else the free one."""
    if _is_paid(held, now_wall):
        for tier in tiers:
            if tier.name == held.paid_tier:
                return tier
    chosen_free = (tier for tier in tiers if tier.is_free and tier.name == held.tier)
    return next(chosen_free, tiers[0])


def after(wall: float, period: Period) -> float:
    """One period later by the calendar (UTC): the 31st becomes a shorter month's last day."""
    moment = datetime.datetime.fromtimestamp(wall, datetime.UTC)
    months = moment.year * 12 + moment.month - 1 + MONTHS[period]
    year, month = divmod(months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day).timestamp()


def month_begin(wall: float) -> float:
    """The first moment of the calendar month (UTC)."""
    moment = datetime.datetime.fromtimestamp(wall, datetime.UTC)
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()


def _is_paid(held: Subscription, now_wall: float) -> bool:
    return held.paid_until_wall is not None and held.paid_until_wall > now_wall
