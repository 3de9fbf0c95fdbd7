"""Prometheus' text format 0.0.4, read strictly: what a scraper may refuse, this refuses."""

import math
import re

import msgspec

_HELP = re.compile(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)\Z")
_TYPE = re.compile(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)\Z")
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|\Z)')
ENDINGS = ("_bucket", "_sum", "_count")

Labels = frozenset[tuple[str, str]]


class Family(msgspec.Struct):
    """One metric with all of its values."""

    name: str
    kind: str
    help: str
    values: dict[tuple[str, Labels], float] = {}


def parse(text: str) -> dict[str, Family]:
    """All families by name. Raises AssertionError for what breaks the format or its conventions."""
    assert text.endswith("\n"), "the last line ends as well"
    families: dict[str, Family] = {}
    lines = text[:-1].split("\n")
    at = 0
    while at < len(lines):
        told, typed = _HELP.match(lines[at]), _TYPE.match(lines[at + 1])
        assert told is not None, f"no HELP: {lines[at]!r}"
        assert typed is not None, f"no TYPE after it: {lines[at + 1]!r}"
        name, kind = typed[1], typed[2]
        assert told[1] == name, f"HELP of {told[1]} before TYPE of {name}"
        assert name not in families, f"{name} is told twice"
        family = families[name] = Family(name, kind, told[2])
        at += 2
        while at < len(lines) and not lines[at].startswith("#"):
            _add(family, lines[at])
            at += 1
        _check(family)
    return families


def _add(family: Family, line: str) -> None:
    sample = _SAMPLE.match(line)
    assert sample is not None, f"no sample: {line!r}"
    endings = ENDINGS if family.kind == "histogram" else ("",)
    assert sample[1] in [family.name + ending for ending in endings], f"{line!r} is elsewhere's"
    labels = _labels(sample[2] or "")
    assert (sample[1], labels) not in family.values, f"twice: {line!r}"
    family.values[sample[1], labels] = float(sample[3])


def _labels(text: str) -> Labels:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        label = _LABEL.match(text, at)
        assert label is not None, f"no label: {text[at:]!r}"
        found.append((label[1], label[2]))
        at = label.end()
    assert len({name for name, _ in found}) == len(found), f"a label twice: {text!r}"
    return frozenset(found)


def _check(family: Family) -> None:
    if family.kind == "counter":
        assert family.name.endswith("_total"), f"the counter {family.name} does not end in _total"
        assert all(value >= 0 for value in family.values.values())
    elif family.kind == "gauge":
        assert not family.name.endswith("_total"), f"{family.name} is a gauge"
    else:
        _check_buckets(family)


def _check_buckets(family: Family) -> None:
    series: dict[Labels, dict[float, float]] = {}
    for (name, labels), value in family.values.items():
        if name.endswith("_bucket"):
            bounds = [bound for label, bound in labels if label == "le"]
            assert len(bounds) == 1, f"a bucket of {family.name} without le"
            others = frozenset(label for label in labels if label[0] != "le")
            series.setdefault(others, {})[float(bounds[0])] = value
    for labels, buckets in series.items():
        counts = [buckets[bound] for bound in sorted(buckets)]
        assert counts == sorted(counts), f"the buckets of {family.name} are not cumulative"
        assert math.inf in buckets, f"{family.name} lacks +Inf"
        assert family.values[f"{family.name}_count", labels] == buckets[math.inf]
        assert (f"{family.name}_sum", labels) in family.values
