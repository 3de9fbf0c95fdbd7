"""A telephone with nothing in it: SIP and RTP by hand over UDP, and the time of every packet.

It shares no code with the server but G.711, so it measures and is not measured: no jitter buffer,
no playout, no voice activity. A real phone adds its jitter buffer (20 to 60 ms) to what this hears.

Two axes. `Said` is what the mouth says: a sample exists when it has been captured, so the packet
that it is in leaves up to 20 ms later. `Heard` is what arrives at the ear: a sample is heard when
its packet has come and the ones before it in the packet have been played.
"""

import asyncio
import random
import re
import struct
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..codecs import g711

RATE_HZ = 8000
PACKET = 160
PACKET_S = PACKET / RATE_HZ
PCMU = 0
RTP_HEADER = struct.Struct("!BBHII")
ANSWER_LIMIT_S = 15.0
LONGEST_S = 180
"Of one call."
TO_TAG = re.compile(r"^to:.*;tag=([^\s;]+)", re.IGNORECASE | re.MULTILINE)
CONTACT = re.compile(r"^contact:.*<([^>]+)>", re.IGNORECASE | re.MULTILINE)
MEDIA_PORT = re.compile(r"^m=audio (\d+)", re.MULTILINE)
COPIED = ("via", "from", "to", "call-id", "cseq")

Pcm = NDArray[np.int16]


