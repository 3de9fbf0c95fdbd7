"""What joined legs cost a tick: the frame engine alone, in this process, with 0, 10 and 100 pairs.

    python -m offhook.bench.load.bridges

Each row adds pairs to the same lanes: both hear each other, and one hears the other's agent, too
(the most that any mode asks for). Packets are not sent; the difference between rows is the mixing.
"""

import random
import statistics

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # no type marker

from ...codecs.catalog import L16_16K, PCMU, Codec
from ...media.clock import LoopClock
from ...media.frames.engine import Engine, EngineSettings
from ...media.frames.frame_clock import PHASES
from ...media.frames.history import SENT
from ...media.frames.lane import Lane, LaneSettings
from ...media.frames.recorder import Recorder
from ...media.frames.wire import Inbox

CLOCK = LoopClock()
LANES = 400
PAIRS = (0, 10, 100)
ROUNDS = 300
"Frames of every lane that are timed."


class NoWire:
    """Nothing arrives, and what is sent goes nowhere."""

    def receive(self, cohort: int, inbox: Inbox) -> int:
        return 0

    def send(
        self,
        cohort: int,
        rows: NDArray[np.int64],
        packets: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        destinations: NDArray[np.uint64],
    ) -> None: ...

    def send_control(self, cohort: int, row: int, data: bytes) -> None: ...


def joined(pairs: int, codecs: tuple[Codec, Codec]) -> Engine:
    """An engine whose lanes all speak, with so many pairs."""
    engine = Engine(CLOCK, NoWire(), Recorder(), random.Random(1), EngineSettings(vad=None))
    lanes = [open_lane(engine, codecs[index % 2]) for index in range(LANES)]
    for index in range(pairs):
        one, other = lanes[2 * index], lanes[2 * index + 1]
        one.hear_also(other)
        other.hear_also(one)
        other.hear_also(one, SENT)
    return engine


def measure(engines: list[Engine]) -> list[float]:
    """The median time of a tick of each (one phase, both rates), microseconds; they take turns."""
    took: list[list[float]] = [[] for _ in engines]
    for tick in range(PHASES * ROUNDS):
        for engine, times in zip(engines, took, strict=True):
            began = CLOCK.now()
            engine.tick(tick % PHASES)
            times.append(CLOCK.now() - began)
    return [statistics.median(times) * 1e6 for times in took]


def open_lane(engine: Engine, codec: Codec) -> Lane:
    payload_type = 9 if codec.payload_type is None else codec.payload_type
    lane = engine.open(LaneSettings(codec, payload_type, payload_type, 1))
    at = np.arange(lane.rate_hz * 20)
    lane.play(1, (4000 * np.sin(2 * np.pi * 440 * at / lane.rate_hz)).astype(np.int16))
    lane.open_gate(1)
    return lane


def main() -> None:
    """A line a measurement."""
    threadpool_limits(1)  # as the engine does when it is started
    for name, codecs in (("one rate", (PCMU, PCMU)), ("8 and 16 kHz", (PCMU, L16_16K))):
        costs = measure([joined(pairs, codecs) for pairs in PAIRS])
        for pairs, cost in zip(PAIRS, costs, strict=True):
            print(f"{LANES} lanes, {name}, {pairs:3d} pairs: {cost:7.1f} us a tick")


if __name__ == "__main__":
    main()
