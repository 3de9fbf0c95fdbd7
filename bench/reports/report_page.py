"""The report's page: for each document its origin, figures, curves, sounds and reading. Pure but
for the recordings that clips name (report_clips.py)."""

import base64
import hashlib
from itertools import groupby
from pathlib import Path

import msgspec

from .changes import Comparison
from .figures import (
    At,
    called,
    cells,
    columns,
    figure,
    goal_met,
    goal_text,
    is_rate,
    is_told,
    short,
)
from .report_changes import changes
from .report_clips import clip
from .report_html import Html, escaped, joined, tag
from .report_plots import axis, drawn, plot, strip
from .report_scale import Scale, spanning
from .report_style import SCRIPT, STYLE
from .results_file import Document, Metric, Origin

TITLE = "Offhook bench"
MOST_MISSED = 6
"Named at the top; the tables have all."


class Shown(msgspec.Struct, frozen=True):
    """A document, and the folder that its recordings are in."""

    document: Document
    folder: Path
    is_old: bool = False
    "It is there to be compared with: its goals are not counted."


def page(shown: list[Shown], comparisons: list[Comparison] | None = None) -> str:
    """The whole page: nothing is fetched from elsewhere."""
    names = _names(shown)
    body = [
        _head(shown, names),
        *(changes(each) for each in comparisons or []),
        *(_section(each, name, n) for n, (each, name) in enumerate(zip(shown, names, strict=True))),
        tag("div", id="tip", role="status"),
        tag("script", Html(SCRIPT)),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy()),
        tag("title", " · ".join([TITLE, *dict.fromkeys(names)])),
        tag("style", Html(STYLE)),
    ]
    html = tag("html", tag("head", *head), tag("body", tag("main", *body)), lang="en")
    return f"<!doctype html>\n{html}\n"


