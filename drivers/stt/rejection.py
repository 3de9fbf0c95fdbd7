"""Was it one of the phrases? The grammar's acoustic score against a free loop of phones. Pure.

A grammar always finds its best phrase, in a cough as well. A phone loop with no words to obey is
the yardstick: speech that fits a phrase is explained by it nearly as well as by the loop, foreign
speech much worse. Two measures, per frame of speech, in units of ln(1.0001):

- `whole`: all frames, silence included (speech that the grammar has put down as silence counts)
- `worst`: the worst word (a phrase that fits but for one word is another phrase)

Their weighted sum through a logistic curve is the confidence.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

WHOLE_WEIGHT, WORST_WEIGHT = 0.08, 0.04
BIAS = 0.08 * 42
"""Confidence is one half where `whole` plus half of `worst` is -42. What that limit does, and 0.4,
is measured in README.md."""
DEFAULT_MIN_CONFIDENCE = 0.5


class Segment(msgspec.Struct, frozen=True):
    """A word, silence or filler of a path through the grammar, on frames of 10 ms."""

    word: str
    first_frame: int
    last_frame: int
    score: float
    "Acoustic, the sum over its frames."

    @property
    def frames(self) -> int:
        return self.last_frame - self.first_frame + 1

    @property
    def is_word(self) -> bool:
        return self.word[0] not in "<[(+"


class Fit(msgspec.Struct, frozen=True):
    """How much worse than the phone loop a path explains the audio; 0 is as well."""

    whole: float
    worst: float


def fit(path: list[Segment], loop: NDArray[np.float64]) -> Fit | None:
    """Measure a path against the loop's score per frame; None without a word in it."""
    segments = [segment for segment in path if segment.word != "(NULL)"]
    spoken = [segment for segment in segments if segment.is_word]
    if not spoken:
        return None
    surplus = {id(segment): segment.score - _loop_score(segment, loop) for segment in segments}
    return Fit(
        whole=sum(surplus.values()) / sum(segment.frames for segment in spoken),
        worst=min(surplus[id(segment)] / segment.frames for segment in spoken),
    )


def confidence(measured: Fit) -> float:
    """0..1: how likely the phrase was really said."""
    z = BIAS + WHOLE_WEIGHT * measured.whole + WORST_WEIGHT * measured.worst
    return 1.0 / (1.0 + math.exp(-max(min(z, 30.0), -30.0)))


def _loop_score(segment: Segment, loop: NDArray[np.float64]) -> float:
    return float(loop[segment.first_frame : segment.last_frame + 1].sum())
