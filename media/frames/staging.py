"""One lane's agent audio that is not in the playout ring yet: epochs, in order, bounded.

Not here: what plays now (playout.py). Touched only when a session or a refill does something.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

NO_EPOCH = -1
"Nothing has been opened yet; every epoch is later than it."
KEPT_EPOCHS = 16
"Closed epochs whose played samples can still be asked for."


class StagedEpoch:
    """Audio of one reply that waits."""

    __slots__ = ("chunks", "cut", "finished", "samples")

    def __init__(self) -> None:
        self.chunks: deque[NDArray[np.int16]] = deque()
        self.samples = 0
        self.finished = False
        self.cut = False
        "A chunk was refused: later ones are refused, too, so that what plays has no hole."

    def take(self, most: int) -> list[NDArray[np.int16]]:
        """Up to `most` samples from the front."""
        taken: list[NDArray[np.int16]] = []
        while self.chunks and most > 0:
            chunk = self.chunks.popleft()
            if len(chunk) > most:
                self.chunks.appendleft(chunk[most:])
                chunk = chunk[:most]
            taken.append(chunk)
            most -= len(chunk)
            self.samples -= len(chunk)
        return taken


class Staging:
    """The epochs of one lane from the open one on."""

    def __init__(self, max_samples: int) -> None:
        self._max_samples = max_samples
        self._epochs: dict[int, StagedEpoch] = {}
        self._dropped: set[int] = set()
        self.past: dict[int, int] = {}
        "Played samples of epochs that were closed."

    def epoch(self, epoch: int) -> StagedEpoch:
        """What waits for an epoch, made when it is new."""
        return self._epochs.setdefault(epoch, StagedEpoch())

    def takes(self, epoch: int) -> bool:
        """Whether more audio of the epoch is welcome: not dropped, not finished."""
        staged = self._epochs.get(epoch)
        return epoch not in self._dropped and (staged is None or not staged.finished)

    def add(self, epoch: int, pcm: NDArray[np.int16]) -> bool:
        """Keep it behind what the epoch has; False when the lane has no room (newest lost).

        What may still be written to is copied; read-only audio (a greeting) is shared by all calls.
        """
        staged = self.epoch(epoch)
        total = sum(each.samples for each in self._epochs.values())
        if staged.cut or total + len(pcm) > self._max_samples:
            staged.cut = True
            return False
        kept = pcm.dtype == np.int16 and not pcm.flags.writeable
        staged.chunks.append(pcm if kept else np.array(pcm, np.int16))
        staged.samples += len(pcm)
        return True

    def drop(self, epoch: int) -> None:
        """Forget an epoch, and refuse what still comes for it."""
        self._epochs.pop(epoch, None)
        self._dropped.add(epoch)

    def open(self, epoch: int) -> int:
        """Forget all earlier epochs; returns how many chunks that were."""
        dead = 0
        for earlier in [each for each in self._epochs if each < epoch]:
            dead += len(self._epochs.pop(earlier).chunks)
        self._dropped = {each for each in self._dropped if each >= epoch}
        return dead

    def close(self, epoch: int) -> int:
        """Forget what waits of the open epoch; returns how many chunks that were."""
        staged = self._epochs.pop(epoch, None)
        return len(staged.chunks) if staged else 0

    def remember(self, epoch: int, played: int) -> None:
        """Keep the played samples of a closed epoch; the oldest are forgotten."""
        self.past[epoch] = played
        while len(self.past) > KEPT_EPOCHS:
            del self.past[min(self.past)]
