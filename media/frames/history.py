"""The last 1.28 s of every lane, heard and sent: for the recorder, the pre-roll and the echo test.

Not here: anything older; what is wanted for longer is read out in time.
"""

import enum

import numpy as np
from numpy.typing import NDArray

from .lanes import Columns, frame_samples

HISTORY_FRAMES = 64
"1.28 s: one second between reads, and room to be late."


class Channel(enum.Enum):
    """The two sides of a lane."""

    HEARD = "heard"
    "The caller."
    SENT = "sent"
    "The agent."


HEARD, SENT = Channel.HEARD, Channel.SENT


class History(Columns):
    """A ring of both sides of each row.

    All rows are written at the same place of the ring, so that a tick is two plain copies;
    `positions` [rows] says where on its own axis each row's newest sample ends.
    """

    def __init__(self, capacity: int, rate_hz: int) -> None:
        super().__init__(capacity)
        self._frame = frame_samples(rate_hz)
        self._ring = HISTORY_FRAMES * self._frame
        self._write_at = 0
        self.heard = self.column("heard", np.int16, self._ring)
        self.sent = self.column("sent", np.int16, self._ring)
        self.positions = self.column("positions", np.int64)

    def push(self, n: int, heard: NDArray[np.int16], sent: NDArray[np.int16]) -> None:
        """Keep one frame of each side of rows 0..n-1; both are [n, F]."""
        at, end = self._write_at, self._write_at + self._frame
        self.heard[:n, at:end] = heard[:n]
        self.sent[:n, at:end] = sent[:n]
        self.positions[:n] += self._frame
        self._write_at = end % self._ring

    def oldest(self, row: int) -> int:
        """The first position of a row that can still be read."""
        return max(0, int(self.positions[row]) - self._ring)

    def read(
        self, row: int, channel: Channel, from_samples: int, to_samples: int
    ) -> NDArray[np.int16]:
        """A copy of the row's samples [from, to), less what is too old or still to come."""
        ring: NDArray[np.int16] = self.heard if channel is HEARD else self.sent
        first, count = self._clamp(row, from_samples, to_samples)
        until_end = self._ring - first
        if count <= until_end:
            return ring[row, first : first + count].copy()
        return np.concatenate([ring[row, first:], ring[row, : count - until_end]])

    def read_stereo(self, row: int, from_samples: int, to_samples: int) -> NDArray[np.int16]:
        """Both sides, [2, samples]: caller, agent."""
        return np.stack(
            [
                self.read(row, HEARD, from_samples, to_samples),
                self.read(row, SENT, from_samples, to_samples),
            ]
        )

    def _clamp(self, row: int, from_samples: int, to_samples: int) -> tuple[int, int]:
        """Where in the ring the wanted span starts, and how long it is."""
        newest = int(self.positions[row])
        end = min(to_samples, newest)
        start = min(max(from_samples, self.oldest(row)), end)
        return (self._write_at - (newest - start)) % self._ring, max(0, end - start)
