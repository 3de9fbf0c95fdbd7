"""What a metric's values come to: percentiles toward the worse end, and whether its goal is met.

Pure. The percentile of something that should be low is the value that so many do not exceed; of
something that should be high, the value that so many reach: p95 of a quality is what 95 % have at
least (and is called p5). One of the values, nothing between two.
"""

from collections.abc import Iterable
from typing import Literal

from ..speech.waveform import percentile
from .results_file import Metric

At = Literal["p50", "p90", "p95", "p99", "max", "mean"]

SHARES: dict[str, float] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
COLUMNS: tuple[At, ...] = ("p50", "p90", "p95", "p99")
"What tables show of a distribution."


def figure(metric: Metric, at: At) -> float | None:
    """The metric's figure; None: it has no values."""
    if not metric.values:
        return None
    if at == "max":
        return max(metric.values)
    if at == "mean":
        return sum(metric.values) / len(metric.values)
    if metric.better == "higher":
        flipped = percentile([-value for value in metric.values], SHARES[at])
        return None if flipped is None else -flipped
    return percentile(metric.values, SHARES[at])


def called(at: At, metric: Metric) -> str:
    """The figure's name: `p95`, or `p5` where higher is better."""
    if at in SHARES and metric.better == "higher":
        return f"p{100 - round(SHARES[at] * 100)}"
    return at


def is_told(at: At, values: int) -> bool:
    """Whether so many values say anything about the percentile, or only what the extreme was."""
    return at not in SHARES or round(values * (1 - SHARES[at]), 9) >= 1


def goal_met(metric: Metric) -> bool | None:
    """None: there is no goal, or nothing to hold against it."""
    reached = figure(metric, metric.goal_at)
    if metric.goal is None or reached is None or metric.better == "neither":
        return None
    return reached <= metric.goal if metric.better == "lower" else reached >= metric.goal


def goal_text(metric: Metric) -> str:
    """Such as `p95 ≤ 60 ms`; empty: there is none."""
    if metric.goal is None:
        return ""
    sign = {"lower": "≤", "higher": "≥", "neither": "="}[metric.better]
    goal = f"{called(metric.goal_at, metric)} {sign} {short(metric.goal)}"
    return f"{goal} {metric.unit}".strip()


def decimals(values: Iterable[float]) -> int:
    """How many to show of numbers that stand together: three digits or so of the largest."""
    known = list(values)
    if all(value == round(value) for value in known):
        return 0
    size = max(abs(value) for value in known)
    return 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 1 else 3


def written(value: float, places: int) -> str:
    """With so many decimals, thousands apart, a minus that can be seen."""
    text = f"{value:,.{places}f}"
    return text.removeprefix("-") if not float(text.replace(",", "")) else text.replace("-", "−")


def signed(value: float, places: int) -> str:
    """With its sign, also when it is positive."""
    text = written(value, places)
    return f"+{text}" if value > 0 and float(text.replace(",", "")) else text


def short(value: float) -> str:
    """A number that stands alone: no zeros at its end."""
    return bare(written(value, decimals([value])))


def bare(text: str) -> str:
    """Without the zeros after its point."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def cells(metric: Metric, ats: Iterable[At]) -> list[str]:
    """The metric's figures as text."""
    found = [figure(metric, at) for at in ats]
    places = decimals(each for each in found if each is not None)
    return ["–" if each is None else written(each, places) for each in found]


def columns(metric: Metric) -> tuple[At, ...]:
    """What a table shows of it: percentiles, but the mean of what happened or did not."""
    return ("mean",) if is_rate(metric) else COLUMNS


def is_rate(metric: Metric) -> bool:
    """Whether each value says only that something happened (1) or did not (0)."""
    return metric.goal_at == "mean" and set(metric.values) <= {0.0, 1.0}
