"""Noise is as far below the words as it was asked to be, and the same for the same seed."""

import numpy as np
import pytest

from offhook.bench.phones.background import BACKGROUNDS, LENGTH_S, background, speech_rms

RATE = 8000


@pytest.fixture(scope="module")
def words() -> list[np.ndarray]:
    """Two voices with pauses."""
    at = np.arange(RATE) / RATE
    found = []
    for hz in (140, 230):
        sound = sum(np.sin(2 * np.pi * hz * n * at) / n for n in range(1, 9))
        gated = 5000 * np.asarray(sound) * (np.sin(2 * np.pi * 2.3 * at) > -0.3)
        found.append(np.concatenate([gated, np.zeros(RATE // 2)]).astype(np.int16))
    return found


@pytest.mark.parametrize("kind", [kind for kind in BACKGROUNDS if kind != "quiet"])
@pytest.mark.parametrize("snr_db", [5.0, 20.0])
def test_noise_lies_so_far_below_the_words(
    words: list[np.ndarray], kind: str, snr_db: float
) -> None:
    sound = background(kind, 3, words, snr_db, RATE).astype(float)
    assert len(sound) == LENGTH_S * RATE
    below = 20 * np.log10(speech_rms(words, RATE) / np.sqrt(np.mean(sound**2)))
    assert below == pytest.approx(snr_db, abs=0.1)


@pytest.mark.parametrize("kind", [kind for kind in BACKGROUNDS if kind != "quiet"])
def test_another_seed_is_another_noise(words: list[np.ndarray], kind: str) -> None:
    first, again, other = (background(kind, seed, words, 10, RATE) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_quiet_is_silence(words: list[np.ndarray]) -> None:
    assert not background("quiet", 1, words, 10, RATE).any()


def test_pauses_do_not_count_for_how_loud_words_are(words: list[np.ndarray]) -> None:
    silent = [*words, np.zeros(10 * RATE, np.int16)]
    assert speech_rms(silent, RATE) == pytest.approx(speech_rms(words, RATE))


def test_white_is_flat_and_noise_falls_with_the_octaves(words: list[np.ndarray]) -> None:
    def per_octave(kind: str) -> list[float]:
        power = np.abs(np.fft.rfft(background(kind, 5, words, 6, RATE).astype(float))) ** 2
        hz = np.fft.rfftfreq(int(LENGTH_S * RATE), 1 / RATE)
        bands = [(hz >= low) & (hz < 2 * low) for low in (200, 400, 800, 1600)]
        return [10 * float(np.log10(power[band].mean())) for band in bands]

    assert np.diff(per_octave("white")) == pytest.approx([0, 0, 0], abs=0.5)
    assert np.diff(per_octave("noise")) == pytest.approx([-3, -3, -3], abs=0.5)
