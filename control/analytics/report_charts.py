"""The pictures of a printed report, each in axes that its page has placed."""

import datetime
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..domain.analytics import (
    Costs,
    Counts,
    Hours,
    Latency,
    Marks,
    Moods,
    Phrases,
    Sentiments,
    Step,
    Volume,
)
from ..domain.analytics_questions import Bucket
from .report_book import number, price, rate, short

INK, SOFT, RULE, ACCENT = "#1b2733", "#5e6b78", "#d5dbe1", "#1f4e79"
OUTCOMES = (
    ("completed", "Completed", "#2f7d5b"),
    ("no_answer", "No answer", "#d9a92e"),
    ("busy", "Busy", "#dd7f33"),
    ("failed", "Failed", "#b5413a"),
    ("cancelled", "Cancelled", "#98a3ae"),
    ("in_progress", "In progress", "#7fb2d9"),
    ("pending", "Waiting", "#c8d6e3"),
)
MOODS = (
    ("positive", "Positive", "#2f7d5b"),
    ("neutral", "Neutral", "#b9c2cb"),
    ("negative", "Negative", "#b5413a"),
)
SERVICES = (
    ("stt", "Speech recognition", "#1f4e79"),
    ("llm", "Language model", "#4f8ac0"),
    ("tts", "Speech synthesis", "#93bbdf"),
    ("carrier", "Carrier", "#d9a92e"),
)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HEAT = LinearSegmentedColormap.from_list("calls", ["#f4f7fa", "#9cc3e0", "#1f4e79"])
NOTHING = "No calls in this period"
SMALL = 7.5
WIDE_TICKS, NARROW_TICKS = 8, 4
"Dates below a picture."


def plain(axes: Axes) -> None:
    """Without a box: a line to stand on, faint ones to read by."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=SOFT)
    axes.set_axisbelow(True)


def nothing(axes: Axes, text: str = NOTHING) -> None:
    """Where there is nothing to draw."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", color=SOFT, fontsize=9)


def line(xs: tuple[float, float], ys: tuple[float, float], colour: str) -> Line2D:
    """A rule across a page, by shares of it."""
    return Line2D(xs, ys, color=colour, linewidth=0.6)


def volume_chart(axes: Axes, volume: Volume, bucket: Bucket) -> None:
    """Calls a step, by what became of them."""
    if not volume.counts.calls:
        return nothing(axes)
    plain(axes)
    places = np.arange(len(volume.steps))
    bottom = np.zeros(len(volume.steps))
    for name, legend, colour in OUTCOMES:
        values = np.array([getattr(step.counts, name) for step in volume.steps])
        if values.any():
            axes.bar(places, values, 0.78, bottom, color=colour, label=legend, linewidth=0)
        bottom += values
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    _dates(axes, volume.steps, bucket, WIDE_TICKS)
    _whole_numbers(axes)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=7,
        frameon=False,
        fontsize=SMALL,
        handlelength=0.9,
        handleheight=0.9,
        columnspacing=1.4,
        borderaxespad=0.2,
    )
    return None


def outcome_chart(axes: Axes, counts: Counts) -> None:
    """What became of calls, as bars with their numbers."""
    rows = [(legend, getattr(counts, name), colour) for name, legend, colour in OUTCOMES]
    _shares(axes, [row for row in rows if row[1]], counts.calls)


def mood_chart(axes: Axes, moods: Moods) -> None:
    """How callers sounded, in all."""
    rows = [(legend, getattr(moods, name), colour) for name, legend, colour in MOODS]
    known = sum(row[1] for row in rows)
    _shares(axes, rows if known else [], known, "No call was analysed")


def mood_steps_chart(axes: Axes, sentiments: Sentiments, bucket: Bucket) -> None:
    """How callers sounded over time, as shares."""
    known = np.array(
        [
            s.sentiment.positive + s.sentiment.neutral + s.sentiment.negative
            for s in sentiments.steps
        ]
    )
    if not known.any():
        return nothing(axes, "No call was analysed")
    plain(axes)
    places, bottom = np.arange(len(known)), np.zeros(len(known))
    for name, legend, colour in MOODS:
        values = np.array([getattr(step.sentiment, name) for step in sentiments.steps])
        shares = 100 * values / np.maximum(known, 1)
        axes.bar(places, shares, 0.86, bottom, color=colour, label=legend, linewidth=0)
        bottom += shares
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 50, 100], ["0 %", "50 %", "100 %"])
    _dates(axes, sentiments.steps, bucket)
    return None


def hours_chart(axes: Axes, hours: Hours) -> None:
    """A week's hours, the darker the more calls."""
    if not hours.calls:
        return nothing(axes)
    calls = np.array([cell.calls for cell in hours.cells]).reshape(7, 24)
    axes.pcolormesh(calls, cmap=HEAT, edgecolors="white", linewidth=1.2, vmin=0)
    axes.invert_yaxis()
    axes.set_yticks(np.arange(7) + 0.5, WEEKDAYS)
    axes.set_xticks(np.arange(0, 24, 2) + 0.5, [f"{hour:02}" for hour in range(0, 24, 2)])
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=SOFT)
    for spine in axes.spines.values():
        spine.set_visible(False)
    most = calls.max()
    day, hour = np.unravel_index(int(calls.argmax()), calls.shape)
    axes.text(
        float(hour) + 0.5,
        float(day) + 0.5,
        _brief(float(most)),
        ha="center",
        va="center",
        color="white",
        fontsize=6,
    )
    return None


