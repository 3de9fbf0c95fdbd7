"""A network on a virtual clock: RTP packets go in; they come out late, lost, doubled, out of order.

A stream is a list of packets with the moment each is sent; every fault is a function from such a
list to another one, so faults are chained: `lose(stall(stream, ...), ...)`. What is random takes a
random.Random. `at_ms` is when the packet leaves or, after the faults, arrives.
"""

import random
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SEQUENCES, TIMESTAMPS = 1 << 16, 1 << 32


class Packet(NamedTuple):
    at_ms: float
    sequence: int
    timestamp: int
    ssrc: int
    pcm: NDArray[np.int16]
    marker: bool = False


Stream = list[Packet]


def stream(
    pcm: NDArray[np.int16],
    rate_hz: int = 8000,
    *,
    ptime_ms: int = 20,
    clock_rate_hz: int | None = None,
    first_sequence: int = 1000,
    first_timestamp: int = 160_000,
    ssrc: int = 0x5EED,
    drift_ppm: float = 0.0,
    start_ms: float = 0.0,
) -> Stream:
    """Cut audio into packets and send them in time. `drift_ppm` > 0: the sender's clock is fast."""
    clock = clock_rate_hz or rate_hz
    size = rate_hz * ptime_ms // 1000
    return [
        Packet(
            at_ms=start_ms + number * ptime_ms / (1 + drift_ppm * 1e-6),
            sequence=(first_sequence + number) % SEQUENCES,
            timestamp=(first_timestamp + number * clock * ptime_ms // 1000) % TIMESTAMPS,
            ssrc=ssrc,
            pcm=pcm[number * size : (number + 1) * size],
            marker=number == 0,
        )
        for number in range(len(pcm) // size)
    ]


# --- delay --------------------------------------------------------------------------------------


def delayed(packets: Stream, delays_ms: Iterable[float]) -> Stream:
    """Each packet by its own delay, in order: a queue does not overtake itself."""
    latest, result = -1e9, []
    for packet, delay in zip(packets, delays_ms, strict=False):
        latest = max(latest, packet.at_ms + delay)
        result.append(packet._replace(at_ms=latest))
    return result


def gaussian(packets: Stream, rng: random.Random, sigma_ms: float) -> Stream:
    """Normal jitter around three sigma."""
    return delayed(packets, [max(0.0, rng.gauss(3 * sigma_ms, sigma_ms)) for _ in packets])


def pareto(packets: Stream, rng: random.Random, scale_ms: float, shape: float = 2.0) -> Stream:
    """Mostly small delays with a heavy tail."""
    return delayed(packets, [scale_ms * (rng.paretovariate(shape) - 1) for _ in packets])


def stall(packets: Stream, begin_ms: float, length_ms: float) -> Stream:
    """Nothing passes for a while; then all that was held up comes at once (Wi-Fi)."""
    end = begin_ms + length_ms
    return [
        packet._replace(at_ms=end) if begin_ms <= packet.at_ms < end else packet
        for packet in packets
    ]


def stalls(packets: Stream, every_ms: float, length_ms: float) -> Stream:
    """A stall again and again."""
    begin, last = every_ms, packets[-1].at_ms
    while begin < last:
        packets = stall(packets, begin, length_ms)
        begin += every_ms
    return packets


def reorder(packets: Stream, rng: random.Random, share: float, by_ms: float) -> Stream:
    """Some packets take a longer way and are overtaken."""
    moved = [
        packet._replace(at_ms=packet.at_ms + by_ms) if rng.random() < share else packet
        for packet in packets
    ]
    return sorted(moved, key=lambda packet: packet.at_ms)


# --- loss and doubles ---------------------------------------------------------------------------


def lose(packets: Stream, rng: random.Random, share: float) -> Stream:
    """Independent loss."""
    return [packet for packet in packets if rng.random() >= share]


def lose_between(packets: Stream, begin_ms: float, end_ms: float) -> Stream:
    """Everything sent in that time is lost."""
    return [packet for packet in packets if not begin_ms <= packet.at_ms < end_ms]


def gilbert_elliott(
    packets: Stream, rng: random.Random, to_bad: float, to_good: float, loss_when_bad: float = 1.0
) -> Stream:
    """Bursts of loss: two states, with the chance per packet to change between them."""
    bad, result = False, []
    for packet in packets:
        bad = rng.random() >= to_good if bad else rng.random() < to_bad
        if not bad or rng.random() >= loss_when_bad:
            result.append(packet)
    return result


def duplicate(packets: Stream, rng: random.Random, share: float, by_ms: float = 0.0) -> Stream:
    """Some packets come twice."""
    doubles = [
        packet._replace(at_ms=packet.at_ms + by_ms) for packet in packets if rng.random() < share
    ]
    return sorted(packets + doubles, key=lambda packet: packet.at_ms)


# --- what senders do ----------------------------------------------------------------------------


def pause(packets: Stream, begin_ms: float, end_ms: float) -> Stream:
    """DTX: nothing is sent for a while; timestamps go on, sequence numbers do not."""
    result, left_out = [], 0
    for packet in packets:
        if begin_ms <= packet.at_ms < end_ms:
            left_out += 1
        else:
            sequence = (packet.sequence - left_out) % SEQUENCES
            result.append(packet._replace(sequence=sequence))
    return result


def jump(packets: Stream, at_ms: float, timestamp: int, sequence: int = 0) -> Stream:
    """From a moment on all timestamps (and sequence numbers) are off by so much."""
    return [
        packet._replace(
            timestamp=(packet.timestamp + timestamp) % TIMESTAMPS,
            sequence=(packet.sequence + sequence) % SEQUENCES,
        )
        if packet.at_ms >= at_ms
        else packet
        for packet in packets
    ]


def change_source(packets: Stream, at_ms: float, rng: random.Random) -> Stream:
    """From a moment on another sender speaks: SSRC, timestamps and sequence numbers are new."""
    ssrc = rng.getrandbits(32)
    moved = jump(packets, at_ms, rng.getrandbits(32), rng.getrandbits(16))
    return [packet._replace(ssrc=ssrc) if packet.at_ms >= at_ms else packet for packet in moved]
