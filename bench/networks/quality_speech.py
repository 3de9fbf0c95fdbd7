"""What is said through the bad networks: recorded prompts one after the other, 8 to 12 s.

Each utterance begins with silence in which packets flow, as in any call, so that buffers have
settled, and ends with a second of it, so that the last word is played. Where the recordings cannot
be had it is synthetic speech, said so. Not here: coding (quality_listening.py).
"""

import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...codecs.resample import Resampler
from ..speech.human_speech import Prompts, fetch
from ..speech.load_speech import bench_speech

RATES_HZ = (8000, 16000)
SPEECH_S = 8.0
"At least; P.862 wants 8 to 12 s."
PROMPT_S = (1.5, 6.0)
PAUSE_S = 0.4
TAIL_S = 1.0

Pcm = NDArray[np.int16]


class Speech(NamedTuple):
    """Utterances by rate and number, and where they come from."""

    source: str
    utterances: dict[int, list[Pcm]]


def load(cache: Path, count: int, seed: int) -> Speech:
    """`count` utterances at each rate."""
    prompts = fetch(cache.resolve())
    if prompts is None:
        wide = _synthetic(count)
        source = "synthetic (espeak-ng), for lack of recordings"
    else:
        wide = [_recorded(prompts, random.Random(f"{seed} {n} words")) for n in range(count)]
        source = "recorded (Asterisk's prompts, one woman's voice)"
    return Speech(source, {16000: wide, 8000: [narrow(pcm) for pcm in wide]})


def narrow(pcm: Pcm) -> Pcm:
    """16 kHz to 8 kHz, whole."""
    resampler = Resampler(16000, 8000)
    parts = [resampler.push(pcm[None]), resampler.flush()]
    return np.asarray(np.concatenate(parts, axis=1)[0, resampler.delay_samples :])


def _recorded(prompts: Prompts, rng: random.Random) -> Pcm:
    names = list(prompts.names())
    rng.shuffle(names)
    parts: list[Pcm] = []
    samples = 0
    for name in names:
        pcm = prompts.pcm(name)
        if PROMPT_S[0] <= pcm.size / prompts.rate_hz <= PROMPT_S[1]:
            parts += [pcm, np.zeros(int(PAUSE_S * prompts.rate_hz), np.int16)]
            samples += pcm.size
        if samples >= SPEECH_S * prompts.rate_hz:
            break
    return np.concatenate(parts)


def _synthetic(count: int) -> list[Pcm]:
    """The same sentences, begun at another place each time."""
    speech = bench_speech(16000)
    length = int(SPEECH_S * 16000)
    starts = [number * len(speech) // count for number in range(count)]
    return [np.roll(speech, -start)[:length] for start in starts]


def with_silence(pcm: Pcm, rate_hz: int, lead_s: float) -> Pcm:
    """As it is sent: silence before and after."""
    before, after = int(lead_s * rate_hz), int(TAIL_S * rate_hz)
    return np.concatenate([np.zeros(before, np.int16), pcm, np.zeros(after, np.int16)])
