"""Noise behind speech, at a stated ratio: white, babble, keys. Seeded, pure.

The ratio is between the speech's level while it is spoken and the noise's level over all of its
time (ITU-T P.56's active level, with the labels' idea of active). Keys are short, so at the same
ratio they are far louder than their mean. Not here: the speech.
"""

import numpy as np
from numpy.typing import NDArray

from .labelled_speech import RATE_HZ, Labelled

VOICES = 8
"Of a babble; with fewer one can follow one of them."
KEY_S = 0.03
KEY_DECAY_S = 0.006
BETWEEN_KEYS_S = (0.09, 0.28)
TYPED_S = (1.0, 4.0)
THOUGHT_S = (0.5, 2.0)
"Typing comes in runs, with pauses."

Pcm = NDArray[np.int16]
Sound = NDArray[np.float64]


def white(samples: int, seed: int) -> Sound:
    return np.random.default_rng(seed).normal(0, 1, samples)


def babble(samples: int, voices: list[Pcm], seed: int) -> Sound:
    """VOICES people talk at once: recordings one after the other, from anywhere, equally loud."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(samples)
    for _ in range(VOICES):
        order = rng.permutation(len(voices))
        chain = np.concatenate([voices[index] for index in order]).astype(np.float64)
        chain /= max(1.0, float(np.sqrt(np.mean(chain**2))))
        sound += np.resize(np.roll(chain, int(rng.integers(len(chain)))), samples)
    return sound


def keys(samples: int, seed: int) -> Sound:
    """Typing beside the telephone: a click as the key goes down, a softer one as it comes up."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(samples + RATE_HZ)
    length = int(KEY_S * RATE_HZ)
    shape = np.exp(-np.arange(length) / (KEY_DECAY_S * RATE_HZ))
    at_s = float(rng.uniform(*BETWEEN_KEYS_S))
    pause_s = at_s + float(rng.uniform(*TYPED_S))
    while at_s * RATE_HZ < samples:
        for after_s, level in ((0.0, 1.0), (0.07, 0.4)):
            begin = int((at_s + after_s) * RATE_HZ)
            click = rng.normal(0, 1, length) * shape * level * float(rng.uniform(0.5, 1.0))
            sound[begin : begin + length] += click
        at_s += float(rng.uniform(*BETWEEN_KEYS_S))
        if at_s > pause_s:
            at_s += float(rng.uniform(*THOUGHT_S))
            pause_s = at_s + float(rng.uniform(*TYPED_S))
    return sound[:samples]


def mix(speech: Labelled, noise: Sound, ratio_db: float) -> Pcm:
    """Speech with the noise so many dB below it."""
    pcm = speech.pcm.astype(np.float64)
    active = np.concatenate(
        [pcm[int(begin_s * RATE_HZ) : int(end_s * RATE_HZ)] for begin_s, end_s in speech.spans]
    )
    wanted = np.sqrt(np.mean(active**2)) * 10 ** (-ratio_db / 20)
    scaled = noise * (wanted / np.sqrt(np.mean(noise**2)))
    return np.asarray(np.clip(np.rint(pcm + scaled), -32768, 32767), np.int16)
