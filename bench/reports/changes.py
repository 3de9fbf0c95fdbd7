"""What changed between two documents of one measurement, and whether it is more than noise.

Pure: documents in, verdicts out. A change is one when the 95 % bootstrap interval of the difference
(bootstrap.py) leaves out 0. It is judged at the median, and at p95 where both have 20 values; a
metric whose goal is about the mean (a rate of false stops) is judged at its mean instead.
"""

from typing import Literal

import msgspec
import numpy as np

from .bootstrap import LEVEL, interval, observed
from .figures import SHARES, At, called, decimals, signed, written
from .repeats import Runs, key, pool, run_count, runs_of
from .results_file import Document, Metric, Origin

Verdict = Literal["better", "worse", "different", "no more than noise", "too few values to tell"]
LEAST_VALUES = 5
LEAST_VALUES_P95 = 20
CHANCE_FROM = 10
"Of fewer changes nobody expects one to be chance."
OUTPUT_OPTIONS = {"--out": 1, "--html": 1, "--repeat": 1, "--compare": 1000}
"Of every measurement (measuring.py), with the most words each takes."


class Change(msgspec.Struct, frozen=True):
    """One figure of one metric, in both."""

    at: At
    old: float
    new: float
    low: float | None
    "With `high`: the interval of new less old; None: too few values for one."
    high: float | None
    verdict: Verdict

    @property
    def difference(self) -> float:
        """New less old."""
        return self.new - self.old

    def texts(self) -> tuple[str, str, str, str]:
        """Old, new, their difference, its interval (empty where there is none)."""
        places = decimals((self.old, self.new))
        span = ""
        if self.low is not None and self.high is not None:
            span = f"{signed(self.low, places)} … {signed(self.high, places)}"
        return (
            written(self.old, places),
            written(self.new, places),
            signed(self.difference, places),
            span,
        )


class Compared(msgspec.Struct, frozen=True):
    """A metric that both have."""

    metric: Metric
    "The new one."
    old_values: int
    changes: list[Change]
    "Empty where one of them has no values."

    def name(self, change: Change) -> str:
        """What the figure of a change is called."""
        return called(change.at, self.metric)


class Comparison(msgspec.Struct, frozen=True):
    """Two documents of one measurement."""

    measurement: str
    old: Origin
    new: Origin
    old_runs: int
    new_runs: int
    cautions: list[str]
    "What speaks against comparing them, or limits it."
    compared: list[Compared]
    only_old: list[Metric]
    only_new: list[Metric]

    @property
    def judged(self) -> int:
        """How many changes have an interval."""
        return sum(c.low is not None for each in self.compared for c in each.changes)

    @property
    def by_chance(self) -> float:
        """How many of them would seem real if nothing had changed."""
        return self.judged * (1 - LEVEL)


def compare(new: list[Document], old: list[Document], seed: int = 1) -> Comparison:
    """Compare the runs of one side with those of the other. Raises NotComparable."""
    after, before = pool(new), pool(old)
    pool([before, after])  # of one measurement, or it raises
    rng = np.random.default_rng(seed)
    old_runs, new_runs = runs_of(before), runs_of(after)
    known = {key(metric) for metric in after.metrics}
    return Comparison(
        measurement=after.measurement,
        old=before.origin,
        new=after.origin,
        old_runs=run_count(before),
        new_runs=run_count(after),
        cautions=_cautions(new, old, run_count(after), run_count(before)),
        compared=[
            _compared(metric, old_runs[key(metric)], new_runs[key(metric)], rng)
            for metric in after.metrics
            if key(metric) in old_runs
        ],
        only_old=[metric for metric in before.metrics if key(metric) not in known],
        only_new=[metric for metric in after.metrics if key(metric) not in old_runs],
    )


def _compared(metric: Metric, old: Runs, new: Runs, rng: np.random.Generator) -> Compared:
    count = sum(len(run) for run in old)
    fewest = min(count, sum(len(run) for run in new))
    at: list[At] = ["mean"] if metric.goal_at == "mean" else ["p50"]
    if fewest >= LEAST_VALUES_P95 and metric.goal_at != "mean":
        at.append("p95")
    changes = [_change(each, metric, old, new, fewest, rng) for each in at] if fewest else []
    return Compared(metric, count, changes)


def _change(
    at: At, metric: Metric, old: Runs, new: Runs, fewest: int, rng: np.random.Generator
) -> Change:
    # Where higher is better the percentile counts from above: that of the negative values.
    sign = -1.0 if metric.better == "higher" and at != "mean" else 1.0
    share = SHARES.get(at)
    old, new = _times(sign, old), _times(sign, new)
    before, after = sign * observed(old, share), sign * observed(new, share)
    if fewest < LEAST_VALUES:
        return Change(at, before, after, None, None, "too few values to tell")
    found = interval(old, new, share, rng)
    low, high = sorted((sign * found.low, sign * found.high))
    return Change(at, before, after, low, high, _verdict(metric, low, high))


def _times(sign: float, runs: Runs) -> Runs:
    return [[sign * value for value in run] for run in runs]


def _verdict(metric: Metric, low: float, high: float) -> Verdict:
    if low <= 0 <= high:
        return "no more than noise"
    if metric.better == "neither":
        return "different"
    return "better" if (low > 0) == (metric.better == "higher") else "worse"


# --- what speaks against it -----------------------------------------------------------------------


def _cautions(new: list[Document], old: list[Document], new_runs: int, old_runs: int) -> list[str]:
    found = []
    for what, field in (("machines", "machine"), ("commands", "command"), ("Pythons", "python")):
        befores = list(dict.fromkeys(_told(document, field) for document in old))
        afters = list(dict.fromkeys(_told(document, field) for document in new))
        if len({*befores, *afters}) > 1:
            found.append(
                f"different {what}: old {' and '.join(befores)}; new {' and '.join(afters)}"
            )
    for name, was, now in _versions(old[0].origin, new[0].origin):
        found.append(f"different {name}: old {was}; new {now}")
    if new_runs == 1 and old_runs == 1:
        found.append(
            "one run a side: noise between runs is not in the intervals; "
            "--repeat or --interleave tells it"
        )
    return found


def _told(document: Document, field: str) -> str:
    told: str = getattr(document.origin, field)
    return measured_by(told) if field == "command" else told


def measured_by(command: str) -> str:
    """The command without what says only where results go and how often it ran."""
    kept: list[str] = []
    dropping = 0
    for word in command.split():
        if word.startswith("--"):
            option, is_whole, _ = word.partition("=")
            dropping = 0 if is_whole else OUTPUT_OPTIONS.get(option, 0)
            if option in OUTPUT_OPTIONS:
                continue
        if dropping:
            dropping -= 1
            continue
        kept.append(word)
    return " ".join(kept)


def _versions(old: Origin, new: Origin) -> list[tuple[str, str, str]]:
    names = sorted(old.versions.keys() | new.versions.keys())
    both = [(n, old.versions.get(n, "none"), new.versions.get(n, "none")) for n in names]
    return [each for each in both if each[1] != each[2]]
