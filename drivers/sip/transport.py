"""SHELL: the UDP socket of the user agent, and names turned into addresses.

Decides nothing: bytes and hops go in and out.
"""

import asyncio
import ipaddress
import logging
import socket
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Coroutine
from typing import Self

from ...media.clock import Clock
from .hop import Hop, Outgoing

logger = logging.getLogger(__name__)

RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
"Room for a burst of some thousand messages while the loop is busy."
MAX_DATAGRAM_BYTES = 65_507
"The most that UDP carries over IPv4."
NAME_LIFETIME_S = 60.0
MAX_NAMES = 256
MAX_WAITING = 64
"Messages that wait for one name; the oldest is dropped, its transaction repeats it."


class UdpTransport(asyncio.DatagramProtocol):
    """One bound UDP socket."""

    def __init__(
        self,
        clock: Clock,
        on_datagram: Callable[[bytes, Hop], None],
        on_unreachable: Callable[[Hop], None],
    ) -> None:
        self.counters: Counter[str] = Counter()
        self.host = ""
        self.port = 0
        self._clock = clock
        self._on_datagram = on_datagram
        self._on_unreachable = on_unreachable
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()
        self._family = socket.AF_INET
        self._sending: Hop | None = None
        self._names: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._waiting: dict[str, deque[Outgoing]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        clock: Clock,
        on_datagram: Callable[[bytes, Hop], None],
        on_unreachable: Callable[[Hop], None],
    ) -> Self:
        """Bind. Port 0 takes a free one, told by `port`. Raises OSError."""
        self = cls(clock, on_datagram, on_unreachable)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(host, port)
        )
        bound = self._transport.get_extra_info("socket")
        self._family = bound.family
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self.host, self.port = self._transport.get_extra_info("sockname")[:2]
        return self

    def send(self, message: Outgoing) -> None:
        """Send now, or as soon as the name of its hop is known."""
        if len(message.data) > MAX_DATAGRAM_BYTES:
            self.counters["too_large"] += 1
            self._later_unreachable(message.hop)
            return
        address = self._address_of(message.hop.host)
        if address is None:
            self._resolve_and_send(message)
        else:
            self._send_to(message, address)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Asyncio's: a datagram has come."""
        self._on_datagram(data, Hop("UDP", addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """Asyncio's: a send failed, or ICMP said no to an earlier one (a timer will tell then)."""
        if self._sending is None:
            self.counters["icmp"] += 1
            logger.debug("ICMP: %s", exc)
            return
        # Port 0, a family that the socket has not, a network that is down.
        logger.debug("cannot send to %s: %s", self._sending, exc)
        self.counters["unsendable"] += 1
        self._later_unreachable(self._sending)

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's: the socket is closed."""
        self._closed.set()

    async def aclose(self) -> None:
        """Close the socket; what waits for a name is dropped."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._waiting.clear()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            await self._closed.wait()

    def _send_to(self, message: Outgoing, address: str) -> None:
        if self._transport is None:
            return
        self._sending = message.hop
        try:
            self._transport.sendto(message.data, (address, message.hop.port))
        except (OSError, ValueError) as exc:  # asyncio tells error_received; other loops raise
            self.error_received(exc)
        finally:
            self._sending = None

    def _address_of(self, host: str) -> str | None:
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            pass
        address, known_at = self._names.get(host, ("", 0.0))
        return address if address and self._clock.now() - known_at < NAME_LIFETIME_S else None

    def _resolve_and_send(self, message: Outgoing) -> None:
        host = message.hop.host
        if host in self._waiting:
            self._waiting[host].append(message)
            return
        self._waiting[host] = deque([message], maxlen=MAX_WAITING)
        self._spawn(self._resolve(host), f"resolve {host}")

    async def _resolve(self, host: str) -> None:
        address: str | None = None
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, None, family=self._family, type=socket.SOCK_DGRAM
            )
            address = str(found[0][4][0])
        except (OSError, UnicodeError) as exc:
            logger.info("cannot resolve %s: %s", host, exc)
            self.counters["unresolved"] += 1
        messages = self._waiting.pop(host, deque())
        if address is None:
            for hop in dict.fromkeys(message.hop for message in messages):
                self._on_unreachable(hop)
            return
        self._names[host] = (address, self._clock.now())
        if len(self._names) > MAX_NAMES:
            self._names.popitem(last=False)
        for message in messages:
            self._send_to(message, address)

    def _later_unreachable(self, hop: Hop) -> None:
        """Tell, but not from inside send(): its caller is in the middle of something."""
        asyncio.get_running_loop().call_soon(self._on_unreachable, hop)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def address_towards(remote: str) -> str:
    """The address of this machine that `remote` sees, by the routing table; nothing is sent.

    A name counts as the default route. Raises OSError where there is no route.
    """
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(remote).version == 6 else socket.AF_INET
    except ValueError:
        family, remote = socket.AF_INET, "192.0.2.1"  # RFC 5737: routed as any stranger is
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((remote, 9))
        return str(probe.getsockname()[0])
