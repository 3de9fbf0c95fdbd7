"""One reply's audio on the lane: halted, gone on with, and what was heard of it."""

import numpy as np

from offhook.media.conversation.reply_speech import ReplySpeech
from offhook.tests.kit.fake_lane import FakeLane

RATE = 8000
FRAME = 160
WORD = 20 * FRAME


def said(lane: FakeLane, text: str = "one two three") -> ReplySpeech:
    """A reply that plays as epoch 1: each word is 400 ms."""
    speech = ReplySpeech(RATE)
    speech.spoken.write(text)
    speech.spoken.begin_piece(len(text))
    end = 0
    for index, word in enumerate(text.split()):
        end = text.index(word, end) + len(word)
        speech.spoken.add_word(index * WORD, end)
        speech.add_audio(np.full(WORD, index + 1, np.int16))
    speech.spoken.end_piece()
    speech.end()
    speech.attach(lane, 1)
    speech.open_gate()
    return speech


def play(lane: FakeLane, frames: int) -> None:
    for _ in range(frames):
        lane.tick()


def test_what_was_heard_once_stays_heard_when_its_word_is_begun_again() -> None:
    lane = FakeLane(RATE)
    speech = said(lane)
    play(lane, 35)
    speech.halt(30)
    assert speech.heard() == "one two"
    speech.go_on(2)
    play(lane, 1)
    speech.halt(30)
    assert speech.heard() == "one two"
    speech.go_on(3)
    play(lane, 60)
    assert speech.heard_to_its_end() == "one two three"
    third = [sent for sent in lane.sent if sent.epoch == 3]
    assert sum(len(sent.pcm) for sent in third) == 2 * WORD, "from the beginning of the word"


def test_a_fade_that_the_end_cuts_short_takes_nothing_from_what_was_heard() -> None:
    lane = FakeLane(RATE)
    speech = said(lane, "one two")
    play(lane, 39)
    speech.halt(200)
    assert speech.played == 39 * FRAME
    assert speech.heard() == "one two"


def test_what_was_played_in_silence_was_not_heard() -> None:
    lane = FakeLane(RATE)
    speech = said(lane)
    play(lane, 20)
    speech.mute(True)
    play(lane, 20)
    speech.mute(False)
    play(lane, 30)
    assert speech.heard_to_its_end() == "one … three"


def test_a_word_that_is_said_again_aloud_was_heard() -> None:
    lane = FakeLane(RATE)
    speech = said(lane)
    play(lane, 20)
    speech.mute(True)
    play(lane, 15)
    speech.halt(30)
    speech.mute(False)
    speech.go_on(2)
    play(lane, 60)
    assert speech.heard_to_its_end() == "one two three"


def test_a_phrase_that_is_said_again_is_heard_anew() -> None:
    lane = FakeLane(RATE)
    speech = said(lane)
    speech.mute(True)
    play(lane, 30)
    speech.halt(30)
    assert speech.heard() == ""
    speech.begin_anew(muted=False)
    speech.go_on(2)
    play(lane, 15)
    assert speech.heard() == "one"
