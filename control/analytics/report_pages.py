"""The three pages of a printed report: A4, what matters most first. matplotlib only draws.

Where there were no calls the first one says it all.
"""

import io
from collections.abc import Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from ..domain.analytics import AgentFigures
from . import report_charts as charts
from .east_asian_text import Placed, laid_over
from .report_book import (
    Book,
    duration,
    milliseconds,
    moment_text,
    number,
    period_text,
    price,
    rate,
    short,
)
from .report_charts import ACCENT, INK, RULE, SOFT
from .report_texts import take_out

WIDTH, HEIGHT = 8.27, 11.69
"A4, in inches, as all places are."
MARGIN = 0.65
INNER = WIDTH - 2 * MARGIN
MAX_AGENT_ROWS = 20
STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "pdf.fonttype": 3,
    "text.color": INK,
    # A dollar sign in a name is money, not mathematics.
    "text.parse_math": False,
}
NO_DATES = {"CreationDate": None, "ModDate": None}


def pdf_of(book: Book) -> bytes:
    """The file."""
    out = io.BytesIO()
    about = {"Title": f"Call report, {period_text(book.period)}", "Author": book.account}
    draws = (_overview, _people, _details) if book.summary.counts.calls else (_overview,)
    over: list[list[Placed]] = []
    with rc_context(STYLE), PdfPages(out, metadata={**about, **NO_DATES}) as pages:
        for page, draw in enumerate(draws, start=1):
            figure = Figure(figsize=(WIDTH, HEIGHT))
            _frame(figure, book, page, len(draws))
            draw(figure, book)
            over.append(take_out(figure))
            pages.savefig(figure)
    return laid_over(out.getvalue(), over)


# --- pages ----------------------------------------------------------------------------------------


