"""Ducks, stops, resumptions and losses that were put into a voice are found, and no others."""

import random
from collections.abc import Callable

import numpy as np
import pytest

from offhook.bench.overlap_audio import cough, keyboard, mm_hm, outcome, places, sharp_begin

RATE = 8000
ONSET, END = 16_000, 36_000


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    """A voice that never repeats itself: noise in syllables."""
    rng = np.random.default_rng(5)
    sound = np.convolve(rng.normal(0, 1, 8 * RATE), np.ones(3) / 3, "same")
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 3.1 * np.arange(8 * RATE) / RATE)
    return np.rint(4000 * sound * syllables).astype(np.int16)


def scaled(pcm: np.ndarray, level: float) -> np.ndarray:
    return np.rint(pcm * level).astype(np.int16)


def test_a_voice_that_goes_on_has_neither_duck_nor_loss(reference: np.ndarray) -> None:
    found = outcome(reference, reference, ONSET, END)
    assert found is not None
    assert (found.duck, found.silent, found.resumed, found.lost) == (None, None, True, 0)


def test_a_duck_that_is_taken_back_loses_nothing(reference: np.ndarray) -> None:
    heard = reference.copy()
    heard[ONSET + 480 : ONSET + 3000] = scaled(heard[ONSET + 480 : ONSET + 3000], 0.125)
    found = outcome(heard, reference, ONSET, END)
    assert found is not None
    assert found.duck == 480
    assert (found.resumed, found.yielded, found.lost) == (True, False, 0)


def test_a_stop_is_timed_and_a_leak_is_counted(reference: np.ndarray) -> None:
    heard = reference.copy()
    heard[ONSET + 400 : ONSET + 1600] = scaled(heard[ONSET + 400 : ONSET + 1600], 0.125)
    heard[ONSET + 1600 :] = 0
    found = outcome(heard, reference, ONSET, END)
    assert found is not None
    assert found.duck == 400
    assert found.silent == pytest.approx(1600, abs=80)
    assert (found.leaked_ms, found.resumed) == (0, False)
    heard[ONSET + 4000 : ONSET + 4400] = reference[ONSET + 4000 : ONSET + 4400]
    leaked = outcome(heard, reference, ONSET, END)
    assert leaked is not None
    assert leaked.leaked_ms == 50


@pytest.mark.parametrize(("skip", "lost"), [(-1200, 0), (0, 0), (800, 800)])
def test_a_voice_that_comes_back_is_compared_with_where_it_broke_off(
    reference: np.ndarray, skip: int, lost: int
) -> None:
    silent_at, back_at = ONSET + 1600, ONSET + 5600
    heard = np.zeros(END, np.int16)
    heard[:silent_at] = reference[:silent_at]
    rest = reference[silent_at + skip :]
    heard[back_at:] = rest[: END - back_at]
    found = outcome(heard, reference, ONSET, END)
    assert found is not None
    assert (found.resumed, found.yielded) == (True, True)
    assert found.silent == pytest.approx(1600, abs=80)
    assert found.lost == pytest.approx(lost, abs=160)
    assert found.repeated == pytest.approx(max(0, -skip), abs=160)


def test_another_voice_is_not_a_resumption(reference: np.ndarray) -> None:
    other = np.random.default_rng(9).normal(0, 3000, END).astype(np.int16)
    heard = reference[:END].copy()
    heard[ONSET + 1600 : ONSET + 8000] = 0
    heard[ONSET + 8000 :] = other[ONSET + 8000 :]
    found = outcome(heard, reference, ONSET, END)
    assert found is not None
    assert not found.resumed


def test_without_a_voice_there_is_no_outcome(reference: np.ndarray) -> None:
    assert outcome(np.zeros(END, np.int16), reference, ONSET, END) is None


def test_places_are_loud_around() -> None:
    pcm = np.concatenate([np.full(8000, 2000), np.zeros(8000), np.full(8000, 2000)])
    found = places(pcm.astype(np.int16), 100, 300)
    assert found
    assert all(place < 6500 or place > 16_000 for place in found)


@pytest.mark.parametrize("sound", [cough, mm_hm, keyboard])
def test_sounds_are_short_and_the_same_for_the_same_seed(
    sound: Callable[[random.Random], np.ndarray],
) -> None:
    first, again = sound(random.Random(3)), sound(random.Random(3))
    assert (first == again).all()
    assert len(first) <= RATE
    assert 2500 < np.abs(first).max() < 20_500


def test_words_begin_where_they_are_loud() -> None:
    pcm = np.concatenate([np.full(400, 20), np.full(400, 5000)]).astype(np.int16)
    assert len(sharp_begin(pcm)) == 400
