"""The border between the frame engine and whatever moves packets.

The engine knows rows of cohorts, a Wire knows sockets. Not here: how packets move (drivers/rtp).
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MAX_PACKET_BYTES = 1504
"An Ethernet payload; longer datagrams are cut, and dropped as malformed for their length."
INBOX_PACKETS = 2048
"Packets one cohort can take in one tick; the rest waits in the sockets for the next."


PORT_BITS = 16
"An address is a number: IPv4 address << PORT_BITS | port."


class Inbox:
    """Where a tick's packets land: one row a packet, reused for every tick."""

    def __init__(self, packets: int = INBOX_PACKETS) -> None:
        self.data: NDArray[np.uint8] = np.zeros((packets, MAX_PACKET_BYTES), np.uint8)
        self.lengths: NDArray[np.int64] = np.zeros(packets, np.int64)
        "Bytes of each packet as it was sent: more than a row holds where it was cut."
        self.rows: NDArray[np.int64] = np.zeros(packets, np.int64)
        "The lane row it came for."
        self.sources: NDArray[np.uint64] = np.zeros(packets, np.uint64)
        "Where it came from: IPv4 address << 16 | port."
        self.arrived_wall: NDArray[np.float64] = np.zeros(packets)
        "When it came, by the kernel's clock (seconds of wall time); 0 where that is not known."


class Wire(Protocol):
    """Moves packets of all lanes of a cohort at once. No verb blocks or raises for the network."""

    def receive(self, cohort: int, inbox: Inbox) -> int:
        """Take what has arrived for the cohort's lanes; returns how many packets."""
        ...

    def send(
        self,
        cohort: int,
        rows: NDArray[np.int64],
        packets: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        destinations: NDArray[np.uint64],
    ) -> None:
        """Send one packet a row: `packets` [m, bytes], `lengths` [m], `destinations` as sources."""
        ...

    def send_control(self, cohort: int, row: int, data: bytes) -> None:
        """Send one RTCP packet of a lane to where its far end takes RTCP."""
        ...


def address_key(host: str, port: int) -> int:
    """An IPv4 address and port as one number, as in `Inbox.sources`."""
    a, b, c, d = (int(part) for part in host.split("."))
    return ((a << 24 | b << 16 | c << 8 | d) << PORT_BITS) | port


def key_address(key: int) -> tuple[str, int]:
    """The inverse of `address_key`."""
    ip = key >> PORT_BITS
    return f"{ip >> 24 & 255}.{ip >> 16 & 255}.{ip >> 8 & 255}.{ip & 255}", key & 0xFFFF
