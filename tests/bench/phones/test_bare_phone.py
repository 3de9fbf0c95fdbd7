"""What the bare phone reads in descriptions and packets; calls to a far end of the loopback."""

import asyncio
import random
import struct

import numpy as np
import pytest

from offhook.bench.phones.bare_phone import BarePhone, RemoteMedia, audio, remote_media
from offhook.bench.phones.bare_sip import header
from offhook.bench.phones.line import LineFailed
from offhook.bench.speech.waveform import first_audible
from offhook.codecs import g711

SDP = "v=0\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio {port} RTP/AVP {codecs}\r\n{more}"


@pytest.mark.parametrize(
    ("codecs", "more", "codec", "packet"),
    [
        ("0", "", 0, 160),
        ("8 0 101", "a=ptime:30\r\n", 8, 240),
        ("18 101 0", "a=ptime:10\r\n", 0, 80),
        ("0 13", "a=ptime:37\r\n", 0, 160),
    ],
)
def test_what_the_far_end_asks_for(codecs: str, more: str, codec: int, packet: int) -> None:
    sdp = SDP.format(port=4000, codecs=codecs, more=more)
    assert remote_media(sdp) == RemoteMedia(("192.0.2.9", 4000), codec, packet)


def test_the_mediums_own_address_counts() -> None:
    sdp = SDP.format(port=4000, codecs="0", more="c=IN IP4 192.0.2.77\r\n")
    assert remote_media(sdp).address == ("192.0.2.77", 4000)


@pytest.mark.parametrize(
    "sdp",
    ["", SDP.format(port=0, codecs="0", more=""), SDP.format(port=9, codecs="96 9", more="")],
)
def test_without_g711_there_is_no_call(sdp: str) -> None:
    with pytest.raises(LineFailed):
        remote_media(sdp)


def rtp(first: int, kind: int, payload: bytes, inserted: bytes = b"") -> bytes:
    return struct.pack("!BBHII", first, kind, 7, 4800, 99) + inserted + payload


def test_audio_is_found_behind_sources_and_extensions_and_before_padding() -> None:
    pcm = np.array([100, -200, 3000], np.int16)
    payload = g711.encode_ulaw(pcm).tobytes()
    heard = g711.decode_ulaw(g711.encode_ulaw(pcm)).tolist()
    extension = struct.pack("!HHI", 0xBEDE, 1, 0)
    for packet in (
        rtp(0x80, 0, payload),
        rtp(0x80, 0x80, payload),  # marker
        rtp(0x82, 0, payload, bytes(8)),
        rtp(0x90, 0, payload, extension),
        rtp(0xA0, 0, payload + b"\x00\x02"),
    ):
        found = audio(packet)
        assert found is not None
        assert (found[0], found[1], found[2].tolist()) == (4800, 99, heard)
    law = audio(rtp(0x80, 8, g711.encode_alaw(pcm).tobytes()))
    assert law is not None
    assert law[2].tolist() == g711.decode_alaw(g711.encode_alaw(pcm)).tolist()


def test_what_is_no_audio_is_not_heard() -> None:
    comfort_noise, digit = rtp(0x80, 13, b"\x40"), rtp(0x80, 101, bytes(4))
    for packet in (b"", b"\x80", rtp(0x80, 0, b""), rtp(0x00, 0, b"\xff"), comfort_noise, digit):
        assert audio(packet) is None
    assert audio(rtp(0x90, 0, b"\xff\xff")) is None  # an extension that is cut


