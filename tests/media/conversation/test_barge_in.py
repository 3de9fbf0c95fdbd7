"""The verdict on speech over the agent, case by case, and what must hold for all evidence."""

import random

import msgspec
import pytest

from offhook.media.conversation.barge_in import (
    Evidence,
    Verdict,
    is_backchannel,
    judge,
    loss_between,
)
from offhook.media.conversation.settings import TurnSettings
from offhook.media.ports import Quality

SETTINGS = TurnSettings()

CASES: list[tuple[str, Evidence, Verdict]] = [
    ("just begun", Evidence(speech_ms=120), Verdict.WAIT),
    ("going on without words", Evidence(speech_ms=240), Verdict.YIELD),
    ("long without words", Evidence(speech_ms=900), Verdict.STOP),
    ("a real word at once", Evidence(speech_ms=150, words="stop"), Verdict.YIELD),
    ("a real word that stands", Evidence(speech_ms=600, words="stop"), Verdict.STOP),
    (
        "a word, and the final one to come",
        Evidence(speech_ms=300, silent_ms=200, words="stop"),
        Verdict.YIELD,
    ),
    (
        "a word, and no final one came",
        Evidence(speech_ms=300, silent_ms=400, words="stop"),
        Verdict.STOP,
    ),
    ("mm-hm, going on", Evidence(speech_ms=400, words="mm-hm"), Verdict.WAIT),
    ("the beginning of yeah", Evidence(speech_ms=300, words="ye"), Verdict.WAIT),
    ("yeah yeah without end", Evidence(speech_ms=1600, words="yeah yeah"), Verdict.STOP),
    ("yeah but", Evidence(speech_ms=700, words="yeah but"), Verdict.STOP),
    ("a cough", Evidence(speech_ms=150, silent_ms=200), Verdict.RESUME),
    ("longer cough, words to come", Evidence(speech_ms=300, silent_ms=200), Verdict.WAIT),
    ("no words came", Evidence(speech_ms=300, silent_ms=450), Verdict.RESUME),
    ("empty", Evidence(speech_ms=300, silent_ms=250, final=True), Verdict.RESUME),
    (
        "mm-hm, over",
        Evidence(speech_ms=500, silent_ms=300, final=True, words="Mm-hm."),
        Verdict.RESUME,
    ),
    (
        "no",
        Evidence(speech_ms=300, silent_ms=300, final=True, words="no"),
        Verdict.STOP,
    ),
    (
        "rejected noise",
        Evidence(speech_ms=350, silent_ms=300, final=True, words="x", rejected=True),
        Verdict.RESUME,
    ),
    (
        "rejected speech",
        Evidence(speech_ms=1100, silent_ms=300, final=True, rejected=True),
        Verdict.STOP,
    ),
    ("echo with words", Evidence(speech_ms=900, words="stop", echo_score=0.8), Verdict.RESUME),
    ("bad line", Evidence(speech_ms=300, line_loss=0.1), Verdict.WAIT),
]


@pytest.mark.parametrize(("evidence", "verdict"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdict(evidence: Evidence, verdict: Verdict) -> None:
    assert judge(evidence, SETTINGS) is verdict


def test_more_words_can_be_demanded() -> None:
    settings = msgspec.structs.replace(SETTINGS, min_words=2)
    assert judge(Evidence(speech_ms=150, words="stop"), settings) is Verdict.WAIT
    assert judge(Evidence(speech_ms=150, words="stop it"), settings) is Verdict.YIELD


def test_overlap_never_waits_for_ever() -> None:
    rng = random.Random(8)
    for _ in range(2000):
        words = rng.choice(["", "mm-hm", "yeah", "ye", "stop", "uh-huh okay"])
        evidence = Evidence(
            speech_ms=SETTINGS.backchannel_limit_ms * 2,
            silent_ms=rng.choice([None, SETTINGS.take_back_after_ms]),
            words=words,
            final=rng.random() < 0.5,
            rejected=rng.random() < 0.5,
            echo_score=rng.random(),
            line_loss=rng.random(),
        )
        assert judge(evidence, SETTINGS) in (Verdict.STOP, Verdict.RESUME)


def test_backchannels_are_known_alone_and_in_rows() -> None:
    for words in ("Mm-hm", "uh-huh", "okay, yeah", "I see. Right!", "all right", "ok ok ok"):
        assert is_backchannel(words, SETTINGS), words
    for words in ("", "no", "okay stop", "I see a problem", "right now"):
        assert not is_backchannel(words, SETTINGS), words


def test_line_loss_leaves_out_silence() -> None:
    before = Quality(concealed_samples=100, total_samples_received=1000)
    after = Quality(
        concealed_samples=400, silent_concealed_samples=100, total_samples_received=3000
    )
    assert loss_between(before, after) == pytest.approx(0.1)
    assert loss_between(after, after) == 0.0
