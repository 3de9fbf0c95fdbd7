"""SHELL: moves the RTP packets of all lanes through one UDP socket a leg, in system calls that keep
the interpreter lock.

Why ctypes.PyDLL: `socket` methods give the lock up around every call, and beside one busy Python
thread each of them then waits for it (measured here: 465 us a packet sent and 212 us received, as
opposed to 6.3 and 3.1 us through PyDLL; idle there is no difference; `bench/syscalls.py`). All
calls are non-blocking, so that the lock is held for microseconds.
"""

import ctypes
import socket

import numpy as np
from numpy.typing import NDArray

from ...media.frames.wire import MAX_PACKET_BYTES, Inbox

PACKETS_A_SOCKET = 8
"Taken from one socket in one tick; more waits for the next (160 ms of audio arrive in a burst)."
MSG_DONTWAIT, MSG_TRUNC = 0x40, 0x20
AF_INET = 2

# struct mmsghdr, iovec and sockaddr_in of 64-bit Linux: recvmmsg(2), ip(7).
_MMSGHDR = np.dtype(
    {
        "names": ["name", "namelen", "iov", "iovlen", "flags", "len"],
        "formats": ["u8", "u4", "u8", "u8", "i4", "u4"],
        "offsets": [0, 8, 16, 24, 48, 56],
        "itemsize": 64,
    }
)
_SOCKADDR = np.dtype([("family", "<u2"), ("port", ">u2"), ("ip", ">u4"), ("zero", "u8")])


class _Receiver:
    """recvmmsg's headers over an Inbox, made once."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        count = len(inbox.data)
        index = np.arange(count, dtype=np.uint64)
        self.addresses = np.zeros(count, _SOCKADDR)
        self._iov = np.zeros((count, 2), np.uint64)
        self._iov[:, 0] = inbox.data.ctypes.data + index * np.uint64(MAX_PACKET_BYTES)
        self._iov[:, 1] = MAX_PACKET_BYTES
        self.headers = np.zeros(count, _MMSGHDR)
        self.headers["name"] = self.addresses.ctypes.data + index * np.uint64(16)
        self.headers["namelen"] = 16
        self.headers["iov"] = self._iov.ctypes.data + index * np.uint64(16)
        self.headers["iovlen"] = 1
        self.pointer = int(self.headers.ctypes.data)


class _Sockets:
    """The sockets of one cohort, by row."""

    def __init__(self) -> None:
        self.fds: dict[int, int] = {}
        self.control: dict[int, socket.socket] = {}
        self.control_to: dict[int, tuple[str, int]] = {}


class UdpWire:
    """Implements the frame engine's Wire over UDP/IPv4."""

    def __init__(self) -> None:
        libc = ctypes.PyDLL(None)
        self._recvmmsg = libc.recvmmsg
        self._recvmmsg.argtypes = (
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_void_p,
        )
        self._sendto = libc.sendto
        self._sendto.argtypes = (
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint,
        )
        self._receiver: _Receiver | None = None
        self._cohorts: dict[int, _Sockets] = {}
        self.send_errors = 0
        "Packets that the kernel did not take (full buffer, unreachable)."

    def attach(self, cohort: int, row: int, rtp: socket.socket, rtcp: socket.socket | None) -> None:
        """A lane's sockets; `rtcp` None when RTCP shares the RTP port (RFC 5761)."""
        sockets = self._cohorts.setdefault(cohort, _Sockets())
        sockets.fds[row] = rtp.fileno()
        sockets.control[row] = rtcp or rtp

    def control_to(self, cohort: int, row: int, address: tuple[str, int]) -> None:
        """Where the lane's far end takes RTCP."""
        self._cohorts[cohort].control_to[row] = address

    def detach(self, cohort: int, row: int) -> None:
        """The lane's sockets are about to be closed."""
        sockets = self._cohorts[cohort]
        sockets.fds.pop(row, None)
        sockets.control.pop(row, None)
        sockets.control_to.pop(row, None)

    def receive(self, cohort: int, inbox: Inbox) -> int:
        """One recvmmsg a socket, all into one matrix."""
        sockets = self._cohorts.get(cohort)
        if sockets is None:
            return 0
        if self._receiver is None or self._receiver.inbox is not inbox:
            self._receiver = _Receiver(inbox)
        receiver = self._receiver
        recvmmsg, pointer = self._recvmmsg, receiver.pointer
        flags = MSG_DONTWAIT | MSG_TRUNC  # a cut datagram tells its whole length: see Inbox
        room = len(inbox.data) - PACKETS_A_SOCKET
        taken = 0
        counts: list[int] = []
        for fd in sockets.fds.values():
            got = recvmmsg(fd, pointer + 64 * taken, PACKETS_A_SOCKET, flags, None)
            got = max(got, 0)
            counts.append(got)
            taken += got
            if taken > room:
                break
        if not taken:
            return 0
        rows = np.fromiter(sockets.fds.keys(), np.int64, len(sockets.fds))[: len(counts)]
        inbox.rows[:taken] = np.repeat(rows, counts)
        inbox.lengths[:taken] = receiver.headers["len"][:taken]
        source = receiver.addresses[:taken]
        ip = source["ip"].astype(np.uint64)
        inbox.sources[:taken] = (ip << np.uint64(16)) | source["port"].astype(np.uint64)
        receiver.headers["namelen"][:taken] = 16
        return taken

    def send(
        self,
        cohort: int,
        rows: NDArray[np.int64],
        packets: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        destinations: NDArray[np.uint64],
    ) -> None:
        """One sendto a row: different sockets cannot share a system call."""
        sockets = self._cohorts.get(cohort)
        if sockets is None:
            return
        address = np.zeros(len(rows), _SOCKADDR)
        address["family"] = AF_INET
        key = destinations[rows]
        address["port"] = key & np.uint64(0xFFFF)
        address["ip"] = key >> np.uint64(16)
        sendto, fds = self._sendto, sockets.fds
        to = int(address.ctypes.data)
        width = packets.strides[0]
        data = int(packets.ctypes.data)
        for row, length in zip(rows.tolist(), lengths[rows].tolist(), strict=True):
            fd = fds.get(row)
            if fd is not None and sendto(fd, data + row * width, length, MSG_DONTWAIT, to, 16) < 0:
                self.send_errors += 1
            to += 16

    def send_control(self, cohort: int, row: int, data: bytes) -> None:
        """One RTCP packet; nowhere to send it to is not an error (the peer has no RTCP)."""
        sockets = self._cohorts.get(cohort)
        address = sockets.control_to.get(row) if sockets else None
        if sockets is None or address is None:
            return
        try:
            sockets.control[row].sendto(data, address)
        except OSError:
            self.send_errors += 1
