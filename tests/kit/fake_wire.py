"""A Wire without sockets: what is sent is kept, what is put in arrives on the next tick."""

import numpy as np
from numpy.typing import NDArray

from offhook.media.frames.wire import Inbox, address_key

FAR_END = address_key("192.0.2.1", 4000)


class FakeWire:
    """Implements the frame engine's Wire."""

    def __init__(self) -> None:
        self._arriving: dict[int, list[tuple[int, bytes, int, float]]] = {}
        self.sent: list[tuple[int, int, bytes, int]] = []
        "(cohort, row, packet, destination) in the order of sending."
        self.control: list[tuple[int, int, bytes]] = []

    def arrive(
        self,
        place: tuple[int, int],
        packet: bytes,
        source: int = FAR_END,
        at_wall: float = 0.0,
    ) -> None:
        """A packet for the lane at (cohort, row), found on the next tick; `at_wall`: it came."""
        cohort, row = place
        self._arriving.setdefault(cohort, []).append((row, packet, source, at_wall))

    def take_sent(self) -> list[tuple[int, int, bytes, int]]:
        """What was sent since the last time."""
        sent, self.sent = self.sent, []
        return sent

    def receive(self, cohort: int, inbox: Inbox) -> int:
        packets = self._arriving.pop(cohort, [])
        for index, (row, packet, source, at_wall) in enumerate(packets):
            inbox.data[index, : len(packet)] = np.frombuffer(packet, np.uint8)
            inbox.lengths[index] = len(packet)
            inbox.rows[index] = row
            inbox.sources[index] = source
            inbox.arrived_wall[index] = at_wall
        return len(packets)

    def send(
        self,
        cohort: int,
        rows: NDArray[np.int64],
        packets: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        destinations: NDArray[np.uint64],
    ) -> None:
        for row in rows.tolist():
            packet = packets[row, : lengths[row]].tobytes()
            self.sent.append((cohort, row, packet, int(destinations[row])))

    def send_control(self, cohort: int, row: int, data: bytes) -> None:
        self.control.append((cohort, row, data))
