"""Token buckets: what is allowed, and what the headers say of it."""

import random

import pytest

from offhook.control.auth.rate_limits import Decision, Policy, RateLimits
from offhook.control.errors import TooManyRequests

WALL = 1_700_000_000.0
HUNDRED = Policy("general", 100, 60.0)


def take(
    limits: RateLimits, policy: Policy, now: float, client: str = "a", cost: int = 1
) -> Decision:
    return limits.take(policy, client, now, WALL + now, cost)


@pytest.mark.parametrize(
    ("policy", "at_once"),
    [
        (Policy("p", 100, 60.0), 100),
        (Policy("p", 120, 60.0, burst=10), 120),
        (Policy("p", 5, 60.0), 5),
        (Policy("p", 1000, 3600.0), 1000),
        (Policy("p", 1, 1.0, burst=10), 10),
        (Policy("p", 7, 3.0), 7),
    ],
)
def test_a_window_s_worth_may_come_at_once_and_then_evenly(policy: Policy, at_once: int) -> None:
    limits = RateLimits()
    assert [take(limits, policy, 0.0).allowed for _ in range(at_once + 2)].count(True) == at_once
    refused = take(limits, policy, 0.0)
    assert refused.retry_after_s == pytest.approx(policy.window_s / policy.limit)
    assert not take(limits, policy, refused.retry_after_s * 0.99).allowed
    assert take(limits, policy, refused.retry_after_s).allowed
    assert not take(limits, policy, refused.retry_after_s).allowed


def test_every_decision_says_what_is_left_and_when_all_is_back() -> None:
    limits = RateLimits()
    first = take(limits, HUNDRED, 0.0)
    assert first == Decision(True, 100, 99, int(WALL) + 1)
    for _ in range(97):
        take(limits, HUNDRED, 0.0)
    last = take(limits, HUNDRED, 0.0)
    assert (last.remaining, last.reset_wall) == (1, int(WALL) + 60)
    assert take(limits, HUNDRED, 0.0).remaining == 0
    refused = take(limits, HUNDRED, 30.0 - 29.5)
    assert not refused.allowed
    assert refused.remaining == 0
    assert refused.reset_wall == int(WALL) + 60
    assert refused.retry_after_s == pytest.approx(0.1)


def test_what_is_refused_takes_nothing() -> None:
    limits = RateLimits()
    for _ in range(1000):
        take(limits, HUNDRED, 0.0)
    assert take(limits, HUNDRED, 0.6).allowed


def test_who_asks_too_early_all_the_time_still_gets_through_when_due() -> None:
    limits, three = RateLimits(), Policy("three", 3, 1.0)
    for _ in range(3):
        take(limits, three, 0.0)
    # Seven sevenths of a request are a little less than one in floats.
    due = three.window_s / three.limit
    assert [take(limits, three, due * turn / 7).allowed for turn in range(1, 8)] == [False] * 6 + [
        True
    ]


def test_what_remains_is_never_more_than_the_limit() -> None:
    assert take(RateLimits(), Policy("p", 5, 60.0, burst=50), 0.0).remaining == 5


@pytest.mark.parametrize("seed", range(5))
def test_over_any_time_no_more_than_the_limit_and_a_bucket_gets_through(seed: int) -> None:
    rng = random.Random(seed)
    policy = Policy("p", rng.randint(1, 50), rng.uniform(0.5, 100.0), rng.randint(0, 60))
    limits, now, allowed = RateLimits(), 1e6, 0
    for _ in range(5000):
        now += rng.expovariate(2.0 * policy.fill_per_s)  # twice what is allowed
        decision = take(limits, policy, now)
        allowed += decision.allowed
        if not decision.allowed:
            assert 0.0 < decision.retry_after_s <= 1.0 / policy.fill_per_s + 1e-6
    may = policy.size + (now - 1e6) * policy.fill_per_s
    assert may - 1 - policy.size <= allowed <= may + 1e-6


def test_clients_and_policies_have_buckets_of_their_own() -> None:
    limits, one = RateLimits(), Policy("one", 1, 60.0)
    assert take(limits, one, 0.0, "a").allowed
    assert not take(limits, one, 0.0, "a").allowed
    assert take(limits, one, 0.0, "b").allowed
    assert take(limits, Policy("other", 1, 60.0), 0.0, "a").allowed


def test_bytes_can_be_counted_as_well() -> None:
    limits, uploads = RateLimits(), Policy("upload", 10_000_000, 60.0)
    assert take(limits, uploads, 0.0, cost=6_000_000).allowed
    refused = take(limits, uploads, 0.0, cost=6_000_000)
    assert not refused.allowed
    assert refused.remaining == 4_000_000
    assert refused.retry_after_s == pytest.approx(12.0)
    assert take(limits, uploads, 12.0, cost=6_000_000).allowed
    never = take(limits, uploads, 3600.0, cost=10_000_001)
    assert not never.allowed
    assert never.retry_after_s == 0.0


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    limits, one = RateLimits(), Policy("one", 1, 60.0)
    take(limits, one, 100.0)
    assert not take(limits, one, 100.0).allowed
    assert not take(limits, one, 40.0).allowed


def test_only_so_many_buckets_are_kept_and_the_longest_silent_go_first() -> None:
    limits, one = RateLimits(max_buckets=2), Policy("one", 1, 60.0)
    for client in ("a", "b"):
        take(limits, one, 0.0, client)
    assert not take(limits, one, 0.0, "a").allowed  # touched: b is the longest silent now
    take(limits, one, 0.0, "c")
    assert not take(limits, one, 0.0, "a").allowed
    assert take(limits, one, 0.0, "b").allowed


def test_the_refusal_is_429_with_the_wait() -> None:
    limits, one = RateLimits(), Policy("one", 1, 60.0)
    take(limits, one, 0.0).refuse_unless_allowed()
    with pytest.raises(TooManyRequests) as raised:
        take(limits, one, 0.0).refuse_unless_allowed()
    assert (raised.value.status, raised.value.retry_after_s) == (429, 60.0)


def test_whole_windows_give_nothing_back_before_they_are_over() -> None:
    limits = RateLimits()
    policy = Policy("p", 3, 60.0, whole_windows=True)
    assert [limits.take(policy, "a", at, at).allowed for at in (10.0, 20.0, 69.0)] == [True] * 3
    refused = limits.take(policy, "a", 69.9, 1069.9)
    assert not refused.allowed
    assert refused.retry_after_s == pytest.approx(0.1)
    assert refused.reset_wall == 1070
    assert limits.take(policy, "a", 70.0, 1070.0) == Decision(True, 3, 2, 1130)
