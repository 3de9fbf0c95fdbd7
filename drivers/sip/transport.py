"""SHELL: hops turned into addresses and back, around the user agent's socket (udp_socket.py).

Decides nothing: bytes and hops go in and out.
"""

import asyncio
import ipaddress
import logging
import socket
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Coroutine

from ...media.clock import Clock
from ..public_addresses import is_public
from .hop import Hop, Outgoing
from .udp_socket import Arrived, PortRefused, UdpSocket

logger = logging.getLogger(__name__)

MAX_DATAGRAM_BYTES = 65_507
"The most that UDP carries over IPv4."
NAME_LIFETIME_S = 60.0
MAX_NAMES = 256
MAX_WAITING = 64
"Messages that wait for one name; the oldest is dropped, its transaction repeats it."
NOT_PUBLIC = "leads to this machine or a private network, where the call may not go"


class UdpTransport:
    """One bound UDP socket, by hops."""

    def __init__(
        self,
        clock: Clock,
        on_datagram: Callable[[bytes, Hop], None],
        on_unreachable: Callable[[Hop, str], None],
        on_refused: Callable[[bytes, str], None] = lambda quoted, why: None,
    ) -> None:
        """`on_unreachable`: nothing can be sent to a hop, and why. `on_refused`: a datagram that
        began so found nobody, and where."""
        self.counters: Counter[str] = Counter()
        self.host = ""
        self.port = 0
        self._clock = clock
        self._on_datagram = on_datagram
        self._on_unreachable = on_unreachable
        self._on_refused = on_refused
        self._socket: UdpSocket | None = None
        self._family = socket.AF_INET
        self._names: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._waiting: dict[str, deque[Outgoing]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> None:
        """Bind. Port 0 takes a free one, told by `port`. Raises OSError."""
        bound = await UdpSocket.open(host, port, self._receive, self._refused)
        self._socket, self._family = bound, bound.family
        self.host, self.port = bound.host, bound.port

    def send(self, message: Outgoing) -> None:
        """Send now, or as soon as the name of its hop is known."""
        if len(message.data) > MAX_DATAGRAM_BYTES:
            self.counters["too_large"] += 1
            self._later_unreachable(message.hop, f"{len(message.data)} bytes are too many for UDP")
            return
        address = self._address_of(message.hop.host)
        if address is None:
            self._resolve_and_send(message)
        else:
            self._send_to(message, address)

    async def aclose(self) -> None:
        """Close the socket; what waits for a name is dropped."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._waiting.clear()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _receive(self, arrived: Arrived) -> None:
        local = arrived.by_loopback and is_our_address(arrived.host)
        self._on_datagram(arrived.data, Hop("UDP", arrived.host, arrived.port, local))

    def _refused(self, refusal: PortRefused) -> None:
        self.counters["refused"] += 1
        where = Hop("UDP", refusal.host, refusal.port)
        self._on_refused(refusal.quoted, f"nothing listens at {where}")

    def _send_to(self, message: Outgoing, address: str) -> None:
        if self._socket is None:
            return
        if message.hop.public_only and not is_public(address):
            self.counters["not_public"] += 1
            self._later_unreachable(message.hop, f"{message.hop} {NOT_PUBLIC}")
            return
        try:
            self._socket.send_to(message.data, address, message.hop.port)
        except BlockingIOError:  # its transaction repeats it
            self.counters["send_buffer_full"] += 1
        except (OSError, ValueError, OverflowError) as exc:
            # Port 0 or 70000, a family that the socket has not, a network that is down.
            logger.debug("cannot send to %s: %s", message.hop, exc)
            self.counters["unsendable"] += 1
            self._later_unreachable(message.hop, f"{message.hop}: {_reason(exc)}")

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
        address, why = None, ""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, None, family=self._family, type=socket.SOCK_DGRAM
            )
            address = str(found[0][4][0])
        except (OSError, UnicodeError) as exc:
            why = f"the name {host} cannot be resolved: {_reason(exc)}"
            logger.info("%s", why)
            self.counters["unresolved"] += 1
        messages = self._waiting.pop(host, deque())
        if address is None:
            for hop in dict.fromkeys(message.hop for message in messages):
                self._on_unreachable(hop, why)
            return
        self._names[host] = (address, self._clock.now())
        if len(self._names) > MAX_NAMES:
            self._names.popitem(last=False)
        for message in messages:
            self._send_to(message, address)

    def _later_unreachable(self, hop: Hop, why: str) -> None:
        """Tell, but not from inside send(): its caller is in the middle of something."""
        asyncio.get_running_loop().call_soon(self._on_unreachable, hop, why)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def is_our_address(host: str) -> bool:
    """Whether this is an address of this machine: who calls it from here has the same one.

    Without it, what a proxy on this machine passes on under its clients' addresses would count.
    """
    try:
        return address_towards(host) == host
    except OSError:
        return False


def _reason(exc: Exception) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc)


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
