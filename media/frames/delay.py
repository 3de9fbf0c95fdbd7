"""How long each lane's audio must wait so that waiting longer would not be worth it.

A packet's *transit* is its arrival minus its position, both in lane samples: only differences of
it mean anything. Its lateness is its transit over the smallest of the last one to two seconds. A
forgetting histogram of latenesses tells how many packets each wait would lose, and the target is
the cheapest wait: its own length and LOSS_COST_MS for each packet in a hundred that it loses (the
manner of NetEQ's reorder optimizer, WebRTC modules/audio_coding/neteq). So a light jitter is waited
out whole, a few stragglers far out are not. When the smallest transit moves (clock drift, a queue
that fills up, another path) the histogram moves with it: what is due when does not change by that
alone. Not here: what is done to reach the target.
"""

import numpy as np
from numpy.typing import NDArray

from .lanes import FRAME_MS, Columns, which

BUCKET_MS = 5
BUCKETS = 81
MAX_TARGET_MS = BUCKET_MS * (BUCKETS - 1)
"400 ms. Packets later than that tell of an outage, which no waiting could bridge."
MIN_TARGET_MS = FRAME_MS
"One frame: arrivals are seen on ticks only, and a tick may come just before a packet."
EARLY_MS = 5
"Where for seconds all packets have come this long before their tick, that frame is given up."
LOSS_COST_MS = 40
"What a wait may cost to save one packet in a hundred from being late."
KEEP_MS = 10
"What a shorter wait must save of that cost before it is taken up."
FORGET = 0.99
"Each packet counts that much less than the next one: a memory of 100 packets."
GROWTH = np.float32(1 / FORGET)
WINDOW_TICKS = 50
"The smallest transit is of this and the running second."
FLOOR_WINDOWS = 4
"The floor under all targets is the smallest transit of these and the running seconds, up to 8."
UPDATE_TICKS = 10
"How often targets may fall; they rise at once."
MAX_WEIGHT = np.float32(1e20)
"A flood of packets between two updates must not overflow."
COSTS = np.arange(BUCKETS, dtype=np.float32) * BUCKET_MS
"Of each wait by itself."
UNKNOWN = 1 << 60
"Transit of a lane that has heard nothing."


