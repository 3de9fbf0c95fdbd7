"""A telephone line as the measurements use it: what is said, what is heard, and when. Pure.

Two axes of samples, at 8 kHz unless said otherwise. `Said` is what the mouth says: a sample exists
when it has been captured, so the packet that it is in leaves up to a packet's length later. `Heard`
is what arrives at the ear: a sample is heard when its packet has come and the ones before it in the
packet have been played. There is no jitter buffer on the way: a real phone's (20 to 60 ms) comes on
top.

`Line` is what the phones implement (bare_phone.py over SIP, whip_phone.py over WebRTC). Not here:
sockets, signalling, the clock.
"""

import bisect
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
PACKET = 160
"20 ms."
FIRST_ROOM_S = 60
LONGEST_JUMP_S = 5.0
"RTP timestamps that leap farther than that tell of a new stream, not of silence."
LATE_S = 0.1
"A packet that is not there by then is not late: none is sent."
ECHO_SLACK = 2 * PACKET
"So far may the echo's place drift from where the line's delay puts it before it is moved."

Pcm = NDArray[np.int16]
Way = Callable[[int], tuple[float, ...]]
"How late a packet of that number goes out, seconds, each time it does; empty: never."


def straight(number: int) -> tuple[float, ...]:
    """Every packet at once, and once."""
    del number
    return (0.0,)


class LineFailed(Exception):
    """The call did not come about: the far end refused it, or did not answer."""


