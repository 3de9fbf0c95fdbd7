"""Who is rung next, for how long, and what ends it."""

import random

from offhook.control.domain.calls import EscalationStatus as Status
from offhook.control.people.hand_over import (
    CALLER_LEFT,
    NO_ANSWER,
    NOBODY,
    OVER,
    Action,
    HandOver,
    HangUp,
    Moved,
    Person,
    Ring,
)

ANNA, BOB, CARL = (Person(name[0], name, f"+1555{name}") for name in ("Anna", "Bob", "Carl"))
RING_S = 20.0


def actions(core: HandOver) -> list[Action]:
    found = []
    while (action := core.next_action()) is not None:
        found.append(action)
    return found


def begun(*people: Person) -> HandOver:
    core = HandOver(people, RING_S)
    core.begin(0.0)
    return core


def test_who_answers_is_in_the_call_until_they_leave() -> None:
    core = begun(ANNA, BOB)
    assert actions(core) == [Moved(Status.RINGING, ANNA, ()), Ring(1, ANNA)]
    assert core.get_timer() == RING_S
    core.receive_joined(1)
    assert actions(core) == [Moved(Status.BRIDGED, ANNA, ())]
    assert core.get_timer() is None
    core.receive_ended(1, "normal", 100.0)
    assert actions(core) == [Moved(Status.CLOSED, ANNA, ())]


def test_who_does_not_come_is_followed_by_the_next_one() -> None:
    core = begun(ANNA, BOB, CARL)
    actions(core)
    core.receive_ended(1, "busy", 1.0)
    assert actions(core) == [Moved(Status.RINGING, BOB, ("Anna: busy",)), Ring(2, BOB)]
    assert core.get_timer() == 1.0 + RING_S
    core.handle_timer(20.9)
    assert actions(core) == [], "it is not due yet"
    core.handle_timer(21.0)
    tried = ("Anna: busy", f"Bob: {NO_ANSWER}")
    assert actions(core) == [HangUp(2), Moved(Status.RINGING, CARL, tried), Ring(3, CARL)]
    core.receive_ended(2, "cancelled", 21.1)
    core.receive_joined(2)
    assert actions(core) == [], "whoever was given up is not heard"
    core.receive_joined(3)
    assert core.status is Status.BRIDGED


def test_it_has_failed_when_nobody_is_left() -> None:
    core = begun(ANNA, BOB)
    core.receive_ended(1, "busy", 1.0)
    core.receive_ended(2, "declined", 2.0)
    last = actions(core)[-1]
    assert last == Moved(Status.FAILED, BOB, ("Anna: busy", "Bob: declined"), NOBODY)
    assert core.get_timer() is None


def test_without_anybody_it_fails_at_once_with_the_reason() -> None:
    core = HandOver((), RING_S, "Anna is not available")
    core.begin(0.0)
    assert actions(core) == [Moved(Status.FAILED, None, (), "Anna is not available")]


def test_the_only_one_who_was_rung_says_why() -> None:
    core = begun(ANNA)
    core.receive_ended(1, "busy", 1.0)
    assert actions(core)[-1] == Moved(Status.FAILED, ANNA, ("Anna: busy",), "Anna: busy")


def test_a_caller_who_leaves_ends_it() -> None:
    core = begun(ANNA, BOB)
    core.receive_caller_left()
    assert actions(core)[-1] == Moved(Status.FAILED, ANNA, (), CALLER_LEFT)
    core = begun(ANNA)
    core.receive_joined(1)
    core.receive_caller_left()
    assert actions(core)[-1] == Moved(Status.CLOSED, ANNA, ())


def test_it_can_be_called_off_at_any_time() -> None:
    core = begun(ANNA, BOB)
    actions(core)
    core.cancel("called off")
    assert actions(core) == [HangUp(1), Moved(Status.FAILED, ANNA, (), "called off")]
    core = begun(ANNA)
    core.receive_joined(1)
    actions(core)
    core.cancel("called off")
    assert actions(core) == [HangUp(1), Moved(Status.CLOSED, ANNA, ())]
    core.cancel("again")
    assert actions(core) == []


def something_happens(core: HandOver, rng: random.Random, now: float) -> None:
    attempt = rng.randint(1, 3)
    what = rng.random()
    if what < 0.3:
        core.receive_joined(attempt)
    elif what < 0.6:
        core.receive_ended(attempt, "gone", now)
    elif what < 0.9:
        core.handle_timer(now)
    elif what < 0.95:
        core.receive_caller_left()
    else:
        core.cancel("off")


def test_whatever_happens_it_ends_once_and_rings_one_at_a_time() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        core = begun(ANNA, BOB, CARL)
        now, ringing = 0.0, 0
        told: list[Action] = []
        for _ in range(40):
            new = actions(core)
            told += new
            ringing = max([ringing, *(each.attempt for each in new if isinstance(each, Ring))])
            now += rng.random() * 15
            something_happens(core, rng, now)
        told += actions(core)
        over = [each for each in told if isinstance(each, Moved) and each.status in OVER]
        assert len(over) <= 1
        if over:
            assert told[-1] == over[0], "nothing comes after the end"
        rung = [each.attempt for each in told if isinstance(each, Ring)]
        assert rung == list(range(1, len(rung) + 1))
