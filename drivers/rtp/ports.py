"""RTP port pairs: bound at once and kept, so that nobody can take a port between test and use.

A released pair rests before it is used again: late packets of the old call must not reach the new
one (RFC 3550 §11 asks for even RTP ports, the next odd one for RTCP).
"""

import collections
import logging
import socket

import msgspec

from ...media.errors import Refused

QUARANTINE_S = 2.0
"Far ends send RTP for a moment after they were told BYE."
RECEIVE_BUFFER_BYTES = 1 << 17
"About two seconds of packets, skb overhead included."

logger = logging.getLogger(__name__)


class PortRange(msgspec.Struct, frozen=True):
    """First and last RTP port, inclusive; (0, 0): whatever is free."""

    first: int
    last: int


class PortPair:
    """An RTP socket and its RTCP socket, both non-blocking and bound."""

    def __init__(self, rtp: socket.socket, rtcp: socket.socket) -> None:
        self.rtp = rtp
        self.rtcp = rtcp
        self.host, self.port = rtp.getsockname()[:2]

    def close(self) -> None:
        """Close both sockets."""
        self.rtp.close()
        self.rtcp.close()


class PortPool:
    """Hands out port pairs of a range, the longest unused first."""

    def __init__(self, host: str, ports: PortRange) -> None:
        self.host = host
        self.in_use = 0
        first = ports.first + ports.first % 2
        self._free = collections.deque(range(first, ports.last, 2))
        self._any = ports == PortRange(0, 0)
        self._resting: collections.deque[tuple[float, int]] = collections.deque()

    def take(self, now: float) -> PortPair:
        """Bind a pair. Raises Refused when the range is used up."""
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
        for _ in range(32 if self._any else len(self._free)):
            port = 0 if self._any else self._free.popleft()
            pair = self._bind(port)
            if pair is not None:
                self.in_use += 1
                return pair
            if port:
                # Somebody else on this machine has it; try again much later.
                self._free.append(port)
        raise Refused("every RTP port is in use")

    def give_back(self, pair: PortPair, now: float) -> None:
        """Close a pair; its port rests for QUARANTINE_S."""
        pair.close()
        self.in_use -= 1
        if not self._any:
            self._resting.append((now + QUARANTINE_S, pair.port))

    def _bind(self, port: int) -> PortPair | None:
        rtp = _udp_socket()
        rtcp = _udp_socket()
        try:
            rtp.bind((self.host, port))
            rtcp.bind((self.host, rtp.getsockname()[1] + 1))
        except (OSError, OverflowError) as exc:
            rtp.close()
            rtcp.close()
            logger.debug("RTP port %d is not free: %s", port, exc)
            return None
        return PortPair(rtp, rtcp)


def _udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    return made