class Said:
    """What the phone has sent: packet number n holds samples n * packet to (n + 1) * packet - 1."""

    def __init__(self, packet: int = PACKET) -> None:
        self.packet = packet
        self.sent_at: list[float] = []
        self._pcm: list[Pcm] = []

    def add(self, at: float, pcm: Pcm) -> None:
        """One packet left."""
        self.sent_at.append(at)
        self._pcm.append(pcm)

    def pcm(self) -> Pcm:
        """All of it."""
        return np.concatenate(self._pcm) if self._pcm else np.zeros(0, np.int16)

    def left_at(self, sample: int) -> float:
        """When the packet with this sample left, monotonic."""
        return self.sent_at[sample // self.packet]

    def due_at(self, number: int) -> float:
        """When that packet was to leave: all but the most punctual left a little later than due."""
        packet_s = self.packet / RATE_HZ
        origin = min(at - n * packet_s for n, at in enumerate(self.sent_at))
        return origin + number * packet_s

    def spoken_at(self, sample: int) -> float:
        """When this sample was captured: the packet's last one just before it left."""
        return self.left_at(sample) - (self.packet - 1 - sample % self.packet) / RATE_HZ


class Heard:
    """What has come, in one piece by its RTP timestamps."""

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        self._rate_hz = rate_hz
        self._pcm = np.zeros(FIRST_ROOM_S * rate_hz, np.int16)
        self._source: int | None = None
        self._base = 0
        "The timestamp that lies at sample 0."
        self._began: list[int] = []
        self._came_at: list[float] = []
        self.end = 0
        "Samples until the end of the newest packet."

    def add(self, timestamp: int, pcm: Pcm, at: float, source: int = 0) -> None:
        """One packet came (`timestamp` in samples, 32 bits). One from before the first is dropped.

        A new source, or timestamps that leap, begin where the ear is at that moment.
        """
        begin = (timestamp - self._base) & 0xFFFFFFFF
        begin -= (begin >> 31) << 32  # signed
        now = self.ear_at(at)
        if source != self._source or abs(begin - now) > LONGEST_JUMP_S * self._rate_hz:
            self._source = source
            self._base = (timestamp - now) & 0xFFFFFFFF
            begin = now
        if begin < 0:
            return
        while begin + len(pcm) > len(self._pcm):
            self._pcm = np.concatenate([self._pcm, np.zeros_like(self._pcm)])
        self._pcm[begin : begin + len(pcm)] = pcm
        self._began.append(begin)
        self._came_at.append(at)
        self.end = max(self.end, begin + len(pcm))

    def pcm(self) -> Pcm:
        """All of it, int16[samples]; silence where nothing has come."""
        return self._pcm[: self.end]

    def ear_at(self, at: float) -> int:
        """How far an ear has come: to the newest packet's end; farther when no more come."""
        if not self._came_at:
            return 0
        since_s = at - self._came_at[-1]
        return (
            self.end
            if since_s < LATE_S
            else max(self.end, self._began[-1] + round(since_s * self._rate_hz))
        )

    def arrived_at(self, sample: int) -> float:
        """When the packet with this sample came."""
        return self._packet(sample)[1]

    def heard_at(self, sample: int) -> float:
        """When an ear without a jitter buffer hears the sample."""
        begin, at = self._packet(sample)
        return at + (sample - begin) / self._rate_hz

    def sample_0_at(self, since: float) -> float:
        """When the first sample was heard, had all packets been as fast as the fastest since then.

        Raises LineFailed when none has come since.
        """
        packets = zip(self._began, self._came_at, strict=True)
        times = [at - begin / self._rate_hz for begin, at in packets if at >= since]
        if not times:
            raise LineFailed("the far end fell silent")
        return min(times)

    def late_s(self, sample: int, sample_0_at: float) -> float:
        """How much later than the fastest one the packet with this sample came."""
        begin, at = self._packet(sample)
        return max(0.0, at - begin / self._rate_hz - sample_0_at)

    def position_at(self, at: float) -> int:
        """The first sample of what came at `at` or later; else where the ear was then."""
        later = self._began[bisect.bisect_left(self._came_at, at) :]
        return min(later) if later else self.ear_at(at)

    def _packet(self, sample: int) -> tuple[int, float]:
        pairs = zip(self._began, self._came_at, strict=True)
        return max((pair for pair in pairs if pair[0] <= sample), key=lambda pair: pair[0])


class Echo:
    """The agent's voice, coming back from the caller's end."""

    def __init__(self, level_db: float, delay_ms: int) -> None:
        self._level = 10 ** (level_db / 20)
        self._delay = delay_ms * RATE_HZ // 1000
        self._at: int | None = None

    def packet(self, heard: Heard, count: int) -> Pcm:
        """The next `count` samples of it."""
        due = heard.end - self._delay - count
        at = due if self._at is None or abs(self._at - due) > ECHO_SLACK else self._at
        self._at = at + count
        returned = np.zeros(count, np.int16)
        first = max(0, at)
        known = heard.pcm()[first : max(first, at + count)]
        begin = first - at
        if begin < count:
            returned[begin : begin + len(known)] = np.rint(known * self._level)
        return returned


class Mouth:
    """What goes into the line: words, the noise around them, the echo of what is heard."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._words: list[tuple[int, Pcm]] = []
        self.background: Pcm | None = None
        "Heard all the time, over and over."
        self.echo: Echo | None = None

    def say(self, pcm: Pcm, begin: int) -> None:
        """Words from sample `begin` on."""
        self._words.append((begin, pcm))

    def packet(self, begin: int, count: int) -> Pcm:
        """Samples `begin` to `begin + count`."""
        mixed = np.zeros(count, np.int32)
        for start, pcm in self._words:
            first, last = max(begin, start), min(begin + count, start + len(pcm))
            if first < last:
                mixed[first - begin : last - begin] += pcm[first - start : last - start]
        self._words = [(s, pcm) for s, pcm in self._words if s + len(pcm) > begin + count]
        if self.background is not None:
            mixed += np.take(self.background, np.arange(begin, begin + count), mode="wrap")
        if self.echo is not None:
            mixed += self.echo.packet(self._heard, count)
        return np.clip(mixed, -32768, 32767).astype(np.int16)


class Line(Protocol):
    """One call. Audio runs from the answer on, both ways, all the time."""

    said: Said
    heard: Heard
    mouth: Mouth

    @property
    def call_id(self) -> str:
        """What the far end knows the call by."""
        ...

    @property
    def position(self) -> int:
        """The first sample that has not left yet."""
        ...

    async def call(self) -> None:
        """Dial and wait for the answer. Raises LineFailed."""
        ...

    def say(self, pcm: Pcm, begin: int | None = None) -> int:
        """Speak from sample `begin` on (None: from the next packet); returns where it begins."""
        ...

    async def wait_until(self, position: int) -> bool:
        """Until the packets before this sample have left; False when the call ended before."""
        ...

    async def hang_up(self) -> None:
        """End the call, if it is up."""
        ...
