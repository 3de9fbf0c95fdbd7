"""What two ends tell each other of a line by RTCP, and what a lane says of its quality.

Two lanes of one engine talk over a seeded link that delays and loses both RTP and RTCP.
"""

import heapq
import itertools
import random

import msgspec
import pytest

from offhook.codecs.catalog import PCMU
from offhook.media.clock import VirtualClock
from offhook.media.frames.engine import Engine, EngineSettings
from offhook.media.frames.frame_clock import PHASES, TICK_S
from offhook.media.frames.lane import Lane, LaneSettings
from offhook.media.frames.recorder import Recorder
from offhook.tests.kit.fake_wire import FAR_END, FakeWire

SETTINGS = LaneSettings(codec=PCMU, payload_type=0, receive_payload_type=0, destination=FAR_END)


class Line:
    """Two lanes and the link between them."""

    def __init__(self, delay_ms: float, jitter_ms: float = 0.0, loss: float = 0.0) -> None:
        self.clock, self.wire, self.rng = VirtualClock(), FakeWire(), random.Random(5)
        settings = EngineSettings(vad=None)
        self.engine = Engine(self.clock, self.wire, Recorder(), self.rng, settings)
        self.near, self.far = self.engine.open(SETTINGS), self.engine.open(SETTINGS)
        self.delay_ms, self.jitter_ms, self.loss = delay_ms, jitter_ms, loss
        self._order = itertools.count()
        self._flying: list[tuple[float, int, Lane, bytes]] = []
        self.lost = {self.near.place: 0, self.far.place: 0}
        "Audio packets that did not reach it."

    def run(self, seconds: float) -> None:
        for tick in range(round(seconds / TICK_S)):
            self.clock.advance(TICK_S)
            while self._flying and self._flying[0][0] <= self.clock.now():
                _, _, to, data = heapq.heappop(self._flying)
                self.wire.arrive(to.place, data)
            self.engine.tick(tick % PHASES)
            for cohort, row, data, _ in self.wire.take_sent():
                to = self._other(cohort, row)
                if self.rng.random() < self.loss:
                    self.lost[to.place] += 1
                else:
                    self._send(to, data)
            for cohort, row, data in self.wire.control:
                self._send(self._other(cohort, row), data)
            self.wire.control.clear()

    def _other(self, cohort: int, row: int) -> Lane:
        return self.far if (cohort, row) == self.near.place else self.near

    def _send(self, to: Lane, data: bytes) -> None:
        delay_s = (self.delay_ms + self.rng.uniform(0, self.jitter_ms)) / 1000
        heapq.heappush(self._flying, (self.clock.now() + delay_s, next(self._order), to, data))


def test_both_ends_know_the_round_trip() -> None:
    line = Line(delay_ms=80)
    line.run(15)
    for lane in (line.near, line.far):
        # Arrivals are seen on ticks: up to 20 ms more at either end.
        assert lane.quality().round_trip_time_s == pytest.approx(0.18, abs=0.021)
        assert lane.far_delay_samples() / 8000 == pytest.approx(0.09 + 0.02, abs=0.012)


def test_loss_and_jitter_are_counted_as_they_were_and_the_far_end_is_told() -> None:
    line = Line(delay_ms=30, jitter_ms=30, loss=0.05)
    line.run(30)
    quality = line.near.quality()
    lost = line.lost[line.near.place]
    assert 40 < lost < 110
    assert abs(quality.packets_lost - lost) <= 3, "those at the very end are not known yet"
    assert quality.concealed_samples == pytest.approx(lost * 160, rel=0.25)
    # The mean difference of two transits that are uniform over 30 ms is 10 ms, and ticks add to it.
    assert 0.007 < quality.jitter_s < 0.02
    reported = line.far.quality().remote_inbound_rtp
    assert reported is not None
    assert abs(reported.packets_lost - lost) <= 25, "as of the last report"
    assert 0.0 < reported.fraction_lost < 0.15
    assert 0.007 < reported.jitter_s < 0.02
    assert reported.round_trip_time_s == line.far.quality().round_trip_time_s


def test_opinion_falls_with_loss_and_with_delay() -> None:
    def opinion(delay_ms: float, loss: float) -> float:
        line = Line(delay_ms, loss=loss)
        line.run(12)
        mos = line.near.quality().mos
        assert mos is not None
        return mos

    clean = opinion(10, 0)
    assert clean == pytest.approx(4.4, abs=0.03)
    assert 3.9 < opinion(10, 0.02) < clean - 0.05
    assert opinion(10, 0.2) < 3.2
    assert opinion(400, 0) < 3.6


def test_nothing_is_thought_of_a_line_that_was_never_heard() -> None:
    line = Line(10, loss=1.0)
    line.run(2)
    quality = line.near.quality()
    assert (quality.mos, quality.round_trip_time_s, quality.packets_received) == (None, None, 0)
    assert quality.packets_sent == 100
    assert quality.remote_inbound_rtp is None


def test_figures_go_by_the_names_and_units_of_webrtc_stats() -> None:
    line = Line(10, loss=0.05)
    line.run(10)
    told = msgspec.to_builtins(line.near.quality())
    assert set(told) >= {
        *("packetsReceived", "packetsSent", "packetsLost", "packetsDiscarded"),
        *("concealedSamples", "silentConcealedSamples", "concealmentEvents"),
        *("insertedSamplesForDeceleration", "removedSamplesForAcceleration"),
        *("totalSamplesReceived", "jitter", "roundTripTime"),
        *("jitterBufferDelay", "jitterBufferTargetDelay", "jitterBufferEmittedCount"),
    }
    names = {"fractionLost", "packetsLost", "jitter", "roundTripTime"}
    assert set(told["remoteInboundRtp"]) == names
    mean_s = told["jitterBufferDelay"] / told["jitterBufferEmittedCount"]
    assert 0.015 < mean_s < 0.045, "the sum over samples, in seconds"
    assert told["totalSamplesReceived"] == pytest.approx(10 * 8000, abs=800)