class FarEnd(asyncio.DatagramProtocol):
    """A gateway of its own kind: rings, asks for 30 ms, speaks from another port, hangs up."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.methods: list[str] = []
        self.invites = 0
        self.transport: asyncio.DatagramTransport | None = None
        self.media_port = 0
        self.caller_media = 0
        self.acknowledged = asyncio.Event()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self.transport is not None
        text = data.decode()
        method = text.split(" ", 1)[0]
        self.methods.append(method)
        if method == "INVITE":
            self.invites += 1
            if self.invites == 1:
                return  # lost on the way
            self.caller_media = int(text.partition("m=audio ")[2].split(" ")[0])
            self.transport.sendto(self._answer(text, "180 Ringing", ""), addr)
            sdp = (
                "v=0\r\nc=IN IP4 127.0.0.1\r\n"
                f"m=audio {self.media_port} RTP/AVP 0\r\na=ptime:30\r\n"
            )
            self.transport.sendto(self._answer(text, "200 OK", sdp), addr)
        elif method == "ACK":
            self.acknowledged.set()
        elif method == "BYE":
            self.transport.sendto(self._answer(text, "200 OK", ""), addr)

    def _answer(self, request: str, status: str, sdp: str) -> bytes:
        assert self.transport is not None
        port = self.transport.get_extra_info("sockname")[1]
        names = ("Via", "From", "To", "Call-ID", "CSeq")
        copied = [line for line in request.split("\r\n") if line.split(":")[0] in names]
        lines = [f"SIP/2.0 {status}", *copied, f"Contact: <sip:far@127.0.0.1:{port}>"]
        return ("\r\n".join(lines) + "\r\n\r\n" + sdp).encode()


class FarEar(asyncio.DatagramProtocol):
    def __init__(self, end: FarEnd) -> None:
        self.end = end

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.end.packets.append(data)


async def test_a_call_to_a_gateway_with_ways_of_its_own() -> None:
    loop = asyncio.get_running_loop()
    end, here = FarEnd(), ("127.0.0.1", 0)
    sip, _ = await loop.create_datagram_endpoint(lambda: end, local_addr=here)
    ear, _ = await loop.create_datagram_endpoint(lambda: FarEar(end), local_addr=here)
    mouth, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=here)
    end.media_port = ear.get_extra_info("sockname")[1]
    port = sip.get_extra_info("sockname")[1]
    phone = BarePhone(f"127.0.0.1:{port}", "far", random.Random(1))
    try:
        await phone.call()
        await end.acknowledged.wait()
        assert end.methods[:2] == ["INVITE", "INVITE"]
        voice = g711.encode_ulaw(np.full(480, 5000, np.int16)).tobytes()
        mouth.sendto(rtp(0x80, 13, b"\x40"), ("127.0.0.1", end.caller_media))
        mouth.sendto(rtp(0x80, 0, voice), ("127.0.0.1", end.caller_media))
        phone.say(np.full(240, 8000, np.int16), 480)
        assert await phone.wait_until(1680)
        assert first_audible(phone.heard.pcm(), 8000) == 0
        assert [len(packet) for packet in end.packets[:5]] == [12 + 240] * 5
        spoken = audio(end.packets[2])
        assert spoken is not None
        assert spoken[2].min() > 7000
    finally:
        await phone.hang_up()
        for transport in (sip, ear, mouth):
            transport.close()
    assert end.methods[-1] == "BYE"


async def test_a_second_run_with_the_same_seed_is_another_call() -> None:
    class Busy(FarEnd):
        def __init__(self) -> None:
            super().__init__()
            self.invited: list[str] = []

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            assert self.transport is not None
            if data.startswith(b"INVITE"):
                self.invited.append(data.decode())
                self.transport.sendto(self._answer(data.decode(), "486 Busy Here", ""), addr)

    loop = asyncio.get_running_loop()
    sip, busy = await loop.create_datagram_endpoint(Busy, local_addr=("127.0.0.1", 0))
    server = f"127.0.0.1:{sip.get_extra_info('sockname')[1]}"
    for _ in range(2):
        phone = BarePhone(server, "far", random.Random(1))
        with pytest.raises(LineFailed):
            await phone.call()
        await phone.hang_up()
    sip.close()
    first, second = busy.invited
    for name in ("call-id", "from", "via"):
        assert header(first, name) != header(second, name)


async def test_a_refusal_is_told() -> None:
    class Busy(FarEnd):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            assert self.transport is not None
            if data.startswith(b"INVITE"):
                self.transport.sendto(self._answer(data.decode(), "486 Busy Here", ""), addr)

    loop = asyncio.get_running_loop()
    sip, _ = await loop.create_datagram_endpoint(Busy, local_addr=("127.0.0.1", 0))
    phone = BarePhone(f"127.0.0.1:{sip.get_extra_info('sockname')[1]}", "far", random.Random(1))
    try:
        with pytest.raises(LineFailed, match="486 Busy Here"):
            await phone.call()
    finally:
        await phone.hang_up()
        sip.close()
