"""Who has answered: a table, walked by scripts and at random."""

import random

import pytest

from offhook.media.conversation.machine_detection import (
    LONGER_MS,
    PAUSE_MS,
    MachineDetector,
    Verdict,
)
from offhook.media.conversation.machine_states import KINDS, TABLE, Reason, State
from offhook.media.conversation.records import AnsweredBy
from offhook.media.conversation.turn_events import AnyTurnEvent, WordsHeard
from offhook.media.events import AlarmDue, SpeechEnded, SpeechStarted, ToneEnded, ToneHeard

RATE = 8000
HANGOVER_MS, CONFIRM_MS, TOLD_MS = 200, 100, 140


class Call:
    """A scripted far end; times in ms since the lane began."""

    def __init__(self, answered_ms: int | None = 0) -> None:
        self._script: list[tuple[int, int, AnyTurnEvent | None]] = []
        self._answered_ms = answered_ms
        if answered_ms is not None:
            self._at(answered_ms, None)
        self.detector = MachineDetector(RATE, frozenset({"leave a message"}))
        self.verdicts: list[Verdict] = []
        self.agent: list[tuple[int, int]] = []
        self.echo: list[tuple[int, int]] = []

    def _at(self, ms: int, event: AnyTurnEvent | None) -> None:
        self._script.append((ms, len(self._script), event))

    def says(self, begin: int, end: int, words: str = "") -> "Call":
        self._at(begin + CONFIRM_MS, SpeechStarted((begin + CONFIRM_MS) * 8, begin * 8))
        self._at(end + HANGOVER_MS, SpeechEnded((end + HANGOVER_MS) * 8, end * 8))
        if words:
            self.words(end + 500, words)
        return self

    def words(self, ms: int, words: str) -> "Call":
        self._at(ms, WordsHeard(ms * 8, 1, words, True))
        return self

    def tone(self, hz: float, begin: int, end: int, high_hz: float = 0.0) -> "Call":
        told = begin + TOLD_MS
        self._at(told, ToneHeard(told * 8, begin * 8, hz, high_hz))
        self._at(end + 20, ToneEnded((end + 20) * 8, begin * 8, end * 8, hz, high_hz))
        return self

    def agent_speaks(self, begin: int, end: int) -> "Call":
        self.agent.append((begin, end))
        return self

    def run(self, until_ms: int = 20_000, *, end: bool = False) -> list[tuple[AnsweredBy, Reason]]:
        """All verdicts; the lane wakes the detector when it has asked for it, and no other time."""
        script = sorted(self._script)
        for ms in range(0, until_ms, 20):
            while script and script[0][0] <= ms:
                event = script.pop(0)[2]
                if event is None:
                    self.detector.receive_answer(ms * 8)
                else:
                    self._tell(event, ms)
            timer = self.detector.get_timer()
            agent = any(begin <= ms < end for begin, end in self.agent)
            if (timer is not None and timer <= ms * 8) or (agent and ms % 200 == 0):
                self._tell(AlarmDue(ms * 8), ms)
        if end:
            self.detector.receive_end(until_ms * 8)
        while (verdict := self.detector.next_verdict()) is not None:
            self.verdicts.append(verdict)
        return [(each.answered_by, each.reason) for each in self.verdicts]

    def _tell(self, event: AnyTurnEvent, ms: int) -> None:
        self.detector.receive(
            event,
            echo=any(begin <= ms < end for begin, end in self.echo),
            agent_speaks=any(begin <= ms < end for begin, end in self.agent),
        )


HUMAN, MACHINE, IVR = AnsweredBy.HUMAN, AnsweredBy.MACHINE, AnsweredBy.IVR
FAX, SILENCE, NETWORK = AnsweredBy.FAX, AnsweredBy.SILENCE, AnsweredBy.NETWORK


def test_short_word_and_silence_is_a_person() -> None:
    call = Call().says(500, 1000)
    assert call.run() == [(HUMAN, Reason.SHORT_UTTERANCE)]
    [verdict] = call.verdicts
    assert verdict.after_samples == (1000 + PAUSE_MS) * 8


def test_pause_within_a_greeting_is_part_of_it() -> None:
    call = Call().says(500, 1000).says(1600, 2400)
    assert call.run() == [(HUMAN, Reason.SHORT_UTTERANCE)]
    assert call.verdicts[0].at_samples == (2400 + PAUSE_MS) * 8


def test_long_greeting_and_then_silence_is_a_person_who_waits() -> None:
    assert Call().says(300, 6200).run() == [(HUMAN, Reason.SILENCE_AFTER_LONG_SPEECH)]


def test_time_that_was_not_heard_makes_no_speech_longer_and_no_silence() -> None:
    """A person's 2 s of words, torn apart by stalls of ours to 8 s."""
    detector = MachineDetector(RATE)
    detector.receive_answer(0)
    detector.receive(SpeechStarted(400 * 8, 300 * 8))
    for ms in range(1400, 7400, 1000):
        detector.miss(900 * 8)
        detector.receive(AlarmDue(ms * 8))
    detector.receive(SpeechEnded(8000 * 8, 7800 * 8))
    detector.miss(900 * 8)
    detector.receive(AlarmDue(9000 * 8))
    assert detector.next_verdict() is None
    detector.receive(AlarmDue(10_000 * 8))
    verdict = detector.next_verdict()
    assert verdict is not None
    assert (verdict.answered_by, verdict.reason) == (HUMAN, Reason.SHORT_UTTERANCE)
    assert verdict.after_samples == (7800 + PAUSE_MS - 6 * 900) * 8


