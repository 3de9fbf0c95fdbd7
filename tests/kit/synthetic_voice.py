"""Sounds to test listening with: noise, and something like a voice, of pulses and resonances."""

import numpy as np
from numpy.typing import NDArray

VOWELS_HZ = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480))
"First three formants of a, i, o, e (Peterson and Barney, 1952)."


def voice(
    rate_hz: int, ms: int, rng: np.random.Generator, level: float = 3000, pitch_hz: float = 120
) -> NDArray[np.float64]:
    """Syllables of a fricative and a vowel without pauses; `level` is the RMS."""
    pieces: list[NDArray[np.float64]] = []
    samples = rate_hz * ms // 1000
    while sum(map(len, pieces)) < samples:
        vowel = VOWELS_HZ[int(rng.integers(len(VOWELS_HZ)))]
        long_ms = int(rng.integers(120, 240))
        pieces.append(_resonate(_pulses(rate_hz, long_ms, pitch_hz, rng), vowel, rate_hz))
        hiss = rng.normal(0, 0.15, rate_hz * 40 // 1000)
        pieces.append(np.diff(hiss, prepend=0.0))
    audio = np.concatenate(pieces)[:samples]
    return np.asarray(audio * (level / np.sqrt(np.mean(audio**2))))


def noise(samples: int, rng: np.random.Generator, dbfs: float) -> NDArray[np.float64]:
    """White noise of that level below full scale."""
    return rng.normal(0, 32768 * 10 ** (dbfs / 20), samples)


def to_int16(audio: NDArray[np.float64]) -> NDArray[np.int16]:
    """Rounded and limited."""
    return np.clip(np.rint(audio), -32768, 32767).astype(np.int16)


def _pulses(
    rate_hz: int, ms: int, pitch_hz: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A train of pulses whose pitch falls and trembles, swelling and dying like a syllable."""
    at = np.arange(rate_hz * ms // 1000) / rate_hz
    glide = pitch_hz * (1.15 - 0.3 * at / at[-1]) * (1 + 0.01 * rng.normal(0, 1))
    phase = np.cumsum(glide / rate_hz)
    train = np.diff(np.floor(phase), prepend=0.0)
    return np.asarray(train * np.sin(np.pi * np.minimum(1, at / at[-1] * 0.85 + 0.1)))


def _resonate(
    audio: NDArray[np.float64], formants_hz: tuple[int, ...], rate_hz: int
) -> NDArray[np.float64]:
    """Through the sum of decaying resonances, 80 Hz wide."""
    at = np.arange(rate_hz * 25 // 1000) / rate_hz
    response = np.zeros(len(at))
    for order, formant_hz in enumerate(formants_hz):
        if formant_hz < rate_hz / 2:
            response += 0.6**order * np.exp(-np.pi * 80 * at) * np.sin(2 * np.pi * formant_hz * at)
    result = np.convolve(audio, response)[: len(audio)]
    return np.asarray(result / (np.abs(result).max() + 1e-9))
