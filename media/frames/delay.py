"""How long each lane's audio must wait so that nearly every packet is there in time.

A packet's *transit* is its arrival minus its position, both in lane samples: only differences of
it mean anything. Its lateness is its transit over the smallest of the last one to two seconds. A
forgetting histogram of latenesses gives the target, the wait that suffices for 97 % of the packets
(the manner of NetEQ's underrun optimizer, WebRTC modules/audio_coding/neteq). Clock drift shows as
a smallest transit that moves. Not here: what is done to reach the target.
"""

import numpy as np
from numpy.typing import NDArray

from .lanes import FRAME_MS, Columns

BUCKET_MS = 5
BUCKETS = 81
MAX_TARGET_MS = BUCKET_MS * (BUCKETS - 1)
"400 ms. Packets later than that tell of an outage, which no waiting could bridge."
MIN_TARGET_MS = FRAME_MS
"One frame: arrivals are seen on ticks only, and a tick may come just before a packet."
QUANTILE = 0.97
FORGET = 0.983
"Each packet counts that much less than the next one: a memory of 60 packets."
GROWTH = np.float32(1 / FORGET)
WINDOW_TICKS = 50
"The smallest transit is of this and the running second."
UPDATE_TICKS = 10
"How often targets may fall; they rise at once."
MAX_WEIGHT = np.float32(1e20)
"A flood of packets between two updates must not overflow."
UNKNOWN = 1 << 60
"Transit of a lane that has heard nothing."


class Delay(Columns):
    """The wait of each lane, in lane samples."""

    def __init__(self, capacity: int, rate_hz: int) -> None:
        super().__init__(capacity)
        self.bucket_samples = BUCKET_MS * rate_hz // 1000
        self.min_target = MIN_TARGET_MS * rate_hz // 1000
        self.max_target = MAX_TARGET_MS * rate_hz // 1000
        self.fastest: NDArray[np.int64] = self.column("fastest", np.int64, fill=UNKNOWN)
        "The smallest transit of late."
        self.target: NDArray[np.int64] = self.column("target", np.int64, fill=self.min_target)
        "The wait wanted beyond the fastest packet's."
        self._fastest_now: NDArray[np.int64] = self.column("_fastest_now", np.int64, fill=UNKNOWN)
        self._mass: NDArray[np.float32] = self.column("_mass", np.float32, BUCKETS)
        self._weight: NDArray[np.float32] = self.column("_weight", np.float32, fill=1.0)
        "What the next packet counts; grows in place of the others' shrinking."
        self._ticks = 0

    def due(self, rows: slice) -> NDArray[np.int64]:
        """The transit at which samples are to be played: position + due is their moment."""
        return np.asarray(self.fastest[rows] + self.target[rows])

    def receive(self, rows: NDArray[np.int64], transit: NDArray[np.int64]) -> None:
        """One packet of each row (unique)."""
        late = transit - self.fastest[rows]
        faster = transit < self._fastest_now[rows]
        if np.count_nonzero(faster):
            some, now = rows[faster], transit[faster]
            self._fastest_now[some] = now
            self.fastest[some] = np.minimum(self.fastest[some], now)
        outage = late > self.max_target
        if np.count_nonzero(outage):
            # The path has changed, or stood still. Measure afresh: when it was a stall, the packets
            # that were held up come in one burst and show the old smallest transit again at once.
            gone = rows[outage]
            self.fastest[gone] = self._fastest_now[gone] = transit[outage]
            rows, late = rows[~outage], late[~outage]
        bucket = (np.maximum(late, 0) + self.bucket_samples - 1) // self.bucket_samples
        weight = self._weight[rows]
        self._mass[rows, bucket] += weight
        self._weight[rows] = np.minimum(weight * GROWTH, MAX_WEIGHT)
        rising = late > self.target[rows]
        if np.count_nonzero(rising):
            risen = rows[rising]
            self.target[risen] = self._quantiles(self._mass[risen])

    def tick(self, n: int) -> None:
        """20 ms have passed: let targets fall and old transits go, now and then."""
        self._ticks += 1
        if self._ticks % UPDATE_TICKS == 0:
            self._mass[:n] /= self._weight[:n, np.newaxis]
            self._weight[:n] = 1.0
            self.target[:n] = self._quantiles(self._mass[:n])
        if self._ticks % WINDOW_TICKS == 0:
            now = self._fastest_now[:n]
            np.copyto(self.fastest[:n], now, where=now != UNKNOWN)
            now[:] = UNKNOWN

    def _quantiles(self, mass: NDArray[np.float32]) -> NDArray[np.int64]:
        beyond = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1]
        limit = beyond[:, :1] * np.float32(1.0 - QUANTILE)
        bucket = np.count_nonzero(beyond > limit, axis=1) - 1
        target = bucket * self.bucket_samples
        return np.asarray(np.clip(target, self.min_target, self.max_target), np.int64)
