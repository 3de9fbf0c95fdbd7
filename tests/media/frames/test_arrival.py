"""When packets came: what the kernel says counts, not the tick that saw them."""

import random
import struct

import pytest

from offhook.codecs.catalog import PCMU
from offhook.media.clock import VirtualClock
from offhook.media.frames.engine import Engine, EngineSettings
from offhook.media.frames.frame_clock import PHASES, TICK_S
from offhook.media.frames.lane import Lane, LaneSettings
from offhook.media.frames.recorder import Recorder
from offhook.tests.kit.fake_wire import FAR_END, FakeWire


class Rig:
    """One lane, and a far end whose packets come so many ms after the tick before."""

    def __init__(self) -> None:
        self.clock, self.wire = VirtualClock(), FakeWire()
        settings = EngineSettings(vad=None)
        self.engine = Engine(self.clock, self.wire, Recorder(), random.Random(1), settings)
        lane_settings = LaneSettings(
            codec=PCMU, payload_type=0, receive_payload_type=0, destination=FAR_END
        )
        self.lane: Lane = self.engine.open(lane_settings)
        self._number = 0
        self.stamps_off_s = 0.0

    def hear(self, *after_ms: float, known: bool = True, late_s: float = 0.0) -> None:
        """A packet for each; `known`: by the kernel's clock; `late_s`: of the tick."""
        for each in after_ms:
            came = self.clock.wall() + self.stamps_off_s + each / 1000
            header = struct.pack(">BBHII", 0x80, 0, self._number, 160 * self._number, 1)
            payload = bytes([self._number % 2 * 0x80 + 0x10]) * 160
            packet = header + payload
            self.wire.arrive(self.lane.place, packet, at_wall=came if known else 0.0)
            self._number += 1
            for phase in range(PHASES):
                self.clock.advance(TICK_S)
                due_at = self.clock.now()
                self.clock.advance(late_s)
                self.engine.tick((phase + 1) % PHASES, due_at)
                self.clock.advance(-late_s)


@pytest.mark.parametrize(("known", "jitter_ms"), [(True, 8.0), (False, 0.0)])
def test_jitter_between_two_ticks_is_seen(known: bool, jitter_ms: float) -> None:
    rig = Rig()
    rig.hear(*[2, 10] * 100, known=known)
    # RFC 3550 §6.4.1: the mean of how much two neighbours differ, which is 8 ms each time.
    assert rig.lane.quality().jitter_s * 1000 == pytest.approx(jitter_ms, abs=0.2)


def test_a_tick_that_is_late_takes_nothing_for_jitter() -> None:
    rig = Rig()
    for number in range(200):
        rig.hear(10, late_s=0.003 * (number % 2))
    assert rig.lane.quality().jitter_s * 1000 == pytest.approx(0, abs=0.1)


def test_wall_time_that_leaps_throws_nothing_away() -> None:
    rig = Rig()
    rig.hear(*[10] * 50)
    for leap_s in (-3600.0, 3600.0):
        rig.stamps_off_s = leap_s  # stamped before wall time was put right, read afterwards
        rig.hear(10)
        rig.stamps_off_s = 0.0
        rig.hear(*[10] * 150)
    quality = rig.lane.quality()
    assert (quality.packets_lost, quality.packets_discarded) == (0, 0)
    assert quality.concealed_samples <= 3 * 160
