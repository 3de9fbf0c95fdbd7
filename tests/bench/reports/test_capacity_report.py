"""What capacity tells of its steps: limits, costs, goals, and whose fault a step was."""

import msgspec
import pytest

from offhook.bench.load.capacity_engine import Case, Step
from offhook.bench.load.packet_count import Arrivals
from offhook.bench.load.ramp import LoadHealth, Outcome, Verdict, judge
from offhook.bench.load.rtp_load import Report
from offhook.bench.load.sip_load import CallsReport
from offhook.bench.load.switchboard import Tally
from offhook.bench.load.talkers import Turns
from offhook.bench.reports.capacity_calls_report import (
    SETUP,
    WHOLE,
    CallsStep,
    SetupStep,
    calls_head,
    calls_row,
    document,
    judge_calls,
    judge_setup,
    setup_head,
    setup_row,
)
from offhook.bench.reports.capacity_report import (
    Tried,
    engine_document,
    engine_head,
    engine_row,
)
from offhook.bench.reports.results_file import Document, Metric, Origin

WHERE = Origin("2026-01-01", "abc", "offhook bench capacity", "a machine", "3.11")
HELD, LATE, VOID = Verdict(Outcome.HELD), Verdict(Outcome.LATE, "late"), Verdict(Outcome.VOID, "v")
WELL = LoadHealth(late_p99_ms=0.3, late_max_ms=2.0, send_errors=0, busy=0.4)
LOAD = Report(sent=5000, arrivals=Arrivals(expected=5000, received=5000), health=WELL)
STEP = Step(
    calls=100,
    seconds=5.0,
    cpu_share=0.1,
    others_share=0.02,
    late_p50_ms=1.0,
    late_p99_ms=2.0,
    late_max_ms=3.0,
    skipped_ticks=0,
    concealed_frames=0,
    packets_lost=0,
    packets_late=0,
    speech_events=40,
    kb_a_call_opened=50.0,
    kb_a_call_full=120.0,
    lanes_a_second=4000.0,
    load=LOAD,
)
CALLS = CallsStep(
    calls=100,
    seconds=15.0,
    cpu_share=0.4,
    main_cpu_share=0.39,
    others_share=0.0,
    late_p50_ms=1.0,
    late_p99_ms=3.0,
    late_max_ms=6.0,
    skipped_ticks=0,
    kb_empty=180_000,
    kb_a_call=300.0,
    placed=Tally(placed=100, answered=100, setup_ms=[5.0] * 100),
    report=CallsReport(100, Tally(), Turns(300, 0, [1000.0] * 300), LOAD),
)
SETUP_STEP = SetupStep(
    pace=20,
    cpu_ms_a_call=8.0,
    others_share=0.0,
    late_p99_ms=3.0,
    late_max_ms=6.0,
    placed=Tally(placed=120, answered=120, setup_ms=[6.0] * 120),
    report=CALLS.report,
)
PCMU = Case("PCMU", vad=True, record=True)


def arrivals(report: Report, **changes: int) -> Report:
    changed = msgspec.structs.replace(report.arrivals, **changes)
    return msgspec.structs.replace(report, arrivals=changed)


def figure(written: Document, name: str, case: str) -> Metric:
    (found,) = [each for each in written.metrics if (each.name, each.case) == (name, case)]
    return found


def test_a_tenth_of_a_core_for_a_hundred_calls_is_twenty_microseconds_a_frame() -> None:
    assert STEP.cost_us == pytest.approx(20.0)
    assert STEP.calls_a_core == pytest.approx(1000.0)


def test_every_way_to_lose_a_frame_is_a_loss() -> None:
    ways = [msgspec.structs.replace(STEP, concealed_frames=1)]
    ways += [
        msgspec.structs.replace(STEP, load=arrivals(LOAD, **{kind: 1}))
        for kind in ("lost", "skipped", "silent")
    ]
    for step in ways:
        assert step.frames_lost == 1
        assert judge(step.figures()).outcome is Outcome.LOST


def test_the_document_tells_limit_goal_and_every_value() -> None:
    tried: Tried[Step] = Tried(str(PCMU))
    dear = msgspec.structs.replace(STEP, calls=200, cpu_share=0.4)
    tried.steps = [(STEP, HELD), (dear, LATE), (msgspec.structs.replace(dear, cpu_share=0.5), LATE)]
    tried.held, tried.limit = 100, LATE
    written = engine_document(WHERE, {PCMU: tried})
    limit = figure(written, "calls that hold", "PCMU, VAD, recording")
    assert (limit.values, limit.goal, limit.better) == ([100.0], 1500.0, "higher")
    costs = figure(written, "CPU a call", "PCMU, VAD, recording, 200 calls")
    assert costs.values == pytest.approx([40.0, 50.0])
    curve = next(curve for curve in written.curves if curve.name == "CPU a call")
    assert curve.series[str(PCMU)] == [(100.0, 20.0), (200.0, 40.0), (200.0, 50.0)]
    assert "100 calls held. Above it: late: late." in written.reading[1]


def test_steps_that_were_asked_for_tell_the_most_that_held() -> None:
    tried: Tried[Step] = Tried(str(PCMU))
    more = msgspec.structs.replace(STEP, calls=200)
    tried.steps = [(STEP, HELD), (more, HELD), (msgspec.structs.replace(STEP, calls=300), LATE)]
    written = engine_document(WHERE, {PCMU: tried})
    assert figure(written, "calls that hold", "PCMU, VAD, recording").values == [200.0]
    assert written.reading[1].startswith("PCMU, VAD, recording: 200 calls held.")


