"""SHELL: the RTP packets of all lanes, by one UDP socket a leg, in system calls that keep the
interpreter lock.

Why ctypes.PyDLL: `socket` methods give the lock up around every call, and beside one busy Python
thread each of them then waits for it (measured: 1,500 us a packet sent and 640 us received, as
opposed to 4.3 and 2.2 us through PyDLL; idle there is no difference; `bench/syscalls.py`). All
calls are non-blocking, so that the lock is held for microseconds.
"""

import socket
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...media.clock import LoopClock
from ...media.frames.wire import Inbox
from .sockets import Sockets
from .syscall_packets import SyscallPackets
from .uring import open_ring
from .uring_packets import UringPackets


class Packets(Protocol):
    """What moves the packets of one cohort's sockets."""

    def receive(self, sockets: Sockets, inbox: Inbox) -> int:
        """Take what has come, at most PACKETS_A_SOCKET of each; returns how many packets."""
        ...

    def send(
        self,
        sockets: Sockets,
        rows: NDArray[np.int64],
        packets: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        destinations: NDArray[np.uint64],
    ) -> int:
        """Send a packet a row, all of which have sockets; returns how many the kernel refused."""
        ...


class UdpWire:
    """Implements the frame engine's Wire over UDP/IPv4."""

    def __init__(self, packets: Packets | None = None) -> None:
        """`packets` None: by io_uring where the kernel lets us."""
        self._packets = best_packets() if packets is None else packets
        self._cohorts: dict[int, Sockets] = {}
        self.send_errors = 0
        "Packets that the kernel did not take (full buffer, unreachable)."

    def attach(self, cohort: int, row: int, rtp: socket.socket, rtcp: socket.socket | None) -> None:
        """A lane's sockets; `rtcp` None when RTCP shares the RTP port (RFC 5761)."""
        self._cohorts.setdefault(cohort, Sockets()).attach(row, rtp, rtcp)

    def control_to(self, cohort: int, row: int, address: tuple[str, int]) -> None:
        """Where the lane's far end takes RTCP."""
        self._cohorts[cohort].control_to[row] = address

    def detach(self, cohort: int, row: int) -> None:
        """The lane's sockets are about to be closed."""
        self._cohorts[cohort].detach(row)

    def receive(self, cohort: int, inbox: Inbox) -> int:
        """What has come for the cohort's lanes, as one matrix."""
        sockets = self._cohorts.get(cohort)
        return 0 if sockets is None else self._packets.receive(sockets, inbox)

    def send(
        self,
        cohort: int,
        rows: NDArray[np.int64],
        packets: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        destinations: NDArray[np.uint64],
    ) -> None:
        """A packet a row; rows without sockets have none."""
        sockets = self._cohorts.get(cohort)
        if sockets is None:
            return
        some = sockets.attached(rows)
        self.send_errors += self._packets.send(sockets, some, packets, lengths, destinations)

    def send_control(self, cohort: int, row: int, data: bytes) -> None:
        """One RTCP packet; nowhere to send it to is not an error (the peer has no RTCP)."""
        sockets = self._cohorts.get(cohort)
        address = sockets.control_to.get(row) if sockets else None
        if sockets is None or address is None:
            return
        try:
            sockets.control[row].sendto(data, address)
        except (OSError, OverflowError):  # a peer may have named a port that there is not
            self.send_errors += 1


def best_packets() -> Packets:
    """By io_uring, else one by one."""
    ring = open_ring()
    # The kernel's stamps are of the machine's wall time, whatever clock a test is run by.
    return SyscallPackets() if ring is None else UringPackets(ring, LoopClock())
