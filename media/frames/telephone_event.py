"""Key presses as RTP events (RFC 4733): telling presses apart on arrival, and sending them.

One press is one RTP timestamp, however many packets tell of it, whether or not the marker is set
and whether or not the end arrives. Not here: tones in the audio (codecs/dtmf.py).
"""

import collections
from collections.abc import Iterator
from typing import NamedTuple

from .lanes import FRAME_MS

KEYS = "0123456789*#ABCD"
"Event codes 0-15 (RFC 4733 §3.2)."
END_GAP_MS = 100
"A press that is not told of for so long has ended, though no end packet came."
REMEMBERED_PRESSES = 8
"Ended presses whose repeated and reordered packets are still known."
MAX_UNTOLD_KEYS = 32
MAX_DURATION = 0xFFFF
"Longer presses are sent in segments (RFC 4733 §2.5.1.3)."

HOLD_MS = 100
END_PACKETS = 3
"The last packet is sent three times (RFC 4733 §2.5.1.4)."
PAUSE_MS = 80
"From the end of one press to the next; receivers need 40 ms (ITU-T Q.24)."
COMMA_MS = 500
"A comma in a digit string waits this long, as in modem dial strings."
VOLUME_DBM0 = 10
"Sent as -10 dBm0."

_END, _VOLUME_MASK = 0x80, 0x3F
_TIMESTAMPS = 1 << 32


class DigitReceiver:
    """Turns the event packets of one lane into key presses, each told once, when it has ended."""

    def __init__(self, rate_hz: int) -> None:
        self._gap_samples = rate_hz * END_GAP_MS // 1000
        self._open: tuple[int, int] | None = None  # timestamp of its last segment, event code
        self._heard_samples = 0
        self._ended: collections.deque[int] = collections.deque(maxlen=REMEMBERED_PRESSES)
        self._untold: collections.deque[str] = collections.deque(maxlen=MAX_UNTOLD_KEYS)
        self.malformed = 0
        "Payloads too short for an event."
        self.ignored = 0
        "Events that are no keys (flash hook, fax and modem tones)."

    @property
    def busy(self) -> bool:
        """A press is under way or waits to be told: `poll` has something to do."""
        return self._open is not None or bool(self._untold)

    def receive_payload(self, timestamp: int, payload: bytes, now_samples: int) -> str | None:
        """Like `receive`, from the payload as it came (RFC 4733 §2.3)."""
        if len(payload) < 4:
            self.malformed += 1
            return None
        duration = payload[2] << 8 | payload[3]
        return self.receive(timestamp, payload[0], bool(payload[1] & _END), duration, now_samples)

    def receive(
        self, timestamp: int, event: int, end: bool, duration: int, now_samples: int
    ) -> str | None:
        """One packet; returns a key whose press has just ended, if one has.

        `timestamp` is the packet's, `now_samples` any clock that `poll` is given too.
        """
        if event >= len(KEYS):
            self.ignored += 1
        elif timestamp not in self._ended:
            self._follow(timestamp, event)
            self._heard_samples = now_samples
            if end:
                self._finish()
        return self._untold.popleft() if self._untold else None

    def poll(self, now_samples: int) -> str | None:
        """A key whose end was never told, once its packets have stopped coming."""
        if self._open is not None and now_samples - self._heard_samples > self._gap_samples:
            self._finish()
        return self._untold.popleft() if self._untold else None

    def _follow(self, timestamp: int, event: int) -> None:
        if self._open is not None and self._open[0] != timestamp:
            previous, code = self._open
            if code == event and timestamp == (previous + MAX_DURATION) % _TIMESTAMPS:
                self._ended.append(previous)  # next segment of the same press
            else:
                self._finish()
        self._open = (timestamp, event)

    def _finish(self) -> None:
        assert self._open is not None, "only an open press can end"
        timestamp, event = self._open
        self._ended.append(timestamp)
        self._untold.append(KEYS[event])
        self._open = None


class EventPacket(NamedTuple):
    """What to send in place of one frame of audio."""

    payload: bytes
    marker: bool
    elapsed: int
    "The event's RTP timestamp is the frame's own minus this."
    end: bool


class DigitSender:
    """Sends key presses, one packet a 20 ms tick."""

    def __init__(self, digits: str, clock_rate_hz: int, hold_ms: int = HOLD_MS) -> None:
        """`digits`: 0-9 * # A-D, comma waits. Raises ValueError for anything else."""
        for digit in digits.upper():
            if digit not in KEYS and digit != ",":
                raise ValueError(f"not a key: {digit!r} in {digits!r}")
        self._step = clock_rate_hz * FRAME_MS // 1000
        self._hold_ticks = max(1, hold_ms // FRAME_MS)
        self._packets = self._all(digits.upper())
        self.done = False
        "Everything has been sent."

    def tick(self) -> EventPacket | None:
        """This tick's packet; None: send audio (a pause, or `done`)."""
        try:
            return next(self._packets)
        except StopIteration:
            self.done = True
            return None

    def _all(self, digits: str) -> Iterator[EventPacket | None]:
        for digit in digits:
            if digit == ",":
                yield from [None] * (COMMA_MS // FRAME_MS)
                continue
            yield from self._press(KEYS.index(digit))
            yield from [None] * (PAUSE_MS // FRAME_MS - END_PACKETS)

    def _press(self, event: int) -> Iterator[EventPacket]:
        segment = 0  # where the running segment began, after the press
        for tick in range(self._hold_ticks):
            duration = min((tick + 1) * self._step - segment, MAX_DURATION)
            yield self._packet(event, duration, tick * self._step - segment, tick == 0, False)
            if duration == MAX_DURATION:
                segment += MAX_DURATION
        for tick in range(self._hold_ticks, self._hold_ticks + END_PACKETS):
            duration = self._hold_ticks * self._step - segment
            yield self._packet(event, duration, tick * self._step - segment, False, True)

    @staticmethod
    def _packet(event: int, duration: int, elapsed: int, marker: bool, end: bool) -> EventPacket:
        flags = (_END if end else 0) | (VOLUME_DBM0 & _VOLUME_MASK)
        payload = bytes((event, flags)) + duration.to_bytes(2, "big")
        return EventPacket(payload, marker, elapsed, end)
