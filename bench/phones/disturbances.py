"""Sounds that reach the caller's telephone and mean nothing: no reason to stop talking. Pure.

Synthetic and seeded, so that every agent is disturbed by the same ones. What they lack of the real
ones is variety: a real cough may be longer, and a radio has singers.
"""

import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .line import RATE_HZ, Pcm

BEATS_A_MINUTE = (84, 132)
CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
"I vi IV V, in semitones above the key."
MUSIC_S = 2.0
RADIO_HZ = (250, 3000)
"What a small loudspeaker gives."


def cough(rng: random.Random) -> Pcm:
    """One or two bursts of noise with a hard attack, as the throat opens."""
    noise = np.random.default_rng(rng.getrandbits(32))
    parts: list[NDArray[np.float64]] = []
    for _ in range(rng.choice((1, 2))):
        length = int(rng.uniform(0.12, 0.22) * RATE_HZ)
        at = np.arange(length) / RATE_HZ
        shape = np.minimum(1, at / 0.006) * np.exp(-at / 0.06)
        burst = np.convolve(noise.normal(0, 1, length), np.ones(4) / 2, "same")
        parts += [burst * shape, np.zeros(int(rng.uniform(0.05, 0.12) * RATE_HZ))]
    return _scaled(np.concatenate(parts), rng.uniform(8000, 20000))


def mm_hm(rng: random.Random) -> Pcm:
    """Two hummed syllables, the second higher: lips closed, so little above 600 Hz."""
    pitch = rng.uniform(95, 210)
    parts: list[NDArray[np.float64]] = []
    for step in (1.0, rng.uniform(1.05, 1.3)):
        length = int(rng.uniform(0.13, 0.2) * RATE_HZ)
        at = np.arange(length) / RATE_HZ
        shape = np.sin(np.pi * np.arange(length) / length) ** 0.5
        hum = [np.sin(2 * np.pi * pitch * step * n * at) / n**2 for n in range(1, 6)]
        parts += [np.sum(hum, axis=0) * shape, np.zeros(int(0.04 * RATE_HZ))]
    return _scaled(np.concatenate(parts), rng.uniform(3000, 9000))


def keyboard(rng: random.Random) -> Pcm:
    """Some keys typed beside the telephone."""
    noise = np.random.default_rng(rng.getrandbits(32))
    sound = np.zeros(RATE_HZ)
    for _ in range(rng.randint(4, 8)):
        length = int(0.012 * RATE_HZ)
        click = noise.normal(0, 1, length) * np.exp(-np.arange(length) / (0.003 * RATE_HZ))
        begin = rng.randrange(len(sound) - length)
        sound[begin : begin + length] += click
    return _scaled(sound, rng.uniform(3000, 12000))


def music(rng: random.Random) -> Pcm:
    """Two seconds of a radio in the room: chords, a melody over them, drums under them."""
    noise = np.random.default_rng(rng.getrandbits(32))
    count = int(MUSIC_S * RATE_HZ)
    beat = int(RATE_HZ * 60 / rng.uniform(*BEATS_A_MINUTE))
    key_hz = 440 * 2 ** (rng.randint(-9, 2) / 12)
    sound = np.zeros(count + 2 * beat)
    first = rng.randrange(len(CHORDS))
    for number, begin in enumerate(range(0, count, beat)):
        chord = CHORDS[(first + number // 2) % len(CHORDS)]
        for tone in chord:
            sound[begin : begin + beat] += 0.5 * _note(key_hz / 2 * 2 ** (tone / 12), beat, 0.5)
        for half in (0, beat // 2):
            hz = key_hz * 2 ** ((rng.choice(chord) + rng.choice((0, 0, 2))) / 12)
            sound[begin + half : begin + half + beat // 2] += _note(hz, beat // 2, 0.25)
        drum = noise.normal(0, 1, beat // 4) * np.exp(-np.arange(beat // 4) / (0.03 * RATE_HZ))
        at = np.arange(beat // 4) / RATE_HZ
        kick = 3 * np.sin(2 * np.pi * 90 * at) * np.exp(-at / 0.06)
        sound[begin : begin + beat // 4] += kick if number % 2 == 0 else drum
    spectrum = np.fft.rfft(sound[:count])
    hz_of = np.fft.rfftfreq(count, 1 / RATE_HZ)
    small = (hz_of >= RADIO_HZ[0]) & (hz_of <= RADIO_HZ[1])
    return _scaled(np.fft.irfft(spectrum * small, count), rng.uniform(2000, 6000))


def _note(hz: float, length: int, decay_s: float) -> NDArray[np.float64]:
    at = np.arange(length) / RATE_HZ
    partials = sum(np.sin(2 * np.pi * hz * n * at) / n for n in range(1, 5))
    return np.asarray(partials * np.minimum(1, at / 0.01) * np.exp(-at / decay_s))


def _scaled(sound: NDArray[np.float64], peak: float) -> Pcm:
    scaled: Pcm = np.rint(sound * peak / np.abs(sound).max()).astype(np.int16)
    return scaled


DISTURBANCES: dict[str, Callable[[random.Random], Pcm]] = {
    "cough": cough,
    "mm-hm": mm_hm,
    "keyboard": keyboard,
    "music": music,
}
