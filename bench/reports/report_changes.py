"""A comparison as a part of the report: every change with its interval, in percent of the old."""

from .changes import CHANCE_FROM, Change, Compared, Comparison
from .report_html import Html, joined, tag
from .report_plots import WIDE, axis, path, svg
from .report_scale import Scale, spanning
from .results_file import Metric

TONES = {"better": "met", "worse": "missed", "different": "unjudged"}
MOST_PERCENT = 200.0
"A change that is larger lies at the edge."


def changes(comparison: Comparison) -> Html:
    """The section."""
    old, new = comparison.old, comparison.new
    parts = [
        tag("h2", f"{comparison.measurement}: what changed"),
        tag(
            "p",
            f"{new.commit} of {new.date} against {old.commit} of {old.date}; "
            f"runs: {comparison.new_runs} against {comparison.old_runs}.",
        ),
        *(tag("p", caution, class_="caution") for caution in comparison.cautions),
    ]
    if comparison.compared:
        parts.append(tag("div", _table(comparison), class_="card"))
    for where, metrics in (("new", comparison.only_new), ("old", comparison.only_old)):
        if metrics:
            parts.append(tag("p", f"Only in the {where}: {_listed(metrics)}."))
    if comparison.judged >= CHANCE_FROM:
        parts.append(
            tag(
                "p",
                f"{comparison.judged} changes were judged: if nothing had changed, about "
                f"{comparison.by_chance:.1f} would still seem real.",
            )
        )
    return tag("section", *parts)


def _listed(metrics: list[Metric]) -> str:
    return "; ".join(f"{metric.name}, {metric.case}" for metric in metrics)


def _table(comparison: Comparison) -> Html:
    every = [(each, change) for each in comparison.compared for change in each.changes]
    ends = [end for _, change in every for end in _percents(change)]
    scale = spanning([0.0, *ends], may_be_log=False)
    head = {
        "metric": "",
        " ": "strip-cell",
        "figure": "num",
        "old": "num",
        "new": "num",
        "change": "num wide",
        "verdict": "goal-cell",
    }
    rows = [_row(each, change, scale) for each, change in every]
    foot = tag("tr", tag("td"), tag("td", axis(scale, "% of the old"), class_="strip-cell"))
    return tag(
        "table",
        tag("thead", tag("tr", *(tag("th", n, scope="col", class_=c) for n, c in head.items()))),
        tag("tbody", *rows),
        tag("tfoot", foot),
        class_="figures",
    )


def _percents(change: Change) -> list[float]:
    """Change, and ends of the interval, in percent of the old; nothing where that was 0."""
    if not change.old:
        return []
    ends = [change.difference, change.low, change.high]
    told = [100 * end / abs(change.old) for end in ends if end is not None]
    return [min(MOST_PERCENT, max(-MOST_PERCENT, end)) for end in told]


def _row(each: Compared, change: Change, scale: Scale) -> Html:
    old, new, difference, interval = change.texts()
    unit = each.metric.unit
    return tag(
        "tr",
        tag("th", tag("small", each.metric.name), tag("br"), each.metric.case, scope="row"),
        tag("td", _picture(change, scale), class_="strip-cell"),
        tag("td", each.name(change), class_="num", data_name="figure"),
        tag("td", old, class_="num", data_name="old"),
        tag("td", new, class_="num", data_name="new"),
        tag(
            "td",
            f"{difference} {unit}".strip(),
            joined([tag("br"), tag("small", interval)]) if interval else "",
            class_="num",
            data_name="change",
        ),
        tag(
            "td",
            tag("b", change.verdict, class_=TONES.get(change.verdict, "unjudged")),
            class_="goal-cell",
        ),
    )


def _picture(change: Change, scale: Scale) -> Html:
    zero = round(WIDE * scale.place(0.0), 1)
    inside = [path(f"M{zero:g} 0V100", "goal")]
    percents = [round(WIDE * scale.place(at), 1) for at in _percents(change)]
    if len(percents) == 3:
        inside.append(path(f"M{percents[1]:g} 50H{percents[2]:g}", "range"))
    if percents:
        inside.append(path(f"M{percents[0]:g} 50h0", "change-dot"))
    tone = TONES.get(change.verdict, "unjudged")
    return tag("div", svg(*inside, label=change.verdict), class_=f"strip tone-{tone}")
