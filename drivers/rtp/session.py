"""SHELL: a leg's media over RTP: a port pair, a lane, and what signalling agrees of them.

Not here: SDP (drivers/sdp) and packets (media/frames).
"""

import asyncio
import ipaddress
import logging
import socket

from ...codecs.catalog import Codec
from ...media.clock import Clock
from ...media.errors import PeerError
from ...media.frames.engine import Engine
from ...media.frames.lane import Lane, LaneSettings
from ...media.frames.wire import address_key
from ..sdp.offer_answer import Direction, MediaChoice
from .ports import PortPool
from .wire import UdpWire

RTCP_MAX_BYTES = 2048

logger = logging.getLogger(__name__)


class RtpMedia:
    """One leg's audio; made by `RtpMediaFactory`, ended by `close`."""

    def __init__(self, factory: "RtpMediaFactory", advertised_host: str, remote_ip: str) -> None:
        self._factory = factory
        self._signalling = _host_key(remote_ip)
        self._pair = factory.ports.take(factory.clock.now())
        self.local_host = advertised_host
        self.local_port: int = self._pair.port
        self._lane: Lane | None = None
        self._place: tuple[int, int] | None = None
        self._closed = False

    @property
    def lane(self) -> Lane | None:
        """The audio, after the first `apply`."""
        return self._lane

    def can_apply(self, codec: Codec) -> bool:
        """A lane keeps its sample rate: only codecs of that rate can replace the first one."""
        return self._lane is None or codec.sample_rate_hz == self._lane.rate_hz

    def apply(self, choice: MediaChoice) -> None:
        """Start, or change to, what offer/answer has agreed. Raises Refused, PeerError."""
        settings = _lane_settings(choice, self._signalling)
        if self._lane is None:
            self._open(settings)
        else:
            self._lane.configure(settings)
        assert self._place is not None
        # Muxed RTCP must leave by the RTP port as well (RFC 5761 §5.1.1): else it is a stranger's.
        rtcp = None if choice.rtcp_mux else self._pair.rtcp
        self._factory.wire.attach(*self._place, self._pair.rtp, rtcp)
        control = choice.remote_port if choice.rtcp_mux else choice.remote_rtcp_port
        host = choice.remote_host
        self._factory.wire.control_to(*self._place, (host, control or choice.remote_port + 1))

    def _open(self, settings: LaneSettings) -> None:
        factory = self._factory
        self._lane = factory.engine.open(settings)
        self._place = self._lane.place
        loop = asyncio.get_running_loop()
        loop.add_reader(self._pair.rtcp.fileno(), self._on_control, self._pair.rtcp)

    def _on_control(self, rtcp: socket.socket) -> None:
        """RTCP on its own port: a packet every few seconds, so the event loop may wake for it."""
        try:
            data, (host, port) = rtcp.recvfrom(RTCP_MAX_BYTES)
        except OSError:
            return
        if self._lane is not None:
            now = self._factory.clock.now()
            self._lane.receive_control(data, address_key(host, port), now)

    def close(self) -> None:
        """End the audio and give the ports back; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        factory = self._factory
        if self._lane is not None and self._place is not None:
            asyncio.get_running_loop().remove_reader(self._pair.rtcp.fileno())
            factory.engine.close(self._lane)  # says goodbye, so the wire must still know the lane
            factory.wire.detach(*self._place)
        factory.ports.give_back(self._pair, factory.clock.now())


class RtpMediaFactory:
    """Opens the media of legs: what a SIP endpoint is given as `open_media`."""

    def __init__(
        self,
        engine: Engine,
        wire: UdpWire,
        ports: PortPool,
        clock: Clock,
        advertised_host: str | None = None,
    ) -> None:
        self.engine = engine
        self.wire = wire
        self.ports = ports
        self.clock = clock
        self._advertised_host = advertised_host

    def open(self, remote_ip: str) -> RtpMedia:
        """Ports for a leg whose signalling comes from `remote_ip`. Raises Refused."""
        host = self._advertised_host or _source_address(self.ports.host, remote_ip)
        return RtpMedia(self, host, remote_ip)


def _source_address(bound: str, remote_ip: str) -> str:
    """The address of ours that `remote_ip` sees: what to write into the SDP."""
    if bound != "0.0.0.0":
        return bound
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Connecting a UDP socket sends nothing: it asks the kernel for the route.
        try:
            probe.connect((remote_ip, 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _host_key(host: str) -> int:
    """0: it is a name, or no IPv4 address."""
    try:
        return address_key(str(ipaddress.IPv4Address(host)), 0)
    except ValueError:
        return 0


def _lane_settings(choice: MediaChoice, signalling: int) -> LaneSettings:
    sends = choice.direction in (Direction.SENDRECV, Direction.SENDONLY)
    try:
        destination = address_key(choice.remote_host, choice.remote_port)
    except ValueError as exc:
        raise PeerError(f"c= address {choice.remote_host!r} is not IPv4") from exc
    on_hold = choice.remote_host == "0.0.0.0"
    return LaneSettings(
        codec=choice.codec,
        payload_type=choice.payload_type,
        receive_payload_type=choice.receive_payload_type,
        destination=0 if on_hold else destination,
        signalling=signalling,
        fmtp=choice.fmtp,
        event_payload_type=choice.telephone_event_payload_type,
        receive_event_payload_type=choice.receive_telephone_event_payload_type,
        event_clock_hz=choice.telephone_event_clock_hz,
        sending=sends and not on_hold,
        receiving=choice.direction in (Direction.SENDRECV, Direction.RECVONLY) and not on_hold,
    )
