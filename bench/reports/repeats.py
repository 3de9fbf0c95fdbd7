"""Several runs of one measurement as one document that still knows which value is of which run.

Noise between runs (another start of the server, another minute of the machine) exceeds noise within
one, so a comparison has to know them. Pooled values stand in the order of the runs; how many are of
each run is kept in the document's `detail`. Pure.
"""

import statistics
from collections.abc import Iterable
from typing import Any

import msgspec

from .results_file import Clip, Curve, Document, Metric

Key = tuple[str, str, str]
Runs = list[list[float]]
"The values of each run that has any."


class NotComparable(Exception):
    """Documents of different measurements."""


class Counts(msgspec.Struct, frozen=True):
    """How many values of a metric each run gave, in order."""

    name: str
    case: str
    unit: str
    counts: list[int]


class Pooled(msgspec.Struct, frozen=True, tag="pooled", tag_field="kind"):
    """The `detail` of a document of several runs."""

    runs: int
    counts: list[Counts]
    details: list[Any]
    "Of each run."


def key(metric: Metric) -> Key:
    """What makes two metrics the same one."""
    return metric.name, metric.case, metric.unit


def run_count(document: Document) -> int:
    """How many runs its values are from."""
    pooled = _pooled(document)
    return 1 if pooled is None else pooled.runs


def runs_of(document: Document) -> dict[Key, Runs]:
    """Every metric's values, run by run."""
    pooled = _pooled(document)
    counts = {} if pooled is None else {(c.name, c.case, c.unit): c.counts for c in pooled.counts}
    return {
        key(metric): _split(metric.values, counts.get(key(metric), [len(metric.values)]))
        for metric in document.metrics
    }


def pool(documents: list[Document]) -> Document:
    """One document of all runs. Raises NotComparable.

    Values follow one another; a curve becomes the median of the runs at each x; of clips with one
    file the last is kept, because it is the one that is on the disk; origin is the first run's.
    """
    first = documents[0]
    if len(documents) == 1:
        return first
    for other in documents[1:]:
        if other.measurement != first.measurement:
            raise NotComparable(
                f"{first.measurement} and {other.measurement} are different measurements"
            )
    metrics: dict[Key, Metric] = {}
    runs: dict[Key, Runs] = {}
    for document in documents:
        for metric in document.metrics:
            metrics.setdefault(key(metric), metric)
        for name, values in runs_of(document).items():
            runs.setdefault(name, []).extend(values)
    return Document(
        origin=first.origin,
        measurement=first.measurement,
        metrics=[
            msgspec.structs.replace(metric, values=[v for run in runs[name] for v in run])
            for name, metric in metrics.items()
        ],
        curves=_curves([curve for document in documents for curve in document.curves]),
        clips=_clips([clip for document in documents for clip in document.clips]),
        detail=Pooled(
            runs=sum(run_count(document) for document in documents),
            counts=[Counts(*name, [len(run) for run in each]) for name, each in runs.items()],
            details=[detail for document in documents for detail in _details(document)],
        ),
        reading=list(dict.fromkeys(text for document in documents for text in document.reading)),
    )


def _pooled(document: Document) -> Pooled | None:
    if isinstance(document.detail, Pooled):
        return document.detail
    try:
        return msgspec.convert(document.detail, Pooled)
    except msgspec.ValidationError:
        return None


def _details(document: Document) -> list[Any]:
    pooled = _pooled(document)
    return [document.detail] if pooled is None else pooled.details


def _split(values: list[float], counts: list[int]) -> Runs:
    if sum(counts) != len(values):  # somebody edited the file
        counts = [len(values)]
    ends = [sum(counts[: n + 1]) for n in range(len(counts))]
    split = [values[end - count : end] for end, count in zip(ends, counts, strict=True)]
    return [run for run in split if run]


def _curves(curves: Iterable[Curve]) -> list[Curve]:
    kept: dict[tuple[str, str, str], Curve] = {}
    points: dict[tuple[str, str, str], dict[str, dict[float, list[float]]]] = {}
    for curve in curves:
        name = (curve.name, curve.x_name, curve.y_name)
        kept.setdefault(name, curve)
        for legend, series in curve.series.items():
            at = points.setdefault(name, {}).setdefault(legend, {})
            for x, y in series:
                at.setdefault(x, []).append(y)
    return [
        msgspec.structs.replace(
            curve,
            series={
                legend: [(x, statistics.median(ys)) for x, ys in sorted(at.items())]
                for legend, at in points.get(name, {}).items()
            },
        )
        for name, curve in kept.items()
    ]


def _clips(clips: Iterable[Clip]) -> list[Clip]:
    return list({clip.file: clip for clip in clips}.values())
