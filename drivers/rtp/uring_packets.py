"""SHELL: the packets of a cohort by io_uring: two or three system calls a tick, however many lanes.

Not here: which socket is whose (sockets.py), the kernel's ring (uring.py), and what moves packets
where there is no io_uring (syscall_packets.py).
"""

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
from .uring import CALL, MSGHDR, OP_RECVMSG, OP_SENDMSG, Uring

FIRST_LANES = 64


class _Messages:
    """`struct msghdr`s with an iovec and an address each, and the calls that they are for."""

    def __init__(self, count: int, opcode: int, flags: int) -> None:
        index = np.arange(count, dtype=np.uint64)
        self.addresses = np.zeros(count, SOCKADDR)
        self.buffers = np.zeros((count, 2), np.uint64)
        "Address and length of each packet."
        self.headers = np.zeros(count, MSGHDR)
        self.headers["name"] = self.addresses.ctypes.data + index * np.uint64(SOCKADDR.itemsize)
        self.headers["namelen"] = SOCKADDR.itemsize
        self.headers["iov"] = self.buffers.ctypes.data + index * np.uint64(16)
        self.headers["iovlen"] = 1
        self.pointers = self.headers.ctypes.data + index * np.uint64(MSGHDR.itemsize)
        self.calls = np.zeros(count, CALL)
        self.calls["opcode"] = opcode
        self.calls["len"] = 1
        self.calls["msg_flags"] = flags

    def __len__(self) -> int:
        return len(self.headers)


class UringPackets:
    """Moves packets for UdpWire."""

    def __init__(self, ring: Uring) -> None:
        self._ring = ring
        self._inbox: Inbox | None = None
        self._in = self._out = _Messages(FIRST_LANES, OP_SENDMSG, MSG_DONTWAIT)
        self._stamps = np.zeros(0, CMSG)

    def receive(self, sockets: Sockets, inbox: Inbox) -> int:
        """Ask every socket once, then those that had a packet again, until none has any more."""
        messages = self._landing(inbox)
        rows, fds = sockets.table()
        taken = 0
        for _ in range(PACKETS_A_SOCKET):
            count = min(len(rows), len(messages) - taken)
            if not count:
                break
            calls = messages.calls[:count]
            calls["fd"] = fds[:count]
            calls["addr"] = messages.pointers[taken : taken + count]
            messages.headers["controllen"][taken : taken + count] = CMSG.itemsize
            lengths = self._ring.carry_out(calls)
            got = np.flatnonzero(lengths >= 0)
            rows, fds = rows[got], fds[got]
            self._close_up(inbox, messages, taken, got)
            new = slice(taken, taken + len(got))
            inbox.rows[new], inbox.lengths[new] = rows, lengths[got]
            taken = new.stop
        inbox.sources[:taken] = keys(messages.addresses[:taken])
        inbox.arrived_wall[:taken] = moments(
            self._stamps[:taken], messages.headers["controllen"][:taken]
        )
        return taken

    def _landing(self, inbox: Inbox) -> _Messages:
        if inbox is not self._inbox:
            self._inbox, count = inbox, len(inbox.data)
            self._in = _Messages(count, OP_RECVMSG, MSG_DONTWAIT | MSG_TRUNC)
            places = np.arange(count, dtype=np.uint64) * np.uint64(MAX_PACKET_BYTES)
            self._in.buffers[:, 0] = inbox.data.ctypes.data + places
            self._in.buffers[:, 1] = MAX_PACKET_BYTES
            self._stamps = np.zeros(count, CMSG)
            self._in.headers["control"] = self._stamps.ctypes.data + (
                np.arange(count, dtype=np.uint64) * np.uint64(CMSG.itemsize)
            )
        return self._in

    def _close_up(
        self, inbox: Inbox, messages: _Messages, taken: int, got: NDArray[np.intp]
    ) -> None:
        """Packets that landed beyond an empty place move up."""
        count = len(got)
        if not count or got[-1] == count - 1:
            return
        moved = np.flatnonzero(got != np.arange(count))
        to, come_from = taken + moved, taken + got[moved]
        inbox.data[to] = inbox.data[come_from]
        messages.addresses[to] = messages.addresses[come_from]
        messages.headers["controllen"][to] = messages.headers["controllen"][come_from]
        self._stamps[to] = self._stamps[come_from]

    def send(
        self,
        sockets: Sockets,
        rows: NDArray[np.int64],
        packets: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        destinations: NDArray[np.uint64],
    ) -> int:
        """Send a packet a row, all of which have sockets; returns how many the kernel refused."""
        count = len(rows)
        if count > len(self._out) or self._out is self._in:
            self._out = _Messages(max(2 * count, FIRST_LANES), OP_SENDMSG, MSG_DONTWAIT)
        out, calls = self._out, self._out.calls[:count]
        out.addresses[:count] = addresses(destinations[rows])
        places = rows.astype(np.uint64) * np.uint64(packets.strides[0])
        out.buffers[:count, 0] = packets.ctypes.data + places
        out.buffers[:count, 1] = lengths[rows]
        calls["fd"] = sockets.fd_of[rows]
        calls["addr"] = out.pointers[:count]
        return int(np.count_nonzero(self._ring.carry_out(calls) < 0))
