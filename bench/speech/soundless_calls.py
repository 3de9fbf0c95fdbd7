"""Calls without a voice: faxes, silence, busy, music."""

import math
import random

import numpy as np

from ...codecs import tones
from ...media.conversation.records import AnsweredBy
from .answered_calls import RATE_HZ, AnsweredCall, Maker, answer


def soundless_calls(rng: random.Random, count: int) -> list[AnsweredCall]:
    """`count` of each kind without a voice."""
    calls: list[AnsweredCall] = []
    for _ in range(count):
        calls += [_fax(rng), _silence(rng), _busy(rng), _music(rng)]
    return calls


def _fax(rng: random.Random) -> AnsweredCall:
    """Half answer (CED), half call (CNG): T.30 with its tolerances."""
    maker = answer(rng, 0.3, 2.0)
    if rng.random() < 0.5:
        maker.tone(2100 + rng.uniform(-15, 15), rng.uniform(2.6, 4.0), rng.uniform(-8, 2))
        return maker.done("fax that answers", AnsweredBy.FAX)
    hz = 1100 + rng.uniform(-38, 38)
    for _ in range(4):
        maker.tone(hz, rng.uniform(0.43, 0.57), -3)
        maker.silence(2.6, 3.4)
    return maker.done("fax that calls", AnsweredBy.FAX)


def _silence(rng: random.Random) -> AnsweredCall:
    """Nothing, or the noise of a line."""
    maker = Maker(rng)
    level = rng.choice([0.0, 10.0, 60.0, 150.0])
    noise = np.random.default_rng(rng.randrange(1 << 30)).normal(0, level, 10 * RATE_HZ)
    maker.sound(np.rint(noise).astype(np.int16))
    return maker.done("silence", AnsweredBy.SILENCE)


def _busy(rng: random.Random) -> AnsweredCall:
    """A gateway that answers and plays busy or congestion."""
    maker = answer(rng)
    name, region = rng.choice([("busy", "etsi"), ("busy", "us"), ("congestion", "etsi")])
    maker.sound(tones.generate(name, region, RATE_HZ, 6.0))
    return maker.done("busy tone", AnsweredBy.NETWORK)


def _music(rng: random.Random) -> AnsweredCall:
    """Chords and a melody of four harmonics, 100 to 180 beats a minute."""
    maker = answer(rng)
    beat_s = 60 / rng.uniform(100, 180)
    root_hz = 220 * 2 ** (rng.randrange(12) / 12)
    for _ in range(int(15 / beat_s)):
        at = np.arange(int(beat_s * RATE_HZ)) / RATE_HZ
        sound = np.zeros(len(at))
        notes = [0, rng.choice([3, 4]), 7, 12 + rng.choice([0, 2, 4, 7, 9])]
        for step in notes if rng.random() < 0.8 else notes[-1:]:
            hz = root_hz * 2 ** (step / 12)
            for harmonic in range(1, 5):
                sound += np.sin(2 * math.pi * hz * harmonic * at) / harmonic**1.5
        sound *= np.exp(-at / (beat_s * 1.5))
        maker.sound(np.rint(1500 * sound).astype(np.int16))
    return maker.done("music", None)
