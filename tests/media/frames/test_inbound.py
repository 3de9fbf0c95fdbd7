"""What becomes of each packet: audio, keys, noise, RTCP, a stranger's, or nothing."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import comfort_noise, g711, l16
from offhook.codecs.catalog import G722, L16_8K, OPUS, PCMA, PCMU, Codec
from offhook.codecs.comfort_noise import NoiseLevel
from offhook.codecs.g722 import G722Encoder
from offhook.codecs.opus import OpusEncoder
from offhook.media.frames.inbound import COMFORT_NOISE_PAYLOAD_TYPE, Inbound, KeyPacket
from offhook.media.frames.jitter import Jitter
from offhook.media.frames.wire import MAX_PACKET_BYTES, Inbox, address_key

FAR, STRANGER = address_key("192.0.2.1", 4000), address_key("198.51.100.9", 9)
EVENTS = 101


def packet(kind: int, number: int, payload: bytes, step: int = 160) -> bytes:
    """RTP, the `number`th of its stream."""
    words = number.to_bytes(2, "big") + (number * step).to_bytes(4, "big") + bytes(4)
    return bytes([0x80, kind]) + words + payload


def tone(samples: int, hz: float = 437.0, rate_hz: int = 8000) -> NDArray[np.int16]:
    phase = 2 * np.pi * hz * np.arange(samples) / rate_hz
    return np.asarray(np.rint(8000 * np.sin(phase)), np.int16)


class Line:
    """One row of an Inbound and its jitter buffer, tick by tick."""

    def __init__(self, codec: Codec = PCMU, rate_hz: int = 8000, payload_type: int = 0) -> None:
        self.jitter = Jitter(2, rate_hz)
        self.inbound = Inbound(2, rate_hz, self.jitter)
        self.inbox = Inbox(128)
        self.inbound.configure(0, codec, payload_type, relatch=True)
        self.inbound.event_payload_type[0] = EVENTS
        self.jitter.configure(0, codec.clock_rate_hz)
        self.ticks = 0
        self.control: list[bytes] = []
        self.keys: list[KeyPacket] = []

    def tick(
        self, *packets: bytes, source: int = FAR, among: Sequence[bytes] = ()
    ) -> NDArray[np.int16]:
        """Let packets arrive, `among` those of a stranger, and hear the next frame."""
        self.ticks += 1
        arrived = [(data, STRANGER) for data in among]
        arrived[len(arrived) // 2 : len(arrived) // 2] = [(data, source) for data in packets]
        for index, (data, sender) in enumerate(arrived):
            part = data[:MAX_PACKET_BYTES]
            self.inbox.data[index, : len(part)] = np.frombuffer(part, np.uint8)
            self.inbox.lengths[index], self.inbox.sources[index] = len(data), sender
        _, keys = self.inbound.receive(
            len(arrived), self.inbox, self.ticks, 0.0, lambda row, data: self.control.append(data)
        )
        self.keys += keys
        self.inbound.decode(1)
        return np.asarray(self.jitter.pull(1, self.ticks * self.inbound.frame).frames[0])

    @property
    def malformed(self) -> int:
        return int(self.inbound.malformed[0])


def test_the_laws_of_g711_may_change_in_mid_call_without_a_word() -> None:
    said, line = tone(160 * 20), Line()
    heard = []
    for number in range(20):
        frame = said[160 * number : 160 * (number + 1)]
        law, encode = (0, g711.encode_ulaw) if number % 4 < 2 else (8, g711.encode_alaw)
        heard.append(line.tick(packet(law, number, encode(frame).tobytes())))
    heard.append(line.tick())
    error = np.concatenate(heard)[160:].astype(int) - said
    assert np.abs(error).max() < 300, "the other law read as this one is noise"
    assert line.malformed == 0
    assert line.jitter.statistics(0).concealed_samples == 0


@pytest.mark.parametrize(
    ("codec", "rate_hz", "number"), [(PCMU, 8000, 9), (G722, 16000, 0), (OPUS, 16000, 8)]
)
def test_other_payload_types_are_dropped_and_counted(
    codec: Codec, rate_hz: int, number: int
) -> None:
    line = Line(codec, rate_hz, payload_type=96 if codec != PCMU else 0)
    assert not line.tick(packet(number, 0, bytes(160))).any()
    assert line.malformed == 1
    assert line.jitter.statistics(0).packets_received == 0
    assert line.inbound.source[0] == 0, "nor does it latch"


@pytest.mark.parametrize(
    ("codec", "rate_hz"), [(PCMU, 8000), (PCMA, 8000), (L16_8K, 8000), (G722, 16000), (OPUS, 16000)]
)
def test_payloads_of_any_size_do_no_harm(codec: Codec, rate_hz: int) -> None:
    line, rng, number = Line(codec, rate_hz, 96), random.Random(3), 0
    for size in (0, 1, 2, 3, 159, 160, 161, 640, 1491, 1492):
        for _ in range(3):
            frame = line.tick(packet(96, number, rng.randbytes(size)))
            assert frame.shape == (rate_hz // 50,)
            number += 1
    assert line.jitter.statistics(0).packets_received == number


def test_half_a_sample_of_l16_is_left_out() -> None:
    said, line = tone(160), Line(L16_8K, payload_type=96)
    line.tick(packet(96, 0, l16.encode(said).tobytes() + b"\x7f"))
    assert np.array_equal(line.tick(), said)


def test_a_datagram_that_was_cut_is_malformed() -> None:
    line = Line()
    line.tick(packet(0, 0, bytes(MAX_PACKET_BYTES)))
    assert line.malformed == 1
    assert not line.tick().any()


def test_comfort_noise_is_played_with_its_level_and_spectrum() -> None:
    line, dark = Line(), NoiseLevel(-35, (-0.9,))
    for number in range(10):
        line.tick(packet(0, number, g711.encode_ulaw(tone(160)).tobytes()))
    told = packet(COMFORT_NOISE_PAYLOAD_TYPE, 10, comfort_noise.build(dark))
    frames = [line.tick(told), *(line.tick() for _ in range(100))]
    noise = np.concatenate(frames[5:])[np.newaxis]
    assert comfort_noise.measure(noise)[0] == pytest.approx(-35, abs=1)
    assert comfort_noise.reflection_coefficients(noise, 1)[0, 0] == pytest.approx(-0.9, abs=0.03)
    statistics = line.jitter.statistics(0)
    assert statistics.loss == 0
    assert statistics.packets_received == 11

    line.jitter.clear(0)
    line.jitter.set_noise(0, NoiseLevel(-35))
    line.jitter.playing[0] = True
    noise = np.concatenate([line.tick() for _ in range(100)][5:])[np.newaxis]
    assert abs(comfort_noise.reflection_coefficients(noise, 1)[0, 0]) < 0.05, "nothing remains"


def test_empty_comfort_noise_is_malformed() -> None:
    line = Line()
    line.tick(packet(COMFORT_NOISE_PAYLOAD_TYPE, 0, b""))
    assert line.malformed == 1
    assert not line.jitter.pausing[0]


def test_a_sender_with_dtx_is_no_loss() -> None:
    line, encoder, sent = Line(OPUS, 16000, 96), OpusEncoder(dtx=True), 0
    voice, silence = tone(320 * 50, 300, 16000), np.zeros(320 * 100, np.int16)
    said = np.concatenate([voice, silence, voice])
    heard = []
    for number in range(200):
        coded = encoder.encode(said[320 * number : 320 * (number + 1)])
        arrived = []
        if len(coded) > 2:  # what is shorter need not be sent: the sequence does not count it
            stamp = (number * 960).to_bytes(4, "big")
            arrived = [b"\x80\x60" + sent.to_bytes(2, "big") + stamp + bytes(4) + coded]
            sent += 1
        heard.append(line.tick(*arrived))
    assert sent < 150
    statistics = line.jitter.statistics(0)
    assert statistics.packets_lost == 0
    assert statistics.loss < 0.03, "the fade into silence at most"
    assert np.abs(np.concatenate(heard[170:])).max() > 5000, "and the voice comes back"


@pytest.mark.parametrize("codec", [G722, OPUS], ids=["G722", "opus"])
def test_overtaken_packets_of_codecs_with_state_are_in_time_or_counted_as_late(
    codec: Codec,
) -> None:
    line, coded = Line(codec, 16000, 96), []
    encoder = OpusEncoder() if codec is OPUS else G722Encoder()
    for number in range(100):
        payload = encoder.encode(tone(320, 300, 16000))
        step = codec.clock_rate_hz // 50
        data = payload if isinstance(payload, bytes) else payload.tobytes()
        coded.append(packet(96, number, data, step))
    due: dict[int, list[bytes]] = {}
    for number, each in enumerate(coded):
        due.setdefault(number + 2 * (number % 20 == 10), []).append(each)
    for tick in range(110):
        line.tick(*due.get(tick, []))
    statistics = line.jitter.statistics(0)
    # Only the first one has not been expected.
    assert statistics.packets_late <= 1
    assert statistics.packets_lost == 0
    decoder = line.inbound.decoders[0]
    assert decoder.late <= statistics.packets_late


def test_key_packets_are_handed_over_whole_and_others_are_not_audio() -> None:
    line = Line()
    line.tick(packet(EVENTS, 0, b"\x05\x0a\x00\xa0"), packet(EVENTS, 1, b"\x05"))
    assert [key.payload for key in line.keys] == [b"\x05\x0a\x00\xa0", b"\x05"]
    assert line.jitter.statistics(0).packets_received == 2
    assert not line.tick().any()


def test_rtcp_on_the_same_port_is_taken_from_the_latched_source_only() -> None:
    line, report = Line(), bytes([0x80, 201, 0, 1, 0, 0, 0, 9])
    line.tick(report)
    assert line.control == [report], "before anybody has spoken"
    line.tick(packet(0, 0, bytes(160)))
    line.tick(report, source=STRANGER)
    assert line.control == [report]
    assert line.inbound.strangers[0] == 1
    line.tick(report)
    assert line.control == [report, report]


# --- who is the far end ---------------------------------------------------------------------------

NAT, ELSEWHERE = address_key("203.0.113.7", 31000), address_key("192.0.2.1", 4002)


@pytest.mark.parametrize("first", [STRANGER, NAT, ELSEWHERE])
def test_who_guesses_a_port_loses_it_to_the_address_that_was_described(first: int) -> None:
    said, line = tone(160 * 4), Line()
    line.inbound.expect(0, FAR, address_key("203.0.113.7", 0))
    loud = g711.encode_ulaw(np.full(160, 20000, np.int16)).tobytes()
    line.tick(packet(0, 500, loud), source=first)
    assert line.inbound.source[0] == first, "there is nobody else yet"
    for number in range(4):
        frame = g711.encode_ulaw(said[160 * number : 160 * (number + 1)]).tobytes()
        line.tick(packet(0, number, frame))
        line.tick(packet(0, 501 + number, loud), source=first)
        assert line.inbound.source[0] == FAR
    assert (line.inbound.strangers[0], line.inbound.packets[0]) == (4, 5)


def test_behind_nat_the_machine_that_signals_goes_before_any_other() -> None:
    line = Line()
    private = address_key("10.0.0.9", 4000)
    line.inbound.expect(0, private, address_key("203.0.113.7", 0))
    sources = [STRANGER, NAT, STRANGER, NAT + 1, address_key("10.0.0.9", 4002), NAT, private, NAT]
    latched = []
    for number, source in enumerate(sources):
        line.tick(packet(0, number, bytes(160)), source=source)
        latched.append(int(line.inbound.source[0]))
    assert latched == [STRANGER, *[NAT] * 5, private, private]
    assert line.inbound.strangers[0] == 4


def test_of_packets_that_come_at_once_the_likeliest_source_is_taken() -> None:
    line = Line()
    line.inbound.expect(0, FAR, 0)
    for index, source in enumerate((STRANGER, ELSEWHERE, FAR, ELSEWHERE)):
        line.inbox.data[index, :172] = np.frombuffer(packet(0, index, bytes(160)), np.uint8)
        line.inbox.lengths[index], line.inbox.sources[index] = 172, source
    latched, _ = line.inbound.receive(4, line.inbox, 1, 0.0, lambda row, data: None)
    assert latched.tolist() == [0]
    assert (line.inbound.source[0], line.inbound.strangers[0]) == (FAR, 3)


def test_a_lane_that_is_configured_anew_takes_whoever_speaks_first_again() -> None:
    line = Line()
    line.inbound.expect(0, FAR, 0)
    line.tick(packet(0, 0, bytes(160)))
    line.inbound.configure(0, PCMU, 0, relatch=False)
    line.tick(packet(0, 1, bytes(160)), source=STRANGER)
    assert line.inbound.source[0] == FAR
    line.inbound.configure(0, PCMU, 0, relatch=True)
    line.tick(packet(0, 2, bytes(160)), source=STRANGER)
    assert line.inbound.source[0] == STRANGER


def test_noise_of_strangers_changes_nothing_of_what_is_heard() -> None:
    said, rng = tone(160 * 200), random.Random(4)
    clean, noisy = Line(), Line()
    for line in (clean, noisy):
        line.inbound.expect(0, FAR, 0)
    for number in range(200):
        data = packet(0, number, g711.encode_ulaw(said[160 * number :][:160]).tobytes())
        noise = [rng.randbytes(rng.randrange(1504)) for _ in range(60)]
        noise += [bytes([0x80, 0]) + each[2:] for each in noise[:20]]
        assert np.array_equal(clean.tick(data), noisy.tick(data, among=noise))
    assert noisy.inbound.packets[0] == 200
    assert noisy.inbound.strangers[0] > 3000
    assert noisy.control == []
