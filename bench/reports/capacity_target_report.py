"""What capacity --target has found of a foreign agent: verdicts, rows, a Document. Pure.

Its clock, memory and processor cannot be seen from outside: what tells is whether calls are taken
and kept, whether its packets come, and whether it answers as soon as it did with few calls.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from ..load.ramp import LATE_LIMIT_MS, Outcome, StepFigures, Verdict, judge
from ..load.sip_load import CallsReport
from ..load.switchboard import Tally
from .capacity_calls_report import UNANSWERED_SHARE
from .capacity_report import (
    Figure,
    Tried,
    curves_of,
    limit_metrics,
    row,
    row_head,
    step_metrics,
)
from .results_file import Document, Origin

LOST_SHARE = 0.001
"Of its packets: a network may lose so many; a server that skips frames loses more."
SLOWER_FACTOR = 2.0
"Replies that take so many times as long as in the first step: it is late."
FOREIGN = (
    "Callers in a process of their own, by SIP over UDP and G.711, who speak words of about a "
    "second, wait for the answer, pause for 0.7 to 2 s, speak again. Only what a caller hears is "
    "known: calls taken and kept, packets of the agent's that came, the gap from the end of the "
    "words to the answer. A step does not hold when calls are refused or end, when more than 1 in "
    "1,000 packets is missing, when more than 1 % of the words are not answered within 5 s, or "
    "when half of the answers take twice as long as in the first step."
)


class ForeignStep(msgspec.Struct, frozen=True):
    """How a foreign agent served N callers."""

    calls: int
    seconds: float
    placed: Tally
    "What became of the calls when they were placed."
    report: CallsReport
    "What was counted afterwards."

    @property
    def packets_missing(self) -> int:
        """Of the agent's: lost, never made, or of calls that are up and silent."""
        return self.report.packets_missing(self.calls)

    @property
    def calls_missing(self) -> int:
        """Not up at the end, or ended by the agent while it was measured."""
        return self.report.calls_missing(self.calls)


Step = TypeVar("Step", bound=ForeignStep)


def judge_foreign(step: ForeignStep, first: ForeignStep | None) -> Verdict:
    """Does it hold? `first`: the first step that held, None: this is to be it."""
    turns, back = step.report.turns, step.report.rtp.arrivals
    missing, unanswered = step.packets_missing, turns.unanswered
    figures = StepFigures(
        0.0,
        step.report.rtp.health,
        lost=missing if missing > LOST_SHARE * max(1, back.expected) else 0,
        refused=step.calls_missing,
        unanswered=unanswered
        if unanswered > UNANSWERED_SHARE * (turns.answered + unanswered)
        else 0,
    )
    verdict = judge(figures)
    if verdict.outcome is not Outcome.HELD:
        return verdict
    if not turns.answered:
        return Verdict(Outcome.UNANSWERED, "it answered nothing that was said")
    if first is None:
        return verdict
    gap_ms, first_ms = turns.gap_p50_ms, first.report.turns.gap_p50_ms
    if gap_ms > SLOWER_FACTOR * first_ms:
        said = f"half of the answers after {gap_ms:.0f} ms, {first_ms:.0f} with {first.calls} calls"
        return Verdict(Outcome.LATE, said)
    return verdict


def figures_of(step: type[Step]) -> tuple[Figure[Step], ...]:
    """What every step has, however the agent is called. `step`: of which kind they are."""
    del step
    return (
        Figure("reply gap p50", "ms", lambda s: s.report.turns.gap_p50_ms),
        Figure("reply gap p95", "ms", lambda s: s.report.turns.gap_p95_ms),
        Figure("packets missing", "packets", lambda s: s.packets_missing, 0.0),
        Figure("refusals while placing", "refusals", lambda s: s.placed.refusals),
        Figure("calls not up, or ended", "calls", lambda s: s.calls_missing, 0.0),
        Figure("turns answered", "turns", lambda s: s.report.turns.answered, better="higher"),
        Figure("turns unanswered", "turns", lambda s: s.report.turns.unanswered, 0.0),
    )


FIGURES: tuple[Figure[ForeignStep], ...] = (
    *figures_of(ForeignStep),
    Figure("INVITE to answer p99", "ms", lambda s: s.placed.setup_p99_ms),
    Figure(
        "load lateness p99",
        "ms",
        lambda s: s.report.rtp.health.late_p99_ms,
        LATE_LIMIT_MS,
        "neither",
    ),
    Figure("load busy", "%", lambda s: 100 * s.report.rtp.health.busy, None, "neither"),
)
CURVES = ("reply gap p50", "reply gap p95")


def head() -> str:
    """Above the rows."""
    return row_head("calls", "gap ms", "p95 ms", "missing", "refused", "answer ms")


def line(step: ForeignStep, verdict: Verdict) -> str:
    """One step, while the ramp goes on."""
    turns, placed = step.report.turns, step.placed
    gaps = f"{turns.gap_p50_ms:.0f}", f"{turns.gap_p95_ms:.0f}", f"{step.packets_missing}"
    return row(step.calls, verdict, *gaps, f"{placed.refusals}", f"{placed.setup_p99_ms:.0f}")


def document(where: Origin, tried: Tried[ForeignStep]) -> Document:
    """The ramp."""
    return document_of(where, tried, FIGURES, CURVES, [FOREIGN])


def document_of(
    where: Origin,
    tried: Tried[Step],
    figures: Sequence[Figure[Step]],
    curves: Sequence[str],
    reading: Sequence[str],
) -> Document:
    """The ramp, with what is to be read before its outcome."""
    metrics = limit_metrics(tried, None, lambda s: s.calls)
    metrics += step_metrics(tried, figures, lambda s: s.calls)
    held = "no step" if tried.held is None else f"{tried.held} calls"
    limit = "" if tried.limit is None else f" Above it: {tried.limit}."
    if tried.limit is not None and tried.limit.outcome is Outcome.VOID:
        limit = f" Above it the load limits, not the agent: {tried.limit}."
    detail = {tried.name: [{"verdict": str(v), "step": step} for step, v in tried.steps]}
    lines = curves_of([tried], figures, curves, lambda s: s.calls, "calls")
    outcome = " ".join([f"{tried.name}: {held} held.{limit}", *tried.errors])
    return Document(
        where,
        "capacity",
        metrics,
        lines,
        detail=detail,
        reading=[*filter(None, reading), outcome],
    )
