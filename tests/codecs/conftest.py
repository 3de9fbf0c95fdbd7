"""Signals that stand for speech: nothing is downloaded, and every run hears the same."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

FORMANTS = ((700, 1200, 2600), (300, 2300, 3000), (500, 900, 2500), (350, 800, 2300))


def vowels(
    rate_hz: int, seconds: float, pitch_hz: float = 115.0, seed: int = 1
) -> NDArray[np.int16]:
    """Vowels a quarter of a second each: a gliding pitch's harmonics under formants, and breath."""
    random = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    glide = pitch_hz * (1 + 0.12 * np.sin(2 * np.pi * 0.7 * t + seed))
    phase = 2 * np.pi * np.cumsum(glide) / rate_hz
    vowel = (t * 4).astype(int)
    signal = np.zeros(len(t))
    for index in range(vowel[-1] + 1):
        here = vowel == index
        formants = FORMANTS[int(random.integers(len(FORMANTS)))]
        for harmonic in range(1, int(min(3600, rate_hz * 0.45) / pitch_hz / 1.15)):
            hz = harmonic * pitch_hz
            gain = sum(1 / (1 + ((hz - formant) / 120) ** 2) for formant in formants)
            # A voice's source falls by 6 dB an octave when it has left the lips.
            signal[here] += (gain + 0.01) / harmonic * np.sin(harmonic * phase[here])
    swell = 0.2 + 0.8 * np.sin(np.pi * (t * 4 % 1)) ** 0.5
    signal = signal * swell + 0.02 * random.standard_normal(len(t))
    return np.asarray(signal / np.abs(signal).max() * 12000, np.float64).astype(np.int16)


@pytest.fixture(name="speech")
def speech_fixture() -> Callable[..., NDArray[np.int16]]:
    """`speech(rate_hz, seconds, pitch_hz=..., seed=...)` to int16[samples]."""
    return vowels
