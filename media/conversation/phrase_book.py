"""Phrases that have been made once: every later call with the same agent says them at once.

Not here: who makes them (speaking.py). One book serves all calls of a process.
"""

import collections

import msgspec
import numpy as np
from numpy.typing import NDArray

from .heard import SpokenText

MAX_BOOK_SAMPLES = 8_000_000
"16 MB, some eight minutes at 16 kHz; what was used longest ago is forgotten."


class PhraseKey(msgspec.Struct, frozen=True):
    """What a phrase's audio depends on."""

    text: str
    synthesizer: str
    voice: str
    speed: float
    rate_hz: int


class MadePhrase(msgspec.Struct, frozen=True):
    """The audio of a phrase, complete, and its words' places. Shared: nobody changes it."""

    spoken: SpokenText
    chunks: tuple[NDArray[np.int16], ...]


class PhraseBook:
    """Made phrases, bounded by their audio."""

    def __init__(self, max_samples: int = MAX_BOOK_SAMPLES) -> None:
        self._max_samples = max_samples
        self._samples = 0
        self._phrases: collections.OrderedDict[PhraseKey, MadePhrase] = collections.OrderedDict()

    def find(self, key: PhraseKey) -> MadePhrase | None:
        """The phrase, if it was made."""
        if key in self._phrases:
            self._phrases.move_to_end(key)
        return self._phrases.get(key)

    def keep(self, key: PhraseKey, phrase: MadePhrase) -> None:
        """A phrase has been made; one longer than the whole book is not kept."""
        if key in self._phrases or phrase.spoken.samples > self._max_samples:
            return
        self._phrases[key] = phrase
        self._samples += phrase.spoken.samples
        while self._samples > self._max_samples:
            _, old = self._phrases.popitem(last=False)
            self._samples -= old.spoken.samples

    def __len__(self) -> int:
        return len(self._phrases)
