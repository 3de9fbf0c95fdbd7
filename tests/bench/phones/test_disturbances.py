"""The sounds that mean nothing: the same for a seed, as long and as loud as they should be."""

import random

import numpy as np
import pytest

from offhook.bench.phones.disturbances import DISTURBANCES, MUSIC_S, music
from offhook.bench.phones.line import RATE_HZ
from offhook.bench.speech.waveform import levels


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_sounds_are_the_same_for_the_same_seed_only(kind: str) -> None:
    first, again, other = (DISTURBANCES[kind](random.Random(seed)) for seed in (3, 3, 4))
    assert (first == again).all()
    assert len(other) != len(first) or (other != first).any()


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_sounds_are_short_and_neither_soft_nor_clipped(kind: str) -> None:
    for seed in range(20):
        sound = DISTURBANCES[kind](random.Random(seed))
        assert len(sound) <= RATE_HZ * (MUSIC_S if kind == "music" else 1)
        assert 1900 < np.abs(sound).max() < 20_500


def test_music_is_tones_that_change_and_never_stop() -> None:
    sound = music(random.Random(5))
    assert levels(sound, RATE_HZ // 10).min() > 50

    def loudest(part: np.ndarray) -> np.ndarray:
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
        assert np.sort(spectrum)[-20:].sum() > 0.2 * spectrum.sum()  # tones, not noise
        return np.argsort(spectrum)[-5:]

    assert set(loudest(sound[:4000])) != set(loudest(sound[-4000:]))
