"""A simulated far end on a virtual clock: every behaviour, and facts in every order."""

import random

import pytest

from offhook.drivers.loopback.behaviour import (
    BUSY,
    BY_SUFFIX,
    HUMAN,
    HUMAN_CALLER,
    NETWORK_FAILURE,
    NO_ANSWER,
    VOICEMAIL,
    Behaviour,
    State,
    behaviour_of,
)
from offhook.drivers.loopback.far_end import Answer, AnyAction, Beep, FarEnd, HangUp, Ring, Say
from offhook.media.ports import HangUpCause

OPENING_S, GOODBYE_S, BEEP_S = 2.6, 0.6, 0.4
LEFT = HangUp(HangUpCause.NORMAL)


class Played:
    """A far end, its time, and what it did when. What it plays takes as long as it should."""

    def __init__(self, behaviour: Behaviour, *, plays: bool = True) -> None:
        self.now = 100.0
        self.far_end = FarEnd(behaviour, self.now)
        self.did: list[tuple[float, AnyAction]] = []
        self._plays = plays
        self._played_at: float | None = None
        self.collect()

    def until(self, seconds: float) -> None:
        """Go on to that moment after the call's beginning."""
        end = 100.0 + seconds
        while True:
            moments = [at for at in (self.far_end.get_timer(), self._played_at) if at is not None]
            at = min(moments, default=end)
            if at > end:
                break
            self.now = max(self.now, at)
            if self._played_at is not None and self._played_at <= self.now:
                self._played_at = None
                self.far_end.receive_played_out(self.now)
            else:
                self.far_end.handle_timer(self.now)
            self.collect()
            if not moments:
                break
        self.now = end

    def agent_speaks(self, begin: float, end: float) -> None:
        """Speech of the agent between two moments of the call."""
        self.until(begin)
        self.far_end.receive_speech_began(self.now)
        self.collect()
        self.until(end)
        self.far_end.receive_speech_ended(self.now)
        self.collect()

    def at(self, action: AnyAction) -> float:
        """When it did that, in seconds of the call; only once."""
        (moment,) = (when for when, what in self.did if what == action)
        return round(moment - 100.0, 3)

    @property
    def actions(self) -> list[AnyAction]:
        return [what for _, what in self.did]

    def collect(self) -> None:
        """See what it does; what it plays begins."""
        while (action := self.far_end.next_action()) is not None:
            self.did.append((self.now, action))
            if self._plays and isinstance(action, Say | Beep):
                length_s = BEEP_S if isinstance(action, Beep) else OPENING_S
                if action == Say(self.far_end.behaviour.goodbye):
                    length_s = GOODBYE_S
                self._played_at = self.now + length_s


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+15550010", BUSY),
        ("+1 555-00 20", NO_ANSWER),
        ("0030", NETWORK_FAILURE),
        ("sip:+15550040", VOICEMAIL),
        ("+15550100", HUMAN),
        ("+155500401", HUMAN),
        ("010", HUMAN),
        ("", HUMAN),
        ("anybody", HUMAN),
    ],
)
def test_a_numbers_last_four_digits_say_who_answers(number: str, expected: Behaviour) -> None:
    assert behaviour_of(number) is expected


def test_a_human_answers_after_half_a_second_and_hangs_up_when_it_has_got_an_answer() -> None:
    call = Played(HUMAN)
    call.until(3.5)
    call.agent_speaks(3.9, 5.5)
    call.agent_speaks(6.0, 6.5)  # the same answer, after a pause for breath
    call.until(20)
    assert call.actions == [Ring(), Answer(), Say(HUMAN.opening), Say(HUMAN.goodbye), LEFT]
    assert call.at(Ring()) == 0
    assert call.at(Answer()) == 0.5
    assert call.at(Say(HUMAN.opening)) == 0.8
    assert call.at(Say(HUMAN.goodbye)) == 7.5, "a second after the agent's last word"
    assert call.at(LEFT) == 8.1


def test_a_human_hangs_up_in_time_though_nobody_answers_it() -> None:
    call = Played(HUMAN)
    call.until(20)
    assert call.at(Say(HUMAN.goodbye)) == 9.3
    assert call.at(LEFT) == 9.9


def test_a_human_takes_leave_of_an_agent_that_never_stops() -> None:
    call = Played(HUMAN)
    call.agent_speaks(4.0, 18.0)
    assert call.at(Say(HUMAN.goodbye)) == 9.3
    assert call.at(LEFT) == 9.9


def test_an_agents_greeting_over_the_sentence_is_not_taken_for_an_answer() -> None:
    call = Played(HUMAN)
    call.agent_speaks(0.6, 3.8)  # the sentence ends at 3.4
    call.until(5)
    assert call.far_end.state is State.LISTENING
    call.agent_speaks(5.0, 6.0)
    call.until(20)
    assert call.at(Say(HUMAN.goodbye)) == 7.0


@pytest.mark.parametrize("behaviour", [HUMAN, HUMAN_CALLER, VOICEMAIL])
def test_a_call_whose_audio_never_plays_ends_all_the_same(behaviour: Behaviour) -> None:
    call = Played(behaviour, plays=False)
    call.far_end.receive_answer(call.now)
    call.until(60)
    assert call.actions[-1] == LEFT
    assert call.far_end.get_timer() is None


