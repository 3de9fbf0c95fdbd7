"""SHELL: a UDP socket that tells how a datagram came in, and which of ours found nobody. Linux.

Asyncio's datagram transports tell neither: the receiving interface is in IP_PKTINFO, and an ICMP
error of a socket that is not connected is in its error queue (IP_RECVERR, ip(7)), together with
the datagram that it is about. Such an error also makes the next call of the socket fail, whomever
that is for: it is emptied out and the call is made again.
"""

import asyncio
import errno
import select
import socket
import struct
from collections.abc import Callable

import msgspec

BUFFER_BYTES = 4 * 1024 * 1024
"Room for a burst of some thousand messages while the loop is busy."
MAX_DATAGRAM_BYTES = 65_535
BURST = 8
"""Datagrams, and errors, that are taken at one wake-up: frames are due in between, and an INVITE
takes a quarter of a millisecond."""
SEND_ATTEMPTS = 3
"Another error may come in while the first is emptied out."
ANCILLARY_BYTES = 512
LOOPBACK_INDEX = 1
"The loopback interface's number, in every network namespace (the kernel's LOOPBACK_IFINDEX)."

SOL_IP, SOL_IPV6 = 0, 41
IP_PKTINFO, IP_RECVERR, IPV6_RECVERR = 8, 11, 25
PKTINFO = struct.Struct("=i8x")
"struct in_pktinfo: the interface's number, two addresses."
EXTENDED_ERROR = struct.Struct("=IBBBBII")
"struct sock_extended_err: errno, origin, type, code, padding, info, data."
ORIGINS_ICMP = (2, 3)
"SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6."

_Ancillary = list[tuple[int, int, bytes]]


class Arrived(msgspec.Struct, frozen=True):
    """A datagram that came in."""

    data: bytes
    host: str
    port: int
    by_loopback: bool
    """It came in by the loopback interface, so from this machine. Not told of all that did: of a
    datagram to a network card's address the kernel names the card, whichever way it came
    (net/ipv4/route.c, ip_route_output_key_hash_rcu). IPv6 does so, too, and is not asked."""


class PortRefused(msgspec.Struct, frozen=True):
    """ICMP says that nothing listens where a datagram of ours went."""

    quoted: bytes
    "How that datagram began, as the far end sent it back."
    host: str
    port: int


class UdpSocket:
    """One bound socket. `open`, then `send_to`; `close`."""

    def __init__(
        self,
        bound: socket.socket,
        on_arrived: Callable[[Arrived], None],
        on_refused: Callable[[PortRefused], None],
    ) -> None:
        self.host, self.port = bound.getsockname()[:2]
        self.family = bound.family
        self._socket = bound
        self._on_arrived = on_arrived
        self._on_refused = on_refused
        self._buffer = bytearray(MAX_DATAGRAM_BYTES)
        # libuv stops polling a socket for good when it has an error (uv__poll_io, POLLERR), and
        # ours have errors. What is between never has one: it is readable when there is anything.
        self._ready = select.epoll()
        self._ready.register(bound, select.EPOLLIN)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._ready.fileno(), self._on_ready)

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        on_arrived: Callable[[Arrived], None],
        on_refused: Callable[[PortRefused], None],
    ) -> "UdpSocket":
        """Bind. Port 0 takes a free one, told by `port`. Raises OSError."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setblocking(False)
            _ask_for_more(bound)
            bound.bind(address)
            return cls(bound, on_arrived, on_refused)
        except OSError:
            bound.close()
            raise

    def send_to(self, data: bytes, host: str, port: int) -> None:
        """Send now. Raises OSError for what concerns this datagram, ValueError for the port."""
        for _ in range(SEND_ATTEMPTS - 1):
            try:
                self._socket.sendto(data, (host, port))
                return
            except BlockingIOError:
                raise
            except OSError:
                if not self._empty_errors():
                    raise
        self._socket.sendto(data, (host, port))

    def close(self) -> None:
        """Stop; nothing is told any more."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._ready.fileno())
            self._ready.close()
            self._socket.close()

    def _on_ready(self) -> None:
        self._empty_errors()
        for _ in range(BURST):
            if self._socket.fileno() < 0:
                return  # who was told of the last one has closed us
            try:
                count, ancillary, _, address = self._socket.recvmsg_into(
                    [self._buffer], ANCILLARY_BYTES
                )
            except BlockingIOError:
                return
            except OSError:
                self._empty_errors()
                continue
            data = bytes(memoryview(self._buffer)[:count])
            self._on_arrived(Arrived(data, address[0], address[1], _by_loopback(ancillary)))

    def _empty_errors(self) -> bool:
        """Take the errors off the queue; whether there were any. Telling of them comes later."""
        for taken in range(BURST):
            try:
                quoted, ancillary, _, address = self._socket.recvmsg(
                    MAX_DATAGRAM_BYTES, ANCILLARY_BYTES, socket.MSG_ERRQUEUE
                )
            except OSError:
                return taken > 0
            if _is_refusal(ancillary):
                refusal = PortRefused(quoted, address[0], address[1])
                self._loop.call_soon(self._tell, refusal)
        return True

    def _tell(self, refusal: PortRefused) -> None:
        if self._socket.fileno() >= 0:
            self._on_refused(refusal)


def _ask_for_more(bound: socket.socket) -> None:
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    if bound.family == socket.AF_INET6:
        bound.setsockopt(SOL_IPV6, IPV6_RECVERR, 1)
    else:
        bound.setsockopt(SOL_IP, IP_RECVERR, 1)
        bound.setsockopt(SOL_IP, IP_PKTINFO, 1)


def _by_loopback(ancillary: _Ancillary) -> bool:
    return any(
        level == SOL_IP and kind == IP_PKTINFO and PKTINFO.unpack_from(data)[0] == LOOPBACK_INDEX
        for level, kind, data in ancillary
    )


def _is_refusal(ancillary: _Ancillary) -> bool:
    """Port unreachable, from the network; not "too large", and not an error of our own kernel's."""
    for level, kind, data in ancillary:
        if (level, kind) in ((SOL_IP, IP_RECVERR), (SOL_IPV6, IPV6_RECVERR)):
            number, origin, *_ = EXTENDED_ERROR.unpack_from(data)
            return number == errno.ECONNREFUSED and origin in ORIGINS_ICMP
    return False