def test_a_void_step_counts_for_nothing_and_is_told() -> None:
    tried: Tried[Step] = Tried(str(PCMU))
    tried.steps = [(STEP, HELD), (msgspec.structs.replace(STEP, calls=200), VOID)]
    tried.held, tried.limit = 100, VOID
    written = engine_document(WHERE, {PCMU: tried})
    assert not [metric for metric in written.metrics if "200 calls" in metric.case]
    assert "Above it the bench limits, not the server: void: v." in written.reading[1]
    assert "1 of 2 steps were void" in written.reading[1]
    assert len(written.detail[str(PCMU)]) == 2


def test_a_whole_server_that_serves_all_holds() -> None:
    assert judge_calls(CALLS) == HELD
    assert CALLS.cost_us == pytest.approx(80.0)


def test_calls_that_were_refused_or_ended_do_not_hold() -> None:
    placed = Tally(placed=130, answered=97, refused={"503 Service Unavailable": 33})
    refused = msgspec.structs.replace(
        CALLS, placed=placed, report=msgspec.structs.replace(CALLS.report, live=97)
    )
    assert judge_calls(refused) == Verdict(Outcome.REFUSED, "3 calls")
    # Cost is that of the calls that are there.
    assert refused.cost_us == pytest.approx(0.4 * 20_000 / 97)
    ended = msgspec.structs.replace(CALLS, report=msgspec.structs.replace(CALLS.report, live=98))
    assert judge_calls(ended) == Verdict(Outcome.REFUSED, "2 calls")
    again = msgspec.structs.replace(CALLS.report, tally=Tally(ended_by_far_end=1))
    verdict = judge_calls(msgspec.structs.replace(CALLS, report=again))
    assert verdict == Verdict(Outcome.REFUSED, "1 calls")


@pytest.mark.parametrize(("unanswered", "outcome"), [(3, Outcome.HELD), (4, Outcome.UNANSWERED)])
def test_one_turn_in_a_hundred_may_stay_unanswered(unanswered: int, outcome: Outcome) -> None:
    turns = Turns(300, unanswered, [1000.0] * 300)
    report = msgspec.structs.replace(CALLS.report, turns=turns)
    assert judge_calls(msgspec.structs.replace(CALLS, report=report)).outcome is outcome


def test_set_up_fails_by_refusal_lateness_or_slow_answers() -> None:
    assert judge_setup(SETUP_STEP) == HELD
    tally = msgspec.structs.replace(SETUP_STEP.placed, refused={"503 Service Unavailable": 2})
    refused = msgspec.structs.replace(SETUP_STEP, placed=tally)
    assert judge_setup(refused).outcome is Outcome.REFUSED
    slow = msgspec.structs.replace(SETUP_STEP.placed, setup_ms=[5.0] * 110 + [1500.0] * 10)
    verdict = judge_setup(msgspec.structs.replace(SETUP_STEP, placed=slow))
    assert verdict.outcome is Outcome.LATE
    assert "INVITE" in verdict.reason
    assert "1500" in verdict.reason
    late = msgspec.structs.replace(SETUP_STEP, late_p99_ms=7.0)
    assert judge_setup(late).outcome is Outcome.LATE


def test_the_whole_document() -> None:
    calls: Tried[CallsStep] = Tried(WHOLE)
    calls.steps, calls.held = [(CALLS, HELD)], 100
    setup: Tried[SetupStep] = Tried(SETUP)
    setup.steps, setup.held = [(SETUP_STEP, HELD)], 20
    written = document(WHERE, calls, setup)
    assert figure(written, "calls that hold", WHOLE).values == [100.0]
    assert figure(written, "calls/s that hold", SETUP).values == [20.0]
    assert figure(written, "turns answered", f"{WHOLE}, 100 calls").values == [300.0]
    assert figure(written, "reply gap p95", f"{WHOLE}, 100 calls").values == [1000.0]
    assert figure(written, "INVITE to answer p99", f"{SETUP}, 20 calls/s").values == [6.0]


def test_a_refusal_that_was_made_up_for_is_told_and_holds() -> None:
    placed = Tally(placed=105, answered=100, refused={"503 Service Unavailable": 5})
    step = msgspec.structs.replace(CALLS, placed=placed)
    assert judge_calls(step) == HELD
    tried: Tried[CallsStep] = Tried(WHOLE)
    tried.steps, tried.held = [(step, HELD)], 100
    written = document(WHERE, tried, Tried(SETUP))
    assert figure(written, "refusals while placing", f"{WHOLE}, 100 calls").values == [5.0]
    assert figure(written, "calls not up, or ended", f"{WHOLE}, 100 calls").values == [0.0]


@pytest.mark.parametrize(
    ("head", "row", "cells"),
    [
        (engine_head(), engine_row(STEP, HELD), "100 held 20.0 2.00 0 120 4000"),
        (calls_head(), calls_row(CALLS, HELD), "100 held 80.0 3.00 0 300 1000"),
        (setup_head(), setup_row(SETUP_STEP, HELD), "20 held 8.0 3.00 0 6.0"),
    ],
)
def test_a_step_is_one_line_whose_figures_stand_under_their_names(
    head: str, row: str, cells: str
) -> None:
    assert row.split() == cells.split()
    assert len(row) == len(head)
    assert "\n" not in row


def test_a_step_that_does_not_hold_says_why_at_the_end_of_its_line() -> None:
    assert engine_row(STEP, LATE).endswith("4000  late")
    assert engine_row(STEP, LATE).split()[:2] == ["100", "late"]
