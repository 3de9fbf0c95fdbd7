"""What accounts may subscribe to, and how they pay, a part of the configuration (config.py)."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from ..domain.subscriptions import Tier
from ..errors import ConfigError
from .config_reader import Origin

DEFAULT_TIERS = (
    Tier(
        id=1,
        name="free",
        display_name="Free Tier",
        description="Basic access to Aetherium platform",
        max_sessions_per_month=10,
        max_session_minutes=5,
        features=("basic_ai", "limited_sessions"),
    ),
    Tier(
        id=2,
        name="premium",
        display_name="Premium Tier",
        description="For those who call every day",
        price_monthly=29.99,
        price_yearly=299.90,
        max_sessions_per_month=500,
        max_session_minutes=60,
        features=("advanced_ai", "analytics", "telegram"),
    ),
    Tier(
        id=3,
        name="enterprise",
        display_name="Enterprise Tier",
        description="Without limits",
        price_monthly=199.99,
        price_yearly=1999.90,
        features=("advanced_ai", "analytics", "telegram", "priority_support"),
    ),
)
"The names and limits that clients of an older product know."


class SubscriptionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be subscribed to."""

    tiers: tuple[Tier, ...] = DEFAULT_TIERS
    "The first is free: it holds where nothing is paid."


class PaymentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where is paid to, and who says that it was."""

    decided_by: Literal["simulated", "administrator"] = "simulated"
    "`simulated` takes every payment at once; `administrator`: POST /v1/payments/{id}/decide."
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")] = "USD"
    card_number: str = "0000000000000000"
    bank_name: str = "Simulated Bank"
    cardholder_name: str = "Offhook"
    session_s: Annotated[float, msgspec.Meta(ge=60, le=604_800)] = 3600.0
    "How long a payment may be begun before it is made."


def wrong_tiers(settings: SubscriptionSettings, origin: Origin) -> Iterable[ConfigError]:
    """What only shows when all of it is read."""
    tiers = settings.tiers
    if not tiers or not tiers[0].is_free:
        yield origin.error("subscriptions.tiers", None, "the first tier must be there and be free")
    for name in ("id", "name"):
        values = [getattr(tier, name) for tier in tiers]
        for index, value in enumerate(values):
            if value in values[:index]:
                key = f"subscriptions.tiers[{index}].{name}"
                yield origin.error(key, str(value), "another tier has it already")
