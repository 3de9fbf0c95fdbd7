"""A leg's media: ports, lane and what signalling agrees, over loopback sockets."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator

import msgspec
import pytest

from offhook.codecs.catalog import G722, OPUS, PCMA, PCMU
from offhook.drivers.rtp.ports import PortPool, PortRange
from offhook.drivers.rtp.session import RtpMediaFactory
from offhook.drivers.rtp.wire import UdpWire
from offhook.drivers.sdp.offer_answer import Direction, MediaChoice
from offhook.media.clock import VirtualClock
from offhook.media.errors import PeerError
from offhook.media.frames import rtcp
from offhook.media.frames.engine import Engine, EngineSettings
from offhook.media.frames.frame_clock import PHASES, TICK_S
from offhook.media.frames.recorder import Recorder


def choice(port: int) -> MediaChoice:
    return MediaChoice(
        codec=PCMU,
        payload_type=0,
        receive_payload_type=0,
        remote_host="127.0.0.1",
        remote_port=port,
        remote_rtcp_port=None,
        rtcp_mux=False,
        ptime_ms=20,
        direction=Direction.SENDRECV,
        telephone_event_payload_type=101,
        receive_telephone_event_payload_type=101,
        telephone_event_clock_hz=8000,
        comfort_noise=False,
        fmtp="",
    )


class Rig:
    """An engine on a virtual clock, real sockets, and a far end."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.wire = UdpWire()
        settings = EngineSettings(vad=None)
        self.engine = Engine(self.clock, self.wire, Recorder(), random.Random(1), settings)
        self.ports = PortPool("127.0.0.1", PortRange(0, 0))
        self.factory = RtpMediaFactory(self.engine, self.wire, self.ports, self.clock)
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.bind(("127.0.0.1", 0))
        self.far.setblocking(False)
        self.phase = 0

    def frame(self) -> None:
        for _ in range(PHASES):
            self.clock.advance(TICK_S)
            self.phase = (self.phase + 1) % PHASES
            self.engine.tick(self.phase)

    @property
    def far_port(self) -> int:
        return int(self.far.getsockname()[1])


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    made.far.close()


async def test_audio_starts_when_it_is_agreed_and_ends_with_everything_given_back(rig: Rig) -> None:
    media = rig.factory.open("127.0.0.1")
    assert media.lane is None
    assert rig.ports.in_use == 1
    media.apply(choice(rig.far_port))
    rig.frame()
    packet, source = rig.far.recvfrom(2048)
    assert (len(packet), source) == (172, ("127.0.0.1", media.local_port))
    media.close()
    media.close()
    assert (len(rig.engine), rig.ports.in_use) == (0, 0)


async def test_media_that_never_started_gives_its_ports_back(rig: Rig) -> None:
    rig.factory.open("127.0.0.1").close()
    assert rig.ports.in_use == 0


async def test_hold_stops_our_packets_and_resume_starts_them_again(rig: Rig) -> None:
    media = rig.factory.open("127.0.0.1")
    agreed = choice(rig.far_port)
    media.apply(agreed)
    rig.frame()
    rig.far.recv(2048)
    media.apply(msgspec.structs.replace(agreed, direction=Direction.RECVONLY))
    rig.frame()
    with pytest.raises(BlockingIOError):
        rig.far.recv(2048)
    media.apply(agreed)
    rig.frame()
    assert rig.far.recv(2048)[1] & 0x80, "the stream begins anew: marker"
    media.close()


async def test_a_moved_far_end_is_latched_anew(rig: Rig) -> None:
    media = rig.factory.open("127.0.0.1")
    media.apply(choice(rig.far_port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as new:
        new.bind(("127.0.0.1", 0))
        new.setblocking(False)
        media.apply(choice(int(new.getsockname()[1])))
        rig.frame()
        assert len(new.recv(2048)) == 172
    with pytest.raises(BlockingIOError):
        rig.far.recv(2048)
    media.close()


async def test_a_lane_keeps_its_rate(rig: Rig) -> None:
    media = rig.factory.open("127.0.0.1")
    assert media.can_apply(G722)
    media.apply(choice(rig.far_port))
    assert media.can_apply(PCMA)
    assert not media.can_apply(G722)
    agreed = choice(rig.far_port)
    media.apply(msgspec.structs.replace(agreed, codec=PCMA, payload_type=8, receive_payload_type=8))
    rig.frame()
    assert rig.far.recv(2048)[1] & 0x7F == 8
    media.close()


async def test_an_address_that_is_none_is_the_peers_fault_and_leaks_nothing(rig: Rig) -> None:
    media = rig.factory.open("127.0.0.1")
    with pytest.raises(PeerError, match="not-an-address"):
        media.apply(msgspec.structs.replace(choice(4000), remote_host="not-an-address"))
    assert len(rig.engine) == 0
    media.close()
    assert rig.ports.in_use == 0


async def test_goodbye_is_said_by_rtcp(rig: Rig) -> None:
    media = rig.factory.open("127.0.0.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        control.bind(("127.0.0.1", 0))
        control.setblocking(False)
        port = int(control.getsockname()[1])
        media.apply(msgspec.structs.replace(choice(rig.far_port), remote_rtcp_port=port))
        rig.frame()
        media.close()
        packet = control.recv(2048)
    assert packet[1] == 200, "a sender report first (RFC 3550 §6.1)"
    assert bytes([0x81, 203]) in packet, "and BYE"


@pytest.mark.parametrize("mux", [True, False])
async def test_muxed_rtcp_leaves_by_the_port_of_the_audio(rig: Rig, mux: bool) -> None:
    media = rig.factory.open("127.0.0.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        control.bind(("127.0.0.1", 0))
        control.setblocking(False)
        port = int(control.getsockname()[1])
        agreed = choice(port if mux else rig.far_port)
        media.apply(msgspec.structs.replace(agreed, rtcp_mux=mux, remote_rtcp_port=port))
        rig.frame()
        media.close()
        sources = {200: 0}
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, source = control.recvfrom(2048)
                sources[packet[1]] = source[1]
    assert sources[200] == media.local_port + (0 if mux else 1)
    assert rig.ports.in_use == 0


@pytest.mark.parametrize(("host", "believed"), [("127.0.0.1", True), ("127.0.0.2", False)])
async def test_rtcp_is_believed_when_it_comes_from_where_the_audio_does(
    rig: Rig, host: str, believed: bool
) -> None:
    media = rig.factory.open("127.0.0.1")
    media.apply(choice(rig.far_port))
    lane = media.lane
    assert lane is not None
    rig.far.sendto(bytes([0x80, 0]) + bytes(170), ("127.0.0.1", media.local_port))
    rig.frame()
    rtcp_session = lane._cohort.reports._sessions[lane.place[1]]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        control.bind((host, 0))
        report = rtcp.build(rtcp.ReceiverReport(7), "far end")
        control.sendto(report, ("127.0.0.1", media.local_port + 1))
        for _ in range(3):  # it is in the socket; the loop has to look there
            await asyncio.sleep(0)
    assert (rtcp_session.cname == "far end") == believed
    assert lane.quality().packets_discarded == (not believed)
    media.close()


async def test_what_the_far_end_asks_of_our_encoder_reaches_it(rig: Rig) -> None:
    media = rig.factory.open("127.0.0.1")
    wish = msgspec.structs.replace(
        choice(rig.far_port), codec=OPUS, payload_type=96, receive_payload_type=96, fmtp="usedtx=1"
    )
    media.apply(wish)
    for _ in range(50):
        rig.frame()
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while rig.far.recv(2048):
            sent += 1
    assert 0 < sent < 20, "silence is not sent"
    media.close()
