"""What is said of a foreign agent under load, of which only its answers are known."""

import msgspec
import pytest

from offhook.bench.load.packet_count import Arrivals
from offhook.bench.load.ramp import LoadHealth, Outcome
from offhook.bench.load.rtp_load import Report
from offhook.bench.load.sip_load import CallsReport
from offhook.bench.load.switchboard import Tally
from offhook.bench.load.talkers import Turns
from offhook.bench.reports.capacity_report import Tried
from offhook.bench.reports.capacity_target_report import (
    ForeignStep,
    document,
    judge_foreign,
    line,
)
from offhook.bench.reports.results_file import Origin

WELL = LoadHealth(late_p99_ms=0.3, late_max_ms=2.0, send_errors=0, busy=0.2)
WHERE = Origin("2026-01-01", "abc", "offhook bench capacity", "a machine", "3.11")


def step(
    calls: int = 10,
    *,
    gap_ms: float = 700.0,
    unanswered: int = 0,
    lost: int = 0,
    ended: int = 0,
    live: int | None = None,
    health: LoadHealth = WELL,
) -> ForeignStep:
    arrivals = Arrivals(expected=10_000, received=10_000 - lost, lost=lost)
    return ForeignStep(
        calls=calls,
        seconds=15.0,
        placed=Tally(placed=calls, answered=calls, setup_ms=[40.0] * calls),
        report=CallsReport(
            calls if live is None else live,
            Tally(ended_by_far_end=ended),
            Turns(200 - unanswered, unanswered, [gap_ms] * (200 - unanswered)),
            Report(10_000, arrivals, health),
        ),
    )


def test_an_agent_that_takes_keeps_and_answers_its_calls_holds() -> None:
    assert judge_foreign(step(), None).outcome is Outcome.HELD


@pytest.mark.parametrize(
    ("bad", "outcome"),
    [
        (step(lost=500), Outcome.LOST),
        (step(unanswered=3), Outcome.UNANSWERED),
        (step(ended=1), Outcome.REFUSED),
        (step(live=9), Outcome.REFUSED),
        (step(health=msgspec.structs.replace(WELL, late_p99_ms=9.0)), Outcome.VOID),
    ],
    ids=["one packet in twenty lost", "words unanswered", "ended", "not up", "the load was late"],
)
def test_what_a_caller_would_notice_does_not_hold(bad: ForeignStep, outcome: Outcome) -> None:
    assert judge_foreign(bad, step()).outcome is outcome


def test_a_network_may_lose_a_packet_in_a_thousand() -> None:
    assert judge_foreign(step(lost=10), None).outcome is Outcome.HELD
    assert judge_foreign(step(lost=11), None).outcome is Outcome.LOST


def test_answers_that_take_twice_as_long_as_with_few_calls_are_late() -> None:
    first = step(5, gap_ms=700.0)
    assert judge_foreign(step(40, gap_ms=1390.0), first).outcome is Outcome.HELD
    verdict = judge_foreign(step(40, gap_ms=1420.0), first)
    assert verdict.outcome is Outcome.LATE
    assert "1420 ms" in verdict.reason
    assert "700" in verdict.reason


def test_an_agent_that_never_answers_has_not_held() -> None:
    silent = msgspec.structs.replace(
        step(), report=msgspec.structs.replace(step().report, turns=Turns(0, 0, []))
    )
    assert judge_foreign(silent, None).outcome is Outcome.UNANSWERED


def test_the_document_tells_how_many_hold_and_the_gap_of_each_step() -> None:
    tried: Tried[ForeignStep] = Tried("sip:bot@127.0.0.1:5060, PCMU")
    for each in (step(5), step(10, gap_ms=900.0)):
        tried.steps.append((each, judge_foreign(each, None)))
    tried.held = 10
    written = document(WHERE, tried)
    (held,) = [each for each in written.metrics if each.name == "calls that hold"]
    assert held.values == [10.0]
    gaps = [each.values for each in written.metrics if each.name == "reply gap p50"]
    assert gaps == [[700.0], [900.0]]
    assert "10 calls held" in written.reading[-1]
    assert "900" in line(*tried.steps[-1])
