"""What accounts subscribe to: tiers with their limits, and the one subscription of an account.

An account without a subscription has no limits: those that are made by administrators, or by our
own API, have none until they choose a tier.
"""

import enum
from typing import Annotated

import msgspec

from .entity import Owned


class Period(enum.Enum):
    """How far one payment reaches."""

    MONTHLY = "monthly"
    YEARLY = "yearly"


class SubscriptionStatus(enum.Enum):
    """Where a subscription stands."""

    ACTIVE = "active"
    PENDING_PAYMENT = "pending_payment"
    "Chosen, not paid for: what was paid for before is in force, else the free tier."
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    "Not to be renewed: what was paid for stays in force to its end."


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be subscribed to."""

    id: Annotated[int, msgspec.Meta(ge=1)]
    "What older APIs call it by; it stays when others come and go."
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    display_name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    price_monthly: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    price_yearly: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    max_sessions_per_month: Annotated[int, msgspec.Meta(ge=0)] = 0
    "Calls that an account places in a calendar month (UTC), retries aside; 0: any number."
    max_session_minutes: Annotated[int, msgspec.Meta(ge=0)] = 0
    "How long a call may be, from its answer; 0: any length."
    features: tuple[str, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether nobody pays for it."""
        return self.price_monthly == 0 and self.price_yearly == 0

    def price(self, period: Period) -> float:
        """What one period costs."""
        return self.price_yearly if period is Period.YEARLY else self.price_monthly


class Subscription(Owned, frozen=True, kw_only=True):
    """What an account has chosen, and what of that is in force."""

    tier: str
    "The tier's name, as chosen last."
    status: SubscriptionStatus
    period: Period | None = None
    "None: of a free tier."
    started_wall: float
    expires_wall: float | None = None
    "None: it does not end by itself, or nothing was paid yet."
    paid_tier: str = ""
    "What was paid for last; empty: nothing."
    paid_until_wall: float | None = None