class Said:
    """What the phone has sent: packet number n holds samples 160 n to 160 n + 159."""

    def __init__(self) -> None:
        self.sent_at: list[float] = []

    def add(self, at: float) -> None:
        """One packet left."""
        self.sent_at.append(at)

    def left_at(self, sample: int) -> float:
        """When the packet with this sample left, monotonic."""
        return self.sent_at[sample // PACKET]

    def spoken_at(self, sample: int) -> float:
        """When this sample was captured: the packet's last one just before it left."""
        return self.left_at(sample) - (PACKET - 1 - sample % PACKET) / RATE_HZ


class Heard:
    """What has come, in one piece by its RTP timestamps."""

    def __init__(self) -> None:
        self._pcm = np.zeros(LONGEST_S * RATE_HZ, np.int16)
        self._first: int | None = None
        self._began: list[int] = []
        self._came_at: list[float] = []
        self.end = 0
        "Samples until the end of the newest packet."

    def add(self, timestamp: int, pcm: Pcm, at: float) -> None:
        """One packet came. What does not fit (older than the first, too late) is not kept."""
        if self._first is None:
            self._first = timestamp
        begin = (timestamp - self._first) & 0xFFFFFFFF
        if begin + len(pcm) > len(self._pcm):
            return
        self._pcm[begin : begin + len(pcm)] = pcm
        self._began.append(begin)
        self._came_at.append(at)
        self.end = max(self.end, begin + len(pcm))

    def pcm(self) -> Pcm:
        """All of it, int16[samples]; silence where nothing has come."""
        return self._pcm[: self.end]

    def arrived_at(self, sample: int) -> float:
        """When the packet with this sample came."""
        return self._packet(sample)[1]

    def heard_at(self, sample: int) -> float:
        """When an ear without a jitter buffer hears the sample."""
        begin, at = self._packet(sample)
        return at + (sample - begin) / RATE_HZ

    def position_at(self, at: float) -> int:
        """The first sample of the first packet that came at `at` or later; else the end."""
        later = [b for b, came in zip(self._began, self._came_at, strict=True) if came >= at]
        return min(later, default=self.end)

    def _packet(self, sample: int) -> tuple[int, float]:
        pairs = zip(self._began, self._came_at, strict=True)
        return max((pair for pair in pairs if pair[0] <= sample), key=lambda pair: pair[0])


class BarePhone(asyncio.DatagramProtocol):
    """One call: `await call()`, `say`, `await hang_up()`."""

    def __init__(self, server: str, user: str, rng: random.Random) -> None:
        """`server` is host:port of its SIP socket."""
        host, port = server.rsplit(":", 1)
        self._server = (host, int(port))
        self._user = user
        self._rng = rng
        self.said, self.heard = Said(), Heard()
        self.call_id = f"{rng.getrandbits(64):016x}@bench"
        self._tag = f"{rng.getrandbits(32):08x}"
        self._to = f"<sip:{user}@{server}>"
        self._target = f"sip:{user}@{server}"
        self._branch = 0
        self._ssrc = rng.getrandbits(32)
        self._say: list[tuple[int, Pcm]] = []
        self.echo: Callable[[Pcm, int], Pcm] | None = None
        "What of the received audio (all of it, and its end) comes back in the next packet."
        self._sip: asyncio.DatagramTransport | None = None
        self._rtp: asyncio.DatagramTransport | None = None
        self._media: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self._moved = asyncio.Event()
        "A packet has left, or the call has ended."

    async def call(self) -> None:
        """Dial and wait for the answer; audio runs from then on. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        local = ("127.0.0.1", 0)
        self._sip, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=local)
        self._rtp, _ = await loop.create_datagram_endpoint(lambda: _Ear(self), local_addr=local)
        port = self._rtp.get_extra_info("sockname")[1]
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {PCMU}\r\na=ptime:20\r\n"
        )
        self._send("INVITE", 1, sdp)
        async with asyncio.timeout(ANSWER_LIMIT_S):
            answer = await self._answer
        where = (self._server[0], int(_only(MEDIA_PORT, answer)))
        self._media = asyncio.create_task(self._speak(where), name=f"phone {self.call_id}")

    @property
    def position(self) -> int:
        """The first sample that has not left yet."""
        return len(self.said.sent_at) * PACKET

    def say(self, pcm: Pcm, begin: int | None = None) -> int:
        """Speak from sample `begin` on (None: from the next packet); returns where it begins."""
        begin = self.position if begin is None else begin
        self._say.append((begin, pcm))
        return begin

    async def wait_until(self, position: int) -> bool:
        """Until the packets before this sample have left; False when the call ended before."""
        while self.position < position and not self.ended.is_set():
            self._moved.clear()
            await self._moved.wait()
        return not self.ended.is_set()

    async def hang_up(self) -> None:
        """End the call, if it is up."""
        if self._media is not None:
            self._media.cancel()
            await asyncio.gather(self._media, return_exceptions=True)
        if self._sip is not None and not self.ended.is_set():
            self._send("BYE", 2)
            await asyncio.sleep(0.1)
        for transport in (self._sip, self._rtp):
            if transport is not None:
                transport.close()

    # --- audio -----------------------------------------------------------------------------------

    async def _speak(self, where: tuple[str, int]) -> None:
        """A packet every 20 ms on absolute deadlines, at a phase of the call's own."""
        assert self._rtp is not None, "call() comes first"
        await asyncio.sleep(self._rng.random() * PACKET_S)
        origin = time.monotonic()
        number = 0
        while not self.ended.is_set():
            await asyncio.sleep(max(0.0, origin + number * PACKET_S - time.monotonic()))
            header = RTP_HEADER.pack(0x80, PCMU, number & 0xFFFF, number * PACKET, self._ssrc)
            payload = g711.encode_ulaw(self._next(number * PACKET)).tobytes()
            self.said.add(time.monotonic())
            self._rtp.sendto(header + payload, where)
            self._moved.set()
            number += 1

    def _next(self, begin: int) -> Pcm:
        packet = np.zeros(PACKET, np.int32)
        for start, pcm in self._say:
            first, last = max(begin, start), min(begin + PACKET, start + len(pcm))
            if first < last:
                packet[first - begin : last - begin] += pcm[first - start : last - start]
        self._say = [(start, pcm) for start, pcm in self._say if start + len(pcm) > begin + PACKET]
        if self.echo is not None:
            packet += self.echo(self.heard.pcm(), self.heard.end)
        return np.clip(packet, -32768, 32767).astype(np.int16)

    # --- signalling ------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A SIP message."""
        text = data.decode(errors="replace")
        first = text.split("\r\n", 1)[0]
        if first.startswith("BYE "):
            self._respond(text)
            self.ended.set()
            self._moved.set()
        elif first.startswith("SIP/2.0 2") and "INVITE" in _header(text, "cseq"):
            self._to = _header(text, "to")
            self._target = _only(CONTACT, text)
            self._send("ACK", 1)
            if not self._answer.done():
                self._answer.set_result(text)
        elif re.match(r"SIP/2\.0 [3-6]", first) and not self._answer.done():
            self._answer.set_exception(ConnectionRefusedError(first))

    def _send(self, method: str, cseq: int, body: str = "") -> None:
        assert self._sip is not None, "call() comes first"
        host, port = self._sip.get_extra_info("sockname")
        self._branch += 1
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{self._tag}{self._branch};rport",
            "Max-Forwards: 70",
            f"From: <sip:bench@{host}>;tag={self._tag}",
            f"To: {self._to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:bench@{host}:{port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._sip.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self._server)

    def _respond(self, request: str) -> None:
        assert self._sip is not None, "call() comes first"
        copied = [line for line in request.split("\r\n") if line.lower().startswith(COPIED)]
        answer = "\r\n".join(["SIP/2.0 200 OK", *copied, "Content-Length: 0"]) + "\r\n\r\n"
        self._sip.sendto(answer.encode(), self._server)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, phone: BarePhone) -> None:
        self._phone = phone

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        at = time.monotonic()
        if len(data) <= RTP_HEADER.size:
            return
        _, kind, _, timestamp, _ = RTP_HEADER.unpack_from(data)
        if kind & 0x7F == PCMU:
            payload = np.frombuffer(data, np.uint8, offset=RTP_HEADER.size)
            self._phone.heard.add(timestamp, g711.decode_ulaw(payload), at)


def _header(text: str, name: str) -> str:
    for line in text.split("\r\n"):
        head, _, value = line.partition(":")
        if head.strip().lower() == name:
            return value.strip()
    return ""


def _only(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise ConnectionError(f"the answer lacks {pattern.pattern!r}")
    return found[1]
