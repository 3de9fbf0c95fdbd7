"""The agenda of timers, and the times that RFC 3261 derives."""

import random

import pytest

from offhook.drivers.sip.timers import STALE_ENTRIES, Agenda, Timers


def test_due_keys_come_in_the_order_of_their_moments_once() -> None:
    agenda: Agenda[str] = Agenda()
    for key, at in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        agenda.set(key, at)
    assert agenda.get_timer() == 1.0
    assert agenda.due(2.5) == ["a", "b"]
    assert agenda.due(2.5) == []
    assert agenda.get_timer() == 3.0


def test_last_moment_set_counts_and_none_removes() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.set("a", 1.0)
    agenda.set("a", 5.0)
    agenda.set("b", 2.0)
    agenda.set("b", None)
    assert agenda.get_timer() == 5.0
    agenda.set("a", 1.0)
    assert agenda.due(1.0) == ["a"]
    assert agenda.get_timer() is None
    assert len(agenda) == 0


def test_replaced_moments_do_not_pile_up() -> None:
    agenda: Agenda[int] = Agenda()
    for number in range(20 * STALE_ENTRIES):
        agenda.set(number % 3, 1000.0 - number * 0.01)
    assert len(agenda._heap) <= STALE_ENTRIES + 7


def test_agrees_with_a_plain_dict_over_random_changes() -> None:
    rng = random.Random(5)
    agenda: Agenda[int] = Agenda()
    model: dict[int, float] = {}
    now = 0.0
    for _ in range(5000):
        key = rng.randrange(50)
        at = None if rng.random() < 0.2 else now + rng.uniform(0, 5)
        agenda.set(key, at)
        model.pop(key, None)
        if at is not None:
            model[key] = at
        assert agenda.get_timer() == min(model.values(), default=None)
        now += rng.uniform(0, 0.1)
        due = sorted((at, key) for key, at in model.items() if at <= now)
        assert agenda.due(now) == [key for _, key in due]
        for _, key in due:
            del model[key]


@pytest.mark.parametrize("reliable", [True, False])
def test_waiting_timers_are_zero_over_reliable_transports(reliable: bool) -> None:
    timers = Timers()
    waits = [timers.d_s(reliable), timers.i_s(reliable), timers.j_s(reliable), timers.k_s(reliable)]
    assert waits == ([0.0] * 4 if reliable else [32.0, 5.0, 32.0, 5.0])
