"""What a packet costs in system calls, beside an idle and a busy Python thread.

    offhook bench syscalls

Compares `socket` methods, which give the interpreter lock up around every call, with ctypes.PyDLL
calls, which keep it, one by one and by io_uring. drivers/rtp/wire.py was decided on this.
"""

import socket
import threading
import time
from collections.abc import Callable

import numpy as np

from ..drivers.rtp.syscall_packets import SyscallPackets
from ..drivers.rtp.uring import open_ring
from ..drivers.rtp.uring_packets import UringPackets
from ..drivers.rtp.wire import Packets, UdpWire
from ..media.clock import LoopClock
from ..media.frames.wire import Inbox, address_key

SOCKETS = 256
PACKET_BYTES = 172
ROUNDS = 100


class Rig:
    """Sockets that send to themselves, by a wire and by their own methods."""

    def __init__(self, packets: Packets) -> None:
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOCKETS)]
        self.wire = UdpWire(packets)
        for row, each in enumerate(self.sockets):
            each.bind(("127.0.0.1", 0))
            each.setblocking(False)
            self.wire.attach(0, row, each, None)
        self.addresses = [each.getsockname() for each in self.sockets]
        self.rows = np.arange(SOCKETS)
        self.packets = np.zeros((SOCKETS, PACKET_BYTES), np.uint8)
        self.lengths = np.full(SOCKETS, PACKET_BYTES)
        keys = [address_key(host, port) for host, port in self.addresses]
        self.destinations = np.array(keys, np.uint64)
        self.inbox = Inbox()
        self.buffer = bytearray(2048)

    def wire_send(self) -> None:
        self.wire.send(0, self.rows, self.packets, self.lengths, self.destinations)

    def wire_receive(self) -> None:
        got = self.wire.receive(0, self.inbox)
        assert got == SOCKETS, got

    def socket_send(self) -> None:
        data = bytes(PACKET_BYTES)
        for each, address in zip(self.sockets, self.addresses, strict=True):
            each.sendto(data, address)

    def socket_receive(self) -> None:
        got = 0
        for each in self.sockets:
            each.recvfrom_into(self.buffer)
            got += 1
        assert got == SOCKETS


def measure(label: str, send: Callable[[], None], receive: Callable[[], None]) -> None:
    """Print median and p99 microseconds a packet."""
    sends: list[float] = []
    receives: list[float] = []
    for _ in range(ROUNDS):
        for verb, times in ((send, sends), (receive, receives)):
            began = time.perf_counter()
            verb()
            times.append((time.perf_counter() - began) * 1e6 / SOCKETS)
        time.sleep(0.001)
    row = [np.percentile(times, q) for times in (sends, receives) for q in (50, 99)]
    print(f"{label:34s} send p50 {row[0]:8.2f} p99 {row[1]:9.2f}   ", end="")
    print(f"receive p50 {row[2]:8.2f} p99 {row[3]:9.2f}   us a packet")


def main() -> None:
    """Run the comparison."""
    ring = open_ring()
    single = Rig(SyscallPackets())
    together = None if ring is None else Rig(UringPackets(ring, LoopClock()))
    if together is None:
        print("no io_uring here (see the log at level info): it is left out")
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            sum(range(200))

    for label in ("idle", "beside a busy thread"):
        if label != "idle":
            threading.Thread(target=busy, daemon=True).start()
        if together is not None:
            measure(f"{label}, io_uring", together.wire_send, together.wire_receive)
        measure(f"{label}, ctypes.PyDLL", single.wire_send, single.wire_receive)
        measure(f"{label}, socket methods", single.socket_send, single.socket_receive)
    stop.set()


if __name__ == "__main__":
    main()
