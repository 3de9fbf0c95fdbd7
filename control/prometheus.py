"""Counters, gauges and histograms, and Prometheus' text exposition of them (version 0.0.4).

Not a client library: just what this server tells, without label machinery of its own.
"""

import bisect
from collections.abc import Callable, Iterable, Sequence

import msgspec

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


class Sample(msgspec.Struct, frozen=True):
    """One value, read when the server is asked."""

    name: str
    value: float
    labels: Labels = ()


class Counter:
    """Grows. One value a set of labels."""

    kind = "counter"

    def __init__(self, name: str, help_: str) -> None:
        self.name = name
        self.help = help_
        self._values: dict[Labels, float] = {}

    def add(self, amount: float = 1.0, **labels: str) -> None:
        """Count. Label values must come from a small fixed set."""
        key = tuple(sorted(labels.items()))
        self._values[key] = self._values.get(key, 0.0) + amount

    def samples(self) -> Iterable[Sample]:
        """All values; zero when nothing was counted yet."""
        values = self._values or {(): 0.0}
        return [Sample(self.name, value, labels) for labels, value in values.items()]


class Gauge:
    """Is read when asked: `read` gives samples, whose names start with this one's."""

    def __init__(
        self, name: str, help_: str, read: Callable[[], float | Iterable[Sample]], kind: str
    ) -> None:
        self.name = name
        self.help = help_
        self.kind = kind
        self._read = read

    def samples(self) -> Iterable[Sample]:
        """What `read` gives now."""
        value = self._read()
        return [Sample(self.name, value)] if isinstance(value, int | float) else value


class Histogram:
    """Counts observations by size. `bounds` are the buckets' upper limits, rising."""

    kind = "histogram"

    def __init__(self, name: str, help_: str, bounds: Sequence[float]) -> None:
        self.name = name
        self.help = help_
        self._bounds = tuple(bounds)
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, value: float, **labels: str) -> None:
        """Count one observation."""
        key = tuple(sorted(labels.items()))
        counts = self._counts.setdefault(key, [0] * (len(self._bounds) + 1))
        counts[bisect.bisect_left(self._bounds, value)] += 1
        self._sums[key] = self._sums.get(key, 0.0) + value

    def samples(self) -> Iterable[Sample]:
        """Cumulative buckets, sum and count of each set of labels."""
        found: list[Sample] = []
        for labels, counts in self._counts.items():
            total = 0
            for bound, count in zip((*self._bounds, float("inf")), counts, strict=True):
                total += count
                le = (*labels, ("le", _number(bound)))
                found.append(Sample(f"{self.name}_bucket", total, le))
            found.append(Sample(f"{self.name}_sum", self._sums[labels], labels))
            found.append(Sample(f"{self.name}_count", total, labels))
        return found


def expose(families: Iterable[Counter | Gauge | Histogram]) -> str:
    """The text that Prometheus reads."""
    lines: list[str] = []
    for family in families:
        lines.append(f"# HELP {family.name} {family.help}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [_line(sample) for sample in family.samples()]
    return "\n".join(lines) + "\n"


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
    return (
        f"{sample.name}{{{labels}}} {_number(sample.value)}"
        if labels
        else (f"{sample.name} {_number(sample.value)}")
    )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
