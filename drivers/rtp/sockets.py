"""The sockets of a cohort's lanes as columns, and addresses as the kernel writes them."""

import contextlib
import socket

import numpy as np
from numpy.typing import NDArray

PACKETS_A_SOCKET = 8
"Taken from one socket in one tick; more waits for the next (160 ms of audio arrive in a burst)."
MSG_DONTWAIT, MSG_TRUNC = 0x40, 0x20
AF_INET = 2
SOCKADDR = np.dtype([("family", "<u2"), ("port", ">u2"), ("ip", ">u4"), ("zero", "u8")])
"struct sockaddr_in: ip(7)."
SO_TIMESTAMPNS = 35
"socket(7): the kernel says when each packet came; x86, ARM and most others of 64 bits."
CMSG = np.dtype(
    [("len", "u8"), ("level", "i4"), ("type", "i4"), ("seconds", "i8"), ("nanoseconds", "i8")]
)
"struct cmsghdr and the struct timespec behind it: cmsg(3)."
NO_SOCKET = -1
FIRST_ROWS = 16
FRAME_S = 0.02
"From one tick of a cohort to its next."
EVEN_S = (0.75 * FRAME_S, 1.5 * FRAME_S)
"Between two packets of a stream that comes evenly, one packet a frame."


class Sockets:
    """The sockets of one cohort, by row."""

    def __init__(self) -> None:
        self.fd_of: NDArray[np.int32] = np.full(FIRST_ROWS, NO_SOCKET, np.int32)
        "[rows], NO_SOCKET where no lane is attached."
        self.newest_wall: NDArray[np.float64] = np.zeros(FIRST_ROWS)
        "[rows], when the packet came that was taken last; kept by whoever has a use for it."
        self.control: dict[int, socket.socket] = {}
        self.control_to: dict[int, tuple[str, int]] = {}
        self._table: tuple[NDArray[np.int64], NDArray[np.int32]] | None = None

    def attach(self, row: int, rtp: socket.socket, rtcp: socket.socket | None) -> None:
        """A lane's sockets; `rtcp` None when RTCP shares the RTP port (RFC 5761)."""
        while row >= len(self.fd_of):
            self.fd_of = np.concatenate([self.fd_of, np.full_like(self.fd_of, NO_SOCKET)])
            self.newest_wall = np.concatenate([self.newest_wall, np.zeros_like(self.newest_wall)])
        with contextlib.suppress(OSError):  # without it, packets came when they are found
            rtp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.fd_of[row] = rtp.fileno()
        self.newest_wall[row] = 0.0
        self.control[row] = rtcp or rtp
        self._table = None

    def detach(self, row: int) -> None:
        """The lane's sockets are about to be closed."""
        self.fd_of[row] = NO_SOCKET
        self.control.pop(row, None)
        self.control_to.pop(row, None)
        self._table = None

    def table(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The rows that have sockets, and these."""
        if self._table is None:
            rows = np.flatnonzero(self.fd_of != NO_SOCKET)
            self._table = rows.astype(np.int64), self.fd_of[rows]
        return self._table

    def attached(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of `rows` that have sockets."""
        known = rows[rows < len(self.fd_of)]
        fds = self.fd_of[known]
        return known if (fds != NO_SOCKET).all() else known[fds != NO_SOCKET]


def addresses(keys: NDArray[np.uint64]) -> NDArray[np.void]:
    """`media.frames.wire.address_key`s as SOCKADDR[n]."""
    result = np.zeros(len(keys), SOCKADDR)
    result["family"] = AF_INET
    result["port"] = keys & np.uint64(0xFFFF)
    result["ip"] = keys >> np.uint64(16)
    return result


def keys(addresses: NDArray[np.void]) -> NDArray[np.uint64]:
    """SOCKADDR[n] as address keys."""
    ip = addresses["ip"].astype(np.uint64)
    result: NDArray[np.uint64] = (ip << np.uint64(16)) | addresses["port"].astype(np.uint64)
    return result


def moments(stamps: NDArray[np.void], lengths: NDArray[np.uint64]) -> NDArray[np.float64]:
    """CMSG[n] as seconds of wall time; `lengths`: how much of each the kernel wrote, 0: nothing."""
    seconds = stamps["seconds"] + stamps["nanoseconds"] * 1e-9
    stamped = (lengths >= CMSG.itemsize) & (stamps["type"] == SO_TIMESTAMPNS)
    return np.where(stamped, seconds, 0.0)


def may_hold_more(
    came_wall: NDArray[np.float64], before_wall: NDArray[np.float64], wall: float
) -> NDArray[np.bool_]:
    """Whether sockets must be asked again in this tick, by the one packet that each has given.

    `came_wall` says when it came (0: not known), `before_wall` when the one before it did. Nearly
    all sockets hold one packet a tick, and to be told so costs half of what a packet does. So a
    packet younger than a frame that came evenly is taken to be the only one. Where it was not,
    the other is due a frame later, and is older than a frame by the next tick: nothing is left
    for longer, and a burst is taken at once.
    """
    age_s, gap_s = wall - came_wall, came_wall - before_wall
    fresh = (age_s >= 0) & (age_s < FRAME_S)
    even = (gap_s >= EVEN_S[0]) & (gap_s <= EVEN_S[1])
    result: NDArray[np.bool_] = ~(fresh & even)
    return result
