"""What somebody else wants the agent to say: words, or a recording in place of words. Pure."""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...codecs.resample import Resampler


class Sound:
    """Recorded audio, int16[samples] at `rate_hz`. Two are the same only if they are one."""

    __slots__ = ("pcm", "rate_hz")

    def __init__(self, pcm: NDArray[np.int16], rate_hz: int) -> None:
        self.pcm = pcm
        self.rate_hz = rate_hz


class Announcement(msgspec.Struct, frozen=True):
    """One thing to be said."""

    text: str
    "The words; of a recording its name in brackets, which stands for it in the transcript."
    sound: Sound | None = None
    "What is played instead of made speech."
    instead: bool = False
    "In place of the answer that the agent would give; otherwise before it."
    last: bool = False
    "The call ends when it has been said."


def sound_chunks(sound: Sound, rate_hz: int) -> Iterator[NDArray[np.int16]]:
    """The sound at another rate, int16[n], about a second at a time."""
    resampler = Resampler(sound.rate_hz, rate_hz)
    for begin in range(0, len(sound.pcm), sound.rate_hz):
        yield resampler.push(sound.pcm[None, begin : begin + sound.rate_hz])[0]
    yield resampler.flush()[0]
