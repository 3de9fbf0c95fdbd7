"""Which calls may start, and when the next line may be tried."""

import pytest

from offhook.control.dialer.call_limits import CallLimits, Claim, Counted
from offhook.control.dialer.call_pace import CallPace
from offhook.control.dialer.dial_queue import (
    Candidate,
    Choice,
    Passed,
    choose,
    kind_of,
    may_try_next,
)
from offhook.media.ports import HangUpCause, LegEnded
from offhook.tests.kit.call_records import call_of, call_record


def candidate(number: int, owner: str = "ann", *lines: Claim, most: int | None = None) -> Candidate:
    call = call_of(call_record(number), owner_id=owner)
    return Candidate(call, (Claim(Counted.ACCOUNT, owner, most),), lines or (line("a"),))


def line(name: str, most: int | None = None) -> Claim:
    return Claim(Counted.LINE, name, most)


def chosen_of(
    candidates: list[Candidate],
    limits: CallLimits,
    room: int,
    *,
    pace: CallPace | None = None,
    passed: Passed | None = None,
    now: float = 0.0,
) -> Choice:
    return choose(candidates, limits, pace or CallPace({}), room, now, passed or Passed())


def test_takes_the_first_for_which_there_is_room_and_holds_it() -> None:
    limits = CallLimits()
    choice = chosen_of([candidate(number) for number in range(5)], limits, room=3)
    assert [chosen.call.id for chosen in choice.chosen] == ["call-0", "call-1", "call-2"]
    assert choice.full
    assert limits.in_use(Counted.LINE, "a") == 3
    for chosen in choice.chosen:
        chosen.release()
        chosen.release()
    assert limits.in_use(Counted.LINE, "a") == 0
    assert limits.in_use(Counted.ACCOUNT, "ann") == 0


def test_an_account_that_is_full_does_not_keep_others_waiting() -> None:
    candidates = [candidate(1, most=1), candidate(2, most=1), candidate(3, "bob")]
    passed = Passed()
    choice = chosen_of(candidates, CallLimits(), room=9, passed=passed)
    assert [chosen.call.id for chosen in choice.chosen] == ["call-1", "call-3"]
    assert (passed.owners, passed.kinds, choice.waits) == ({"ann"}, set(), True)


def test_a_full_line_is_passed_and_what_is_held_elsewhere_given_back() -> None:
    limits = CallLimits()
    lines = (line("a", 1), line("b", 1))
    candidates = [candidate(number, "ann", *lines) for number in range(3)]
    passed = Passed()
    choice = chosen_of(candidates, limits, room=9, passed=passed)
    assert [chosen.lines for chosen in choice.chosen] == [("a", "b"), ("b",)]
    assert choice.waits
    assert passed.owners == set(), "it is the lines that are full"
    assert passed.kinds == {kind_of(candidates[0].call)}
    assert limits.in_use(Counted.ACCOUNT, "ann") == 2


def test_without_room_nobody_starts() -> None:
    choice = chosen_of([candidate(1)], CallLimits(), room=0)
    assert (choice.chosen, choice.full) == ((), True)
    assert not chosen_of([], CallLimits(), room=0).full


def test_calls_of_a_kind_that_has_to_wait_take_nobodys_place() -> None:
    candidates = [candidate(1), candidate(2, "bob"), candidate(3)]
    passed = Passed(owners={"bob"})
    choice = chosen_of(candidates, CallLimits(), room=1, passed=passed)
    assert [chosen.call.id for chosen in choice.chosen] == ["call-1"]
    passed = Passed(kinds={kind_of(candidates[0].call)})
    choice = chosen_of(candidates, CallLimits(), room=1, passed=passed)
    assert [chosen.call.id for chosen in choice.chosen] == ["call-2"]
    assert not choice.full


def test_a_line_begins_so_many_calls_a_second_and_no_other_line_helps_out() -> None:
    limits, pace = CallLimits(), CallPace({"a": 4.0})
    lines = (line("a"), line("b"))
    calls = [candidate(number, "ann", *lines) for number in (1, 2)]
    others = [candidate(number, "bob", line("b")) for number in (3, 4)]
    choice = chosen_of(calls + others, limits, 9, pace=pace)
    assert [chosen.call.id for chosen in choice.chosen] == ["call-1", "call-3", "call-4"]
    assert (choice.wait_s, choice.waits) == (0.25, False)
    assert limits.in_use(Counted.LINE, "a") == 1, "what was not taken is given back"
    assert limits.in_use(Counted.ACCOUNT, "ann") == 1
    assert chosen_of(calls[1:], limits, 9, pace=pace, now=0.2).chosen == ()
    (second,) = chosen_of(calls[1:], limits, 9, pace=pace, now=0.25).chosen
    assert second.lines == ("a", "b")


@pytest.mark.parametrize(
    ("cause", "status", "rang", "may"),
    [
        (HangUpCause.NETWORK, None, False, True),
        (HangUpCause.OVERLOADED, 503, False, True),
        (HangUpCause.ERROR, 500, False, True),
        (HangUpCause.ERROR, 599, False, True),
        (HangUpCause.NETWORK, None, True, False),
        (HangUpCause.OVERLOADED, 503, True, False),
        (HangUpCause.BUSY, 486, False, False),
        (HangUpCause.BUSY, 600, False, False),
        (HangUpCause.DECLINED, 603, False, False),
        (HangUpCause.NOT_FOUND, 404, False, False),
        (HangUpCause.NO_ANSWER, 408, False, False),
    ],
)
def test_the_next_line_is_tried_only_where_nothing_can_have_rung(
    cause: HangUpCause, status: int | None, rang: bool, may: bool
) -> None:
    assert may_try_next(LegEnded(cause, by_us=False, status=status), rang) is may


def test_a_call_that_we_gave_up_goes_on_by_no_line() -> None:
    assert not may_try_next(LegEnded(HangUpCause.NETWORK, by_us=True), rang=False)
