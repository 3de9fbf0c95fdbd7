"""What becomes of a subscription as tiers are chosen, paid for, and run out."""

import datetime

import msgspec
import pytest

from offhook.control.billing.terms import (
    after,
    as_now,
    begun,
    cancelled,
    chosen,
    in_force,
    month_begin,
    paid,
)
from offhook.control.configuration.config_billing import DEFAULT_TIERS
from offhook.control.domain.subscriptions import Period, SubscriptionStatus

FREE, PREMIUM, ENTERPRISE = DEFAULT_TIERS
DAY_S = 86_400.0


def wall(text: str) -> float:
    return datetime.datetime.fromisoformat(f"{text}+00:00").timestamp()


NOW = wall("2026-01-31T12:00:00")


def test_what_is_chosen_is_shown_at_once_and_in_force_when_it_is_paid() -> None:
    held = chosen(begun("a", FREE, NOW), PREMIUM, Period.MONTHLY, NOW)
    assert (held.tier, held.status) == ("premium", SubscriptionStatus.PENDING_PAYMENT)
    assert in_force(held, DEFAULT_TIERS, NOW) == FREE
    held = paid(held, PREMIUM, Period.MONTHLY, NOW)
    assert held.status is SubscriptionStatus.ACTIVE
    assert held.expires_wall == wall("2026-02-28T12:00:00")
    assert in_force(held, DEFAULT_TIERS, NOW) == PREMIUM


def test_what_runs_out_expires_by_itself_and_the_free_tier_holds() -> None:
    held = paid(begun("a", FREE, NOW), PREMIUM, Period.MONTHLY, NOW)
    assert held.expires_wall is not None
    later = as_now(held, held.expires_wall)
    assert later.status is SubscriptionStatus.EXPIRED
    assert in_force(held, DEFAULT_TIERS, held.expires_wall) == FREE


def test_a_renewal_begins_where_the_paid_period_ends() -> None:
    held = paid(begun("a", FREE, NOW), PREMIUM, Period.MONTHLY, NOW)
    held = paid(held, PREMIUM, Period.YEARLY, NOW + DAY_S)
    assert held.expires_wall == wall("2027-02-28T12:00:00")


def test_another_tier_leaves_in_force_what_was_paid_for() -> None:
    held = paid(begun("a", FREE, NOW), PREMIUM, Period.MONTHLY, NOW)
    held = chosen(held, ENTERPRISE, Period.MONTHLY, NOW + DAY_S)
    assert held.status is SubscriptionStatus.PENDING_PAYMENT
    assert in_force(held, DEFAULT_TIERS, NOW + DAY_S) == PREMIUM
    back = chosen(held, PREMIUM, Period.MONTHLY, NOW + DAY_S)
    assert (back.status, back.expires_wall) == (SubscriptionStatus.ACTIVE, held.paid_until_wall)


def test_a_cancelled_one_stays_in_force_to_its_end() -> None:
    held = cancelled(paid(begun("a", FREE, NOW), PREMIUM, Period.MONTHLY, NOW), NOW + DAY_S)
    assert held.status is SubscriptionStatus.CANCELLED
    assert in_force(held, DEFAULT_TIERS, NOW + 2 * DAY_S) == PREMIUM
    assert in_force(held, DEFAULT_TIERS, NOW + 40 * DAY_S) == FREE


def test_a_tier_that_is_gone_from_the_configuration_is_the_free_one() -> None:
    held = paid(begun("a", FREE, NOW), PREMIUM, Period.MONTHLY, NOW)
    assert in_force(held, (FREE, ENTERPRISE), NOW) == FREE
    renamed = msgspec.structs.replace(held, tier="gone")
    assert in_force(renamed, (FREE,), NOW) == FREE


@pytest.mark.parametrize(
    ("begin", "period", "end"),
    [
        ("2026-01-31T08:00:00", Period.MONTHLY, "2026-02-28T08:00:00"),
        ("2026-12-15T00:00:00", Period.MONTHLY, "2027-01-15T00:00:00"),
        ("2024-02-29T23:59:59", Period.YEARLY, "2025-02-28T23:59:59"),
    ],
)
def test_periods_go_by_the_calendar(begin: str, period: Period, end: str) -> None:
    assert after(wall(begin), period) == wall(end)


def test_a_month_begins_with_its_first_moment() -> None:
    assert month_begin(NOW) == wall("2026-01-01T00:00:00")
