"""One far end's audio as it comes: frames that it left out, and the longest hole. Pure.

A far end that sends nothing while it is silent marks the packet with which it goes on (RFC 3551
§4.1): that is no hole. One that marks every packet tells nothing by it. Not here: what was lost on
the way (packet_count.py).
"""

WRAP_16, WRAP_32 = 1 << 16, 1 << 32


class StreamGaps:
    """Of one stream, in the order of arrival."""

    def __init__(self) -> None:
        self._sequence: int | None = None
        self._next_timestamp = 0
        self._marked = False
        self._came_at: float | None = None
        self.skipped = 0
        "Packets' worth of time that has passed without packets that were lost."
        self._longest_s = 0.0

    def restart(self) -> None:
        """Forget what was counted; the stream goes on."""
        self.skipped, self._longest_s = 0, 0.0

    def add(self, sequence: int, timestamp: int, length: int, marked: bool, at: float) -> None:
        """A packet came: its numbers as on the wire, the length of its audio in timestamps."""
        if self._sequence is None:
            self._follow(sequence, timestamp, length, marked, at)
            return
        ahead = (sequence - self._sequence) % WRAP_16
        if ahead == 0 or ahead >= WRAP_16 // 2:
            return  # a double, or overtaken: its hole was the newer one's
        left_out = (timestamp - self._next_timestamp) % WRAP_32 if ahead == 1 else 0
        late = left_out < WRAP_32 // 2 and left_out > 0
        if not (late and marked and not self._marked):
            self._longest_s = self.longest_s(at)
            self.skipped += round(left_out / length) if late else 0
        self._follow(sequence, timestamp, length, marked, at)

    def longest_s(self, now: float) -> float:
        """Between two packets, or since the last."""
        since_s = 0.0 if self._came_at is None else now - self._came_at
        return max(self._longest_s, since_s)

    def _follow(self, sequence: int, timestamp: int, length: int, marked: bool, at: float) -> None:
        self._sequence, self._marked, self._came_at = sequence, marked, at
        self._next_timestamp = (timestamp + length) % WRAP_32
