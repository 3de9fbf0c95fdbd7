"""A bad network as a list of arrivals: loss, bursts, jitter, reordering, doubles, drift. Pure.

The same path and seed give the same trace, and each effect draws from a stream of its own: with
more jitter the same packets are lost. Times are the receiver's seconds, 0 when the first packet is
sent; the fastest that the path can be is no delay at all, so an arrival's delay is what exceeds it.
Not here: what a packet holds, and what becomes of it (quality.py).
"""

import enum
import random
from collections.abc import Callable
from typing import NamedTuple

import msgspec

PTIME_S = 0.02
STALL_EVERY_S = (1.0, 3.0)
STEP_OF_QUEUE = 1 / 8
"Of the largest delay: how far a queue fills or drains from packet to packet (one sigma)."
P99_OF_EXPONENTIAL = 4.605
"-ln 0.01, in means."
DOUBLE_WITHIN_MS = 10.0


class Jitter(enum.Enum):
    """Laws of delay, each between 0 and the network's `jitter_ms`."""

    UNIFORM = "uniform"
    "Every packet for itself, all delays alike."
    NORMAL = "normal"
    "Every packet for itself, half of jitter_ms and a sixth of it as sigma, cut at both ends."
    EXPONENTIAL = "exponential"
    "Every packet for itself, mostly fast; 1 % would be slower than jitter_ms and are cut to it."
    QUEUE = "queue"
    "A random walk: a router's queue fills and drains, neighbours are delayed alike."
    STALLS = "stalls"
    "Now and then nothing passes for jitter_ms, then all of it at once (Wi-Fi, a busy host)."


QUEUES = (Jitter.QUEUE, Jitter.STALLS)


class Network(msgspec.Struct, frozen=True):
    """What happens to packets on their way."""

    loss: float = 0.0
    "Share, 0..1."
    burst_packets: float | None = None
    "Mean length of the bad times of Gilbert's model in packets; None: each loss by itself."
    bad_loss: float = 1.0
    "What is lost in a bad time (Elliott's model below 1); in a good time nothing is."
    jitter_ms: float = 0.0
    law: Jitter = Jitter.UNIFORM
    in_order: bool = False
    "Where every packet is delayed for itself, it still does not overtake. Queues never let it."
    reordered: float = 0.0
    "Share of packets that are held up so that later ones overtake them."
    held_ms: float = 45.0
    doubled: float = 0.0
    "Share that comes twice, the second within 10 ms."
    drift_ppm: float = 0.0
    "How much faster than the receiver's the sender's clock runs."


class Arrival(NamedTuple):
    """A packet is there."""

    at_s: float
    packet: int
    "Its number, from 0."


def sent_at(network: Network, packet: int) -> float:
    """When a packet is sent, by the receiver's clock."""
    return packet * PTIME_S / (1 + network.drift_ppm * 1e-6)


def trace(network: Network, packets: int, seed: int) -> list[Arrival]:
    """What arrives of `packets` packets, in order of arrival."""
    lost = losses(network, packets, _stream(seed, "loss"))
    delays_ms = _DELAYS[network.law](network.jitter_ms, packets, _stream(seed, "jitter"))
    held, doubled = _stream(seed, "reordering"), _stream(seed, "doubles")
    arrivals: list[Arrival] = []
    passed_s = 0.0
    for packet in range(packets):
        there_s = sent_at(network, packet) + delays_ms[packet] / 1000
        if network.in_order or network.law in QUEUES:
            there_s = passed_s = max(passed_s, there_s)
        is_held, is_doubled = held.random() < network.reordered, doubled.random() < network.doubled
        apart_s = doubled.uniform(0, DOUBLE_WITHIN_MS) / 1000
        if lost[packet]:
            continue
        at_s = there_s + (network.held_ms / 1000 if is_held else 0)
        arrivals.append(Arrival(at_s, packet))
        if is_doubled:
            arrivals.append(Arrival(at_s + apart_s, packet))
    return sorted(arrivals)


def losses(network: Network, packets: int, rng: random.Random) -> list[bool]:
    """Which packets are lost."""
    if network.burst_packets is None:
        return [rng.random() < network.loss for _ in range(packets)]
    bad_share = network.loss / network.bad_loss
    if not 0 <= bad_share < 1 or network.burst_packets < 1:
        raise ValueError(f"no such bursts: {network}")
    leave = 1 / network.burst_packets
    enter = leave * bad_share / (1 - bad_share)
    bad = rng.random() < bad_share
    lost: list[bool] = []
    for _ in range(packets):
        lost.append(bad and rng.random() < network.bad_loss)
        bad = rng.random() >= leave if bad else rng.random() < enter
    return lost


def _stream(seed: int, effect: str) -> random.Random:
    return random.Random(f"{seed} {effect}")


# --- laws of delay: (largest ms, packets, rng) to ms a packet ------------------------------------


def _uniform(jitter_ms: float, packets: int, rng: random.Random) -> list[float]:
    return [rng.uniform(0, jitter_ms) for _ in range(packets)]


def _normal(jitter_ms: float, packets: int, rng: random.Random) -> list[float]:
    drawn = (rng.gauss(jitter_ms / 2, jitter_ms / 6) for _ in range(packets))
    return [min(max(0.0, delay), jitter_ms) for delay in drawn]


def _exponential(jitter_ms: float, packets: int, rng: random.Random) -> list[float]:
    mean = jitter_ms / P99_OF_EXPONENTIAL
    return [min(jitter_ms, mean * rng.expovariate(1.0)) for _ in range(packets)]


def _queue(jitter_ms: float, packets: int, rng: random.Random) -> list[float]:
    delays: list[float] = []
    delay = 0.0
    for _ in range(packets):
        delay = abs(delay + rng.gauss(0, jitter_ms * STEP_OF_QUEUE))
        delay = min(delay, max(0.0, 2 * jitter_ms - delay))  # reflected at both ends
        delays.append(delay)
    return delays


def _stalls(jitter_ms: float, packets: int, rng: random.Random) -> list[float]:
    delays = [0.0] * packets
    at_s = rng.uniform(0, STALL_EVERY_S[1])
    while at_s < packets * PTIME_S:
        released_s = at_s + jitter_ms / 1000
        for packet in range(int(at_s / PTIME_S) + 1, packets):
            if packet * PTIME_S >= released_s:
                break
            delays[packet] = 1000 * (released_s - packet * PTIME_S)
        at_s = released_s + rng.uniform(*STALL_EVERY_S)
    return delays


_DELAYS: dict[Jitter, Callable[[float, int, random.Random], list[float]]] = {
    Jitter.UNIFORM: _uniform,
    Jitter.NORMAL: _normal,
    Jitter.EXPONENTIAL: _exponential,
    Jitter.QUEUE: _queue,
    Jitter.STALLS: _stalls,
}
