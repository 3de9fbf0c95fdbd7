"""SHELL: the packets of a cohort by one system call a socket: where there is no io_uring.

Not here: which socket is whose (sockets.py), and io_uring (uring_packets.py).
"""

import ctypes

import numpy as np
from numpy.typing import NDArray

from ...media.frames.wire import MAX_PACKET_BYTES, Inbox
from .sockets import (
    CMSG,
    MSG_DONTWAIT,
    MSG_TRUNC,
    PACKETS_A_SOCKET,
    SOCKADDR,
    Sockets,
    addresses,
    keys,
    moments,
)

# struct mmsghdr of 64-bit Linux: recvmmsg(2).
_MMSGHDR = np.dtype(
    {
        "names": ["name", "namelen", "iov", "iovlen", "control", "controllen", "flags", "len"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "i4", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)


class _Landing:
    """recvmmsg's headers over an Inbox, made once."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        count = len(inbox.data)
        index = np.arange(count, dtype=np.uint64)
        self.addresses = np.zeros(count, SOCKADDR)
        self._buffers = np.zeros((count, 2), np.uint64)
        self._buffers[:, 0] = inbox.data.ctypes.data + index * np.uint64(MAX_PACKET_BYTES)
        self._buffers[:, 1] = MAX_PACKET_BYTES
        self.headers = np.zeros(count, _MMSGHDR)
        self.headers["name"] = self.addresses.ctypes.data + index * np.uint64(SOCKADDR.itemsize)
        self.headers["namelen"] = SOCKADDR.itemsize
        self.headers["iov"] = self._buffers.ctypes.data + index * np.uint64(16)
        self.headers["iovlen"] = 1
        self.stamps = np.zeros(count, CMSG)
        self.headers["control"] = self.stamps.ctypes.data + index * np.uint64(CMSG.itemsize)
        self.headers["controllen"] = CMSG.itemsize
        self.pointer = int(self.headers.ctypes.data)


class SyscallPackets:
    """Moves packets for UdpWire."""

    def __init__(self) -> None:
        libc = ctypes.PyDLL(None)
        number, size, address = ctypes.c_int, ctypes.c_size_t, ctypes.c_void_p
        self._recvmmsg = libc.recvmmsg
        self._recvmmsg.argtypes = (number, address, ctypes.c_uint, number, address)
        self._sendto = libc.sendto
        self._sendto.argtypes = (number, address, size, number, address, ctypes.c_uint)
        self._landing: _Landing | None = None

    def receive(self, sockets: Sockets, inbox: Inbox) -> int:
        """One recvmmsg a socket, all into one matrix."""
        if self._landing is None or self._landing.inbox is not inbox:
            self._landing = _Landing(inbox)
        landing = self._landing
        recvmmsg, pointer = self._recvmmsg, landing.pointer
        flags = MSG_DONTWAIT | MSG_TRUNC  # a cut datagram tells its whole length: see Inbox
        room = len(inbox.data) - PACKETS_A_SOCKET
        rows, fds = sockets.table()
        taken = 0
        counts: list[int] = []
        for fd in fds.tolist():
            got = recvmmsg(fd, pointer + 64 * taken, PACKETS_A_SOCKET, flags, None)
            got = max(got, 0)
            counts.append(got)
            taken += got
            if taken > room:
                break
        if not taken:
            return 0
        inbox.rows[:taken] = np.repeat(rows[: len(counts)], counts)
        inbox.lengths[:taken] = landing.headers["len"][:taken]
        inbox.sources[:taken] = keys(landing.addresses[:taken])
        headers = landing.headers[:taken]
        inbox.arrived_wall[:taken] = moments(landing.stamps[:taken], headers["controllen"])
        headers["namelen"], headers["controllen"] = SOCKADDR.itemsize, CMSG.itemsize
        return taken

    def send(
        self,
        sockets: Sockets,
        rows: NDArray[np.int64],
        packets: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        destinations: NDArray[np.uint64],
    ) -> int:
        """One sendto a row, all of which have sockets; returns how many the kernel refused."""
        where = addresses(destinations[rows])
        sendto, to, refused = self._sendto, int(where.ctypes.data), 0
        width, data = packets.strides[0], int(packets.ctypes.data)
        fds = sockets.fd_of[rows].tolist()
        for row, fd, length in zip(rows.tolist(), fds, lengths[rows].tolist(), strict=True):
            if sendto(fd, data + row * width, length, MSG_DONTWAIT, to, SOCKADDR.itemsize) < 0:
                refused += 1
            to += SOCKADDR.itemsize
        return refused
