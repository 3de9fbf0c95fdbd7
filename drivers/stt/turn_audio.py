"""A turn's audio in the worker: its utterances, kept so that the whole can be decoded again. Pure.

The newest MAX_TURN_S are kept: what a caller said before that no longer decides what is answered.
Interims come at growing distances, so that decoding everything anew for each costs a fixed share
of the audio (about three times its length in all), however long the turn becomes.

A turn that has fallen silent is most likely over, but the VAD waits before it says so. The words
are recognised meanwhile; if nothing but silence follows they are the final ones, and ready.
"""

import numpy as np
from numpy.typing import NDArray

MAX_TURN_S = 20
FIRST_INTERIM_MS = 300
INTERIM_GROWTH = 1.3
PAUSE_MS = 80
"Silence at the end of what has come, from which on the turn may be over."
QUIET_DB = -25.0
"Below the loudest PAUSE_MS of the turn, it is silence."
FRAME_MS = 20
MAX_EARLY_S = 4
"Longer turns are recognised once, at their end: guessing in vain would keep other calls waiting."


class TurnAudio:
    """Utterances of one turn at one rate."""

    def __init__(self, turn: int, rate_hz: int) -> None:
        self.turn = turn
        self._rate_hz = rate_hz
        self._utterances: list[bytearray] = []
        self._interim_at_bytes = 0
        self._loudest = 0.0
        "Mean square."

    def begin(self) -> None:
        """A new utterance."""
        self._utterances.append(bytearray())
        self._interim_at_bytes = self._bytes + self._rate_hz * FIRST_INTERIM_MS // 1000 * 2

    def push(self, pcm: bytes) -> None:
        """int16 LE mono; half a sample at the end of a chunk is dropped."""
        if not self._utterances:
            self.begin()
        self._utterances[-1] += pcm[: len(pcm) & ~1]
        self._loudest = max(self._loudest, _mean_square(self._newest(PAUSE_MS)))
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

    def length(self) -> int:
        """Samples so far, of all utterances."""
        return self._bytes // 2

    def pauses(self) -> bool:
        """The only utterance has just fallen silent, and is short enough to be recognised early."""
        if len(self._utterances) != 1 or self._bytes > MAX_EARLY_S * self._rate_hz * 2:
            return False
        newest = self._newest(PAUSE_MS)
        return self._loudest > 0 and self._is_quiet(newest)

    def silent_since(self, samples: int) -> bool:
        """Nothing but silence has come after the first `samples` of the only utterance."""
        if len(self._utterances) != 1 or samples > self.length():
            return False
        return self._is_quiet(np.frombuffer(bytes(self._utterances[0]), "<i2")[samples:])

    def _is_quiet(self, pcm: NDArray[np.int16]) -> bool:
        limit = self._loudest * 10 ** (QUIET_DB / 10)
        frame = self._rate_hz * FRAME_MS // 1000
        frames = (pcm[at : at + frame] for at in range(0, len(pcm), frame))
        return all(_mean_square(each) <= limit for each in frames)

    def _newest(self, ms: int) -> NDArray[np.int16]:
        size = self._rate_hz * ms // 1000 * 2
        return np.frombuffer(bytes(self._utterances[-1][-size:]), "<i2")

    def whole(self) -> NDArray[np.int16]:
        """All utterances in one piece, int16[n]."""
        return np.frombuffer(b"".join(self._utterances), "<i2")

    def utterances(self) -> list[NDArray[np.int16]]:
        """Each utterance by itself, int16[n] each; empty ones are left out."""
        return [np.frombuffer(bytes(pcm), "<i2") for pcm in self._utterances if pcm]

    @property
    def _bytes(self) -> int:
        return sum(map(len, self._utterances))


def _mean_square(pcm: NDArray[np.int16]) -> float:
    return float(np.mean(np.square(pcm, dtype=np.float64))) if len(pcm) else 0.0