def _overview(figure: Figure, book: Book) -> None:
    _title(figure, book)
    summary = book.summary
    counts, costs = summary.counts, summary.costs
    talk = summary.durations
    inbound = f"{number(counts.inbound)} in, {number(counts.outbound)} out"
    tiles = (
        ("Calls", number(counts.calls), inbound),
        ("Success rate", rate(counts.success_rate), f"{number(counts.completed)} completed"),
        ("Mean duration", duration(talk.mean_s), f"median {duration(talk.median_s)}"),
        ("Talk time", duration(talk.total_s), f"9 of 10 within {duration(talk.p90_s)}"),
        (
            "Reply, median",
            milliseconds(summary.latency.p50_ms),
            f"95 % within {milliseconds(summary.latency.p95_ms)}",
        ),
        (
            "Taken by people",
            number(summary.escalations.taken),
            f"asked for in {number(summary.escalations.calls)} calls",
        ),
        (
            "Voicemail",
            rate(summary.voicemail.rate),
            f"{number(summary.voicemail.voicemails)} of {number(summary.voicemail.judged)} judged",
        ),
        (
            "Cost",
            price(costs.total if costs.calls else None, summary.currency),
            f"{price(costs.per_call, summary.currency)} a call",
        ),
    )
    for place, (name, value, below) in enumerate(tiles):
        _tile(figure, place % 4, 2.0 + 1.02 * (place // 4), name, value, below)
    step = book.period.bucket.value
    _heading(figure, 4.3, f"Calls by {step}")
    charts.volume_chart(
        _axes(figure, 0.35, 4.8, INNER - 0.35, 2.5), book.volume, book.period.bucket
    )
    _heading(figure, 7.85, "What became of them")
    charts.outcome_chart(_axes(figure, 0.9, 8.2, 2.7, 2.2), counts)
    _heading(figure, 7.85, "Why calls did not come about", x=3.75)
    _causes(figure, book)


def _people(figure: Figure, book: Book) -> None:
    _heading(figure, 1.1, f"When calls are, by hour ({book.period.timezone})")
    charts.hours_chart(_axes(figure, 0.4, 1.45, INNER - 0.4, 2.0), book.hours)
    if book.hours.calls:
        said = (
            "The darker, the more calls; the number is the busiest hour's, over the whole period."
        )
        _text(figure, MARGIN + 0.4, 3.8, said, size=7, color=SOFT)
    _heading(figure, 4.25, "Agents")
    _agents(figure, book)


def _details(figure: Figure, book: Book) -> None:
    bucket = book.period.bucket
    half, right = 3.05, 3.75
    _heading(figure, 1.1, "Costs" + (f" ({book.costs.currency})" if book.costs.currency else ""))
    charts.cost_steps_chart(_axes(figure, 0.4, 1.5, half - 0.4, 1.55), book.costs, bucket)
    charts.service_chart(_axes(figure, right + 1.2, 1.45, half - 1.0, 1.6), book.costs)
    _heading(figure, 3.6, "How callers sounded")
    charts.mood_steps_chart(_axes(figure, 0.4, 3.95, half - 0.4, 1.5), book.sentiment, bucket)
    charts.mood_chart(_axes(figure, right + 1.2, 3.95, half - 1.0, 1.5), book.sentiment.sentiment)
    _heading(figure, 6.0, "How long callers waited for replies")
    charts.gap_steps_chart(_axes(figure, 0.5, 6.45, half - 0.5, 1.5), book.latency, bucket)
    charts.gap_chart(_axes(figure, right + 0.4, 6.45, half - 0.25, 1.5), book.latency)
    _heading(figure, 8.55, "What calls were about")
    charts.phrase_chart(_axes(figure, 1.6, 8.9, half - 1.5, 1.75), book.phrases, 8)
    _heading(figure, 8.55, "Checklist marks", x=right)
    if book.qa.qa.scored:
        said = f"mean {number(book.qa.qa.mean, 1)} of 100, {number(book.qa.qa.scored)} calls"
        _text(figure, MARGIN + right, 8.75, said, size=7.5, color=SOFT)
    charts.marks_chart(_axes(figure, right + 0.4, 9.0, half - 0.25, 1.55), book.qa.qa)


# --- parts of pages -------------------------------------------------------------------------------


def _title(figure: Figure, book: Book) -> None:
    _text(figure, MARGIN, 0.95, "Call report", size=22, weight="bold", color=ACCENT)
    _text(figure, MARGIN, 1.3, short(book.account, 60), size=12, weight="bold")
    lines = f"{period_text(book.period)} · {book.period.timezone}"
    _text(figure, MARGIN, 1.55, lines, size=9.5, color=SOFT)
    if book.filters:
        only = short("Only " + "; ".join(book.filters), 110)
        _text(figure, MARGIN, 1.74, only, size=8, color=SOFT)
    if not book.is_complete:
        said = "Figures of older calls are being made anew: some are missing."
        _text(figure, MARGIN, 1.9, said, size=8, color=SOFT)


def _frame(figure: Figure, book: Book, page: int, pages: int) -> None:
    """What is on every page."""
    if page > 1:
        head = f"Call report · {short(book.account, 50)} · {period_text(book.period)}"
        _text(figure, MARGIN, 0.6, head, size=8, color=SOFT)
        _rule(figure, 0.72)
    _rule(figure, HEIGHT - 0.68)
    made = f"Made {moment_text(book.made_wall, book.period.timezone)} ({book.period.timezone})"
    _text(figure, MARGIN, HEIGHT - 0.48, made, size=7.5, color=SOFT)
    of = f"{page} / {pages}"
    _text(figure, WIDTH - MARGIN, HEIGHT - 0.48, of, size=7.5, color=SOFT, ha="right")


def _tile(figure: Figure, column: int, y: float, name: str, value: str, below: str) -> None:
    gap = 0.14
    width = (INNER - 3 * gap) / 4
    axes = _axes(figure, column * (width + gap), y, width, 0.88)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("#f4f7fa")
    for spine in axes.spines.values():
        spine.set_visible(False)
    size = 15 if len(value) <= 11 else 12 if len(value) <= 15 else 9.5
    axes.text(0.07, 0.8, name, fontsize=8, color=SOFT, va="center", transform=axes.transAxes)
    axes.text(
        0.07, 0.48, value, fontsize=size, weight="bold", va="center", transform=axes.transAxes
    )
    axes.text(0.07, 0.17, below, fontsize=7, color=SOFT, va="center", transform=axes.transAxes)


CAUSES = (
    ("Outcome", 0.0, "left"),
    ("As the line told it", 0.95, "left"),
    ("Calls", 2.5, "right"),
    ("Share", 3.22, "right"),
)


def _causes(figure: Figure, book: Book) -> None:
    rows = [
        (
            cause.outcome.value.replace("_", " "),
            short(cause.cause.replace("_", " ") or "not told", 20),
            number(cause.calls),
            rate(cause.share),
        )
        for cause in book.outcomes.causes[:7]
    ]
    _table(figure, MARGIN + 3.75, 8.32, CAUSES, rows, "None in this period")


AGENTS = (
    ("Agent", 0.0, "left"),
    ("Calls", 2.5, "right"),
    ("Success", 3.12, "right"),
    ("Mean", 3.9, "right"),
    ("Voicemail", 4.55, "right"),
    ("Retries ok", 5.2, "right"),
    ("QA", 5.6, "right"),
    ("Reply", 6.2, "right"),
    ("Cost", 6.97, "right"),
)


def _agents(figure: Figure, book: Book) -> None:
    agents = book.agents
    shown = agents.agents[:MAX_AGENT_ROWS]
    rows = [_agent_row(agent) for agent in shown]
    y = _table(figure, MARGIN, 4.57, AGENTS, rows, "No agent had calls in this period")
    left_out = len(agents.agents) - len(shown) + agents.more
    if left_out:
        _text(figure, MARGIN, y + 0.08, f"and {number(left_out)} more", size=7.5, color=SOFT)
    if shown:
        unit = f", cost in {agents.currency}" if agents.currency else ""
        said = f"Most calls first. Mean: of a call's duration. Reply: the median{unit}."
        _text(figure, MARGIN, HEIGHT - 0.85, said, size=7, color=SOFT)


def _agent_row(agent: AgentFigures) -> tuple[str, ...]:
    return (
        short(agent.name or "(no agent)", 30),
        number(agent.counts.calls),
        rate(agent.counts.success_rate),
        duration(agent.durations.mean_s),
        rate(agent.voicemail.rate),
        rate(agent.retries.success_rate),
        number(agent.qa.mean, 0),
        milliseconds(agent.latency.p50_ms),
        number(agent.costs.total if agent.costs.calls else None, 2),
    )


def _table(
    figure: Figure,
    x: float,
    y: float,
    columns: Sequence[tuple[str, float, str]],
    rows: Sequence[tuple[str, ...]],
    empty: str,
) -> float:
    """A heading and a line a row; returns where it ends."""
    if not rows:
        _text(figure, x, y + 0.35, empty, size=9, color=SOFT)
        return y + 0.5
    end = x + columns[-1][1]
    for name, at, side in columns:
        _text(figure, x + at, y, name, size=7.5, color=SOFT, ha=side)
    for row in rows:
        _rule(figure, y + 0.1, x, end)
        y += 0.26
        for (_, at, side), text in zip(columns, row, strict=True):
            _text(figure, x + at, y, text, size=7.8, ha=side)
    return y + 0.15


def _heading(figure: Figure, y: float, text: str, x: float = 0.0) -> None:
    _text(figure, MARGIN + x, y, text, size=11, weight="bold", color=ACCENT)


def _axes(figure: Figure, x: float, y: float, width: float, height: float) -> Axes:
    """Axes by inches from the margin and from the page's top."""
    left, low = (MARGIN + x) / WIDTH, 1 - (y + height) / HEIGHT
    return figure.add_axes((left, low, width / WIDTH, height / HEIGHT))


def _text(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    weight: str = "normal",
    color: str = INK,
    ha: str = "left",
) -> None:
    figure.text(
        x / WIDTH,
        1 - y / HEIGHT,
        text,
        fontsize=size,
        weight=weight,
        color=color,
        ha=ha,
        va="baseline",
    )


def _rule(figure: Figure, y: float, x: float = MARGIN, end: float = WIDTH - MARGIN) -> None:
    height = 1 - y / HEIGHT
    line = charts.line((x / WIDTH, end / WIDTH), (height, height), RULE)
    figure.add_artist(line)
