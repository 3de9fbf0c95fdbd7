"""What is said of an agent behind WHIP under load, and of the load itself."""

import msgspec
import pytest

from offhook.bench.load.packet_count import Arrivals
from offhook.bench.load.ramp import LoadHealth, Outcome, Verdict
from offhook.bench.load.rtp_load import Report
from offhook.bench.load.sip_load import CallsReport
from offhook.bench.load.switchboard import Tally
from offhook.bench.load.talkers import Turns
from offhook.bench.load.whip_load import WhipCounted
from offhook.bench.reports.capacity_report import Tried
from offhook.bench.reports.capacity_whip_report import (
    WhipStep,
    bears,
    document,
    judge_whip,
    line,
    merged,
)
from offhook.bench.reports.results_file import Origin

WHERE = Origin("2026-01-01", "abc", "offhook bench capacity", "a machine", "3.11")


def placed(calls: int, setup_ms: float = 100.0, **refused: int) -> Tally:
    return Tally(placed=calls, answered=calls, refused=refused, setup_ms=[setup_ms] * calls)


def counted(
    calls: int,
    *,
    gap_ms: float = 700.0,
    lost: int = 0,
    skipped: int = 0,
    late_p99_ms: float = 0.5,
    late_max_ms: float = 3.0,
    busy: float = 0.2,
    longest_ms: float = 60.0,
) -> WhipCounted:
    arrivals = Arrivals(expected=1000, received=1000 - lost, lost=lost, skipped=skipped)
    health = LoadHealth(late_p99_ms, late_max_ms, 0, busy)
    report = CallsReport(
        calls, Tally(), Turns(50, 0, [gap_ms] * 50), Report(1000, arrivals, health)
    )
    return WhipCounted(report, [longest_ms] * calls, [150.0] * calls)


def step(calls: int = 4, **figures: float) -> WhipStep:
    return merged(calls, 10.0, [placed(calls)], [counted(calls, **figures)])  # type: ignore[arg-type]


def test_processes_of_a_load_are_one_step_whose_health_is_that_of_the_worst() -> None:
    whole = merged(
        5,
        10.0,
        [placed(3, 100.0, a=1), placed(2, 300.0, a=2, b=1)],
        [
            counted(3, lost=2, late_p99_ms=1.0, busy=0.30),
            counted(2, lost=1, late_p99_ms=4.0, busy=0.10, longest_ms=90.0),
        ],
    )
    assert (whole.processes, whole.placed.answered, whole.report.live) == (2, 5, 5)
    assert whole.placed.refused == {"a": 3, "b": 1}
    assert sorted(whole.placed.setup_ms) == [100.0] * 3 + [300.0] * 2
    assert whole.report.rtp.arrivals == Arrivals(expected=2000, received=1997, lost=3)
    assert (whole.report.turns.answered, len(whole.report.turns.gaps_ms)) == (100, 100)
    health = whole.report.rtp.health
    assert (health.late_p99_ms, health.busy) == (4.0, 0.30)
    assert whole.longest_gap_ms == 90.0
    # 0.4 of a core for five callers: two cores are full, but for a twentieth, with 23.75.
    assert whole.call_cost == pytest.approx(0.08)
    assert whole.bearable == pytest.approx(2 * 0.95 / 0.08)


@pytest.mark.parametrize(
    ("bad", "outcome", "why"),
    [
        (step(lost=50), Outcome.LOST, "50 frames"),
        (step(skipped=50), Outcome.LOST, "50 frames"),
        (step(longest_ms=450.0), Outcome.LATE, "450 ms"),
        (step(longest_ms=450.0, late_max_ms=400.0), Outcome.VOID, "the load stood still"),
        (step(late_p99_ms=9.0), Outcome.VOID, "the load itself was late"),
        (step(busy=0.97), Outcome.VOID, "core was full"),
    ],
    ids=["lost", "left out", "a hole", "a hole of the load's", "late load", "full load"],
)
def test_what_a_caller_would_notice_does_not_hold_unless_it_is_the_loads(
    bad: WhipStep, outcome: Outcome, why: str
) -> None:
    assert judge_whip(step(), None).outcome is Outcome.HELD
    verdict = judge_whip(bad, None)
    assert verdict.outcome is outcome
    assert why in verdict.reason


def test_one_call_in_a_hundred_may_have_a_hole() -> None:
    many = step(200)
    two = msgspec.structs.replace(many, gaps_ms=[450.0] * 2 + [60.0] * 198)
    three = msgspec.structs.replace(many, gaps_ms=[450.0] * 3 + [60.0] * 197)
    assert judge_whip(two, None).outcome is Outcome.HELD
    assert judge_whip(three, None).outcome is Outcome.LATE


def test_what_the_load_can_bear_is_said() -> None:
    steps = [step(4), step(10, busy=0.5), step(16, busy=0.8, late_p99_ms=12.0)]
    told = bears(steps, here=True)
    assert "5.0 % of a core" in told
    assert "about 19" in told
    assert "in time with up to 10" in told
    assert "on this machine and takes of the same cores" in told
    assert "late in every step" in bears([steps[-1]], here=False)
    assert bears([], here=False) == ""


def test_the_document_has_the_figures_of_each_step_and_says_whose_limit_it_was() -> None:
    tried: Tried[WhipStep] = Tried("http://127.0.0.1/whip")
    for each in (step(4), step(10, gap_ms=900.0, late_p99_ms=12.0)):
        tried.steps.append((each, judge_whip(each, None)))
    tried.held = 4
    tried.limit = tried.steps[-1][1]
    written = document(WHERE, tried, here=False)
    by_name = {each.name: each.values for each in written.metrics}
    assert by_name["calls that hold"] == [4.0]
    assert by_name["reply gap p50"] == [700.0]
    assert by_name["offer to first packet p99"] == [150.0]
    assert by_name["offer to answer p99"] == [100.0]
    assert by_name["longest time without a packet"] == [60.0]
    assert "the load limits, not the agent" in written.reading[-1]
    assert "void" in line(*tried.steps[-1])
    assert isinstance(tried.limit, Verdict)
