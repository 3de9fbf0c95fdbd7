"""A telephone with nothing in it: SIP and RTP by hand over UDP, and the time of every packet.

It shares no code with the server but G.711, so it measures and is not measured: no jitter buffer,
no playout, no voice activity. Calls any SIP agent that takes G.711 over UDP. Not here: the
signalling's rules (bare_sip.py), the axes of what is said and heard (line.py).
"""

import asyncio
import random
import re
import socket
import struct
import time

import msgspec
import numpy as np

from ...codecs import g711
from . import bare_sip
from .bare_digest import Credentials
from .bare_sip import BareCall
from .line import PACKET, RATE_HZ, Heard, LineFailed, Mouth, Pcm, Said, Way, straight

PCMU, PCMA = 0, 8
ENCODE = {PCMU: g711.encode_ulaw, PCMA: g711.encode_alaw}
DECODE = {PCMU: g711.decode_ulaw, PCMA: g711.decode_alaw}
RTP_HEADER = struct.Struct("!BBHII")
SIP_PORT = 5060
ANSWER_LIMIT_S = 35.0
"Rings for so long at most."
HANG_UP_LIMIT_S = 2.0
PTIMES_MS = (10, 20, 30, 40, 60)
"What may be asked of us; anything else is taken for 20."
CONNECTION = re.compile(r"^c=IN IP[46] (\S+)", re.MULTILINE)
MEDIA = re.compile(r"^m=audio (\d+) \S+ ([\d ]+)", re.MULTILINE)
PTIME = re.compile(r"^a=ptime:(\d+)", re.MULTILINE)


class RemoteMedia(msgspec.Struct, frozen=True):
    """Where audio goes to, and how."""

    address: tuple[str, int]
    codec: int
    packet: int
    "Samples."


def remote_media(sdp: str) -> RemoteMedia:
    """What the far end's SDP asks for. Raises LineFailed where it takes no G.711."""
    where, media = CONNECTION.findall(sdp), MEDIA.search(sdp)
    if not where or media is None or media[1] == "0":
        raise LineFailed("the answer has no audio")
    known = [int(number) for number in media[2].split() if int(number) in ENCODE]
    if not known:
        raise LineFailed(f"the answer has no G.711, but {media[2].strip()}")
    # That of the medium comes after that of the session, and counts (RFC 4566 §5.7).
    ptime = PTIME.search(sdp)
    ms = int(ptime[1]) if ptime is not None and int(ptime[1]) in PTIMES_MS else 20
    return RemoteMedia((where[-1], int(media[1])), known[0], ms * RATE_HZ // 1000)


def audio(packet: bytes) -> tuple[int, int, Pcm] | None:
    """Timestamp, source and samples of an RTP packet; None: no G.711 (comfort noise, digits)."""
    if len(packet) <= RTP_HEADER.size or packet[0] >> 6 != 2:
        return None
    first, kind, _, timestamp, source = RTP_HEADER.unpack_from(packet)
    begin, end = RTP_HEADER.size + 4 * (first & 0x0F), len(packet)
    if first & 0x10:  # header extension
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4])
    if first & 0x20:  # padding
        end -= packet[-1]
    if kind & 0x7F not in DECODE or begin >= end:
        return None
    payload = np.frombuffer(packet[begin:end], np.uint8)
    return timestamp, source, DECODE[kind & 0x7F](payload)


