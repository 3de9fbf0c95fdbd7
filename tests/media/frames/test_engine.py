"""The engine as a whole, on a virtual clock and a wire without sockets."""

import random
from pathlib import Path

import numpy as np
import pytest

from offhook.codecs import g711, wav
from offhook.codecs.catalog import G722, OPUS, PCMA, PCMU, Codec
from offhook.media.clock import VirtualClock
from offhook.media.errors import Refused
from offhook.media.events import (
    AlarmDue,
    AnyMediaEvent,
    AudioCaptured,
    DigitPressed,
    MediaLost,
    MediaStarted,
    PlayoutFinished,
    PlayoutStarted,
)
from offhook.media.frames.engine import Engine, EngineSettings
from offhook.media.frames.frame_clock import PHASES, TICK_S
from offhook.media.frames.lane import Lane, LaneSettings
from offhook.media.frames.recorder import Recorder
from offhook.media.frames.wire import address_key
from offhook.tests.kit.fake_wire import FAR_END, FakeWire

STRANGER = address_key("198.51.100.9", 9999)


class Rig:
    """An engine, its time, and its lanes' events."""

    def __init__(self, max_lanes: int = 1000) -> None:
        self.clock = VirtualClock()
        self.wire = FakeWire()
        self.recorder = Recorder()
        self.engine = Engine(
            self.clock,
            self.wire,
            self.recorder,
            random.Random(7),
            EngineSettings(max_lanes=max_lanes, vad=None),
        )
        self.events: list[AnyMediaEvent] = []

    def open(self, codec: Codec = PCMU, *, events: bool = True) -> Lane:
        payload_type = 96 if codec.payload_type is None else codec.payload_type
        lane = self.engine.open(
            LaneSettings(
                codec=codec,
                payload_type=payload_type,
                receive_payload_type=payload_type,
                destination=FAR_END,
                event_payload_type=101 if events else None,
                receive_event_payload_type=101 if events else None,
            )
        )
        lane.sink = self.events.append
        return lane

    def run(self, ms: int) -> None:
        for _ in range(ms // 5):
            self.clock.advance(TICK_S)
            self._phase = (getattr(self, "_phase", 0) + 1) % PHASES
            self.engine.tick(self._phase)

    def cross(self, ms: int, first: Lane, second: Lane) -> None:
        """Run with the packets of each lane arriving at the other one."""
        for _ in range(ms // 5):
            self.run(5)
            for cohort, row, packet, _ in self.wire.take_sent():
                to = second if (cohort, row) == first.place else first
                self.wire.arrive(to.place, packet)


def tone(hz: float, rate_hz: int, ms: int) -> np.ndarray:
    at = np.arange(rate_hz * ms // 1000)
    return (8000 * np.sin(2 * np.pi * hz * at / rate_hz)).astype(np.int16)


def captured(events: list[AnyMediaEvent]) -> np.ndarray:
    pieces = [event.pcm for event in events if isinstance(event, AudioCaptured)]
    return np.frombuffer(b"".join(pieces), np.int16)


def test_a_lane_sends_one_packet_every_20_ms_with_growing_sequence_and_timestamp() -> None:
    rig = Rig()
    rig.open()
    rig.run(200)
    packets = [packet for _, _, packet, _ in rig.wire.sent]
    assert len(packets) == 10
    sequence = [int.from_bytes(packet[2:4], "big") for packet in packets]
    timestamp = [int.from_bytes(packet[4:8], "big") for packet in packets]
    assert [(b - a) & 0xFFFF for a, b in zip(sequence, sequence[1:], strict=False)] == [1] * 9
    assert [(b - a) & 0xFFFFFFFF for a, b in zip(timestamp, timestamp[1:], strict=False)] == [
        160
    ] * 9
    assert packets[0][1] == 0x80, "PCMU with the marker on the first packet"
    assert packets[1][1] == 0x00
    assert packets[0][12:] == b"\xff" * 160, "silence while the agent says nothing"


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722, OPUS], ids=lambda codec: codec.name)
def test_what_one_lane_says_the_other_hears(codec: Codec) -> None:
    rig = Rig()
    speaker, listener = rig.open(codec), rig.open(codec)
    rig.cross(200, speaker, listener)
    said = tone(440, speaker.rate_hz, 1000)
    speaker.play(1, said)
    speaker.finish(1)
    speaker.open_gate(1)
    listener.capture(listener.position_samples)
    rig.cross(1500, speaker, listener)
    heard = captured(rig.events).astype(float)
    spectrum = np.abs(np.fft.rfft(heard))
    peak_hz = np.argmax(spectrum) * listener.rate_hz / len(heard)
    assert abs(peak_hz - 440) < 3
    assert np.abs(heard).max() > 7000
    assert listener.quality().concealed_samples == 0
    assert listener.quality().packets_lost == 0


def test_g711_goes_through_bit_exact() -> None:
    rig = Rig()
    speaker, listener = rig.open(), rig.open()
    rig.cross(200, speaker, listener)
    said = tone(300, 8000, 400)
    speaker.play(1, said)
    speaker.open_gate(1)
    listener.capture(listener.position_samples)
    rig.cross(800, speaker, listener)
    heard = captured(rig.events)
    expected = g711.decode_ulaw(g711.encode_ulaw(said))
    start = int(np.flatnonzero(heard)[0] - np.flatnonzero(expected)[0])
    assert np.array_equal(heard[start : start + len(expected)], expected)


def test_the_first_valid_source_is_latched_and_strangers_are_dropped() -> None:
    rig = Rig()
    lane = rig.open()
    nat = address_key("203.0.113.5", 5555)
    packet = bytes([0x80, 0]) + bytes(10) + bytes(160)
    rig.wire.arrive(lane.place, packet, nat)
    rig.run(20)
    rig.wire.take_sent()
    rig.wire.arrive(lane.place, bytes([0x80, 0, 0, 1]) + bytes(8) + bytes(160), STRANGER)
    rig.run(20)
    assert [destination for *_, destination in rig.wire.sent] == [nat]
    assert lane.quality().packets_received == 1
    assert lane.quality().packets_discarded == 1
    assert [type(event) for event in rig.events] == [MediaStarted]


def test_garbage_is_counted_and_disturbs_nothing() -> None:
    rig = Rig()
    lane, other = rig.open(), rig.open()
    rng = random.Random(3)
    for size in (0, 1, 11, 12, 13, 60, 200, 1400):
        for _ in range(20):
            rig.wire.arrive(lane.place, rng.randbytes(size))
        rig.run(20)
    rig.wire.take_sent()
    rig.run(20)
    assert {(cohort, row) for cohort, row, *_ in rig.wire.sent} == {lane.place, other.place}


def test_keys_travel_as_rtp_events_and_are_told_once() -> None:
    rig = Rig()
    presser, listener = rig.open(), rig.open()
    rig.cross(100, presser, listener)
    presser.send_digits("15#")
    rig.cross(2000, presser, listener)
    digits = [event.digit for event in rig.events if isinstance(event, DigitPressed)]
    assert digits == ["1", "5", "#"]


def test_keys_travel_as_tones_where_events_were_not_agreed() -> None:
    rig = Rig()
    presser, listener = rig.open(events=False), rig.open(events=False)
    rig.cross(100, presser, listener)
    presser.send_digits("07*")
    rig.cross(2000, presser, listener)
    digits = [event.digit for event in rig.events if isinstance(event, DigitPressed)]
    assert digits == ["0", "7", "*"]


def test_a_stopped_reply_fades_and_never_comes_back() -> None:
    rig = Rig()
    lane = rig.open()
    lane.play(1, np.full(8000, 5000, np.int16))
    lane.open_gate(1)
    rig.run(200)
    played = lane.stop(fade_ms=20)
    lane.play(1, np.full(8000, 5000, np.int16))
    rig.wire.take_sent()
    rig.run(200)
    loud = [
        np.abs(g711.decode_ulaw(np.frombuffer(p[12:], np.uint8))).max()
        for *_, p, _ in rig.wire.sent
    ]
    assert loud[0] > 1000, "the fade"
    assert max(loud[2:]) == 0
    assert played <= 1600 + 160


def test_playout_is_told_with_its_position() -> None:
    rig = Rig()
    lane = rig.open()
    rig.run(100)
    lane.play(3, np.ones(480, np.int16))
    lane.finish(3)
    lane.open_gate(3)
    rig.run(200)
    started, finished = [e for e in rig.events if isinstance(e, PlayoutStarted | PlayoutFinished)]
    assert isinstance(started, PlayoutStarted)
    assert isinstance(finished, PlayoutFinished)
    assert finished.at_samples - started.at_samples == 480
    assert finished.played_samples == 480


def test_an_alarm_rings_once_at_its_position() -> None:
    rig = Rig()
    lane = rig.open()
    lane.set_alarm(1600)
    rig.run(1000)
    assert rig.events == [AlarmDue(1600)]


def test_what_an_alarm_lets_play_leaves_with_the_frame_that_reaches_it() -> None:
    rig = Rig()
    lane = rig.open()
    lane.play(1, np.full(800, 1000, np.int16))
    lane.sink = lambda event: lane.open_gate(1) if isinstance(event, AlarmDue) else None
    lane.set_alarm(1550)
    rig.run(400)
    payloads = [packet[12:] for *_, packet, _ in rig.wire.sent]
    loud = [number for number, payload in enumerate(payloads) if payload != b"\xff" * 160]
    assert loud == [9, 10, 11, 12, 13], "samples 1440 to 1599 are heard, and packet 9 answers"


def test_a_silent_far_end_is_reported_once() -> None:
    rig = Rig()
    rig.open()
    rig.run(12_000)
    assert [type(event) for event in rig.events] == [MediaLost]


def test_a_listener_that_fails_takes_nobody_with_it(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    bad, good = rig.open(), rig.open()

    def fail(event: AnyMediaEvent) -> None:
        raise RuntimeError("a bug in a session")

    bad.sink = fail
    bad.set_alarm(160)
    good.set_alarm(160)
    rig.run(100)
    assert rig.events == [AlarmDue(160)]
    assert "a bug in a session" in caplog.text


def test_lanes_are_refused_when_they_are_used_up_and_come_back_clean() -> None:
    rig = Rig(max_lanes=300)
    lanes = [rig.open() for _ in range(300)]
    with pytest.raises(Refused):
        rig.open()
    for lane in lanes:
        lane.play(1, np.full(800, 1000, np.int16))
        lane.open_gate(1)
        lane.set_alarm(10**9)
    rig.run(40)
    for lane in lanes:
        rig.engine.close(lane)
    assert len(rig.engine) == 0
    rig.wire.take_sent()
    again = rig.open()
    assert again.position_samples == 0
    rig.run(20)
    assert [packet[12:] for *_, packet, _ in rig.wire.sent] == [b"\xff" * 160]


def test_a_closed_lane_answers_but_does_nothing() -> None:
    rig = Rig()
    lane = rig.open()
    rig.run(100)
    rig.engine.close(lane)
    rig.engine.close(lane)
    lane.play(1, np.ones(10, np.int16))
    lane.set_alarm(5)
    lane.send_digits("1")
    assert lane.stop(20) == 0
    assert lane.position_samples == 800
    rig.run(100)
    assert rig.events == []


async def test_the_recording_holds_both_sides_on_one_axis(tmp_path: Path) -> None:
    rig = Rig()
    lane, far = rig.open(), rig.open()
    path = tmp_path / "call.wav"
    lane.record(path)
    lane.play(1, tone(600, 8000, 500))
    lane.open_gate(1)
    far.play(1, tone(1000, 8000, 3000))
    far.open_gate(1)
    rig.cross(2510, far, lane)
    length = lane.position_samples
    rig.engine.close(lane)
    await rig.recorder.aclose()
    with path.open("rb") as file:
        reader = wav.WavReader(file)
        assert (reader.rate_hz, reader.channels) == (8000, 2)
        stereo = reader.read(10**6)
    assert stereo.shape == (2, length)
    assert np.abs(stereo[1, :3900]).max() > 7000
    assert np.abs(stereo[1, 4200:]).max() == 0
    assert np.abs(stereo[0, 1000:20000]).max() > 7000
