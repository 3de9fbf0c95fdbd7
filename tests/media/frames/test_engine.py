"""The engine as a whole, on a virtual clock and a wire without sockets."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from offhook.codecs import comfort_noise, g711, wav
from offhook.codecs.catalog import G722, L16_16K, OPUS, PCMA, PCMU, Codec
from offhook.codecs.comfort_noise import ComfortNoise, NoiseLevel
from offhook.codecs.dtmf import DtmfDetector
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
from offhook.media.frames import rtcp
from offhook.media.frames.engine import (
    FIRST_ROWS,
    MIN_TICKS_TO_JUDGE,
    Engine,
    EngineSettings,
)
from offhook.media.frames.frame_clock import MAX_SKIPPED_TICKS, PHASES, TICK_S
from offhook.media.frames.history import HEARD, SENT
from offhook.media.frames.lane import Lane, LaneSettings
from offhook.media.frames.lanes import Columns
from offhook.media.frames.mixer import Mixer
from offhook.media.frames.recorder import Recorder
from offhook.media.frames.vad import VadSettings
from offhook.media.frames.wire import address_key
from offhook.tests.kit.fake_wire import FAR_END, FakeWire

STRANGER = address_key("198.51.100.9", 9999)


class Rig:
    """An engine, its time, and its lanes' events."""

    def __init__(self, max_lanes: int = 1000, vad: VadSettings | None = None) -> None:
        self.clock = VirtualClock()
        self.wire = FakeWire()
        self.recorder = Recorder()
        self.engine = Engine(
            self.clock,
            self.wire,
            self.recorder,
            random.Random(7),
            EngineSettings(max_lanes=max_lanes, vad=vad),
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
    most = PHASES * (FIRST_ROWS[0] + 1)
    rig = Rig(max_lanes=most)
    lanes = [rig.open() for _ in range(most)]
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


def test_a_cohort_is_filled_before_the_next_one_is_begun_and_then_all_are_even() -> None:
    filled = EngineSettings().filled_lanes
    rig = Rig(max_lanes=10 * filled)
    lanes = [rig.open() for _ in range(2 * filled)]
    crowds = Counter(lane.place[0] for lane in lanes)
    assert sorted(crowds.values()) == [filled, filled]
    rig.engine.close(lanes[0])
    assert rig.open().place == lanes[0].place, "the place that was given up, before another cohort"
    lanes += [rig.open() for _ in range(4 * filled)]
    assert set(Counter(lane.place[0] for lane in lanes).values()) == {6 * filled // PHASES}


def test_lanes_whose_codec_has_state_are_spread_and_rates_begin_in_other_phases() -> None:
    rig = Rig()
    assert {rig.open(OPUS).place[0] % PHASES for _ in range(PHASES)} == set(range(PHASES))
    assert rig.open(PCMU).place[0] % PHASES != rig.open(L16_16K).place[0] % PHASES


def test_a_tick_counts_when_it_serves_somebody_or_when_there_is_nobody_to_serve() -> None:
    rig = Rig()
    assert all(rig.engine.tick(phase) for phase in range(PHASES))
    phase = rig.open().place[0] % PHASES
    assert [number for number in range(PHASES) if rig.engine.tick(number)] == [phase]


def state_of(thing: object, name: str = "") -> Iterator[tuple[str, Any]]:
    """All that a cohort and its steps keep by row: columns, tracks, dicts, sets."""
    for key, value in vars(thing).items():
        if isinstance(thing, Columns) and key in thing._tracks:
            yield f"{name}.{key}", value.swapaxes(0, 1)
        elif isinstance(value, np.ndarray | dict | set) and key not in NOT_BY_ROW:
            yield f"{name}.{key}", value
        elif isinstance(value, Columns | DtmfDetector | ComfortNoise | Mixer):
            yield from state_of(value, f"{name}.{key}")


NOT_BY_ROW = {
    *("_rows", "_concealed", "_ramp", "_frequencies", "_basis", "_turn", "_fills", "_views"),
    *("_heard", "_sums", "_differences", "_spectrum", "_magnitude"),
    *("_first", "_second", "_third", "_recurrent", "_gates"),
}
"Constants, and scratch of one tick."


@pytest.mark.parametrize("codec", [PCMU, G722, OPUS], ids=lambda codec: codec.name)
def test_a_closed_lane_leaves_nothing_in_its_row(codec: Codec) -> None:
    rig, rng = Rig(vad=VadSettings()), random.Random(1)
    lane, other = rig.open(codec, events=False), rig.open(codec)
    (number, row), cohort = lane.place, lane._cohort
    lane.play(1, tone(300, lane.rate_hz, 5000))
    lane.open_gate(1)
    lane.duck(-12, 500)
    lane.hear_also(other)
    lane.hear_also(other, SENT)
    lane.mute(True)
    other.hear_also(lane)
    lane.set_alarm(10**9)
    lane.capture(0)
    other.play(1, tone(697, lane.rate_hz, 3000) + tone(1209, lane.rate_hz, 3000))
    other.open_gate(1)
    for _ in range(400):
        rig.run(5)
        for from_cohort, from_row, packet, _ in rig.wire.take_sent():
            if rng.random() < 0.8:
                to = other if (from_cohort, from_row) == lane.place else lane
                rig.wire.arrive(to.place, packet)
    noise = comfort_noise.build(NoiseLevel(-30, (-0.9, 0.2)))
    for packet in (
        bytes([0x80, 13]) + bytes(10) + noise,
        bytes([0x80, 13, 9, 9]) + bytes(8) + noise,
        rtcp.build(rtcp.ReceiverReport(1), "somebody"),
        b"garbage",
    ):
        rig.wire.arrive(lane.place, packet)
    lane.send_digits("1234")
    rig.run(60)
    rig.engine.close(lane)
    blank = Rig(vad=VadSettings()).engine._cohorts[number // PHASES][number % PHASES]
    unused = dict(state_of(blank))
    for name, value in state_of(cohort):
        if isinstance(value, np.ndarray):
            fresh = unused[name][row] if len(unused[name]) > row else 0
            assert (value[row] == fresh).all(), name
        else:
            assert row not in value, name


def test_who_heard_a_lane_does_not_hear_who_comes_after_it_in_its_row() -> None:
    rig = Rig()
    listener, guest = rig.open(), rig.open()

    def sends_while(speaker: Lane) -> set[int]:
        """The bytes that the listener's far end gets while the speaker's says something loud."""
        rig.wire.take_sent()
        for number in range(20):
            header = (
                bytes([0x80, 0]) + number.to_bytes(2, "big") + (160 * number).to_bytes(4, "big")
            )
            rig.wire.arrive(speaker.place, header + bytes(4) + bytes([0x00, 0x80] * 80))
            rig.run(20)
        sent = [packet[12:] for *place, packet, _ in rig.wire.sent if (*place,) == listener.place]
        return set(b"".join(sent))

    listener.hear_also(guest)
    assert sends_while(guest) > {0xFF}
    place = guest.place
    rig.engine.close(guest)
    stranger = rig.open()
    assert stranger.place == place
    assert sends_while(stranger) == {0xFF}, "silence"


def test_time_that_a_stall_swallowed_is_gone_for_all_and_delay_returns() -> None:
    rig = Rig()
    lane = rig.open()
    payload = g711.encode_ulaw(tone(437, 8000, 20)).tobytes()
    number = 0

    def far_end_speaks(frames: int) -> None:
        nonlocal number
        for _ in range(frames):
            header = (
                bytes([0x80, 0]) + number.to_bytes(2, "big") + (160 * number).to_bytes(4, "big")
            )
            rig.wire.arrive(lane.place, header + bytes(4) + payload)
            number += 1

    for _ in range(50):
        far_end_speaks(1)
        rig.run(20)
    before = rig.wire.take_sent()[-1][2]
    for _ in range(25):
        far_end_speaks(1)  # waits in the socket
        rig.clock.advance(0.02)
        for phase in range(PHASES):
            rig.engine.skip(phase)
    assert lane.position_samples == 75 * 160
    assert lane.missed_samples == 25 * 160
    for _ in range(100):
        far_end_speaks(1)
        rig.run(20)
    after = rig.wire.sent[0][2]
    assert after[1] & 0x80, "the far end is told that our stream begins anew"
    sequences, times = (
        [int.from_bytes(p[a:b], "big") for p in (before, after)] for a, b in ((2, 4), (4, 8))
    )
    assert (sequences[1] - sequences[0]) % 65536 == 1
    assert (times[1] - times[0]) % (1 << 32) == 26 * 160
    jitter, row = lane._cohort.jitter, lane.place[1]
    assert jitter.reception.end[row] - jitter.play_position[row] <= 60 * 8
    assert lane.quality().packets_lost == 0


async def test_after_a_stall_of_hours_a_lane_is_consistent_and_hears_again(tmp_path: Path) -> None:
    rig = Rig()
    lane = rig.open()
    lane.record(tmp_path / "call.wav")
    number, spoken = 0, tone(437, 8000, 20)

    def far_end_speaks() -> None:
        nonlocal number
        head = bytes([0x80, 0]) + (number % 65536).to_bytes(2, "big")
        time = (160 * number % (1 << 32)).to_bytes(4, "big")
        rig.wire.arrive(lane.place, head + time + bytes(4) + g711.encode_ulaw(spoken).tobytes())
        number += 1

    for _ in range(50):
        far_end_speaks()
        rig.run(20)
    before = rig.wire.take_sent()[-1][2]
    lane.capture(lane.position_samples)
    lane.set_alarm(lane.position_samples + 8000)
    late, frames = round(3 * 3600 / TICK_S), MAX_SKIPPED_TICKS // PHASES
    clock = rig.engine._frame_clock
    rig.clock.advance(late * TICK_S)
    clock._skip(late)
    number += late // PHASES
    assert lane.position_samples == (50 + frames) * 160
    (alarm,) = [event for event in rig.events if isinstance(event, AlarmDue)]
    assert (50 + 50) * 160 - 160 <= alarm.at_samples <= (50 + 50) * 160 + 160
    assert sum(isinstance(event, MediaLost) for event in rig.events) == 1
    pieces = [event for event in rig.events if isinstance(event, AudioCaptured)]
    ends = [event.at_samples for event in pieces]
    begins = [event.from_samples for event in pieces]
    assert begins == [50 * 160, *ends[:-1]], "no gap, nothing twice"
    for _ in range(100):
        far_end_speaks()
        rig.run(20)
    after = rig.wire.sent[0][2]
    times = [int.from_bytes(packet[4:8], "big") for packet in (before, after)]
    assert (times[1] - times[0]) % (1 << 32) == (frames + 1) * 160
    heard = lane._cohort.history.read(lane.place[1], HEARD, lane.position_samples - 1600, 1 << 40)
    assert np.abs(heard).max() > 1000, "the far end is heard"
    rig.engine.close(lane)
    await rig.recorder.aclose()
    with (tmp_path / "call.wav").open("rb") as file:
        pcm = wav.WavReader(file).read(1 << 24)
    assert pcm.shape[1] == (50 + frames + 100) * 160
    assert not pcm[0, 60 * 160 : (40 + frames) * 160].any()


def test_no_call_is_taken_while_the_clock_is_late() -> None:
    rig = Rig()
    window = rig.engine._frame_clock._window
    for _ in range(MIN_TICKS_TO_JUDGE - 1):
        window.add(0.1, 0.001)
    assert rig.engine.refusal() is None, "the first second says nothing"
    window.add(0.1, 0.001)
    assert rig.engine.refusal() == "the frame clock is late (p99 100.0 ms)"
    for _ in range(991):
        window.add(0.0049, 0.001)
    assert rig.engine.refusal() is None, "p99 over the last 5 s is below the 5 ms again"


def test_what_was_admitted_is_let_through_until_the_clock_is_four_times_as_late() -> None:
    rig = Rig()
    window = rig.engine._frame_clock._window
    for _ in range(MIN_TICKS_TO_JUDGE):
        window.add(0.0199, 0.001)
    assert rig.engine.refusal() is not None
    assert rig.engine.refusal(admitted=True) is None
    for _ in range(MIN_TICKS_TO_JUDGE):
        window.add(0.021, 0.001)
    assert rig.engine.refusal(admitted=True) == "the frame clock is late (p99 21.0 ms)"


def test_keys_pressed_on_hold_wait_until_it_is_over() -> None:
    rig = Rig()
    lane, _ = rig.open(), rig.open()
    settings = lane._settings
    assert settings is not None
    lane.configure(msgspec.structs.replace(settings, sending=False))
    lane.send_digits("7")
    rig.run(1000)
    assert lane.place not in [sent[:2] for sent in rig.wire.take_sent()]
    lane.configure(settings)
    rig.run(400)
    mine = [packet for *place, packet, _ in rig.wire.sent if tuple(place) == lane.place]
    events = [packet for packet in mine if packet[1] & 0x7F == 101]
    assert [packet[12] for packet in events] == [7] * len(events)
    assert (len(events), events[-1][13] & 0x80) == (8, 0x80)


def test_opus_with_dtx_sends_next_to_nothing_in_silence_and_marks_what_follows() -> None:
    rig = Rig()
    lane = rig.open(OPUS)
    assert lane._settings is not None
    lane.configure(msgspec.structs.replace(lane._settings, fmtp="useinbandfec=1; usedtx=1"))
    rig.run(1000)
    rig.wire.take_sent()
    rig.run(2000)
    assert len(rig.wire.take_sent()) < 10
    lane.play(1, tone(300, 16000, 400))
    lane.open_gate(1)
    rig.run(400)
    packets = [packet for _, _, packet, _ in rig.wire.sent]
    assert len(packets) == 20
    assert [packet[1] >> 7 for packet in packets] == [1] + [0] * 19
    numbers = [int.from_bytes(packet[2:4], "big") for packet in packets]
    assert numbers == list(range(numbers[0], numbers[0] + 20))


def test_opus_spends_more_on_redundancy_when_the_far_end_reports_loss() -> None:
    rig = Rig()
    lane = rig.open(OPUS)
    assert lane._settings is not None
    lane.configure(msgspec.structs.replace(lane._settings, fmtp="useinbandfec=1"))
    encoder = lane._cohort.outbound.encoders[lane.place[1]]
    expected: list[int] = []
    encoder.expect_loss = expected.append  # type: ignore[attr-defined]
    ssrc = int(lane._cohort.outbound.ssrc[lane.place[1]])
    for fraction in (0.25, 0.0):
        block = rtcp.ReportBlock(ssrc, fraction, 5, 0, 0, 0, 0)
        report = rtcp.build(rtcp.ReceiverReport(9, (block,)), "far")
        rig.wire.arrive(lane.place, report)
        rig.wire.arrive(lane.place, rtcp.build(rtcp.ReceiverReport(9), "far"))
        rig.run(20)
    assert expected == [25, 0]


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
