"""Far ends for load: many RTP streams from one process, speech in, what comes back is counted.

Run as its own process by capacity_engine.py, with lines on standard input: `count` begins counting
anew, `stop` ends it; then it prints a Report as one line of JSON.

    python -m offhook.bench.load.rtp_load --payloads speech.npz PORT...
"""

import argparse
import select
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...drivers.rtp.wire import UdpWire
from ...media.frames.wire import Inbox, address_key
from .load_clock import LoadClock, Usage
from .load_payloads import Payloads, load
from .packet_count import Arrivals, PacketCount
from .ramp import LoadHealth

FRAME_S = 0.02
LOOPBACK = "127.0.0.1"
SLICES = 20
"A frame time is cut in slices of 1 ms so that the load is even."
HEADER = 12

Rows = NDArray[np.int64]


class Report(msgspec.Struct, frozen=True):
    """What the load did and saw, since it was told to count."""

    sent: int
    arrivals: Arrivals
    health: LoadHealth


class FarEnds:
    """One socket a stream. Which payload a stream sends is the caller's to say."""

    def __init__(
        self, streams: int, payloads: Payloads, slices: int = SLICES, host: str = LOOPBACK
    ) -> None:
        self._payloads, self._slices = payloads, slices
        self.wire, self.inbox = UdpWire(), Inbox()
        self.sockets = [_udp_socket(host) for _ in range(streams)]
        for row, each in enumerate(self.sockets):
            self.wire.attach(row % slices, row, each, None)
        self._destinations = np.zeros(streams, np.uint64)
        self._ticks = np.zeros(streams, np.int64)
        self._packets = np.zeros((streams, HEADER + payloads.data.shape[1]), np.uint8)
        self._packets[:, 0] = 0x80
        self._packets[:, 1] = payloads.payload_type
        ssrc = np.arange(1, streams + 1).astype(">u4")
        self._packets[:, 8:HEADER] = ssrc.view(np.uint8).reshape(-1, 4)
        self._lengths = np.zeros(streams, np.int64)
        self.count = PacketCount(streams, payloads.timestamp_step)
        self.sent = 0

    def connect(self, row: int, host: str, port: int) -> None:
        """The stream is sent there from now on."""
        self._destinations[row] = address_key(host, port)

    def disconnect(self, row: int) -> None:
        """The stream is not sent any more."""
        self._destinations[row] = 0

    def rows(self, number: int) -> Rows:
        """The connected streams of a slice."""
        each: Rows = np.arange(number % self._slices, len(self.sockets), self._slices)
        connected: Rows = each[self._destinations[each] != 0]
        return connected

    def send(self, number: int, rows: Rows, payloads: Rows) -> None:
        """The next packet of each of these streams of slice `number`: `payloads[i]` of row i."""
        if not rows.size:
            return
        ticks = self._ticks[rows]
        self._ticks[rows] += 1
        stamps = (ticks * self._payloads.timestamp_step) & 0xFFFFFFFF
        self._packets[rows, 2:4] = _big_endian(ticks & 0xFFFF, ">u2")
        self._packets[rows, 4:8] = _big_endian(stamps, ">u4")
        self._packets[rows, HEADER:] = self._payloads.data[payloads]
        self._lengths[rows] = HEADER + self._payloads.lengths[payloads]
        part = number % self._slices
        self.wire.send(part, rows, self._packets, self._lengths, self._destinations)
        self.sent += len(rows)

    def receive(self, number: int) -> tuple[Rows, NDArray[np.uint8]]:
        """Count what has come for the streams of a slice; their rows and packets, in order."""
        got = self.wire.receive(number % self._slices, self.inbox)
        data, rows = self.inbox.data[:got], self.inbox.rows[:got]
        speech = (data[:, 1] & 0x7F == self._payloads.payload_type) & (
            self.inbox.lengths[:got] > HEADER
        )
        data, rows = data[speech], rows[speech]
        wide = data[:, 2:8].astype(np.int64)
        sequences = wide[:, 0] << 8 | wide[:, 1]
        stamps = wide[:, 2] << 24 | wide[:, 3] << 16 | wide[:, 4] << 8 | wide[:, 5]
        self.count.add(rows, sequences, stamps)
        return rows, data

    def restart_counting(self) -> None:
        """Forget what was counted."""
        self.count.restart()
        self.sent = self.wire.send_errors = 0

    def report(self, clock: LoadClock) -> Report:
        """What was counted."""
        health = clock.health(Usage.now(), self.wire.send_errors)
        return Report(self.sent, self.count.arrivals(), health)


class Commands:
    """Lines on standard input, without waiting for them."""

    def next(self) -> str:
        """The next command; empty: none. The end of input means `stop`."""
        if not select.select([sys.stdin], [], [], 0)[0]:
            return ""
        return sys.stdin.readline().strip() or "stop"


def run(far: FarEnds, choose: Callable[[int, Rows], Rows], commands: Commands) -> Report:
    """Send on absolute deadlines until told to stop. `choose`: (tick, rows) -> payloads."""
    clock = LoadClock(Usage.now())
    origin, number, step_s = time.monotonic(), 0, FRAME_S / SLICES
    while True:
        wait_s = origin + number * step_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        # Waking up is not the load's lateness, being behind before it is: both count.
        clock.add(time.monotonic() - (origin + number * step_s))
        rows = far.rows(number)
        far.send(number, rows, choose(number // SLICES, rows))
        far.receive(number)
        number += 1
        command = commands.next()
        if command == "count":
            far.restart_counting()
            clock.restart(Usage.now())
        elif command:
            return far.report(clock)


def main() -> None:
    """Run as a process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payloads", type=Path, required=True, help="of load_payloads.save")
    parser.add_argument("ports", type=int, nargs="+")
    arguments = parser.parse_args()
    payloads = load(arguments.payloads)
    far = FarEnds(len(arguments.ports), payloads)
    for row, port in enumerate(arguments.ports):
        far.connect(row, "127.0.0.1", port)
    length = len(payloads.lengths)
    # Every stream is elsewhere in the speech: the talkspurts of calls do not coincide.
    report = run(far, lambda tick, rows: (tick + rows * 37) % length, Commands())
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")


def _udp_socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.setblocking(False)
    return made


def _big_endian(values: Rows, type_: str) -> NDArray[np.uint8]:
    return values.astype(type_).view(np.uint8).reshape(len(values), -1)


if __name__ == "__main__":
    main()
