"""One side of a conversation: its share, its laws, and nothing but words in its talkspurts."""

import numpy as np
import pytest

from offhook.bench.speech.conversational_speech import (
    PAUSE_S,
    SPURT_S,
    SPURTS,
    durations_s,
    side,
    stretch,
    without_pauses,
)

RATE, FRAME = 8000, 160


def words() -> np.ndarray:
    """Sentences of 2 s with pauses of 2 s between, and shorter ones within."""
    at = np.arange(2 * RATE)
    sentence = np.rint(5000 * np.sin(at / 3)).astype(np.int16)
    sentence[RATE : RATE + 8 * FRAME] = 0
    return np.tile(np.concatenate([sentence, np.zeros(2 * RATE, np.int16)]), 3)


def test_durations_are_exponential_and_have_their_mean() -> None:
    found = np.sort(durations_s(1.004, 1000, np.random.default_rng(1)))
    assert found.mean() == pytest.approx(1.004)
    assert found.std() == pytest.approx(1.004, rel=0.02)
    assert np.median(found) == pytest.approx(1.004 * np.log(2), rel=0.01)


def test_a_side_speaks_for_as_much_of_the_time_as_the_recommendation_has_it() -> None:
    parts = side(words(), RATE, seed=1)
    said = sum(len(spurt) for spurt, _ in parts) / RATE
    quiet = sum(len(pause) for _, pause in parts) / RATE
    assert len(parts) == SPURTS
    assert said / SPURTS == pytest.approx(SPURT_S, rel=0.02)
    assert quiet / SPURTS == pytest.approx(PAUSE_S, rel=0.02)
    assert said / (said + quiet) == pytest.approx(0.3853, abs=0.01)


def test_it_is_silent_in_its_pauses_and_nowhere_else_for_long() -> None:
    pcm = stretch(words(), RATE, seed=1)
    frames = np.abs(pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME)).mean(axis=1)
    # Of the words 8 frames in 100 are quiet.
    assert (frames > 0).mean() == pytest.approx(0.3853 * 0.92, abs=0.015)
    for spurt, pause in side(words(), RATE, seed=1):
        assert not pause.any()
        loud = np.abs(spurt.reshape(-1, FRAME)).mean(axis=1) > 0
        runs = np.diff(np.flatnonzero(np.concatenate([[True], loud, [True]])))
        assert runs.max() <= 9


def test_a_seed_is_one_side_and_another_seed_is_another() -> None:
    assert np.array_equal(stretch(words(), RATE, seed=3), stretch(words(), RATE, seed=3))
    assert not np.array_equal(stretch(words(), RATE, seed=3), stretch(words(), RATE, seed=4))


def test_pauses_between_sentences_go_and_those_within_stay() -> None:
    spoken = without_pauses(words(), FRAME)
    # Each sentence of 100 frames keeps the 8 quiet ones within it, and none after it.
    assert len(spoken) == 3 * 100 * FRAME