def cost_steps_chart(axes: Axes, costs: Costs, bucket: Bucket) -> None:
    """What a step's calls cost, by service."""
    if not costs.costs.total:
        return nothing(axes, "No costs are known")
    plain(axes)
    places, bottom = np.arange(len(costs.steps)), np.zeros(len(costs.steps))
    for name, legend, colour in SERVICES:
        values = np.array([getattr(step.costs, name) for step in costs.steps])
        axes.bar(places, values, 0.78, bottom, color=colour, label=legend, linewidth=0)
        bottom += values
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}"))
    _dates(axes, costs.steps, bucket)
    return None


def service_chart(axes: Axes, costs: Costs) -> None:
    """What each service cost."""
    if not costs.costs.total:
        return nothing(axes, "No costs are known")
    rows = [(legend, getattr(costs.costs, name), colour) for name, legend, colour in SERVICES]
    _bars(axes, rows, [price(row[1], costs.currency) for row in rows])
    return None


def gap_steps_chart(axes: Axes, latency: Latency, bucket: Bucket) -> None:
    """How long callers waited over time: the half, and nineteen of twenty."""
    if not latency.latency.replies:
        return nothing(axes, "No replies in this period")
    plain(axes)
    places = np.arange(len(latency.steps))
    for name, legend, colour in (
        ("p95_ms", "95 % within", "#93bbdf"),
        ("p50_ms", "half within", ACCENT),
    ):
        values = [getattr(step.latency, name) for step in latency.steps]
        known = np.array([np.nan if value is None else value for value in values], "f8")
        axes.plot(places, known, color=colour, linewidth=1.6, label=legend, marker="o", ms=2)
    axes.set_ylim(0, None)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f} ms"))
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    _dates(axes, latency.steps, bucket)
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1.0),
        ncols=2,
        frameon=False,
        fontsize=SMALL,
        handlelength=1.2,
        borderaxespad=0.1,
    )
    return None


def gap_chart(axes: Axes, latency: Latency) -> None:
    """How many replies took how long."""
    if not latency.latency.replies:
        return nothing(axes, "No replies in this period")
    plain(axes)
    bars = latency.histogram
    replies = [bar.replies for bar in bars]
    axes.bar(np.arange(len(bars)), replies, 0.86, color=ACCENT, linewidth=0)
    ends = ["more" if bar.up_to_ms is None else f"{bar.up_to_ms / 1000:g}" for bar in bars]
    axes.set_xticks(np.arange(len(bars)), ends)
    axes.set_xlabel("seconds, up to", fontsize=SMALL, color=SOFT, labelpad=2)
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    _whole_numbers(axes)
    return None


def phrase_chart(axes: Axes, phrases: Phrases, most: int = 10) -> None:
    """What calls were about."""
    if not phrases.phrases:
        return nothing(axes, "No call was analysed")
    top = phrases.phrases[:most]
    rows = [(short(phrase.phrase, 26), phrase.calls, "#4f8ac0") for phrase in top]
    _bars(axes, rows, [f"{number(p.calls)}  ({rate(p.share)})" for p in top])
    return None


def marks_chart(axes: Axes, marks: Marks) -> None:
    """How many calls got how many marks, by tens."""
    if not marks.scored:
        return nothing(axes, "No call has a checklist")
    plain(axes)
    colours = ["#b5413a"] * 6 + ["#d9a92e"] * 2 + ["#7db59a", "#2f7d5b"]
    axes.bar(np.arange(10), marks.distribution, 0.86, color=colours, linewidth=0)
    axes.set_xticks(np.arange(11) - 0.5, [str(ten) for ten in range(0, 101, 10)])
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    _whole_numbers(axes)
    return None


# --- inside ---------------------------------------------------------------------------------------

Row = tuple[str, float, str]


def _shares(axes: Axes, rows: Sequence[Row], total: float, empty: str = NOTHING) -> None:
    if not rows:
        return nothing(axes, empty)
    _bars(axes, rows, [f"{number(row[1])}  ({100 * row[1] / total:.1f} %)" for row in rows])
    return None


def _bars(axes: Axes, rows: Sequence[Row], texts: Sequence[str]) -> None:
    """Bars that lie, their names before them and their numbers behind."""
    places = np.arange(len(rows))
    most = max(row[1] for row in rows) or 1
    axes.barh(places, [row[1] for row in rows], 0.62, color=[row[2] for row in rows], linewidth=0)
    for place, (row, text) in enumerate(zip(rows, texts, strict=True)):
        axes.text(row[1] + most * 0.035, place, text, va="center", fontsize=SMALL, color=INK)
    axes.set_yticks(places, [row[0] for row in rows])
    axes.set_ylim(max(len(rows), 3) - 0.5, -0.5)
    axes.set_xlim(0, most * 1.75)
    axes.set_xticks([])
    plain(axes)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(labelcolor=INK)


def _dates(axes: Axes, steps: Sequence[Step], bucket: Bucket, ticks: int = NARROW_TICKS) -> None:
    every = max(1, -(-len(steps) // ticks))
    places = range(0, len(steps), every)
    axes.set_xticks(list(places), [_date(steps[place].date, bucket) for place in places])
    axes.set_xlim(-0.6, len(steps) - 0.4)


def _date(date: datetime.date, bucket: Bucket) -> str:
    return f"{date:%b %Y}" if bucket is Bucket.MONTH else f"{date.day} {date:%b}"


def _whole_numbers(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _brief(value)))


def _brief(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= 10 * size or (value >= size and value % size == 0):
            return f"{value / size:.3g}{letter}"
    return f"{value:,.0f}"