def _policy() -> str:
    """Only our own script runs, and nothing is loaded, whatever a document smuggles in."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; media-src data:; "
        f"script-src 'sha256-{digest}'"
    )


def _names(shown: list[Shown]) -> list[str]:
    """The measurement; with date and commit where it is there more than once."""
    every = [(each.document.measurement, each.is_old) for each in shown]
    return [
        name + (" before" if is_old else "")
        if every.count((name, is_old)) == 1
        else f"{name}, {each.document.origin.date}, {each.document.origin.commit}"
        for (name, is_old), each in zip(every, shown, strict=True)
    ]


# --- the top --------------------------------------------------------------------------------------


def _head(shown: list[Shown], names: list[str]) -> Html:
    links = [tag("a", name, href=f"#m{n}") for n, name in enumerate(names)]
    metrics = [metric for each in shown if not each.is_old for metric in each.document.metrics]
    nav = tag("nav", *links) if len(links) > 1 else Html("")
    return tag("header", tag("h1", TITLE), nav, _verdict(metrics), class_="top")


def _verdict(metrics: list[Metric]) -> Html:
    """How many goals are met, and which are not."""
    judged = [(metric, goal_met(metric)) for metric in metrics]
    met = sum(goal is True for _, goal in judged)
    missed = [metric for metric, goal in judged if goal is False]
    if not met and not missed:
        return Html("")
    sentence = tag(
        "p",
        tag("b", f"{met} of {met + len(missed)}"),
        " goals met" + ("." if not missed else "; missed:"),
        class_="verdict",
    )
    items = [
        tag("li", tag("span", "✗ ", class_="missed"), f"{m.name}, {m.case}: ", _against_goal(m))
        for m in missed[:MOST_MISSED]
    ]
    if len(missed) > MOST_MISSED:
        items.append(tag("li", f"and {len(missed) - MOST_MISSED} more"))
    return joined([sentence, tag("ul", *items, class_="missed-list") if items else Html("")])


def _against_goal(metric: Metric) -> Html:
    reached = figure(metric, metric.goal_at)
    return escaped(f"{'–' if reached is None else short(reached)} against {goal_text(metric)}")


# --- one document ---------------------------------------------------------------------------------


def _section(shown: Shown, name: str, number: int) -> Html:
    document = shown.document
    groups = groupby(document.metrics, key=lambda m: (m.name, m.unit, m.better, columns(m)))
    cases = [metric.case for metric in document.metrics]
    hues = {case: n for n, case in enumerate(dict.fromkeys(cases))}
    parts = [
        tag("h2", name),
        _origin(document.origin),
        *(_metrics(list(group), hues) for _, group in groups),
        *(tag("div", plot(curve, hues), class_="card") for curve in document.curves),
        *(tag("div", clip(each, shown.folder), class_="card") for each in document.clips),
    ]
    if document.reading:
        parts.append(
            tag(
                "div", tag("h3", "Reading"), *(tag("p", p) for p in document.reading), class_="read"
            )
        )
    return tag("section", *parts, id=f"m{number}")


def _origin(origin: Origin) -> Html:
    versions = ", ".join(
        f"{name} {version}"
        for name, version in {"Python": origin.python, **origin.versions}.items()
    )
    rows = [
        ("command", tag("code", origin.command)),
        ("date", escaped(origin.date)),
        ("commit", tag("code", origin.commit)),
        ("machine", escaped(origin.machine)),
        ("versions", escaped(versions)),
    ]
    return tag("dl", *(tag("div", tag("dt", k), tag("dd", v)) for k, v in rows), class_="origin")


def _metrics(metrics: list[Metric], hues: dict[str, int]) -> Html:
    """All cases of one metric, on one axis."""
    first = metrics[0]
    values = [value for metric in metrics for value in drawn(metric)]
    goals = [metric.goal for metric in metrics if metric.goal is not None]
    scale = spanning([*values, *goals])
    ats = columns(first)
    head = tag(
        "tr",
        tag("th", "case", scope="col"),
        tag("th", _keys(metrics), scope="col", class_="strip-cell"),
        tag("th", "n", scope="col", class_="num count"),
        *(tag("th", called(at, first), scope="col", class_="num") for at in ats),
        tag("th", "goal", scope="col", class_="goal-cell") if goals else Html(""),
    )
    rows = [_row(metric, scale, ats, bool(goals), hues[metric.case]) for metric in metrics]
    foot = tag("tr", tag("td"), tag("td", axis(scale), class_="strip-cell"))
    better = {"lower": "lower is better", "higher": "higher is better", "neither": ""}[first.better]
    unit = " · ".join(filter(None, (first.unit, better)))
    return tag(
        "div",
        tag("h3", first.name, " ", tag("small", unit)),
        tag(
            "table",
            tag("thead", head),
            tag("tbody", *rows),
            tag("tfoot", foot),
            class_="figures",
        ),
        class_="card",
    )


def _keys(metrics: list[Metric]) -> Html:
    """What the signs in the strips mean."""
    p50, p95 = called("p50", metrics[0]), called("p95", metrics[0])
    keys = [("key-dot", "value"), ("key-p50", p50), ("key-p95", p95)]
    if is_rate(metrics[0]):
        keys = [("key-p50", "mean")]
    if any(metric.goal is not None for metric in metrics):
        keys.append(("key-goal", "goal"))
    return joined(tag("span", tag("i", class_=sign), name, class_="key") for sign, name in keys)


def _row(metric: Metric, scale: Scale, ats: tuple[At, ...], goals: bool, hue: int) -> Html:
    figures = []
    for at, text in zip(ats, cells(metric, ats), strict=True):
        told = is_told(at, len(metric.values))
        why = None if told else f"{len(metric.values)} values: no more than the extreme of them"
        figures.append(
            tag(
                "td",
                text,
                class_="num" if told else "num untold",
                title=why,
                data_name=called(at, metric),
            )
        )
    return tag(
        "tr",
        tag("th", metric.case, scope="row"),
        tag("td", strip(metric, scale, hue), class_="strip-cell"),
        tag("td", short(len(metric.values)), class_="num count", data_name="n"),
        *figures,
        tag("td", _goal(metric), class_="goal-cell") if goals else Html(""),
    )


def _goal(metric: Metric) -> Html:
    if metric.goal is None:
        return Html("")
    met = goal_met(metric)
    word = {True: "✓ met", False: "✗ missed", None: "not judged"}[met]
    tone = {True: "met", False: "missed", None: "unjudged"}[met]
    return joined([tag("b", word, class_=tone), tag("span", goal_text(metric), class_="goal-text")])
