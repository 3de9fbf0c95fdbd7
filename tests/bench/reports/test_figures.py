"""A metric's figures are taken toward its worse end, and goals are held against the right one."""

import pytest

from offhook.bench.reports.figures import (
    At,
    called,
    columns,
    figure,
    goal_met,
    goal_text,
    is_told,
    short,
    signed,
    written,
)
from offhook.tests.kit.bench_results import metric

HUNDRED = [float(n) for n in range(1, 101)]


@pytest.mark.parametrize(
    ("at", "lower", "higher"),
    [
        ("p50", 50.0, 51.0),
        ("p90", 90.0, 11.0),
        ("p95", 95.0, 6.0),
        ("p99", 99.0, 2.0),
        ("max", 100.0, 100.0),
        ("mean", 50.5, 50.5),
    ],
)
def test_percentiles_count_toward_the_worse_end(at: At, lower: float, higher: float) -> None:
    assert figure(metric(HUNDRED), at) == lower
    assert figure(metric(HUNDRED, better="higher"), at) == higher


def test_the_worse_end_is_called_by_its_name() -> None:
    assert called("p95", metric([1.0])) == "p95"
    assert called("p95", metric([1.0], better="higher")) == "p5"
    assert called("max", metric([1.0], better="higher")) == "max"


@pytest.mark.parametrize(
    ("goal", "at", "better", "met"),
    [
        (95.0, "p95", "lower", True),
        (94.9, "p95", "lower", False),
        (99.0, "max", "lower", False),
        (100.0, "max", "lower", True),
        (50.4, "mean", "lower", False),
        (51.0, "p50", "higher", True),
        (51.1, "p50", "higher", False),
        (6.0, "p95", "higher", True),
        (7.0, "p95", "higher", False),
        (50.0, "p50", "neither", None),
        (None, "p50", "lower", None),
    ],
)
def test_a_goal_is_met_or_missed(
    goal: float | None, at: str, better: str, met: bool | None
) -> None:
    assert goal_met(metric(HUNDRED, goal=goal, goal_at=at, better=better)) is met


def test_no_values_are_neither_good_nor_bad() -> None:
    assert goal_met(metric([], goal=1.0)) is None
    assert figure(metric([]), "max") is None


def test_goals_are_written_with_figure_and_unit() -> None:
    assert goal_text(metric([1.0], goal=60.0, goal_at="p95")) == "p95 ≤ 60 ms"
    assert goal_text(metric([], goal=3.5, goal_at="p95", better="higher", unit="")) == "p5 ≥ 3.5"
    assert goal_text(metric([1.0])) == ""


def test_a_percentile_is_told_from_as_many_values_as_leave_one_beyond_it() -> None:
    cases: list[tuple[At, int]] = [("p95", 19), ("p95", 20), ("p99", 99), ("p99", 100), ("max", 1)]
    told = [is_told(at, count) for at, count in cases]
    assert told == [False, True, False, True, True]


def test_what_happened_or_not_is_shown_as_its_share() -> None:
    assert columns(metric([0.0, 1.0, 0.0], goal=0.01, goal_at="mean")) == ("mean",)
    assert columns(metric([0.0, 2.0], goal=0.01, goal_at="mean"))[0] == "p50"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (25.0, "25"),
        (12345.6, "12,346"),
        (300.00000001, "300"),
        (12.34, "12.3"),
        (1.5, "1.5"),
        (0.0104, "0.01"),
        (-3.25, "−3.25"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text


def test_differences_have_a_sign_unless_they_are_nothing() -> None:
    texts = [signed(value, 1) for value in (2.0, -2.0, 0.0, 0.01, -0.01)]
    assert texts == ["+2.0", "−2.0", "0.0", "0.0", "0.0"]
    assert written(-0.001, 2) == "0.00"
