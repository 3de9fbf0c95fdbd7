"""Intervals: where they lie, how often they are wrong, and what runs and few values do to them."""

import numpy as np
import pytest

from offhook.bench.reports.bootstrap import Interval, interval, observed, widening
from offhook.bench.speech.waveform import percentile

TRIALS = 200
NOMINAL = 0.05
Runs = list[list[float]]


def between(old: Runs, new: Runs, share: float | None = 0.5, resamples: int = 500) -> Interval:
    return interval(old, new, share, np.random.default_rng(1), resamples)


def runs(rng: np.random.Generator, count: int, values: int, spread_of_runs: float) -> Runs:
    """A server whose runs differ by `spread_of_runs` ms, and whose values by 10 ms within one."""
    middles = 300 + rng.normal(0, spread_of_runs, count) if spread_of_runs else [300.0] * count
    return [list(rng.normal(middle, 10, values)) for middle in middles]


def false_rate(count: int, values: int, spread_of_runs: float, share: float | None = 0.5) -> float:
    """How often two sets of one distribution are told to differ."""
    wrong = 0
    for seed in range(TRIALS):
        rng = np.random.default_rng(seed)
        old, new = (runs(rng, count, values, spread_of_runs) for _ in range(2))
        found = between(old, new, share)
        wrong += not found.low <= 0 <= found.high
    return wrong / TRIALS


CASES: list[tuple[int, int, float, float | None]] = [
    (1, 5, 0, 0.5),
    (1, 60, 0, 0.5),
    (1, 60, 0, 0.95),
    (2, 20, 10, 0.5),
    (3, 20, 10, 0.5),
    (3, 20, 30, None),
    (4, 20, 30, 0.95),
    (5, 1, 10, 0.5),
]
"Runs, values of each, spread of runs, percentile (None: mean)."


def test_one_distribution_seems_two_no_more_often_than_it_says() -> None:
    rates = [false_rate(*case) for case in CASES]
    assert np.mean(rates) <= NOMINAL
    # Of 200 trials at the nominal rate 10 go wrong, give or take 3.
    assert max(rates) <= NOMINAL + 2 * (NOMINAL * (1 - NOMINAL) / TRIALS) ** 0.5, rates


def test_without_its_runs_the_same_noise_would_seem_a_change() -> None:
    wrong = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        old, new = (runs(rng, 3, 20, 10) for _ in range(2))
        found = between([sum(old, [])], [sum(new, [])])
        wrong += not found.low <= 0 <= found.high
    assert wrong / 50 > 4 * NOMINAL


@pytest.mark.parametrize("share", [0.5, 0.95, None])
@pytest.mark.parametrize("count", [1, 4])
def test_a_planted_shift_lies_in_the_interval_and_zero_does_not(
    share: float | None, count: int
) -> None:
    held = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        spread = 0 if count == 1 else 3  # a single run cannot know of noise between runs
        old = runs(rng, count, 60, spread)
        new = [[value + 100 for value in run] for run in runs(rng, count, 60, spread)]
        found = between(old, new, share)
        assert found.low > 50
        held += found.low <= 100 <= found.high
    assert held >= 18


def test_the_same_values_shifted_differ_by_exactly_the_shift() -> None:
    values = list(np.random.default_rng(3).gamma(2, 10, 40))
    found = between([values], [[value + 100 for value in values]])
    assert found.difference == pytest.approx(100)
    assert found.low < 100 < found.high


def test_what_never_varies_has_no_width() -> None:
    assert between([[0.0] * 30], [[0.0] * 30]) == Interval(0, 0, 0)
    assert between([[0.0] * 30], [[2.0] * 30]) == Interval(2, 2, 2)


def test_a_single_run_is_given_the_other_sides_noise_between_runs() -> None:
    rng = np.random.default_rng(5)
    many, one = runs(rng, 6, 30, 20), [list(rng.normal(300, 10, 30))]
    known = between(many, one)
    unknown = between([sum(many, [])], one)
    assert known.high - known.low > 2 * (unknown.high - unknown.low)


def test_a_seed_gives_one_answer() -> None:
    rng = np.random.default_rng(7)
    old, new = runs(rng, 2, 30, 5), runs(rng, 2, 30, 5)
    assert between(old, new) == between(old, new)


def test_runs_of_different_length_are_all_drawn_from() -> None:
    old = [[10.0] * 3, [10.0] * 200]
    new = [[20.0], [20.0] * 7, [20.0] * 50]
    assert between(old, new) == Interval(10, 10, 10)
    assert between(old, new, None).difference == pytest.approx(10)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("count", [1, 2, 5, 20, 99])
def test_it_takes_the_percentile_that_tables_show(share: float, count: int) -> None:
    values = list(np.random.default_rng(count).normal(0, 1, count))
    assert observed([values], share) == percentile(values, share)


def test_few_runs_widen_more() -> None:
    factors = [widening(degrees) for degrees in range(1, 40)]
    assert factors == sorted(factors, reverse=True)
    assert factors[1] == pytest.approx(4.303 / 1.960)
    assert factors[-1] == pytest.approx(1.03, abs=0.02)
    assert widening(0) == 1
