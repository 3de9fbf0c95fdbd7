"""What must hold whatever happens: thousands of random calls, plausible and not, on a virtual axis.

The rules themselves are watched over in kit/watched_floor.py, at every event and every frame:
never both talking and stopped · every decided turn is answered or superseded · no audio of an old
epoch leaves · the transcript is what was played. Each is shown to bite by bugs that are planted.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest

from offhook.media.conversation import orders, overlap, replies, rules
from offhook.media.conversation.floor import Draft, Phase, TurnState
from offhook.media.conversation.reply_speech import ReplySpeech
from offhook.media.conversation.turn import step
from offhook.media.conversation.turn_events import LegWasEnded
from offhook.media.events import SpeechEnded, SpeechStarted
from offhook.tests.kit.random_call import finish, implausible, plausible, play, steered

CALLS = 1500
BLOCK = 125


def any_calls(first: int = 0, number: int = CALLS) -> None:
    for seed in range(first, first + number):
        finish(play(seed, 50 * 14, plausible, 0.04))


@pytest.mark.parametrize("first", range(0, CALLS, BLOCK))
def test_any_call_keeps_the_rules_and_ends(first: int) -> None:
    any_calls(first, BLOCK)


def steered_calls(first: int = 0, number: int = 1000) -> None:
    for seed in range(first, first + number):
        finish(play(seed, 50 * 14, steered, 0.05))


@pytest.mark.parametrize("first", range(0, 1000, 125))
def test_a_call_that_others_steer_keeps_the_rules(first: int) -> None:
    steered_calls(first, 125)


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_events_that_should_not_occur_break_no_rule(first: int) -> None:
    for seed in range(first, first + 100):
        world = play(seed, 50 * 10, implausible, 0.3)
        if world.state.caller is not None and world.state.caller.talking:
            world.tell(SpeechEnded, world.lane.position_samples)
        finish(world)


@pytest.mark.parametrize("first", range(0, 500, 250))
def test_hanging_up_at_any_moment_tells_what_was_heard(first: int) -> None:
    for seed in range(first, first + 250):
        world = play(seed, random.Random(seed).randrange(50 * 12), plausible, 0.05)
        world.tell(LegWasEnded)
        assert world.state.phase is Phase.OVER
        world.check_transcript()
        assert world.state.alarm_samples is None
        assert step(world.state, SpeechStarted(world.lane.position_samples, 0))[1] == ()


# --- do these tests bite? -------------------------------------------------------------------------


def talks_on_after_yielding(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ReplySpeech, "halt", lambda self, fade_ms: None)


def does_not_come_back(patch: pytest.MonkeyPatch) -> None:
    def go_on(self: ReplySpeech, epoch: int) -> int:
        self.epoch = epoch
        return 1

    patch.setattr(ReplySpeech, "go_on", go_on)


def stays_low_after_its_echo(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        overlap, "forget_suspicion", lambda d: setattr(d.state, "suspected_samples", None)
    )


def stays_low_after_a_click(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(overlap, "_end_dip", lambda d: None)


def forgets_a_turn_whose_reply_failed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(replies, "apologise", lambda d: setattr(d.state, "reply", None))


def gives_the_answer_to_other_words(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rules, "_same", lambda one, other: True)


def leaves_a_dropped_reply_on_the_lane(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ReplySpeech, "drop", ReplySpeech.detach)


def opens_the_gate_too_early(patch: pytest.MonkeyPatch) -> None:
    attach = ReplySpeech.attach

    def and_open(self: ReplySpeech, *where: Any) -> int:
        left = attach(self, *where)
        self.open_gate()
        return left

    patch.setattr(ReplySpeech, "attach", and_open)


def writes_what_it_meant_to_say(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ReplySpeech, "heard", lambda self: self.spoken.text)


def forgets_the_way_to_the_far_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ReplySpeech, "heard", lambda self: self.spoken.heard(self.played))


def goes_on_in_mid_word(patch: pytest.MonkeyPatch) -> None:
    def go_on(self: ReplySpeech, epoch: int) -> int:
        assert self._lane is not None
        left = self.attach(self._lane, epoch, self._halted_at + 80)
        self.open_gate()
        return left

    patch.setattr(ReplySpeech, "go_on", go_on)


def tells_nobody_of_a_cut_reply(patch: pytest.MonkeyPatch) -> None:
    add = replies._add_turn

    def unless_cut(d: Draft, turn: Any) -> None:
        if not turn.interrupted:
            add(d, turn)

    patch.setattr(replies, "_add_turn", unless_cut)


def answers_a_turn_with_an_announcement(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(replies, "_owe", lambda d, owed: None)


def forgets_what_it_was_to_say(patch: pytest.MonkeyPatch) -> None:
    drop = replies.drop

    def and_forget(d: Draft) -> None:
        waiting = d.state.announcements
        drop(d)
        d.state.announcements = waiting

    for module in (replies, orders):
        patch.setattr(module, "drop", and_forget)


def listens_behind_a_closed_door(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TurnState, "hears", property(lambda state: not state.held))


UNANSWERED = "neither answered nor superseded"
PLANTED: list[tuple[Callable[[pytest.MonkeyPatch], None], str]] = [
    (talks_on_after_yielding, "talking while stopped"),
    (does_not_come_back, "stopped while talking"),
    (stays_low_after_its_echo, "quiet for nobody"),
    (stays_low_after_a_click, "quiet for nobody"),
    (forgets_a_turn_whose_reply_failed, UNANSWERED + "|asleep"),
    (gives_the_answer_to_other_words, "answers other words|two replies at a time"),
    (leaves_a_dropped_reply_on_the_lane, "talking while stopped|old or unopened epoch"),
    (opens_the_gate_too_early, "talking while stopped|old or unopened epoch"),
    (writes_what_it_meant_to_say, "not what was played"),
    (forgets_the_way_to_the_far_end, "not what was played"),
    (goes_on_in_mid_word, "samples were lost"),
    (tells_nobody_of_a_cut_reply, "not what was played"),
]


STEERED: list[tuple[Callable[[pytest.MonkeyPatch], None], str]] = [
    (answers_a_turn_with_an_announcement, UNANSWERED),
    (forgets_what_it_was_to_say, "an announcement was forgotten"),
    (listens_behind_a_closed_door, "hears while"),
]


@pytest.mark.parametrize(("plant", "caught"), STEERED, ids=[each[0].__name__ for each in STEERED])
def test_a_planted_bug_in_steering_is_caught(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], caught: str
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=caught):
        steered_calls()


@pytest.mark.parametrize(("plant", "caught"), PLANTED, ids=[each[0].__name__ for each in PLANTED])
def test_a_planted_bug_is_caught(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], caught: str
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=caught):
        any_calls()
