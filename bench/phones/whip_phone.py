"""A WebRTC caller with nothing in it, for any agent behind WHIP (RFC 9725).

Packets are made here on absolute deadlines, and taken as they come, with the time of their arrival.
Opus where the far end takes it, else G.711. Opus looks 6.5 ms ahead when it encodes, on either
side: a browser's caller waits for that too, so it is part of what is measured. Not here: the
connection (whip_call.py), and what a browser adds (its jitter buffer, echo canceller, sound card).
"""

import asyncio
import fractions
import random
import time
from typing import Any, Literal

import numpy as np

from ...codecs import g711
from ...codecs.resample import Resampler
from .line import PACKET, RATE_HZ, Heard, Mouth, Pcm, Said
from .whip_call import OPUS, OPUS_HZ, PCMA, PCMU, Packet, Payload, WhipCall, clock_hz

UP = OPUS_HZ // RATE_HZ
PACKET_S = PACKET / RATE_HZ
G711 = {
    PCMU: (g711.encode_ulaw, g711.decode_ulaw),
    PCMA: (g711.encode_alaw, g711.decode_alaw),
}


class WhipPhone:
    """One call: `await call()`, `say`, `await hang_up()`. A Line."""

    def __init__(self, url: str, rng: random.Random, bearer: str | None = None) -> None:
        """`url` is where the offer is posted, `bearer` the token it wants."""
        self._rng = rng
        self._call = WhipCall(url, self._next_payload, self._receive, bearer)
        self.said, self.heard = Said(), Heard()
        self.mouth = Mouth(self.heard)
        self._mouthpiece: Mouthpiece | None = None
        self._earpiece = Earpiece(self.heard)
        self._origin = 0.0
        self._moved = asyncio.Event()
        "A packet has left, or the call has ended."
        self._call.on_end = self._moved.set

    @property
    def call_id(self) -> str:
        """What the far end knows the call by."""
        return self._call.call_id

    @property
    def position(self) -> int:
        """The first sample that can still be said."""
        return 0 if self._mouthpiece is None else self._mouthpiece.taken

    @property
    def ended(self) -> asyncio.Event:
        """Whether the call is over."""
        return self._call.ended

    def say(self, pcm: Pcm, begin: int | None = None) -> int:
        """Speak from sample `begin` on (None: from the next packet); returns where it begins."""
        begin = self.position if begin is None else begin
        self.mouth.say(pcm, begin)
        return begin

    async def wait_until(self, position: int) -> bool:
        """Until the packets before this sample have left; False when the call ended before."""
        while len(self.said.sent_at) * PACKET < position and not self.ended.is_set():
            self._moved.clear()
            await self._moved.wait()
        return not self.ended.is_set()

    async def call(self) -> None:
        """Post the offer and wait until audio can flow. Raises LineFailed."""
        await self._call.call()

    async def hang_up(self) -> None:
        """End the call, if it is up."""
        await self._call.hang_up()

    async def _next_payload(self) -> Payload:
        """The next payload when it is due."""
        if self._mouthpiece is None:
            self._mouthpiece = Mouthpiece(self.mouth, self._call.kind)
            self._origin = time.monotonic() + self._rng.random() * PACKET_S
        number = len(self.said.sent_at)
        await asyncio.sleep(max(0.0, self._origin + number * PACKET_S - time.monotonic()))
        pcm, payload = self._mouthpiece.packet()
        self.said.add(time.monotonic(), pcm)
        self._moved.set()
        return Payload(payload, number * PACKET * self._mouthpiece.clock_hz // RATE_HZ)

    def _receive(self, packet: Packet, at: float) -> None:
        self._earpiece.add(packet, at)


class Mouthpiece:
    """From what is said to payloads."""

    def __init__(self, mouth: Mouth, kind: str) -> None:
        """`kind`: the codec, of whip_call.KINDS."""
        self._mouth, self._kind = mouth, kind
        opus = kind == OPUS
        self.clock_hz = clock_hz(kind)
        self.taken = 0
        "The first sample that has not been asked for."
        self._ahead = np.zeros(0, np.int16)
        if opus:
            self._encoder = _opus("w")
            self._resampler = Resampler(RATE_HZ, OPUS_HZ)
            # The filter is late: it gets so much ahead, and what it gives for that is not sent.
            self._ahead = self._take(self._resampler.delay_samples * RATE_HZ // OPUS_HZ)
            self._resampler.push(self._ahead[None])

    def packet(self) -> tuple[Pcm, bytes]:
        """The next 20 ms, as samples and as a payload."""
        fresh = self._take(PACKET)
        both = np.concatenate([self._ahead, fresh])
        pcm, self._ahead = both[:PACKET], both[PACKET:]
        if self._kind in G711:
            return pcm, G711[self._kind][0](pcm).tobytes()
        import av

        wide = np.ascontiguousarray(self._resampler.push(fresh[None]))
        frame = av.AudioFrame.from_ndarray(wide, format="s16", layout="mono")
        frame.sample_rate = OPUS_HZ
        return pcm, b"".join(bytes(packet) for packet in self._encoder.encode(frame))

    def _take(self, count: int) -> Pcm:
        self.taken += count
        return self._mouth.packet(self.taken - count, count)


class Earpiece:
    """From packets to what is heard, at 8 kHz."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._decoder: Any = None
        self._last: int | None = None
        self._ticks = 0
        "Since the first packet, at the packets' clock rate: 48 kHz wrap where 8 kHz do not."

    def add(self, packet: Packet, at: float) -> None:
        """One packet came."""
        step = 0 if self._last is None else (packet.timestamp - self._last) & 0xFFFFFFFF
        self._ticks += step - ((step >> 31) << 32)
        self._last = packet.timestamp
        if packet.kind == OPUS:
            pcm = narrowed(self._decoded(packet.payload))
            self._heard.add((self._ticks // UP) & 0xFFFFFFFF, pcm, at, packet.source)
        else:
            pcm = G711[packet.kind][1](np.frombuffer(packet.payload, np.uint8))
            self._heard.add(self._ticks & 0xFFFFFFFF, pcm, at, packet.source)

    def _decoded(self, payload: bytes) -> Pcm:
        import av

        if self._decoder is None:
            self._decoder = _opus("r")
        frames = self._decoder.decode(av.Packet(payload))
        return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def narrowed(pcm: Pcm) -> Pcm:
    """48 kHz as 8 kHz: means of six. Moments stay where they are; for levels it will do."""
    whole = pcm[: len(pcm) // UP * UP].reshape(-1, UP)
    narrow: Pcm = np.rint(whole.mean(axis=1)).astype(np.int16)
    return narrow


def _opus(direction: Literal["r", "w"]) -> Any:
    import av

    codec: Any = av.CodecContext.create("libopus", direction)
    codec.sample_rate, codec.format, codec.layout = OPUS_HZ, "s16", "mono"
    if direction == "w":
        codec.bit_rate = 32000
        codec.options = {"application": "voip", "frame_duration": "20"}
        codec.time_base = fractions.Fraction(1, OPUS_HZ)
    return codec
