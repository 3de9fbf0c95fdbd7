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


class Series:
    """One value of a counter: its labels are decided."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Count."""
        self.value += amount


class Counter:
    """Grows. One value a set of labels."""

    kind = "counter"

    def __init__(self, name: str, help_: str) -> None:
        self.name = name
        self.help = help_
        self._series: dict[Labels, Series] = {}

    def add(self, amount: float = 1.0, **labels: str) -> None:
        """Count. Label values must come from a small fixed set."""
        self.at(**labels).add(amount)

    def at(self, **labels: str) -> Series:
        """The value of these labels, to be kept by who counts often."""
        return self._series.setdefault(tuple(sorted(labels.items())), Series())

    def samples(self) -> Iterable[Sample]:
        """All values; zero when nothing was counted yet."""
        if not self._series:
            return [Sample(self.name, 0.0)]
        return [Sample(self.name, each.value, labels) for labels, each in self._series.items()]


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


class SeriesHistogram:
    """Observations of one set of labels."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect.bisect_left(self.bounds, value)] += 1
        self.sum += value


class Histogram:
    """Counts observations by size. `bounds` are the buckets' upper limits, rising."""

    kind = "histogram"

    def __init__(self, name: str, help_: str, bounds: Sequence[float]) -> None:
        self.name = name
        self.help = help_
        self._bounds = tuple(bounds)
        self._series: dict[Labels, SeriesHistogram] = {}

    def observe(self, value: float, **labels: str) -> None:
        """Count one observation. Label values must come from a small fixed set."""
        self.at(**labels).observe(value)

    def at(self, **labels: str) -> SeriesHistogram:
        """The observations of these labels, to be kept by who observes often."""
        key = tuple(sorted(labels.items()))
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = SeriesHistogram(self._bounds)
        return found

    def samples(self) -> Iterable[Sample]:
        """Cumulative buckets, sum and count of each set of labels."""
        found: list[Sample] = []
        for labels, series in self._series.items():
            total = 0
            for bound, count in zip((*self._bounds, float("inf")), series.counts, strict=True):
                total += count
                le = (*labels, ("le", _number(bound)))
                found.append(Sample(f"{self.name}_bucket", total, le))
            found.append(Sample(f"{self.name}_sum", series.sum, labels))
            found.append(Sample(f"{self.name}_count", total, labels))
        return found


AnyFamily = Counter | Gauge | Histogram


def expose(families: Iterable[AnyFamily]) -> str:
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