def test_longer_speech_is_a_machine_while_it_speaks() -> None:
    call = Call().says(300, 12_000)
    assert call.run() == [(MACHINE, Reason.LONGER_SPEECH)]
    assert call.verdicts[0].at_samples == (300 + LONGER_MS) * 8


def test_breaths_do_not_make_a_person_of_a_machine() -> None:
    call = Call().says(300, 2200).says(3000, 4500).says(5300, 9000)
    assert call.run() == [(MACHINE, Reason.LONGER_SPEECH)]


def test_beep_makes_a_machine_of_whatever_it_was() -> None:
    call = Call().says(300, 1300).tone(1000, 3000, 3400)
    assert call.run() == [(HUMAN, Reason.SHORT_UTTERANCE), (MACHINE, Reason.BEEP)]
    assert not call.detector.watches


def test_beep_that_follows_at_once_needs_no_revision() -> None:
    assert Call().says(300, 1800).tone(440, 2000, 2300).run() == [(MACHINE, Reason.BEEP)]


def test_beep_that_the_voice_activity_takes_for_speech_is_none() -> None:
    call = Call().says(1000, 1400).tone(1000, 1000, 1400)
    assert call.run() == [(MACHINE, Reason.BEEP)]


def test_tones_that_the_voice_activity_takes_for_speech_are_no_person() -> None:
    call = Call()
    for at in range(4):
        begin = 500 + at * 1000
        call.says(begin - 150, begin + 480).tone(425, begin, begin + 500)
    assert call.run() == [(NETWORK, Reason.BUSY_TONE)]


def test_words_of_a_mailbox_are_a_machine() -> None:
    call = Call().says(300, 2000, "you've reached Alex leave a message after the tone")
    assert call.run() == [(MACHINE, Reason.TONE_WORDS)]


def test_words_that_the_agent_itself_expects_prove_nothing() -> None:
    assert Call().says(300, 2000, "leave a message").run() == [(HUMAN, Reason.SHORT_UTTERANCE)]


def test_person_may_say_that_somebody_is_not_there() -> None:
    call = Call().says(300, 800).says(4000, 5500, "she is not available")
    assert call.run() == [(HUMAN, Reason.SHORT_UTTERANCE)]


def test_menu_is_known_by_its_words_though_it_talks_like_a_machine() -> None:
    call = Call().says(300, 12_000).words(8000, "for sales press one")
    assert call.run() == [(MACHINE, Reason.LONGER_SPEECH), (IVR, Reason.MENU_WORDS)]


def test_menu_is_known_by_saying_it_all_again() -> None:
    call = Call().says(300, 9000).says(13_000, 19_000)
    assert call.run() == [(MACHINE, Reason.LONGER_SPEECH), (IVR, Reason.SPEECH_AGAIN)]


def test_menu_that_ends_in_a_beep_is_a_mailbox() -> None:
    call = Call().says(300, 4000, "press one to leave your name").tone(800, 6000, 6300)
    assert call.run()[-1] == (MACHINE, Reason.BEEP)


def test_announcement_of_the_network_is_no_person() -> None:
    sit = Call().tone(950, 100, 430).tone(1400, 430, 760).tone(1800, 760, 1090)
    sit.says(1500, 2500)
    assert sit.run() == [(NETWORK, Reason.SPECIAL_INFORMATION_TONE)]
    words = Call().says(300, 4000, "the number you have dialed is not in service")
    assert words.run()[-1] == (NETWORK, Reason.NETWORK_WORDS)


def test_fax_is_told_by_its_tone() -> None:
    assert Call().tone(2100, 1500, 4500).run() == [(FAX, Reason.FAX_TONE)]


def test_busy_tone_after_an_answer_is_the_networks() -> None:
    call = Call()
    for at in range(4):
        call.tone(425, at * 1000, at * 1000 + 500)
    assert call.run() == [(NETWORK, Reason.BUSY_TONE)]


def test_silence_is_told_and_taken_back_when_somebody_speaks() -> None:
    call = Call().says(9000, 9600)
    assert call.run() == [(SILENCE, Reason.NOBODY_SPEAKS), (HUMAN, Reason.SHORT_UTTERANCE)]


def test_person_who_hears_the_agent_out_is_not_silent() -> None:
    call = Call().agent_speaks(0, 9000).says(10_000, 10_500)
    assert call.run() == [(HUMAN, Reason.SHORT_UTTERANCE)]


def test_own_echo_is_nobody() -> None:
    call = Call().says(200, 7000).agent_speaks(0, 7000)
    call.echo = [(0, 7500)]
    assert call.run(12_500) == []


