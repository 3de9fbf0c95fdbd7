"""The judge of a step, and the ramp that looks for the limit."""

import msgspec
import pytest

from offhook.bench.load.ramp import LoadHealth, Outcome, Ramp, StepFigures, Verdict, judge

WELL = LoadHealth(late_p99_ms=0.3, late_max_ms=2.0, send_errors=0, busy=0.4)
GOOD = StepFigures(late_p99_ms=4.9, load=WELL)
HELD, LATE, VOID = Verdict(Outcome.HELD), Verdict(Outcome.LATE, "late"), Verdict(Outcome.VOID, "v")


def load(**changes: float) -> LoadHealth:
    return msgspec.structs.replace(WELL, **changes)


def test_a_step_within_every_limit_holds() -> None:
    assert judge(GOOD) == HELD
    assert judge(msgspec.structs.replace(GOOD, late_p99_ms=5.0)).outcome is Outcome.HELD


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"late_p99_ms": 5.1}, Outcome.LATE),
        ({"lost": 1}, Outcome.LOST),
        ({"refused": 1}, Outcome.REFUSED),
        ({"unanswered": 1}, Outcome.UNANSWERED),
    ],
)
def test_a_step_fails_by_what_it_showed(change: dict[str, float], outcome: Outcome) -> None:
    assert judge(msgspec.structs.replace(GOOD, **change)).outcome is outcome


@pytest.mark.parametrize(
    "health",
    [load(late_p99_ms=5.1), load(send_errors=1), load(busy=0.97)],
)
def test_a_step_of_a_bad_load_is_void_whatever_the_server_did(health: LoadHealth) -> None:
    for figures in (GOOD, msgspec.structs.replace(GOOD, late_p99_ms=80.0, lost=9)):
        verdict = judge(msgspec.structs.replace(figures, load=health))
        assert verdict.outcome is Outcome.VOID
        assert "load" in verdict.reason


def test_loss_beside_a_load_that_stood_still_is_not_the_servers() -> None:
    stalled = msgspec.structs.replace(GOOD, load=load(late_max_ms=45.0))
    assert judge(stalled) == HELD
    verdict = judge(msgspec.structs.replace(stalled, lost=2))
    assert str(verdict) == "void: the load stood still for 45 ms: what was lost may be its fault"


@pytest.mark.parametrize("change", [{"late_p99_ms": 9.0}, {"lost": 1}, {"refused": 1}])
def test_a_failure_while_others_took_the_servers_core_is_void(change: dict[str, float]) -> None:
    crowded = msgspec.structs.replace(GOOD, others=0.06)
    assert judge(crowded) == HELD
    verdict = judge(msgspec.structs.replace(crowded, **change))
    assert str(verdict) == "void: something else took 6 % of the server's core"
    alone = msgspec.structs.replace(GOOD, others=0.02, **change)
    assert judge(alone).outcome is not Outcome.VOID


def climb(ramp: Ramp, limit: int) -> list[int]:
    """A server that holds `limit` and not one more."""
    steps: list[int] = []
    while (calls := ramp.next()) is not None:
        steps.append(calls)
        ramp.tell(HELD if calls <= limit else LATE)
        assert len(steps) < 60
    return steps


@pytest.mark.parametrize("limit", [1, 37, 100, 640, 1234, 3999])
def test_the_ramp_finds_the_limit_that_was_planted(limit: int) -> None:
    ramp = Ramp(100, 4000, precision=0.05)
    steps = climb(ramp, limit)
    assert ramp.held is not None
    assert ramp.limit == LATE
    assert limit * 0.94 - 1 <= ramp.held <= limit
    assert len(set(steps)) <= 14


def test_the_ramp_rises_by_its_factor_then_halves() -> None:
    assert climb(Ramp(100, 4000, factor=2.0, precision=0.1, tries=1), 500) == [
        *(100, 200, 400, 800),
        *(600, 500, 550),
    ]


def test_a_server_that_holds_all_has_no_limit() -> None:
    ramp = Ramp(100, 300)
    climb(ramp, 10_000)
    assert (ramp.held, ramp.limit) == (300, None)


def test_a_server_that_holds_nothing_holds_nothing() -> None:
    ramp = Ramp(100, 300)
    climb(ramp, 0)
    assert (ramp.held, ramp.limit) == (None, LATE)


def test_one_failure_is_tried_again_and_a_second_is_believed() -> None:
    ramp = Ramp(100, 200, factor=2.0)
    ramp.tell(LATE)
    assert ramp.next() == 100
    ramp.tell(HELD)
    assert ramp.next() == 200
    ramp.tell(VOID)
    assert ramp.next() == 200
    ramp.tell(VOID)
    assert ramp.limit == VOID
    assert ramp.next() == 150
