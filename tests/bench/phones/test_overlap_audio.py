"""Ducks, stops, resumptions and losses that were put into a voice are found, and no others."""

import numpy as np
import pytest

from offhook.bench.phones.overlap_audio import (
    outcome,
    outcome_by_level,
    places,
    repeatable,
    sharp_begin,
)

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


@pytest.mark.parametrize(("skip", "lost"), [(-1200, 0), (0, 0), (480, 480), (800, 800), (811, 811)])
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
    assert found.lost == pytest.approx(lost, abs=2)
    assert found.repeated == pytest.approx(max(0, -skip), abs=2)


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


def test_words_begin_where_they_are_loud() -> None:
    pcm = np.concatenate([np.full(400, 20), np.full(400, 5000)]).astype(np.int16)
    assert len(sharp_begin(pcm)) == 400


def test_samples_that_are_skipped_without_a_pause_are_missed(reference: np.ndarray) -> None:
    heard = np.concatenate([reference[: ONSET + 900], reference[ONSET + 900 + 480 :]])[:END]
    found = outcome(heard, reference, ONSET, END)
    assert found is not None
    assert (found.resumed, found.yielded, found.lost) == (True, False, 480)


def test_by_level_a_stop_is_timed_and_a_leak_is_counted(reference: np.ndarray) -> None:
    heard = reference.copy()
    heard[ONSET + 1600 :] = 0
    found = outcome_by_level(heard, ONSET, END, 400)
    assert found is not None
    assert (found.silent, found.leaked_ms, found.resumed, found.lost) == (1600, 0, False, None)
    heard[ONSET + 6400 : ONSET + 7040] = reference[ONSET + 6400 : ONSET + 7040]
    leaked = outcome_by_level(heard, ONSET, END, 400)
    assert leaked is not None
    assert leaked.leaked_ms == 80
    before = outcome_by_level(heard, ONSET, END, 400, quiet_until=ONSET + 6400)
    assert before is not None
    assert before.leaked_ms == 0


def test_by_level_a_pause_shorter_than_asked_for_is_no_stop(reference: np.ndarray) -> None:
    heard = reference.copy()
    heard[ONSET + 1600 : ONSET + 1600 + 3120] = 0  # 390 ms
    found = outcome_by_level(heard, ONSET, END, 400)
    assert found is not None
    assert (found.silent, found.resumed) == (None, True)
    assert outcome_by_level(np.zeros(END, np.int16), ONSET, END, 400) is None


def test_whether_an_agent_repeats_itself(reference: np.ndarray) -> None:
    later = np.concatenate([np.zeros(37, np.int16), scaled(reference, 0.9)])
    other = np.random.default_rng(8).normal(0, 3000, len(reference)).astype(np.int16)
    assert repeatable(reference, later)
    assert not repeatable(reference, other)
    assert not repeatable(reference, np.zeros(len(reference), np.int16))


@pytest.mark.parametrize("ramp", [1, 80, 160])
def test_a_slow_duck_is_told_where_it_is_halfway(reference: np.ndarray, ramp: int) -> None:
    level = np.ones(len(reference))
    level[ONSET + 437 :] = 0.125
    level[ONSET + 437 : ONSET + 437 + ramp] = np.linspace(1, 0.125, ramp)
    heard = np.rint(reference * level).astype(np.int16)
    found = outcome(heard, reference, ONSET, END)
    assert found is not None
    assert found.duck == pytest.approx(437 + ramp // 2, abs=max(4, ramp // 4))
