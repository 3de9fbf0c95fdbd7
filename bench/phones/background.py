"""What is heard around a caller: the room's noise, a street's, other people's talk. Pure.

Seeded, and at a stated distance below the caller's own words. Not here: single sounds that last
for a moment (overlap_audio.py), the line's echo (line.py).
"""

import random
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..speech.waveform import levels

LENGTH_S = 20.0
"Then it begins again."
TALKERS = 6
SPEECH_WINDOW_S = 0.02
SPOKEN_DB = -25.0
"Windows that are not farther below the loudest count as speech."

Pcm = NDArray[np.int16]


def speech_rms(words: Sequence[Pcm], rate_hz: int) -> float:
    """How loud the words are where somebody speaks: pauses do not count."""
    each = levels(np.concatenate(list(words)), int(SPEECH_WINDOW_S * rate_hz))
    spoken = each[each >= each.max() * 10 ** (SPOKEN_DB / 20)]
    return float(np.sqrt(np.mean(spoken**2)))


def quiet(rng: random.Random, words: Sequence[Pcm], rate_hz: int) -> NDArray[np.float64]:
    """Digital silence."""
    return np.zeros(int(LENGTH_S * rate_hz))


def white(rng: random.Random, words: Sequence[Pcm], rate_hz: int) -> NDArray[np.float64]:
    """Hiss."""
    return _generator(rng).normal(0, 1, int(LENGTH_S * rate_hz))


def pink(rng: random.Random, words: Sequence[Pcm], rate_hz: int) -> NDArray[np.float64]:
    """A fan, a road: 3 dB less with every octave, from 50 Hz on."""
    count = int(LENGTH_S * rate_hz)
    spectrum = np.fft.rfft(_generator(rng).normal(0, 1, count))
    hz = np.fft.rfftfreq(count, 1 / rate_hz)
    return np.fft.irfft(np.where(hz < 50, 0, spectrum / np.sqrt(np.maximum(hz, 50))), count)


def babble(rng: random.Random, words: Sequence[Pcm], rate_hz: int) -> NDArray[np.float64]:
    """Several people at once, none of whom can be understood."""
    mixed = np.zeros(int(LENGTH_S * rate_hz))
    for _ in range(TALKERS):
        row: list[Pcm] = []
        while sum(map(len, row)) < len(mixed):
            row.append(rng.choice(words))
        mixed += np.roll(np.concatenate(row)[: len(mixed)], rng.randrange(len(mixed)))
    return mixed


BACKGROUNDS: dict[str, Callable[[random.Random, Sequence[Pcm], int], NDArray[np.float64]]] = {
    "quiet": quiet,
    "noise": pink,
    "white": white,
    "babble": babble,
}


def background(kind: str, seed: int, words: Sequence[Pcm], snr_db: float, rate_hz: int) -> Pcm:
    """`LENGTH_S` of one of BACKGROUNDS, `snr_db` below the words."""
    sound = BACKGROUNDS[kind](random.Random(seed), words, rate_hz)
    loudness = float(np.sqrt(np.mean(sound**2)))
    if loudness > 0:
        sound = sound * speech_rms(words, rate_hz) * 10 ** (-snr_db / 20) / loudness
    scaled: Pcm = np.rint(np.clip(sound, -32768, 32767)).astype(np.int16)
    return scaled


def _generator(rng: random.Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(32))
