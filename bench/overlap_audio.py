"""Sounds that people make while the agent speaks, and what became of the agent's voice. Pure.

The agent's undisturbed rendering is the reference: what is heard is compared with it, so that a
pause of the speaker is not taken for silence, and a sample that is missing is missed.
"""

import random

import msgspec
import numpy as np
from numpy.typing import NDArray

from .waveform import GAIN_WINDOW_MS, LOUD_REFERENCE_RMS, find, first_audible, gain, levels

RATE_HZ = 8000
DUCKED = 0.5
"-6 dB."
SILENT = 0.05
"-26 dB: less than half of the duck's -18 dB is no voice any more."
PIECE_MS = 500
"So much of the agent's voice is looked for in the reference."
SURE = 0.7
"Correlation from which on it is that voice."
LOUD_SHARE = 0.85
"A place of the reference where a stop can be timed: so much of the time it is loud."

Pcm = NDArray[np.int16]


class Outcome(msgspec.Struct, frozen=True):
    """What became of the agent's voice after somebody made a sound. Samples since that sound."""

    duck: int | None = None
    "The first 10 ms at -6 dB or less."
    silent: int | None = None
    "The end of the last 10 ms that can be heard, before the first silence."
    leaked_ms: int = 0
    "Heard of it after that silence."
    resumed: bool = False
    "In the end the agent goes on with what it was saying."
    yielded: bool = False
    "It had fallen silent before it went on."
    lost: int = 0
    "Audible samples of the rendering that were skipped."
    repeated: int = 0
    "Samples of the rendering that were said twice."


def outcome(
    heard: Pcm, reference: Pcm, onset: int, end: int, quiet_until: int | None = None
) -> Outcome | None:
    """The agent's voice from `onset` to `end` in `heard`; None: it was not there before.

    To go on, it must be there in the last half second before `end`. Having stopped, it should not
    be heard before `quiet_until` (None: before `end`); then comes its answer.
    """
    piece = RATE_HZ * PIECE_MS // 1000
    before = find(heard[max(0, onset - piece) : onset], reference)
    if before.correlation < SURE:
        return None
    ahead = before.at_samples + min(piece, onset) - onset  # place in the reference - in `heard`
    after = find(heard[end - piece : end], reference)
    follows = after.at_samples - (end - piece)
    resumed = after.correlation >= SURE
    levels_now = gain(heard[onset:end], reference[onset + ahead :], RATE_HZ)
    window = RATE_HZ * GAIN_WINDOW_MS // 1000
    ducked = np.flatnonzero(levels_now < DUCKED)
    quiet = np.flatnonzero(levels_now < SILENT)
    if resumed and follows == ahead:
        duck = int(ducked[0]) * window if ducked.size else None
        return Outcome(duck=duck, resumed=True)
    if not quiet.size:
        return Outcome(resumed=resumed)
    first = int(quiet[0])
    audible = np.flatnonzero(levels_now[:first] >= SILENT)
    silent = (int(audible[-1]) + 1) * window if audible.size else 0
    duck = int(ducked[0]) * window
    if not resumed:
        rest = heard[onset + first * window : end if quiet_until is None else quiet_until]
        leaked = int(np.count_nonzero(levels(rest, window) >= LOUD_REFERENCE_RMS))
        return Outcome(duck=duck, silent=silent, leaked_ms=leaked * GAIN_WINDOW_MS)
    again = first_audible(heard[onset + first * window : end], RATE_HZ)
    assert again is not None, "what was found in the reference is audible"
    stopped_at, goes_on_at = onset + silent + ahead, onset + first * window + again + follows
    return Outcome(
        duck=duck,
        silent=silent,
        resumed=True,
        yielded=True,
        lost=_audible(reference[stopped_at:goes_on_at]),
        repeated=max(0, stopped_at - goes_on_at),
    )


def _audible(pcm: Pcm) -> int:
    """Samples in windows that can be heard."""
    window = RATE_HZ * GAIN_WINDOW_MS // 1000
    return int(np.count_nonzero(levels(pcm, window) >= LOUD_REFERENCE_RMS)) * window


def places(reference: Pcm, before_ms: int, after_ms: int) -> list[int]:
    """Where the voice is loud for so long around: there, a duck and a stop can be timed."""
    window = RATE_HZ * GAIN_WINDOW_MS // 1000
    loud = levels(reference, window) >= LOUD_REFERENCE_RMS
    span = (before_ms + after_ms) // GAIN_WINDOW_MS
    share = np.convolve(loud, np.ones(span), "valid") / span
    return [
        (int(first) + before_ms // GAIN_WINDOW_MS) * window
        for first in np.flatnonzero(share >= LOUD_SHARE)
    ]


def sharp_begin(pcm: Pcm) -> Pcm:
    """Words from the place on where they are 20 dB below their loudest."""
    window = RATE_HZ // 200
    each = levels(pcm, window)
    return pcm[int(np.argmax(each >= each.max() / 10)) * window :]


# --- sounds that do not mean "stop" -------------------------------------------------------------


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


def _scaled(sound: NDArray[np.float64], peak: float) -> Pcm:
    scaled: Pcm = np.rint(sound * peak / np.abs(sound).max()).astype(np.int16)
    return scaled
