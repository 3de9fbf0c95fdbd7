"""SHELL: io_uring(7) by numpy: a matrix of socket calls carried out in one system call.

A call of ctypes costs about a microsecond, which is a third of what the kernel needs for a packet;
here that is paid once for all packets of a tick. Only calls that never wait may be asked for
(MSG_DONTWAIT): they are done when the system call returns. Containers often forbid io_uring, and
kernels before 5.6 lack it; `open_ring` then says so, and the wire makes its calls one by one.
"""

import ctypes
import errno
import logging
import mmap
import os
import sys
import weakref

import numpy as np
from numpy.typing import NDArray

ENTRIES = 1024
"Calls of one system call; more are done in several."
SYS_SETUP, SYS_ENTER = 425, 426
"The same on every architecture of 64-bit Linux since 5.1."
OFFSET_RINGS, OFFSET_ENTRIES = 0, 0x1000_0000
FEATURE_SINGLE_MMAP = 1
ENTER_GETEVENTS = 1
OP_SENDMSG, OP_RECVMSG, OP_SEND = 9, 10, 26

# struct io_uring_sqe, io_uring_cqe (linux/io_uring.h); msghdr of 64-bit Linux: recvmsg(2).
CALL = np.dtype(
    {
        "names": ["opcode", "fd", "to", "addr", "len", "msg_flags", "user_data", "to_len"],
        "formats": ["u1", "i4", "u8", "u8", "u4", "u4", "u8", "u2"],
        "offsets": [0, 4, 8, 16, 24, 28, 32, 44],
        "itemsize": 64,
    }
)
_DONE = np.dtype([("user_data", "u8"), ("result", "i4"), ("flags", "u4")])
_WORDS = CALL.itemsize // 8
MSGHDR = np.dtype(
    {
        "names": ["name", "namelen", "iov", "iovlen", "control", "controllen", "flags"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "i4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48],
        "itemsize": 56,
    }
)

logger = logging.getLogger(__name__)


class _Offsets(ctypes.Structure):
    _fields_ = (
        ("head", ctypes.c_uint32),
        ("tail", ctypes.c_uint32),
        ("mask", ctypes.c_uint32),
        ("entries", ctypes.c_uint32),
        ("flags_or_overflow", ctypes.c_uint32),
        ("dropped_or_cqes", ctypes.c_uint32),
        ("array_or_flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("user_addr", ctypes.c_uint64),
    )


class _Parameters(ctypes.Structure):
    _fields_ = (
        ("sq_entries", ctypes.c_uint32),
        ("cq_entries", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("sq_thread_cpu", ctypes.c_uint32),
        ("sq_thread_idle", ctypes.c_uint32),
        ("features", ctypes.c_uint32),
        ("wq_fd", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
        ("sq", _Offsets),
        ("cq", _Offsets),
    )


class Uring:
    """One ring, given back when nobody holds it. Raises OSError where the kernel refuses one."""

    def __init__(self, entries: int = ENTRIES) -> None:
        # PyDLL keeps the interpreter lock: wire.py says why.
        self._syscall = ctypes.PyDLL(None, use_errno=True).syscall
        parameters = _Parameters()
        self._fd = int(self._syscall(SYS_SETUP, entries, ctypes.byref(parameters)))
        if self._fd < 0:
            raise _error("io_uring_setup")
        weakref.finalize(self, os.close, self._fd)
        self._map(parameters)

    def _map(self, parameters: _Parameters) -> None:
        if not parameters.features & FEATURE_SINGLE_MMAP:
            raise OSError(0, "io_uring with two maps, of a kernel before 5.4")
        sq, cq, size = parameters.sq, parameters.cq, parameters.sq_entries
        length = max(
            sq.array_or_flags + 4 * size,
            cq.dropped_or_cqes + _DONE.itemsize * parameters.cq_entries,
        )
        rings = mmap.mmap(self._fd, length, offset=OFFSET_RINGS)
        entries = mmap.mmap(self._fd, CALL.itemsize * size, offset=OFFSET_ENTRIES)
        words = np.frombuffer(rings, np.uint32, length // 4)
        words[sq.array_or_flags // 4 :][:size] = np.arange(size)  # entries lie in the ring's order
        self._sq_tail, self._sq_head = _word(words, sq.tail), _word(words, sq.head)
        self._cq_tail, self._cq_head = _word(words, cq.tail), _word(words, cq.head)
        # As plain numbers: numpy copies structures field by field, ten times as slowly.
        self._calls = np.frombuffer(entries, np.uint64, size * _WORDS).reshape(size, _WORDS)
        self._numbers = np.arange(size, dtype=np.uint64)
        self._done = np.frombuffer(rings, _DONE, parameters.cq_entries, cq.dropped_or_cqes)
        self._cq_mask = parameters.cq_entries - 1
        self.entries = size

    def carry_out(self, calls: NDArray[np.void]) -> NDArray[np.int32]:
        """Do all calls, CALL[n]; the result of each, [n]: bytes moved, or minus the errno.

        `user_data` is ours to set. None of the calls may wait.
        """
        results = np.full(len(calls), -errno.EAGAIN, np.int32)
        for first in range(0, len(calls), self.entries):
            part = slice(first, first + self.entries)
            self._carry_out(calls[part], results[part])
        return results

    def _carry_out(self, calls: NDArray[np.void], results: NDArray[np.int32]) -> None:
        count = len(calls)
        calls["user_data"] = self._numbers[:count]
        words = calls.view(np.uint64).reshape(count, _WORDS)
        tail = int(self._sq_tail[0])
        begin = tail & (self.entries - 1)
        room = self.entries - begin
        self._calls[begin : begin + count] = words[:room]
        self._calls[: max(0, count - room)] = words[room:]
        self._sq_tail[0] = (tail + count) & 0xFFFFFFFF
        done = self._syscall(SYS_ENTER, self._fd, count, count, ENTER_GETEVENTS, None, 0)
        if done != count:
            # The kernel had no memory for the rest: it is taken back, as packets that were lost.
            self._sq_tail[0] = self._sq_head[0]
        head, end = int(self._cq_head[0]), int(self._cq_tail[0])
        found = self._done[(head + np.arange((end - head) & 0xFFFFFFFF)) & self._cq_mask]
        self._cq_head[0] = end
        results[found["user_data"]] = found["result"]


def open_ring() -> Uring | None:
    """A ring, or None, with a line in the log, where there is none to be had."""
    if sys.platform != "linux":
        return None
    try:
        return Uring()
    except OSError as exc:
        logger.info("no io_uring (%s): packets are moved one by one", exc.strerror or exc)
        return None


def _word(words: NDArray[np.uint32], offset: int) -> NDArray[np.uint32]:
    return words[offset // 4 :][:1]


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
