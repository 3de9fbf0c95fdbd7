"""A turn's audio in the worker: its utterances, kept so that the whole can be decoded again. Pure.

The newest MAX_TURN_S are kept: what a caller said before that no longer decides what is answered.
Interims come at growing distances, so that decoding everything anew for each costs a fixed share
of the audio (about three times its length in all), however long the turn becomes.
"""

import numpy as np
from numpy.typing import NDArray

MAX_TURN_S = 20
FIRST_INTERIM_MS = 300
INTERIM_GROWTH = 1.3


class TurnAudio:
    """Utterances of one turn at one rate."""

    def __init__(self, turn: int, rate_hz: int) -> None:
        self.turn = turn
        self._rate_hz = rate_hz
        self._utterances: list[bytearray] = []
        self._interim_at_bytes = 0

    def begin(self) -> None:
        """A new utterance."""
        self._utterances.append(bytearray())
        self._interim_at_bytes = self._bytes + self._rate_hz * FIRST_INTERIM_MS // 1000 * 2

    def push(self, pcm: bytes) -> None:
        """int16 LE mono; half a sample at the end of a chunk is dropped."""
        if not self._utterances:
            self.begin()
        self._utterances[-1] += pcm[: len(pcm) & ~1]
        surplus = self._bytes - MAX_TURN_S * self._rate_hz * 2
        while surplus > 0:
            oldest = self._utterances[0]
            cut = min(surplus, len(oldest))
            del oldest[:cut]
            surplus -= cut
            self._interim_at_bytes -= cut
            if not oldest and len(self._utterances) > 1:
                self._utterances.pop(0)

    def interim_due(self) -> bool:
        """Whether enough has come since the last interim; asking takes it."""
        if self._bytes < self._interim_at_bytes:
            return False
        self._interim_at_bytes = int(self._bytes * INTERIM_GROWTH)
        return True

    def whole(self) -> NDArray[np.int16]:
        """All utterances in one piece, int16[n]."""
        return np.frombuffer(b"".join(self._utterances), "<i2")

    def utterances(self) -> list[NDArray[np.int16]]:
        """Each utterance by itself, int16[n] each; empty ones are left out."""
        return [np.frombuffer(bytes(pcm), "<i2") for pcm in self._utterances if pcm]

    @property
    def _bytes(self) -> int:
        return sum(map(len, self._utterances))