class Delay(Columns):
    """The wait of each lane, in lane samples."""

    def __init__(self, capacity: int, rate_hz: int, turn: int = 0) -> None:
        """`turn`: cohorts of different ones do not do in the same 20 ms what they do seldom."""
        super().__init__(capacity)
        self.bucket_samples = BUCKET_MS * rate_hz // 1000
        self._early = EARLY_MS * rate_hz // 1000
        self.min_target = MIN_TARGET_MS * rate_hz // 1000
        self.max_target = MAX_TARGET_MS * rate_hz // 1000
        self.fastest: NDArray[np.int64] = self.column("fastest", np.int64, fill=UNKNOWN)
        "The smallest transit of late."
        self.target: NDArray[np.int64] = self.column("target", np.int64, fill=self.min_target)
        "The wait wanted beyond the fastest packet's."
        self.needed: NDArray[np.int64] = self.column("needed", np.int64)
        "The least wait that is right for the moment: without the frame of safety."
        self.allowed: NDArray[np.int64] = self.column("allowed", np.int64, fill=self.min_target)
        "The longest: with that frame, where the target goes without it."
        self._fastest_now: NDArray[np.int64] = self.column("_fastest_now", np.int64, fill=UNKNOWN)
        self._floor: NDArray[np.int64] = self.column("_floor", np.int64, fill=UNKNOWN)
        "The smallest transit of a longer while: a frame above it is waited for in any case."
        self._floor_now: NDArray[np.int64] = self.column("_floor_now", np.int64, fill=UNKNOWN)
        self._slowest: NDArray[np.int64] = self.column("_slowest", np.int64, fill=UNKNOWN)
        "The largest transit of the windows before, up to the moment of arrival, not to its tick."
        self._slowest_now: NDArray[np.int64] = self.column("_slowest_now", np.int64, fill=-UNKNOWN)
        self._origin: NDArray[np.int64] = self.column("_origin", np.int64, fill=UNKNOWN)
        "The transit of the first bucket."
        self._mass: NDArray[np.float32] = self.column("_mass", np.float32, BUCKETS)
        self._weight: NDArray[np.float32] = self.column("_weight", np.float32, fill=1.0)
        "What the next packet counts; grows in place of the others' shrinking."
        self._ticks = turn

    def due(self, rows: slice) -> NDArray[np.int64]:
        """The transit at which samples are to be played: position + due is their moment."""
        return np.asarray(self.fastest[rows] + self.target[rows])

    def receive(
        self, rows: NDArray[np.int64], transit: NDArray[np.int64], early: NDArray[np.int64]
    ) -> None:
        """One packet of each row (unique): its transit until the tick that saw it.

        `early` is how long before that tick it came; 0 where nobody knows.
        """
        self._slowest_now[rows] = np.maximum(self._slowest_now[rows], transit - early)
        late = transit - self.fastest[rows]
        faster = transit < self._fastest_now[rows]
        if np.count_nonzero(faster):
            self._fastest_now[rows[faster]] = transit[faster]
            faster = late < 0
            if np.count_nonzero(faster):
                self._quicken(rows[faster], transit[faster])
                late = np.maximum(late, 0)
        outage = late > self.max_target
        if np.count_nonzero(outage):
            # The path has changed, or stood still. Measure afresh: when it was a stall, the packets
            # that were held up come in one burst and show the old smallest transit again at once.
            gone = rows[outage]
            self.fastest[gone] = self._fastest_now[gone] = self._floor[gone] = transit[outage]
            self._floor_now[gone] = UNKNOWN
            rows, late = rows[~outage], late[~outage]
        # After an outage the origin is far off until the burst is over, which is to teach nothing.
        rest = (self.fastest[rows] - self._origin[rows]) % self.bucket_samples
        bucket = np.minimum(-(-(late + rest) // self.bucket_samples), BUCKETS - 1)
        weight = self._weight[rows]
        self._mass[rows, bucket] += weight
        self._weight[rows] = np.minimum(weight * GROWTH, MAX_WEIGHT)
        rising = late > self.target[rows]
        if np.count_nonzero(rising):
            late_rows = rows[rising]
            self._aim(late_rows, self.fastest[late_rows] + self.target[late_rows])

    def tick(self, n: int) -> None:
        """20 ms have passed: let targets fall and old transits go, now and then."""
        self._ticks += 1
        if self._ticks % UPDATE_TICKS == 0:
            self._mass[:n] /= self._weight[:n, np.newaxis]
            self._weight[:n] = 1.0
            self._aim(np.arange(n), self.due(slice(n)))
        if self._ticks % WINDOW_TICKS == 0:
            self._forget(which(self._fastest_now[:n] != UNKNOWN))

    def _quicken(self, rows: NDArray[np.int64], transit: NDArray[np.int64]) -> None:
        """Packets faster than any of late."""
        due = self.fastest[rows] + self.target[rows]
        self.fastest[rows] = transit
        self._floor[rows] = np.minimum(self._floor[rows], transit)
        self._move(rows, np.minimum(self._origin[rows], transit))
        self._aim(rows, due)

    def _forget(self, rows: NDArray[np.int64]) -> None:
        """The smallest transits of the window before go."""
        due = self.fastest[rows] + self.target[rows]
        now = self.fastest[rows] = self._fastest_now[rows]
        self._fastest_now[rows] = UNKNOWN
        lowest = self._floor_now[rows] = np.minimum(self._floor_now[rows], now)
        if self._ticks % (FLOOR_WINDOWS * WINDOW_TICKS) == 0:
            self._floor[rows] = lowest
            self._floor_now[rows] = UNKNOWN
            self._slowest[rows] = self._slowest_now[rows]
            self._slowest_now[rows] = -UNKNOWN
            self._move(rows, np.maximum(self._origin[rows], lowest))
        self._aim(rows, due)

    def _aim(self, rows: NDArray[np.int64], due: NDArray[np.int64]) -> None:
        """The cheapest wait; the old one, of `due`, is kept unless a shorter one saves enough."""
        mass = self._mass[rows]
        beyond = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1]
        total = np.maximum(beyond[:, :1], np.float32(1e-9))
        cost = np.broadcast_to(COSTS, mass.shape).copy()
        cost[:, :-1] += beyond[:, 1:] * (np.float32(100 * LOSS_COST_MS) / total)
        bucket = cost.argmin(axis=1)
        before = -(-(due - self._origin[rows]) // self.bucket_samples)
        before = np.clip(before, 0, BUCKETS - 1)
        at = np.arange(len(rows))
        keep = (bucket < before) & (cost[at, before] - cost[at, bucket] < KEEP_MS)
        best = np.where(keep, before, bucket) * self.bucket_samples
        target = best + self._origin[rows] - self.fastest[rows]
        self.needed[rows] = np.clip(target, 0, self.max_target)
        above = self.fastest[rows] - self._floor[rows]
        above[above < self.bucket_samples] = 0  # the clocks drift apart
        slowest = np.maximum(self._slowest[rows], self._slowest_now[rows])
        safe = self._floor[rows] - slowest >= self._early
        self.allowed[rows] = np.maximum(self.needed[rows], self.min_target - above)
        self.target[rows] = np.where(safe, self.needed[rows], self.allowed[rows])

    def _move(self, rows: NDArray[np.int64], origin: NDArray[np.int64]) -> None:
        """Let the first bucket mean about the transit `origin`, and the others accordingly."""
        old = self._origin[rows]
        unknown = old == UNKNOWN
        self._origin[rows[unknown]] = origin[unknown]
        down = np.where(unknown, 0, (origin - old) // self.bucket_samples)
        moved = which(down)
        if not moved.size:
            return
        rows, down = rows[moved], down[moved]
        self._origin[rows] += down * self.bucket_samples
        # What would fall off an end is added to the last bucket there.
        below = np.zeros((len(rows), BUCKETS + 1), np.float32)
        np.cumsum(self._mass[rows], axis=1, out=below[:, 1:])
        edges = np.clip(np.arange(1, BUCKETS) + down[:, np.newaxis], 0, BUCKETS)
        below[:, 1:-1] = np.take_along_axis(below, edges, axis=1)
        self._mass[rows] = np.maximum(np.diff(below, axis=1), 0.0)
