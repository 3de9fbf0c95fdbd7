"""Far ends for load: many RTP streams from one process, speech in, whatever comes back counted.

Run as its own process by capacity.py. Prints one JSON line when it is told to stop.

    python -m offhook.bench.rtp_load --speech pcm.raw PORT...
"""

import argparse
import json
import select
import socket
import sys
import time
from pathlib import Path

import numpy as np

from ..codecs import g711
from ..drivers.rtp.wire import UdpWire
from ..media.frames.wire import Inbox, address_key

FRAME_S = 0.02
SLICES = 20
"A frame time is cut in slices of 1 ms so that the load is even."


class FarEnds:
    """One socket a call, G.711, sending talkspurts with pauses and counting what returns."""

    def __init__(self, ports: list[int], speech: np.ndarray) -> None:
        self.wire = UdpWire()
        self.inbox = Inbox()
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in ports]
        payload = g711.encode_ulaw(speech)
        self.frames = payload[: len(payload) // 160 * 160].reshape(-1, 160)
        self.packets = np.zeros((len(ports), 172), np.uint8)
        self.lengths = np.full(len(ports), 172)
        keys = [address_key("127.0.0.1", port) for port in ports]
        self.destinations = np.array(keys, np.uint64)
        for row, each in enumerate(self.sockets):
            each.bind(("127.0.0.1", 0))
            each.setblocking(False)
            self.wire.attach(row % SLICES, row, each, None)
        self.sent = self.received = 0

    def slice(self, number: int) -> None:
        """Send one packet of every stream of this slice, take what has come for it."""
        tick, part = divmod(number, SLICES)
        rows = np.arange(part, len(self.sockets), SLICES)
        if not rows.size:
            return
        self.packets[rows, :12] = 0
        self.packets[rows, 0] = 0x80
        self.packets[rows, 2:4] = np.frombuffer((tick & 0xFFFF).to_bytes(2, "big"), np.uint8)
        stamp = (tick * 160) & 0xFFFFFFFF
        self.packets[rows, 4:8] = np.frombuffer(stamp.to_bytes(4, "big"), np.uint8)
        self.packets[rows, 8:12] = rows.astype(">u4").view(np.uint8).reshape(-1, 4)
        # Every stream is elsewhere in the speech: the talkspurts of calls do not coincide.
        self.packets[rows, 12:] = self.frames[(tick + rows * 37) % len(self.frames)]
        self.wire.send(part, rows, self.packets, self.lengths, self.destinations)
        self.sent += len(rows)
        self.received += self.wire.receive(part, self.inbox)


def main() -> None:
    """Send until something arrives on standard input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speech", type=Path, required=True, help="int16 LE mono 8 kHz")
    parser.add_argument("ports", type=int, nargs="+")
    arguments = parser.parse_args()
    far = FarEnds(arguments.ports, np.fromfile(arguments.speech, np.int16))
    origin = time.monotonic()
    number = worst_late = 0.0
    step = FRAME_S / SLICES
    while not select.select([sys.stdin], [], [], 0)[0]:
        wait = origin + number * step - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        worst_late = max(worst_late, -wait)
        far.slice(int(number))
        number += 1
    json.dump(
        {
            "sent": far.sent,
            "received": far.received,
            "errors": far.wire.send_errors,
            "worst_late_ms": round(worst_late * 1000, 2),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
