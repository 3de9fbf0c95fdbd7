"""Speech as one side of a conversation has it: ITU-T P.59's talkspurts and pauses. Pure.

Both last as exponentials do, with the Recommendation's means, 1.004 s and 1.587 s, so that a side
speaks for 38.5 % of the time. Each side is made for itself: how often both speak at once, or
neither does, costs a server nothing of its own. Durations are the quantiles of their laws in a
seeded order, so that a stretch of two minutes has the share of hours. Not here: the words
(load_speech.py).
"""

import numpy as np
from numpy.typing import NDArray

SPURT_S, PAUSE_S = 1.004, 1.587
"Means of P.59."
SPURTS = 48
"Of a stretch: about two minutes."
FRAME_S = 0.02
LOUD = 100.0
"Mean magnitude of a frame; what is quieter for long is a pause between sentences."
LONGEST_QUIET_FRAMES = 10
"Of words: silence of up to 0.2 s is within a talkspurt."

Pcm = NDArray[np.int16]


def durations_s(mean_s: float, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """`count` of an exponential law with exactly that mean, in random order."""
    quantiles = -np.log1p(-(np.arange(count) + 0.5) / count)
    lasting: NDArray[np.float64] = quantiles[rng.permutation(count)]
    return lasting * (mean_s / float(quantiles.mean()))


def side(words: Pcm, rate_hz: int, seed: int) -> list[tuple[Pcm, Pcm]]:
    """Talkspurts cut from `words`, each with the silence after it, in whole frames."""
    rng = np.random.default_rng(seed)
    frame = round(FRAME_S * rate_hz)
    spoken = without_pauses(words, frame)
    spurts, pauses = (durations_s(mean_s, SPURTS, rng) for mean_s in (SPURT_S, PAUSE_S))
    parts: list[tuple[Pcm, Pcm]] = []
    at = 0
    for spurt_s, pause_s in zip(spurts, pauses, strict=True):
        length, quiet = (max(1, round(each / FRAME_S)) * frame for each in (spurt_s, pause_s))
        said = np.take(spoken, np.arange(at, at + length), mode="wrap")
        parts.append((said, np.zeros(quiet, np.int16)))
        at += length
    return parts


def stretch(words: Pcm, rate_hz: int, seed: int) -> Pcm:
    """One side, as one piece."""
    return np.concatenate([part for pair in side(words, rate_hz, seed) for part in pair])


def without_pauses(words: Pcm, frame: int) -> Pcm:
    """The words, one sentence upon the other."""
    frames = words[: len(words) // frame * frame].reshape(-1, frame)
    loud = np.flatnonzero(np.abs(frames.astype(np.float64)).mean(axis=1) > LOUD)
    kept = [
        frames[first : after if after - first <= LONGEST_QUIET_FRAMES + 1 else first + 1]
        for first, after in zip(loud, [*loud[1:], loud[-1] + 1], strict=True)
    ]
    return np.concatenate(kept).reshape(-1)
