"""How many calls may be live at once."""

import pytest

from offhook.control.dialer.call_limits import CallLimits, Claim, Counted, LimitReached

LINE = Claim(Counted.LINE, "office", 2)
ACCOUNT = Claim(Counted.ACCOUNT, "a", 3)


def test_a_limit_is_reached_and_a_seat_given_back_makes_room() -> None:
    limits = CallLimits()
    first, _ = limits.acquire(LINE), limits.acquire(LINE)
    with pytest.raises(LimitReached, match="all 2 calls of the line are in use"):
        limits.acquire(LINE)
    first.release()
    limits.acquire(LINE)
    assert limits.in_use(Counted.LINE, "office") == 2


def test_what_cannot_be_taken_whole_takes_nothing() -> None:
    limits = CallLimits()
    for _ in range(3):
        limits.acquire(ACCOUNT)
    with pytest.raises(LimitReached) as caught:
        limits.acquire(LINE, ACCOUNT)
    assert caught.value.claim == ACCOUNT
    assert limits.in_use(Counted.LINE, "office") == 0


def test_a_seat_that_is_given_back_twice_counts_once() -> None:
    limits = CallLimits()
    one, _ = limits.acquire(LINE), limits.acquire(LINE)
    one.release()
    one.release()
    assert limits.in_use(Counted.LINE, "office") == 1


def test_without_a_limit_there_is_room_and_kinds_of_one_name_are_counted_apart() -> None:
    limits = CallLimits()
    seats = [limits.acquire(Claim(Counted.NUMBER, "a"), ACCOUNT) for _ in range(3)]
    limits.acquire(Claim(Counted.NUMBER, "a"))
    assert limits.in_use(Counted.NUMBER, "a") == 4
    assert limits.in_use(Counted.ACCOUNT, "a") == 3
    for seat in seats:
        seat.release()
    assert limits.in_use(Counted.ACCOUNT, "a") == 0


def test_a_limit_that_was_lowered_holds_for_the_next_call() -> None:
    limits = CallLimits()
    limits.acquire(LINE)
    limits.acquire(LINE)
    with pytest.raises(LimitReached):
        limits.acquire(Claim(Counted.LINE, "office", 1))