def test_voice_before_the_answer_is_an_announcement() -> None:
    call = Call(answered_ms=None).says(500, 5000)
    assert call.run(end=True) == [(NETWORK, Reason.VOICE_BEFORE_ANSWER)]
    assert call.verdicts[0].after_samples is None


def test_answer_makes_a_new_beginning() -> None:
    call = Call(answered_ms=6000).says(500, 5000).says(6500, 7000)
    assert call.run(end=True) == [
        (NETWORK, Reason.VOICE_BEFORE_ANSWER),
        (HUMAN, Reason.SHORT_UTTERANCE),
    ]
    assert call.verdicts[1].after_samples == (1000 + PAUSE_MS) * 8


def test_call_that_ends_too_soon_was_answered_by_nobody_knows_whom() -> None:
    assert Call().says(300, 5000).run(1000, end=True) == [(AnsweredBy.UNKNOWN, Reason.END)]
    assert Call(answered_ms=None).run(1000, end=True) == []
    assert Call().says(300, 800).run(4000, end=True) == [(HUMAN, Reason.SHORT_UTTERANCE)]


def test_later_beep_in_a_persons_room_changes_nothing() -> None:
    call = Call().says(300, 900).tone(1000, 40_000, 40_400)
    assert call.run(60_000) == [(HUMAN, Reason.SHORT_UTTERANCE)]
    assert call.detector.get_timer() is None


# --- the table -----------------------------------------------------------------------------------


def test_table_knows_every_state_and_leads_nowhere_else() -> None:
    assert set(TABLE) == set(KINDS) == set(State)
    reached = {to for row in TABLE.values() for to in row.values()}
    assert reached == set(State) - {State.RINGING}
    reasons = {reason for row in TABLE.values() for reason in row}
    assert reasons == set(Reason), "every reason is good for something"


def test_no_state_after_a_beep_or_a_fax_is_another_one() -> None:
    assert TABLE[State.BEEPED] == TABLE[State.FAX] == TABLE[State.OVER] == {}


def test_no_reason_makes_a_person_of_a_machine() -> None:
    machines = [state for state, kind in KINDS.items() if kind in (MACHINE, IVR, NETWORK, FAX)]
    for state in machines:
        if state is State.ANNOUNCED:
            continue  # that was before the answer
        assert State.HUMAN not in TABLE[state].values()
        assert State.SPEAKING not in TABLE[state].values()


WORDS = (
    "",
    "hello",
    "leave a message after the tone",
    "press one",
    "is not available",
    "the number you have dialed",
    "voicemail",
)


@pytest.mark.parametrize("seed", range(400))
def test_any_order_of_events_gives_one_verdict_a_revision(seed: int) -> None:
    rng = random.Random(seed)
    detector = MachineDetector(RATE)
    at = 0
    told: list[Verdict] = []
    beeped = answered = False

    def take() -> None:
        nonlocal beeped
        while (verdict := detector.next_verdict()) is not None:
            if told and answered:
                assert verdict.answered_by is not told[-1].answered_by or (
                    told[-1].after_samples is None
                ), "told twice"
            assert verdict.at_samples <= at, "told of the future"
            assert not (beeped and verdict.answered_by is HUMAN), "a person after a beep"
            beeped |= verdict.reason is Reason.BEEP
            told.append(verdict)

    for _ in range(rng.randrange(1, 120)):
        timer = detector.get_timer()
        assert timer is None or timer > at - 1, "an alarm in the past"
        if timer is not None and rng.random() < 0.4:
            at = max(at, timer)
            detector.receive(AlarmDue(at))
            take()
            assert detector.get_timer() != timer, "the same alarm for ever"
            continue
        at += rng.choice([0, 160, 800, 4000, 12_000])
        begin = max(0, at - rng.randrange(6000))
        hz = rng.choice([425.0, 440.0, 950.0, 1100.0, 1400.0, 1800.0, 2100.0])
        high = rng.choice([0.0, 0.0, 0.0, 620.0])
        events: list[AnyTurnEvent] = [
            SpeechStarted(at, begin),
            SpeechStarted(at, begin),
            SpeechEnded(at, begin),
            SpeechEnded(at, begin),
            ToneHeard(at, begin, hz, high),
            ToneEnded(at, begin, max(begin, at - 160), hz, high),
            WordsHeard(at, 1, rng.choice(WORDS), True, rng.random() < 0.2),
            AlarmDue(at),
        ]
        if not answered and rng.random() < 0.3:
            answered = True
            detector.receive_answer(at)
        else:
            echo, speaks = rng.random() < 0.05, rng.random() < 0.2
            detector.receive(rng.choice(events), echo=echo, agent_speaks=speaks)
        take()
    detector.receive_end(at)
    take()
    if answered:
        assert told, "an answered call has a verdict in the end"
    assert detector.get_timer() is None


def test_the_same_events_give_the_same_verdicts() -> None:
    def once() -> list[Verdict]:
        call = Call().says(300, 3000).says(3500, 9000).tone(700, 9100, 9500)
        call.run()
        return call.verdicts

    assert once() == once()
