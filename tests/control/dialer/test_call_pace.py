"""Calls a second: never more in any stretch of time than the rate and what a bucket holds."""

import itertools
import random

import pytest

from offhook.control.dialer.call_pace import BURST_S, CallPace


def test_a_line_without_a_rate_never_waits() -> None:
    pace = CallPace({"a": 1.0})
    assert [pace.spend("b", 0.0) for _ in range(100)] == [0.0] * 100


def test_slow_lines_begin_one_at_a_time_and_save_nothing_up() -> None:
    pace = CallPace({"a": 2.0})
    assert pace.spend("a", 100.0) == 0.0
    assert pace.wait_s("a", 100.0) == 0.5
    assert pace.wait_s("a", 100.4) == pytest.approx(0.1)
    assert pace.spend("a", 160.0) == 0.0
    assert pace.wait_s("a", 160.0) == 0.5


def test_what_is_spent_ahead_is_waited_for_in_turn() -> None:
    pace = CallPace({"a": 2.0})
    assert [pace.spend("a", 0.0) for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]
    assert pace.wait_s("a", 1.5) == 0.5


@pytest.mark.parametrize("rate", [0.5, 3.0, 25.0, 200.0])
def test_in_any_stretch_no_more_begin_than_may(rate: float) -> None:
    rng = random.Random(rate)
    pace, now, begun = CallPace({"a": rate}), 0.0, []
    for _ in range(3000):
        now += rng.choice([0.0, 0.0, rng.random() / rate, 5.0 / rate])
        if pace.wait_s("a", now) == 0.0:
            pace.spend("a", now)
            begun.append(now)
    size = max(1.0, rate * BURST_S)
    for span in range(1, 60):
        for first, last in zip(begun, itertools.islice(begun, span, None), strict=False):
            assert span + 1 <= size + rate * (last - first) + 1e-6
    assert len(begun) > 500


def test_the_moment_that_it_tells_is_the_first_one() -> None:
    rng = random.Random(7)
    pace, now = CallPace({"a": 7.0}), 0.0
    for _ in range(1000):
        pace.spend("a", now)
        wait_s = pace.wait_s("a", now)
        assert pace.wait_s("a", now + wait_s) == 0.0
        if wait_s > 0.01:
            assert pace.wait_s("a", now + wait_s - 0.01) > 0.0
        now += wait_s + rng.random() * 0.2