@pytest.mark.parametrize(
    ("behaviour", "rings", "at"), [(BUSY, False, 0.5), (NETWORK_FAILURE, False, 0.5)]
)
def test_who_cannot_be_reached_says_why(behaviour: Behaviour, rings: bool, at: float) -> None:
    call = Played(behaviour)
    call.until(60)
    assert call.actions == [HangUp(behaviour.cause, behaviour.reason)]
    assert call.did[-1][0] - 100 == at


def test_who_does_not_answer_rings_for_half_a_minute() -> None:
    call = Played(NO_ANSWER)
    call.until(29.9)
    assert call.actions == [Ring()]
    call.until(60)
    assert call.at(HangUp(HangUpCause.NO_ANSWER, NO_ANSWER.reason)) == 30


def test_a_recorder_beeps_after_its_greeting_and_is_full_ten_seconds_later() -> None:
    call = Played(VOICEMAIL)
    call.agent_speaks(4.5, 60)
    assert call.actions == [Ring(), Answer(), Say(VOICEMAIL.opening), Beep(), LEFT]
    assert call.at(Beep()) == 3.4
    assert call.at(LEFT) == 13.8


def test_a_recorder_hangs_up_some_time_after_the_message() -> None:
    call = Played(VOICEMAIL)
    call.agent_speaks(4.5, 5.5)
    call.agent_speaks(6.5, 7.0)
    call.until(60)
    assert call.at(LEFT) == 10.0


def test_a_recorder_that_hears_nothing_waits_for_its_full_time() -> None:
    call = Played(VOICEMAIL)
    call.until(60)
    assert call.at(LEFT) == 13.8


def test_a_message_that_was_begun_over_the_beep_counts() -> None:
    call = Played(VOICEMAIL)
    call.agent_speaks(3.5, 5.0)
    call.until(60)
    assert call.at(LEFT) == 8.0


def test_a_caller_hears_the_greeting_out_before_it_speaks() -> None:
    call = Played(HUMAN_CALLER)
    call.until(3.0)
    assert call.actions == []
    call.far_end.receive_answer(call.now)
    call.agent_speaks(3.1, 5.1)
    call.until(5.5)
    assert call.actions == [], "it has called: nothing is answered by it"
    call.agent_speaks(9.0, 10.0)
    call.until(30)
    assert call.at(Say(HUMAN.opening)) == 6.1
    assert call.at(Say(HUMAN.goodbye)) == 11.0


def test_a_caller_talks_over_a_greeting_without_end() -> None:
    call = Played(HUMAN_CALLER)
    call.far_end.receive_answer(call.now)
    call.agent_speaks(0.2, 30)
    assert call.at(Say(HUMAN.opening)) == 4.0
    assert call.at(LEFT) <= 14.0


def test_a_caller_that_is_not_greeted_speaks_first() -> None:
    call = Played(HUMAN_CALLER)
    call.far_end.receive_answer(call.now)
    call.until(3)
    assert call.at(Say(HUMAN.opening)) == 1.0


def test_a_caller_gives_up_when_nobody_answers() -> None:
    call = Played(HUMAN_CALLER)
    call.until(60)
    assert call.at(HangUp(HangUpCause.CANCELLED, HUMAN_CALLER.reason)) == 30


@pytest.mark.parametrize("behaviour", [HUMAN, HUMAN_CALLER, *BY_SUFFIX.values()])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.6, 2.0, 3.6, 4.5, 9.4])
def test_after_our_hanging_up_nothing_is_done(behaviour: Behaviour, at: float) -> None:
    call = Played(behaviour)
    call.far_end.receive_answer(call.now)
    call.until(at)
    done = len(call.actions)
    call.far_end.receive_hang_up()
    assert call.far_end.get_timer() is None
    call.agent_speaks(at + 1, at + 2)
    call.far_end.receive_answer(call.now)
    call.far_end.receive_played_out(call.now)
    call.until(60)
    assert len(call.actions) == done
    assert call.far_end.state is State.ENDED


@pytest.mark.parametrize("behaviour", [HUMAN, HUMAN_CALLER, *BY_SUFFIX.values()])
def test_facts_in_any_order_end_the_call_once_and_in_time(behaviour: Behaviour) -> None:
    rng = random.Random(4)
    for _ in range(300):
        call = Played(behaviour, plays=bool(rng.getrandbits(1)))
        far_end = call.far_end
        for _ in range(60):
            fact = rng.randrange(5)
            if fact == 0:
                far_end.receive_answer(call.now)
            elif fact == 1:
                far_end.receive_speech_began(call.now)
            elif fact == 2:
                far_end.receive_speech_ended(call.now)
            elif fact == 3 and call.did and isinstance(call.actions[-1], Say | Beep):
                far_end.receive_played_out(call.now)
            call.collect()
            call.until(call.now - 100 + rng.uniform(0, 3))
        call.until(300)
        ends = [index for index, what in enumerate(call.actions) if isinstance(what, HangUp)]
        assert ends == [len(call.actions) - 1], "it is the last thing done"
        assert call.actions.count(Answer()) <= 1
        answered = [when for when, what in call.did if what == Answer()]
        if answered and behaviour is HUMAN:
            assert call.did[-1][0] - answered[0] <= 10.001


def test_every_state_of_a_behaviour_can_be_left() -> None:
    for behaviour in (HUMAN, HUMAN_CALLER, *BY_SUFFIX.values()):
        leads = {new for row in behaviour.steps.values() for new in row.values()}
        assert leads - {State.ENDED} <= set(behaviour.steps)
        assert behaviour.first in behaviour.steps
