"""A WebRTC caller with nothing in it, for any agent behind WHIP (RFC 9725): POST an offer, DELETE.

ICE and DTLS are aiortc's; audio is not: packets are made here on absolute deadlines, and taken as
they come, with the time of their arrival, before aiortc's jitter buffer (80 ms) and its decoder.
Opus where the far end takes it, else G.711. Opus looks 6.5 ms ahead when it encodes, on either
side: a browser's caller waits for that too, so it is part of what is measured. Not here: what a
browser adds (its jitter buffer, echo canceller and sound card).
"""

import asyncio
import fractions
import importlib
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from urllib.parse import urljoin

import aiohttp
import numpy as np

from ...codecs import g711
from ...codecs.resample import Resampler
from .line import PACKET, RATE_HZ, Heard, LineFailed, Mouth, Pcm, Said

OPUS_HZ = 48000
UP = OPUS_HZ // RATE_HZ
ANSWER_LIMIT_S = 20.0
CLOSE_LIMIT_S = 3.0
PACKET_S = PACKET / RATE_HZ
G711 = {
    "audio/pcmu": (g711.encode_ulaw, g711.decode_ulaw),
    "audio/pcma": (g711.encode_alaw, g711.decode_alaw),
}


def aiortc() -> Any:
    """The package. Raises LineFailed with what to do where it is not installed."""
    try:
        return importlib.import_module("aiortc")
    except ImportError:
        raise LineFailed("a WHIP target needs aiortc: pip install aiortc==1.16.0") from None


class WhipPhone:
    """One call: `await call()`, `say`, `await hang_up()`. A Line."""

    def __init__(self, url: str, rng: random.Random, bearer: str | None = None) -> None:
        """`url` is where the offer is posted, `bearer` the token it wants."""
        self._url = url
        self._headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        self._rng = rng
        self._resource: str | None = None
        self.said, self.heard = Said(), Heard()
        self.mouth = Mouth(self.heard)
        self._mouthpiece: Mouthpiece | None = None
        self._earpiece = Earpiece(self.heard)
        self._peer: Any = None
        self._transceiver: Any = None
        self._origin = 0.0
        self._http: aiohttp.ClientSession | None = None
        self._begun = asyncio.Event()
        self.ended = asyncio.Event()
        self._moved = asyncio.Event()
        "A packet has left, or the call has ended."

    @property
    def call_id(self) -> str:
        """What the far end knows the call by."""
        return self._resource or ""

    @property
    def position(self) -> int:
        """The first sample that can still be said."""
        return 0 if self._mouthpiece is None else self._mouthpiece.taken

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
        rtc = aiortc()
        self._peer = rtc.RTCPeerConnection(rtc.RTCConfiguration(iceServers=[]))
        self._peer.on("connectionstatechange", self._on_state)
        track = _track(self._next_packet)
        self._transceiver = self._peer.addTransceiver(track, direction="sendrecv")
        # aiortc 1.16 has no public way to packets as they come.
        self._transceiver.receiver._handle_rtp_packet = self._receive
        self._http = aiohttp.ClientSession(headers=self._headers)
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._peer.setLocalDescription(await self._peer.createOffer())
                answer = await self._post(self._peer.localDescription.sdp)
                await self._peer.setRemoteDescription(
                    rtc.RTCSessionDescription(sdp=answer, type="answer")
                )
                await self._begun.wait()
        except TimeoutError:
            raise LineFailed(f"{self._url}: no audio within {ANSWER_LIMIT_S:g} s") from None
        except (aiohttp.ClientError, ValueError) as exc:
            raise LineFailed(f"{self._url}: {exc}") from exc
        if self.ended.is_set():
            raise LineFailed(f"{self._url}: the connection failed")

    async def hang_up(self) -> None:
        """End the call, if it is up."""
        self._end()
        if self._http is not None:
            if self._resource is not None:
                try:
                    async with asyncio.timeout(CLOSE_LIMIT_S):
                        await self._http.delete(self._resource)
                except (TimeoutError, aiohttp.ClientError):
                    pass  # it has ended anyway, or its server has
            await self._http.close()
        if self._peer is not None:
            await self._peer.close()

    async def _post(self, offer: str) -> str:
        assert self._http is not None, "opened in call()"
        headers = {"Content-Type": "application/sdp"}
        async with self._http.post(self._url, data=offer, headers=headers) as response:
            text = await response.text()
            if response.status != 201:
                raise LineFailed(f"{self._url}: HTTP {response.status} {text[:200]}")
            where = response.headers.get("Location")
            self._resource = None if where is None else urljoin(str(response.url), where)
            return text

    # --- audio -----------------------------------------------------------------------------------

    async def _next_packet(self) -> tuple[bytes, int, int]:
        """The next payload when it is due, its timestamp, and the clock rate of that."""
        if self._mouthpiece is None:
            self._mouthpiece = Mouthpiece(self.mouth, self._codecs()[0].mimeType)
            self._origin = time.monotonic() + self._rng.random() * PACKET_S
            self._begun.set()
        number = len(self.said.sent_at)
        await asyncio.sleep(max(0.0, self._origin + number * PACKET_S - time.monotonic()))
        pcm, payload = self._mouthpiece.packet()
        self.said.add(time.monotonic(), pcm)
        self._moved.set()
        clock_hz = self._mouthpiece.clock_hz
        return payload, number * PACKET * clock_hz // RATE_HZ, clock_hz

    async def _receive(self, packet: Any, arrival_time_ms: int) -> None:
        """In place of aiortc's own: no packet reaches its jitter buffer and its decoder."""
        at = time.monotonic()
        for codec in self._codecs():
            if codec.payloadType == packet.payload_type and packet.payload:
                self._earpiece.add(codec.mimeType, packet, at)

    def _codecs(self) -> Any:
        return self._transceiver._codecs

    def _on_state(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._end()

    def _end(self) -> None:
        self.ended.set()
        self._moved.set()
        self._begun.set()


class Mouthpiece:
    """From what is said to payloads."""

    def __init__(self, mouth: Mouth, mime_type: str) -> None:
        self._mouth = mouth
        self._kind = mime_type.lower()
        opus = self._kind not in G711
        self.clock_hz = OPUS_HZ if opus else RATE_HZ
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

    def add(self, mime_type: str, packet: Any, at: float) -> None:
        """One packet came."""
        kind = mime_type.lower()
        step = 0 if self._last is None else (packet.timestamp - self._last) & 0xFFFFFFFF
        self._ticks += step - ((step >> 31) << 32)
        self._last = packet.timestamp
        if kind in G711:
            payload = np.frombuffer(packet.payload, np.uint8)
            self._heard.add(self._ticks & 0xFFFFFFFF, G711[kind][1](payload), at, packet.ssrc)
        elif kind == "audio/opus":
            pcm = narrowed(self._decoded(packet.payload))
            self._heard.add((self._ticks // UP) & 0xFFFFFFFF, pcm, at, packet.ssrc)

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


def _track(next_packet: Callable[[], Awaitable[tuple[bytes, int, int]]]) -> Any:
    """What aiortc takes packets from."""
    import av

    class Track(aiortc().MediaStreamTrack):  # type: ignore[misc]
        kind = "audio"

        async def recv(self) -> Any:
            payload, timestamp, clock_hz = await next_packet()
            packet = av.Packet(payload)
            packet.pts, packet.time_base = timestamp, fractions.Fraction(1, clock_hz)
            return packet

    return Track()
