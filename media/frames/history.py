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
    """The two sides of a lane, by their places in a recording."""

    HEARD = 0
    "The caller."
    SENT = 1
    "The agent."


HEARD, SENT = Channel.HEARD, Channel.SENT


class History(Columns):
    """A ring of both sides of each row, interleaved as in a recording.

    All rows are written at the same place of the ring, so that a tick is two plain copies into one
    piece of memory; `positions` [rows] says where on its own axis each row's newest sample ends.
    """

    def __init__(self, capacity: int, rate_hz: int) -> None:
        super().__init__(capacity)
        self._frame = frame_samples(rate_hz)
        self._ring = HISTORY_FRAMES * self._frame
        self._write_at = 0
        self.sides: NDArray[np.int16] = self.track(
            "sides", np.int16, HISTORY_FRAMES, self._frame, len(Channel)
        )
        "[frames of the ring, rows, F, caller and agent]"
        self.positions = self.column("positions", np.int64)

    def push(self, n: int, heard: NDArray[np.int16], sent: NDArray[np.int16]) -> None:
        """Keep one frame of each side of rows 0..n-1; both are [n, F]."""
        now = self.sides[self._write_at // self._frame, :n]
        now[:, :, HEARD.value] = heard[:n]
        now[:, :, SENT.value] = sent[:n]
        self.positions[:n] += self._frame
        self._write_at = (self._write_at + self._frame) % self._ring

    def oldest(self, row: int) -> int:
        """The first position of a row that can still be read."""
        return max(0, int(self.positions[row]) - self._ring)

    def read(
        self, row: int, channel: Channel, from_samples: int, to_samples: int
    ) -> NDArray[np.int16]:
        """A copy of the row's samples [from, to), less what is too old or still to come."""
        return self._read(row, from_samples, to_samples)[:, channel.value].copy()

    def read_stereo(self, row: int, from_samples: int, to_samples: int) -> NDArray[np.int16]:
        """A copy of both sides, [2, samples]: caller, agent. It lies in memory interleaved."""
        return self._read(row, from_samples, to_samples).T

    def _read(self, row: int, from_samples: int, to_samples: int) -> NDArray[np.int16]:
        """[samples, 2], a copy."""
        newest = int(self.positions[row])
        end = min(to_samples, newest)
        start = min(max(from_samples, self.oldest(row)), end)
        first, skipped = divmod((self._write_at - (newest - start)) % self._ring, self._frame)
        count = max(0, end - start)
        frames = -(-(skipped + count) // self._frame)
        copied = np.empty((frames, self._frame, len(Channel)), np.int16)
        until_end = min(frames, HISTORY_FRAMES - first)
        copied[:until_end] = self.sides[first : first + until_end, row]
        copied[until_end:] = self.sides[: frames - until_end, row]
        return copied.reshape(-1, len(Channel))[skipped : skipped + count]
