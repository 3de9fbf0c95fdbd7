"""SHELL: the packets of a cohort by io_uring: two to four system calls a tick, however many lanes.

Not here: which socket is whose (sockets.py), the kernel's ring (uring.py), and what moves packets
where there is no io_uring (syscall_packets.py).
"""

import socket

import numpy as np
from numpy.typing import NDArray

from ...media.clock import Clock
from ...media.frames.wire import MAX_PACKET_BYTES, Inbox
from .sockets import (
    AF_INET,
    CMSG,
    MSG_DONTWAIT,
    MSG_TRUNC,
    PACKETS_A_SOCKET,
    SOCKADDR,
    Sockets,
    keys,
    may_hold_more,
    moments,
)
from .uring import CALL, MSGHDR, OP_RECVMSG, OP_SEND, OP_SENDMSG, Uring

FIRST_LANES = 64
LOOPBACK = 0x7F00_0001


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
        self.calls = np.zeros(count, CALL)
        self.calls["opcode"] = opcode
        self.calls["addr"] = self.headers.ctypes.data + index * np.uint64(MSGHDR.itemsize)
        self.calls["len"] = 1
        self.calls["msg_flags"] = flags

    def __len__(self) -> int:
        return len(self.headers)

    def put(self, count: int, places: NDArray[np.uint64], lengths: NDArray[np.int64]) -> None:
        """Where the first packets lie, and how long they are."""
        self.buffers[:count, 0] = places
        self.buffers[:count, 1] = lengths


class _Datagrams:
    """Calls that send and need no `msghdr`: 0.25 us a packet less."""

    def __init__(self, count: int) -> None:
        index = np.arange(count, dtype=np.uint64)
        self.addresses = np.zeros(count, SOCKADDR)
        self.calls = np.zeros(count, CALL)
        self.calls["opcode"] = OP_SEND
        self.calls["to"] = self.addresses.ctypes.data + index * np.uint64(SOCKADDR.itemsize)
        self.calls["to_len"] = SOCKADDR.itemsize
        self.calls["msg_flags"] = MSG_DONTWAIT

    def __len__(self) -> int:
        return len(self.calls)

    def put(self, count: int, places: NDArray[np.uint64], lengths: NDArray[np.int64]) -> None:
        """Where the first packets lie, and how long they are."""
        self.calls["addr"][:count] = places
        self.calls["len"][:count] = lengths


def _sends_datagrams(ring: Uring) -> bool:
    """Whether the kernel takes an address with OP_SEND (Linux 6.1): tried on our own socket."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.bind(("127.0.0.1", 0))
            tried, packet = _Datagrams(1), np.zeros(1, np.uint8)
            tried.addresses["family"] = AF_INET
            tried.addresses["ip"], tried.addresses["port"] = LOOPBACK, own.getsockname()[1]
            tried.put(1, np.array([packet.ctypes.data], np.uint64), np.ones(1, np.int64))
            tried.calls["fd"] = own.fileno()
            return int(ring.carry_out(tried.calls)[0]) == 1
    except OSError:
        return False


class UringPackets:
    """Moves packets for UdpWire."""

    def __init__(self, ring: Uring, clock: Clock) -> None:
        """`clock`: whose wall time is the kernel's."""
        self._ring, self._clock = ring, clock
        self._inbox: Inbox | None = None
        self._in = _Messages(0, OP_RECVMSG, MSG_DONTWAIT)
        self._stamps = np.zeros(0, CMSG)
        self._sends_datagrams = _sends_datagrams(ring)
        self._out = self._departures(FIRST_LANES)

    def receive(self, sockets: Sockets, inbox: Inbox) -> int:
        """Ask every socket once, then those that may have more again, until none has any."""
        messages = self._landing(inbox)
        rows, fds = sockets.table()
        taken = 0
        for asked in range(PACKETS_A_SOCKET):
            count = min(len(rows), len(messages) - taken)
            if not count:
                break
            calls = messages.calls[taken : taken + count]
            calls["fd"] = fds[:count]
            messages.headers["controllen"][taken : taken + count] = CMSG.itemsize
            lengths = self._ring.carry_out(calls)
            got = np.flatnonzero(lengths >= 0)
            rows, fds = rows[got], fds[got]
            self._close_up(inbox, messages, taken, got)
            new = slice(taken, taken + len(got))
            inbox.rows[new], inbox.lengths[new] = rows, lengths[got]
            came = moments(self._stamps[new], messages.headers["controllen"][new])
            inbox.arrived_wall[new] = came
            taken = new.stop
            before, sockets.newest_wall[rows] = sockets.newest_wall[rows], came
            if not asked:
                more = may_hold_more(came, before, self._clock.wall())
                rows, fds = rows[more], fds[more]
        inbox.sources[:taken] = keys(messages.addresses[:taken])
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
        if count > len(self._out):
            self._out = self._departures(2 * count)
        out, to = self._out, destinations[rows]
        out.addresses["port"][:count] = to & np.uint64(0xFFFF)
        out.addresses["ip"][:count] = to >> np.uint64(16)
        places = packets.ctypes.data + rows.astype(np.uint64) * np.uint64(packets.strides[0])
        out.put(count, places, lengths[rows])
        calls = out.calls[:count]
        calls["fd"] = sockets.fd_of[rows]
        return int(np.count_nonzero(self._ring.carry_out(calls) < 0))

    def _departures(self, count: int) -> _Messages | _Datagrams:
        out = (
            _Datagrams(count)
            if self._sends_datagrams
            else _Messages(count, OP_SENDMSG, MSG_DONTWAIT)
        )
        out.addresses["family"] = AF_INET
        return out
