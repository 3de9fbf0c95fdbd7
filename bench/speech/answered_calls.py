"""What is heard after a call was answered, and who answered it: a call put together, and labelled.

Not here: what is said in it (recorded_calls.py, spoken_calls.py), calls without a voice
(soundless_calls.py), lines and noise (bench/machines.py).
"""

import math
import random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...media.conversation.records import AnsweredBy

RATE_HZ = 16000
LISTEN_S = 12.0
"Silence after the last sound: somebody waits for us to say something."
VOICE_LEVEL = 1500.0
"RMS of speech while it sounds, -27 dBFS."
TONE_PEAK = 4000.0

Pcm = NDArray[np.int16]


class Said(NamedTuple):
    """Words and where their sound ends."""

    until_s: float
    text: str


class AnsweredCall(NamedTuple):
    """A labelled call, from its answer on."""

    kind: str
    "How it was made."
    answered_by: AnsweredBy | None
    "None: there is no word for it (music); only harm is counted."
    pcm: Pcm
    said: list[Said]
    beep_ended_s: float | None = None


class Maker:
    """A call in the making."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._parts: list[Pcm] = []
        self._samples = 0
        self.said: list[Said] = []
        self.beep_ended_s: float | None = None

    def silence(self, least_s: float, most_s: float | None = None) -> None:
        seconds = least_s if most_s is None else self.rng.uniform(least_s, most_s)
        self._add(np.zeros(int(seconds * RATE_HZ), np.int16))

    def voice(self, pcm: Pcm, text: str) -> None:
        """Speech, at the level that all have."""
        sound = pcm.astype(np.float64)
        loud = np.abs(sound) > 0.02 * np.abs(sound).max(initial=1)
        level = math.sqrt(float(np.mean(sound[loud] ** 2))) if loud.any() else 1.0
        wanted = VOICE_LEVEL * 10 ** (self.rng.uniform(-6, 6) / 20)
        self._add(np.clip(np.rint(sound * wanted / level), -32768, 32767).astype(np.int16))
        self.said.append(Said(self._samples / RATE_HZ, text))

    def tone(self, hz: float, seconds: float, level_db: float = 0.0) -> None:
        at = np.arange(int(seconds * RATE_HZ))
        edge = np.minimum(1.0, np.minimum(at + 1, len(at) - at) / (0.005 * RATE_HZ))
        peak = TONE_PEAK * 10 ** (level_db / 20)
        self._add(np.rint(peak * edge * np.sin(2 * math.pi * hz * at / RATE_HZ)).astype(np.int16))

    def beep(self) -> None:
        """As recorders have it: one pitch, 0.15 to 1 s."""
        hz = math.exp(self.rng.uniform(math.log(440), math.log(2000)))
        self.tone(hz, self.rng.uniform(0.16, 1.0), self.rng.uniform(-8, 4))
        self.beep_ended_s = self._samples / RATE_HZ

    def sound(self, pcm: Pcm) -> None:
        self._add(pcm)

    def done(self, kind: str, answered_by: AnsweredBy | None) -> AnsweredCall:
        self.silence(LISTEN_S)
        pcm = np.concatenate(self._parts)
        return AnsweredCall(kind, answered_by, pcm, self.said, self.beep_ended_s)

    def _add(self, pcm: Pcm) -> None:
        self._parts.append(pcm)
        self._samples += len(pcm)


def answer(rng: random.Random, least_s: float = 0.1, most_s: float = 1.2) -> Maker:
    """Somebody takes the call, and is silent for a moment."""
    maker = Maker(rng)
    maker.silence(least_s, most_s)
    return maker


def trimmed(pcm: Pcm) -> Pcm:
    """Without the silence around it."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 0.01 * np.abs(pcm).max(initial=1))
    return pcm[loud[0] : loud[-1] + 1] if loud.size else pcm