class BarePhone(asyncio.DatagramProtocol):
    """One call: `await call()`, `say`, `await hang_up()`. A Line."""

    def __init__(
        self,
        server: str,
        user: str,
        rng: random.Random,
        credentials: Credentials | None = None,
    ) -> None:
        """`server` is host:port of its SIP socket, or a host."""
        self._server = server
        self._user = user
        self._rng = rng
        self._credentials = credentials
        self._address = ("", 0)
        self.said, self.heard = Said(), Heard()
        self.mouth = Mouth(self.heard)
        self.way: Way = straight
        "A bad network on the way out."
        self._ssrc = rng.getrandbits(32)
        self._core: BareCall | None = None
        self._remote: RemoteMedia | None = None
        self._sip: asyncio.DatagramTransport | None = None
        self._rtp: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._media: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self._moved = asyncio.Event()
        "A packet has left, or the call has ended."

    @property
    def call_id(self) -> str:
        """What the far end knows the call by."""
        assert self._core is not None, "call() comes first"
        return self._core.call_id

    async def call(self) -> None:
        """Dial and wait for the answer; audio runs from then on. Raises LineFailed."""
        loop = asyncio.get_running_loop()
        self._address = await _resolved(self._server)
        local = (_local_host(self._address), 0)
        self._sip, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=local)
        self._rtp, _ = await loop.create_datagram_endpoint(lambda: _Ear(self), local_addr=local)
        host, port = self._sip.get_extra_info("sockname")[:2]
        target = f"sip:{self._user}@{self._server}"
        sdp = self._offer(self._rtp.get_extra_info("sockname"))
        # Not the seeded one: a second run's Call-ID would be the first's, and a loop (482).
        unique = random.SystemRandom()
        self._core = BareCall(target, (host, port), unique, sdp, self._credentials)
        self._core.invite(time.monotonic())
        self._drain()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                self._remote = remote_media(await self._answer)
        except TimeoutError:
            raise LineFailed(f"{target} did not answer within {ANSWER_LIMIT_S:g} s") from None
        self.said = Said(self._remote.packet)
        self._media = asyncio.create_task(self._speak(), name=f"phone {self._core.call_id}")

    @property
    def position(self) -> int:
        """The first sample that has not left yet."""
        return len(self.said.sent_at) * self.said.packet

    def say(self, pcm: Pcm, begin: int | None = None) -> int:
        """Speak from sample `begin` on (None: from the next packet); returns where it begins."""
        begin = self.position if begin is None else begin
        self.mouth.say(pcm, begin)
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
        if self._core is not None and self._sip is not None and not self.ended.is_set():
            self._core.hang_up(time.monotonic())
            self._drain()
            try:
                async with asyncio.timeout(HANG_UP_LIMIT_S):
                    await self.ended.wait()
            except TimeoutError:
                pass  # its server is silent: then there is nobody to tell
        if self._timer is not None:
            self._timer.cancel()
        for transport in (self._sip, self._rtp):
            if transport is not None:
                transport.close()

    # --- audio -----------------------------------------------------------------------------------

    async def _speak(self) -> None:
        """Packets on absolute deadlines, at a phase of the call's own."""
        packet = self.said.packet
        await asyncio.sleep(self._rng.random() * packet / RATE_HZ)
        origin = time.monotonic()
        number = 0
        while not self.ended.is_set():
            due = origin + number * packet / RATE_HZ
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            assert self._rtp is not None, "opened in call()"
            assert self._remote is not None, "known since the answer"
            codec = self._remote.codec
            header = RTP_HEADER.pack(0x80, codec, number & 0xFFFF, number * packet, self._ssrc)
            pcm = self.mouth.packet(number * packet, packet)
            self.said.add(time.monotonic(), pcm)
            self._send(number, header + ENCODE[codec](pcm).tobytes(), self._remote.address)
            self._moved.set()
            number += 1

    def _send(self, number: int, packet: bytes, address: tuple[str, int]) -> None:
        assert self._rtp is not None, "opened in call()"
        loop = asyncio.get_running_loop()
        for late_s in self.way(number):
            if late_s > 0:
                loop.call_later(late_s, self._leave, packet, address)
            else:
                self._leave(packet, address)

    def _leave(self, packet: bytes, address: tuple[str, int]) -> None:
        if self._rtp is not None and not self._rtp.is_closing():
            self._rtp.sendto(packet, address)

    # --- signalling ------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A SIP message."""
        assert self._core is not None, "the socket came with it"
        self._core.receive_datagram(data, time.monotonic())
        self._drain()

    def _drain(self) -> None:
        """After every call into the core: report, send, re-arm the one timer."""
        assert self._core is not None, "call() comes first"
        assert self._sip is not None, "call() comes first"
        for data in self._core.datagrams_to_send():
            self._sip.sendto(data, self._core.next_hop or self._address)
        while (event := self._core.next_event()) is not None:
            self._on_event(event)
        if self._timer is not None:
            self._timer.cancel()
        at = self._core.get_timer()
        delay = None if at is None else max(0.0, at - time.monotonic())
        loop = asyncio.get_running_loop()
        self._timer = None if delay is None else loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        assert self._core is not None, "it set the timer"
        self._core.handle_timer(time.monotonic())
        self._drain()

    def _on_event(self, event: bare_sip.Event) -> None:
        match event:
            case bare_sip.Answered(sdp) if not self._answer.done():
                self._answer.set_result(sdp)
            case bare_sip.MediaMoved(sdp) if self._remote is not None:
                moved = remote_media(sdp)
                # The packets keep their length: the axis of what is said counts in it.
                self._remote = msgspec.structs.replace(moved, packet=self._remote.packet)
            case bare_sip.Refused(reason):
                self._end(LineFailed(f"refused: {reason}"))
            case bare_sip.Ended():
                self._end(LineFailed("ended before it was answered"))
            case _:
                pass

    def _end(self, reason: LineFailed) -> None:
        if not self._answer.done():
            self._answer.set_exception(reason)
        self.ended.set()
        self._moved.set()

    @staticmethod
    def _offer(where: tuple[str, int]) -> str:
        return (
            f"v=0\r\no=- 1 1 IN IP4 {where[0]}\r\ns=-\r\nc=IN IP4 {where[0]}\r\nt=0 0\r\n"
            f"m=audio {where[1]} RTP/AVP {PCMU} {PCMA}\r\na=ptime:{PACKET * 1000 // RATE_HZ}\r\n"
            "a=sendrecv\r\n"
        )


class _Ear(asyncio.DatagramProtocol):
    """Hears from whatever port it comes: many answer from another one than they said."""

    def __init__(self, phone: BarePhone) -> None:
        self._phone = phone

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        at = time.monotonic()
        if (found := audio(data)) is not None:
            timestamp, source, pcm = found
            self._phone.heard.add(timestamp, pcm, at, source)


async def _resolved(server: str) -> tuple[str, int]:
    host, _, port = server.partition(":")
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(
            host, int(port or SIP_PORT), family=socket.AF_INET, type=socket.SOCK_DGRAM
        )
    except OSError as exc:
        raise LineFailed(f"{server}: {exc.strerror or exc}") from exc
    resolved = found[0][4]
    return str(resolved[0]), int(resolved[1])


def _local_host(remote: tuple[str, int]) -> str:
    """The address that packets to `remote` leave from; connecting UDP sends none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(remote)
        host: str = probe.getsockname()[0]
        return host
