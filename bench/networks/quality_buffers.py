"""Jitter buffers that hold whole packets, played out by a clock of 20 ms. Pure but for the buffer.

Whatever a buffer keeps, it is given packet numbers as packets arrive and asked for one every 20 ms.
What its listener hears is put together afterwards (quality_listening.py). Not here: the peers' own
buffers (quality_peers.py), and Offhook's, which plays samples (quality_engine.py).
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .netem import PTIME_S, Arrival

FIXED_MS = 60


class PacketBuffer(Protocol):
    """A jitter buffer of packets."""

    def put(self, packet: int, now_s: float) -> None:
        """A packet arrives."""
        ...

    def get(self, now_s: float) -> int | None:
        """20 ms are to be played now: of which packet; None: there is none to be had."""
        ...


class Concealer(Protocol):
    """What is heard where a packet is missing, frame by frame."""

    def good(self, frame: NDArray[np.int16]) -> NDArray[np.int16]:
        """A frame that is there; where a loss ends, its beginning may be smoothed."""
        ...

    def missing(self) -> NDArray[np.int16]:
        """A frame in place of one that is not."""
        ...


class Counted(NamedTuple):
    """What a buffer did with the packets and frames of a span."""

    concealed: float
    "Share of the time that was played without a packet (or the part of one)."
    late: float
    "Share of the packets sent that arrived and were not played."


def play(
    buffer: PacketBuffer, arrivals: list[Arrival], frames: int, phase_s: float
) -> list[int | None]:
    """The packet of each frame; the first frame is played at `phase_s`."""
    played: list[int | None] = []
    at = 0
    for number in range(frames):
        now_s = phase_s + number * PTIME_S
        while at < len(arrivals) and arrivals[at].at_s <= now_s:
            buffer.put(arrivals[at].packet, arrivals[at].at_s)
            at += 1
        played.append(buffer.get(now_s))
    return played


def count(played: list[int | None], arrivals: list[Arrival], first: int, last: int) -> Counted:
    """The frames [first, last), and the packets of the same numbers."""
    span = range(first, last)
    gaps = sum(packet is None for packet in played[first:last])
    heard = {packet for packet in played if packet is not None and packet in span}
    arrived = {arrival.packet for arrival in arrivals if arrival.packet in span}
    return Counted(gaps / len(span), len(arrived - heard) / len(span))


class FixedBuffer:
    """Plays every packet so long after the first one would have been: the base line."""

    def __init__(self, delay_ms: float = FIXED_MS) -> None:
        self._delay_s = delay_ms / 1000
        self._first: tuple[int, float] | None = None
        self._waiting: set[int] = set()
        self._next: int | None = None

    def put(self, packet: int, now_s: float) -> None:
        if self._first is None:
            self._first = (packet, now_s)
        if self._next is None or packet >= self._next:
            self._waiting.add(packet)

    def get(self, now_s: float) -> int | None:
        if self._first is None:
            return None
        packet, at_s = self._first
        if self._next is None:
            if now_s < at_s + self._delay_s - 1e-9:
                return None
            self._next = min(self._waiting)
        due = self._next
        self._next += 1
        if due not in self._waiting:
            return None
        self._waiting.remove(due)
        return due
