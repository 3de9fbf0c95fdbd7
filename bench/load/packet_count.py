"""How the packets of many RTP streams arrive: lost, doubled, out of order, never made. Pure.

Sequence numbers tell what the network or a full socket lost; timestamps that jump further than the
sequence tell of frames that the sender skipped (a stalled clock). Sequence and timestamp wrap.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

SEQUENCES, TIMESTAMPS = 1 << 16, 1 << 32
SEEN = 256
"Sequence numbers back that a packet is still known to be a double: 5 s."

Numbers = NDArray[np.int64]


class Arrivals(msgspec.Struct, frozen=True):
    """All streams together, since counting began."""

    expected: int = 0
    "Packets between the first and the newest of each stream, both included."
    received: int = 0
    "Different ones."
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    "Came after a newer one."
    skipped: int = 0
    "Frames that the sender left out: time went on, the sequence did not."
    silent: int = 0
    "Streams of which nothing has come."

    @property
    def loss(self) -> float:
        """Share of what was expected that did not come."""
        return self.lost / self.expected if self.expected else 0.0


def unwrapped(value: Numbers, near: Numbers, size: int) -> Numbers:
    """The number that is `value` modulo `size` and closest to `near`."""
    half = size // 2
    result: Numbers = near + (value - near + half) % size - half
    return result


class PacketCount:
    """Counts packets of streams 0..n-1, a batch at a time."""

    def __init__(self, streams: int, timestamp_step: int) -> None:
        """`timestamp_step`: of one packet."""
        self._streams = streams
        self._step = timestamp_step
        self.restart()

    def restart(self) -> None:
        """Forget what was counted: each stream begins with its next packet."""
        n = self._streams
        self._begun = np.zeros(n, bool)
        self._first, self._newest = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._first_time, self._newest_time = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._received = np.zeros(n, np.int64)
        self._seen = np.full((n, SEEN), -1, np.int64)
        self._doubled = self._reordered = 0
        self._before = Arrivals()

    def renew(self, stream: int) -> None:
        """Another stream takes its place; what was counted of this one stays."""
        if not self._begun[stream]:
            return
        expected, skipped = self._spans(np.array([stream]))
        received = int(self._received[stream])
        before = self._before
        self._before = Arrivals(
            expected=before.expected + expected,
            received=before.received + received,
            skipped=before.skipped + skipped,
        )
        self._begun[stream] = False
        self._received[stream] = 0
        self._seen[stream] = -1

    def add(self, streams: Numbers, sequences: Numbers, timestamps: Numbers) -> None:
        """Packets in the order they came in: whose, and their numbers as on the wire."""
        while streams.size:
            # One packet a stream and round: most batches are one round.
            _, now = np.unique(streams, return_index=True)
            self._add(streams[now], sequences[now], timestamps[now])
            later = np.ones(streams.size, bool)
            later[now] = False
            streams, sequences, timestamps = streams[later], sequences[later], timestamps[later]

    def arrivals(self) -> Arrivals:
        """What has come so far."""
        expected, skipped = self._spans(np.flatnonzero(self._begun))
        expected += self._before.expected
        received = int(self._received.sum()) + self._before.received
        return Arrivals(
            expected=expected,
            received=received,
            lost=expected - received,
            doubled=self._doubled,
            reordered=self._reordered,
            skipped=skipped + self._before.skipped,
            silent=int((~self._begun).sum()),
        )

    def _spans(self, streams: Numbers) -> tuple[int, int]:
        """Packets between the first and the newest of these, and frames that were left out."""
        expected = (self._newest - self._first)[streams] + 1
        frames = (self._newest_time - self._first_time)[streams] // self._step + 1
        return int(expected.sum()), int(np.maximum(frames - expected, 0).sum())

    def _add(self, streams: Numbers, sequences: Numbers, timestamps: Numbers) -> None:
        fresh = streams[~self._begun[streams]]
        if fresh.size:
            where = ~self._begun[streams]
            # Room below the first packet, so that an older one is not below zero.
            begin, time = sequences[where] + SEQUENCES, timestamps[where] + TIMESTAMPS
            self._first[fresh] = self._newest[fresh] = begin
            self._first_time[fresh] = self._newest_time[fresh] = time
            self._begun[fresh] = True
        number = unwrapped(sequences, self._newest[streams], SEQUENCES)
        time = unwrapped(timestamps, self._newest_time[streams], TIMESTAMPS)
        double = self._seen[streams, number % SEEN] == number
        self._doubled += int(double.sum())
        # What left before the first that was counted is neither lost nor received.
        good = ~double & (number >= self._first[streams])
        self._seen[streams[good], number[good] % SEEN] = number[good]
        self._received[streams[good]] += 1
        newer = good & (number >= self._newest[streams])
        self._reordered += int((good & ~newer).sum())
        self._newest[streams[newer]] = number[newer]
        self._newest_time[streams[newer]] = time[newer]
