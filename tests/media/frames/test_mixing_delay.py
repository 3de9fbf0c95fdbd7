"""How old the voice is that a lane takes from another: at most a frame, by their phases."""

import random

import numpy as np
import pytest

from offhook.codecs.catalog import L16_16K, PCMU, Codec
from offhook.media.clock import VirtualClock
from offhook.media.frames.engine import Engine, EngineSettings
from offhook.media.frames.frame_clock import PHASES, TICK_S
from offhook.media.frames.history import SENT
from offhook.media.frames.lane import Lane, LaneSettings
from offhook.media.frames.recorder import Recorder
from offhook.tests.kit.fake_wire import FAR_END, FakeWire

FRAME_TICKS = 4
SILENCE = ({0xFF}, {0x00})
"Of G.711 and of L16."


def open_in_every_phase(engine: Engine, codec: Codec) -> list[Lane]:
    payload_type = 96 if codec.payload_type is None else codec.payload_type
    settings = LaneSettings(codec, payload_type, payload_type, FAR_END)
    return [engine.open(settings) for _ in range(PHASES)]


@pytest.mark.parametrize(
    ("from_codec", "to_codec", "ticks"),
    [
        (PCMU, PCMU, [0, 1, 2, 3]),
        (PCMU, L16_16K, [2, 3, 0, 1]),
        (L16_16K, PCMU, [2, 3, 4, 1]),
    ],
    ids=["8-8", "8-16", "16-8"],
)
def test_a_voice_is_mixed_in_at_most_one_frame_after_its_own_tick(
    from_codec: Codec, to_codec: Codec, ticks: list[int]
) -> None:
    clock, wire = VirtualClock(), FakeWire()
    settings = EngineSettings(vad=None, filled_lanes=1)
    engine = Engine(clock, wire, Recorder(), random.Random(1), settings)
    source, *_ = open_in_every_phase(engine, from_codec)
    listeners = open_in_every_phase(engine, to_codec)
    if from_codec is to_codec:  # the first of them is in the source's own cohort
        assert listeners[0].place[0] == source.place[0]
    for listener in listeners:
        listener.hear_also(source, SENT)
    source.play(1, np.full(source.rate_hz, 9000, np.int16))
    source.open_gate(1)
    first: dict[tuple[int, int], int] = {}
    for tick in range(3 * FRAME_TICKS):
        clock.advance(TICK_S)
        engine.tick(tick % PHASES)
        for cohort, row, packet, _ in wire.take_sent():
            if set(packet[12:]) not in SILENCE:
                first.setdefault((cohort, row), tick)
    assert [first[lane.place] - first[source.place] for lane in listeners] == ticks
    assert max(ticks) <= FRAME_TICKS
