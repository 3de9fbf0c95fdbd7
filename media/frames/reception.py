"""Which packets of a lane count, and where in time they belong (RFC 3550 §6.4.1, §A.1, §A.3, §A.8).

Sequence numbers tell doubles and losses, timestamps give each packet its *position*: lane samples
on an axis that stays one through wraps, through jumps of the sender's timestamps and through new
SSRCs. Columns for what every packet touches; what happens now and then (start, jump, new SSRC)
goes lane by lane. Not here: what is played when (jitter.py), RTCP's wire format (rtcp.py).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .lanes import Columns
from .rtcp_session import Heard

MAX_SEQUENCE_STEP = 3000
"A sequence number further off is of another stream, or the sender began anew (RFC 3550 §A.1)."
MAX_AHEAD_MS = 200
"How much sooner than the fastest packet of late one may seem to come; more is a timestamp jump."
MAX_BEHIND_MS = 400
"The same for lateness: beyond it a packet is of an outage or of a timestamp jump."
CONTINUOUS_MS = 60
"A position this close to where the sequence number puts it is no jump."
SEAMLESS_MS = 20
"A new source that comes within this of the old one's end is joined to it."
NO_SOURCE = -1
"SSRC of a row that has not heard anything."
MAX_CANDIDATE_STEP = 3
"Two packets of an unknown stream agree when they are this close in sequence."
MAX_BRIDGED_PACKETS = 10
"Packets missing at a timestamp jump, beyond which arrival says more than sequence."

_HALF_SEQUENCE, _SEQUENCE_MASK = 1 << 15, 0xFFFF
_HALF_TIMESTAMP, _TIMESTAMP_MASK = 1 << 31, 0xFFFFFFFF
_WINDOW = 64


class Received(NamedTuple):
    """What became of k packets."""

    fresh: NDArray[np.bool_]
    "Of the lane's stream, and no double."
    position: NDArray[np.int64]
    "Where they belong; meaningless where not fresh or without samples."
    step: NDArray[np.int64]
    "Sequence number minus the newest before; 1: the next one."


class _Odd(NamedTuple):
    """A packet that does not simply follow: a start, a jump, another source, an outage."""

    row: int
    ssrc: int
    sequence: int
    timestamp: int
    unwrapped: int
    "The timestamp with the wraps counted in, if it is of the lane's stream."
    position: int
    "By its timestamp."
    step: int
    samples: int
    arrival: int
    now: int
    "The position of a packet that arrives now and is as fast as any of late."


class _Place(NamedTuple):
    position: int
    step: int
    timestamp: int
    "With the wraps counted in."


class Reception(Columns):
    """The receiving end of each lane's RTP stream, and its statistics since the lane began."""

    def __init__(self, capacity: int, rate_hz: int) -> None:
        super().__init__(capacity)
        self.rate_hz = rate_hz
        self._ahead = rate_hz * MAX_AHEAD_MS // 1000
        self._behind = rate_hz * MAX_BEHIND_MS // 1000
        self._continuous = rate_hz * CONTINUOUS_MS // 1000
        self._seamless = rate_hz * SEAMLESS_MS // 1000
        self._candidates: dict[int, _Odd] = {}
        "Rows where a packet of another stream waits for a second one to agree with it."
        self._scaled = False
        "Some row's RTP clock is not the lane's."
        self.ssrc: NDArray[np.int64] = self.column("ssrc", np.int64, fill=NO_SOURCE)
        self.highest_sequence: NDArray[np.int64] = self.column(
            "highest_sequence", np.int64, fill=-1
        )
        "With the wraps counted in."
        self.base_sequence: NDArray[np.int64] = self.column("base_sequence", np.int64)
        "The first of this source."
        self.received: NDArray[np.int64] = self.column("received", np.int64)
        "Packets of this source, late and double ones too (RFC 3550 §A.3)."
        self.jitter: NDArray[np.float64] = self.column("jitter", np.float64)
        "Interarrival jitter in lane samples (RFC 3550 §A.8)."
        self.end: NDArray[np.int64] = self.column("end", np.int64)
        "One past the newest sample."
        self.received_before: NDArray[np.int64] = self.column("received_before", np.int64)
        "Packets of sources that have been followed by another."
        self.lost_before: NDArray[np.int64] = self.column("lost_before", np.int64)
        "The same for those lost."
        self.duplicates: NDArray[np.int64] = self.column("duplicates", np.int64)
        self.unconfirmed: NDArray[np.int64] = self.column("unconfirmed", np.int64)
        "Dropped because nothing agreed with them (yet)."
        self.jumps: NDArray[np.int64] = self.column("jumps", np.int64)
        "Timestamp or sequence jumps that were followed."
        self.ssrc_changes: NDArray[np.int64] = self.column("ssrc_changes", np.int64)
        self._timestamp: NDArray[np.int64] = self.column("_timestamp", np.int64)
        "Of the newest packet, with the wraps counted in."
        self._offset: NDArray[np.int64] = self.column("_offset", np.int64)
        "Position minus scaled timestamp."
        self._transit: NDArray[np.int64] = self.column("_transit", np.int64)
        self._seen: NDArray[np.uint64] = self.column("_seen", np.uint64)
        "Bit i: the packet i before the newest has come."
        self._multiplier: NDArray[np.int64] = self.column("_multiplier", np.int64, fill=1)
        self._divisor: NDArray[np.int64] = self.column("_divisor", np.int64, fill=1)

    def configure(self, row: int, clock_rate_hz: int) -> None:
        """The row's RTP timestamps count `clock_rate_hz` (G.722: 8000, Opus: 48000)."""
        if self._clock_rate_hz(row) != clock_rate_hz:
            common = math.gcd(self.rate_hz, clock_rate_hz)
            self._multiplier[row] = self.rate_hz // common
            self._divisor[row] = clock_rate_hz // common
            self._scaled = True
            self.ssrc[row] = NO_SOURCE  # timestamps mean something else now

    def clear(self, row: int) -> None:
        super().clear(row)
        self._candidates.pop(row, None)

    def lost(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Packets lost so far, of all sources; below 0 when more came double than were lost."""
        expected = self.highest_sequence[rows] - self.base_sequence[rows] + 1
        return np.asarray(self.lost_before[rows] + expected - self.received[rows])

    def heard(self, row: int) -> Heard | None:
        """The row's source as RTCP reports it; None before it has said anything."""
        if self.ssrc[row] == NO_SOURCE:
            return None
        highest = int(self.highest_sequence[row])
        return Heard(
            ssrc=int(self.ssrc[row]),
            highest_sequence=highest,
            expected=highest - int(self.base_sequence[row]) + 1,
            received=int(self.received[row]),
            jitter=float(self.jitter[row] * self._divisor[row] / self._multiplier[row]),
        )

    def receive(
        self,
        rows: NDArray[np.int64],
        sequence: NDArray[np.int64],
        timestamp: NDArray[np.int64],
        samples: NDArray[np.int64],
        ssrc: NDArray[np.int64],
        arrival: NDArray[np.int64],
        fastest: NDArray[np.int64],
    ) -> Received:
        """One packet for each of `rows` (unique): [k] each.

        `samples` is its length in lane samples, 0 for what has no place in the audio (key presses,
        comfort noise), which only count. `fastest` is the smallest arrival - position of late.
        """
        step = sequence - self.highest_sequence[rows] + _HALF_SEQUENCE
        step = (step & _SEQUENCE_MASK) - _HALF_SEQUENCE
        newest = self._timestamp[rows]
        unwrapped = timestamp - newest + _HALF_TIMESTAMP
        unwrapped = newest + (unwrapped & _TIMESTAMP_MASK) - _HALF_TIMESTAMP
        position = self._scale(rows, unwrapped) + self._offset[rows]
        transit = arrival - position
        late = transit - fastest
        odd = (late > self._behind) | (late < -self._ahead)
        backward = step <= 0
        if np.count_nonzero(backward):
            odd |= backward & (position >= self.end[rows])  # an old number on new audio
        odd &= samples > 0
        odd |= ssrc != self.ssrc[rows]
        odd |= np.abs(step) > MAX_SEQUENCE_STEP
        fresh = np.ones(len(rows), np.bool_)
        if self._candidates:
            for row in rows[~odd].tolist():
                self._candidates.pop(row, None)
        for index in np.flatnonzero(odd) if np.count_nonzero(odd) else ():
            place = self._place(
                _Odd(
                    row=int(rows[index]),
                    ssrc=int(ssrc[index]),
                    sequence=int(sequence[index]),
                    timestamp=int(timestamp[index]),
                    unwrapped=int(unwrapped[index]),
                    position=int(position[index]),
                    step=int(step[index]),
                    samples=int(samples[index]),
                    arrival=int(arrival[index]),
                    now=int(arrival[index] - fastest[index]),
                )
            )
            fresh[index] = place is not None
            if place is not None:
                position[index], step[index], unwrapped[index] = place
        self._count(rows, step, fresh)
        self._follow(rows, fresh & (samples > 0), step, unwrapped, position, samples, arrival)
        return Received(fresh, position, step)

    def _scale(self, rows: NDArray[np.int64], timestamp: NDArray[np.int64]) -> NDArray[np.int64]:
        """Timestamps in lane samples."""
        if not self._scaled:
            return timestamp
        return timestamp * self._multiplier[rows] // self._divisor[rows]

    def _count(
        self, rows: NDArray[np.int64], step: NDArray[np.int64], fresh: NDArray[np.bool_]
    ) -> None:
        """Sequence statistics and the window of doubles; clears `fresh` for doubles."""
        if np.count_nonzero(fresh) < len(fresh):
            self.unconfirmed[rows[~fresh]] += 1
            rows, step = rows[fresh], step[fresh]
        self.received[rows] += 1
        seen = self._seen[rows]
        if np.count_nonzero(step == 1) == len(step):
            self._seen[rows] = seen << np.uint64(1) | np.uint64(1)
            self.highest_sequence[rows] += 1
            return
        newer = step > 0
        forward = np.where(newer, step, 0)
        shifted = np.where(forward < _WINDOW, seen << (forward % _WINDOW).astype(np.uint64), 0)
        back = np.where(newer, 0, -step)
        bit = np.where(back < _WINDOW, np.uint64(1) << (back % _WINDOW).astype(np.uint64), 0)
        double = ~newer & ((shifted & bit) != 0)
        self._seen[rows] = shifted | bit
        self.highest_sequence[rows] += forward
        self.duplicates[rows[double]] += 1
        fresh[np.flatnonzero(fresh)[double]] = False

    def _follow(
        self,
        rows: NDArray[np.int64],
        which: NDArray[np.bool_],
        step: NDArray[np.int64],
        unwrapped: NDArray[np.int64],
        position: NDArray[np.int64],
        samples: NDArray[np.int64],
        arrival: NDArray[np.int64],
    ) -> None:
        """Jitter of `which`, and the newest timestamp and position where it is newer."""
        transit = arrival - position
        if np.count_nonzero(which) < len(which):
            rows, transit, step = rows[which], transit[which], step[which]
            unwrapped, position, samples = unwrapped[which], position[which], samples[which]
        jitter = self.jitter[rows]
        self.jitter[rows] = jitter + (np.abs(transit - self._transit[rows]) - jitter) / 16.0
        self._transit[rows] = transit
        self.end[rows] = np.maximum(self.end[rows], position + samples)
        newer = step > 0
        if np.count_nonzero(newer) < len(newer):
            rows, unwrapped = rows[newer], unwrapped[newer]
        self._timestamp[rows] = unwrapped

    # -- now and then: starts, jumps, new sources -----------------------------------------------

    def _place(self, packet: _Odd) -> _Place | None:
        """Where a packet belongs that does not simply follow; None: not to be believed (yet)."""
        row = packet.row
        if self.ssrc[row] == NO_SOURCE:
            return self._begin(packet)
        if packet.ssrc != self.ssrc[row] or abs(packet.step) > MAX_SEQUENCE_STEP:
            return self._confirm(packet)
        at = np.array([row])
        newest = int(self._scale(at, self._timestamp[at])[0]) + int(self._offset[row])
        by_sequence = newest + packet.step * packet.samples
        if abs(packet.position - by_sequence) <= self._continuous:
            return _Place(packet.position, packet.step, packet.unwrapped)  # held up on its way
        if packet.step <= 0:
            return self._confirm(packet)  # from before a jump, or the sender began anew
        # The sequence goes on, so the stream does: only its timestamps have been set anew.
        self.jumps[row] += 1
        end = int(self.end[row])
        missing = (packet.step - 1) * packet.samples
        if packet.step > MAX_BRIDGED_PACKETS:
            missing = max(0, packet.now - end)
        return _Place(self._anchor(packet, end + missing), packet.step, packet.timestamp)

    def _confirm(self, packet: _Odd) -> _Place | None:
        """Believe another SSRC or sequence when two packets without one between them agree."""
        row = packet.row
        before = self._candidates.get(row)
        self._candidates[row] = packet
        if before is None or before.ssrc != packet.ssrc:
            return None
        step = (packet.sequence - before.sequence) & _SEQUENCE_MASK
        ticks = (packet.timestamp - before.timestamp) & _TIMESTAMP_MASK
        if not 0 < step <= MAX_CANDIDATE_STEP or ticks > self._clock_rate_hz(row):
            return None
        changed = packet.ssrc != self.ssrc[row]
        (self.ssrc_changes if changed else self.jumps)[row] += 1
        return self._begin(packet)

    def _begin(self, packet: _Odd) -> _Place:
        """A source's first packet continues where the last one ended, later if time passed."""
        row = packet.row
        self._candidates.pop(row, None)
        expected = self.highest_sequence[row] - self.base_sequence[row] + 1
        self.lost_before[row] += expected - self.received[row]
        self.received_before[row] += self.received[row]
        self.ssrc[row] = packet.ssrc
        self.base_sequence[row] = packet.sequence
        self.highest_sequence[row] = packet.sequence - 1  # so that it is the next one like any
        self.received[row] = 0
        self._seen[row] = 0
        end = int(self.end[row])
        position = end if packet.now - end < self._seamless else packet.now
        return _Place(self._anchor(packet, position), 1, packet.timestamp)

    def _anchor(self, packet: _Odd, position: int) -> int:
        """From now on the packet's timestamp means `position`."""
        row = packet.row
        timestamp = np.array([packet.timestamp])
        self._offset[row] = position - int(self._scale(np.array([row]), timestamp)[0])
        self._transit[row] = packet.arrival - position
        return position

    def _clock_rate_hz(self, row: int) -> int:
        return self.rate_hz * int(self._divisor[row]) // int(self._multiplier[row])
