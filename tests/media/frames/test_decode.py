"""Decoders with state: order, loss and redundancy, and nonsense from the network."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs.catalog import G722, OPUS, PCMU
from offhook.codecs.g722 import G722Decoder, G722Encoder
from offhook.codecs.opus import OpusDecoder, OpusEncoder
from offhook.media.frames.decode import MAX_PACKETS, LaneDecoder, Piece, decoder_of
from offhook.media.frames.jitter import Jitter

RATE = 16000
FRAME = 320


def voice(seconds: float) -> NDArray[np.int16]:
    """A buzz with moving formants: something speech-like for Opus."""
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = 2 * np.pi * (120 * t + 3 * np.sin(2 * np.pi * 2.5 * t))
    parts = [np.sin(k * pitch) / k * (1 + np.sin(2 * np.pi * 3 * t + k)) for k in range(1, 12)]
    return np.asarray(np.rint(5000 * np.sum(parts, axis=0) / 2), np.int16)


def opus_packets(seconds: float = 2.0) -> list[bytes]:
    encoder = OpusEncoder(RATE, bitrate_bps=32000, fec=True, expected_loss_percent=20)
    pcm = voice(seconds).reshape(-1, FRAME)
    return [encoder.encode(frame) for frame in pcm]


def g722_packets(seconds: float = 2.0) -> list[bytes]:
    encoder = G722Encoder()
    return [encoder.encode(frame).tobytes() for frame in voice(seconds).reshape(-1, FRAME)]


def decoder(codec: object) -> LaneDecoder:
    made = decoder_of(G722 if codec is G722 else OPUS)
    assert made is not None
    return made


def joined(pieces: list[Piece]) -> NDArray[np.int16]:
    """The pieces on one axis from 0; absent places stay 0."""
    out = np.zeros(max(piece.position + len(piece.pcm) for piece in pieces), np.int16)
    for piece in pieces:
        out[piece.position : piece.position + len(piece.pcm)] = piece.pcm
    return out


def test_only_codecs_with_state_get_a_decoder() -> None:
    assert decoder_of(PCMU) is None


@pytest.mark.parametrize("codec", [G722, OPUS], ids=["G722", "opus"])
def test_decodes_in_order_whatever_order_packets_came_in(codec: object) -> None:
    packets = g722_packets() if codec is G722 else opus_packets()
    plain = G722Decoder() if codec is G722 else OpusDecoder(RATE)
    expected = np.concatenate([plain.decode(packet) for packet in packets])
    lane, pieces, rng = decoder(codec), [], random.Random(2)
    for begin in range(0, len(packets), 4):
        group = list(range(begin, min(begin + 4, len(packets))))
        rng.shuffle(group)
        for number in group:
            assert lane.samples(packets[number]) == FRAME
            lane.put((65_530 + number) % 65_536, number * FRAME, packets[number])
        pieces += lane.due((begin + 4) * FRAME)
    np.testing.assert_array_equal(joined(pieces), expected)
    assert [piece.position for piece in pieces] == [n * FRAME for n in range(len(packets))]
    assert (lane.late, lane.errors, lane.recovered) == (0, 0, 0)
    lane.close()


def test_decodes_no_more_than_is_due() -> None:
    lane = decoder(G722)
    for number, packet in enumerate(g722_packets()[:10]):
        lane.put(number, number * FRAME, packet)
    assert [piece.position for piece in lane.due(2 * FRAME)] == [0, FRAME]
    assert lane.due(2 * FRAME) == []
    assert [piece.position for piece in lane.due(2 * FRAME + 1)] == [2 * FRAME]


def test_a_single_lost_packet_is_had_from_the_next_one() -> None:
    packets = opus_packets()
    whole = decoder(OPUS)
    for number, packet in enumerate(packets):
        whole.put(number, number * FRAME, packet)
    clean = joined(whole.due(1 << 40)).astype(np.float64)
    lane, pieces = decoder(OPUS), []
    lost = [n for n in range(10, len(packets) - 5) if n % 7 == 0]
    for number, packet in enumerate(packets):
        if number not in lost:
            lane.put(number, number * FRAME, packet)
            pieces += lane.due((number + 1) * FRAME)
    assert [piece.position for piece in pieces] == [n * FRAME for n in range(len(packets))]
    assert lane.recovered == len(lost)
    heard = joined(pieces).astype(np.float64)
    places = np.concatenate([np.arange(n * FRAME, (n + 1) * FRAME) for n in lost])
    error, power = heard[places] - clean[places], clean[places]
    assert 10 * np.log10((power**2).sum() / (error**2).sum()) > 5, "far better than silence (0)"


def test_redundancy_waits_until_its_audio_is_played_next() -> None:
    packets = opus_packets()
    lane = decoder(OPUS)
    lane.put(0, 0, packets[0])
    lane.put(2, 2 * FRAME, packets[2])
    # Playing 0 next: packet 1 may still come.
    assert [piece.position for piece in lane.due(2 * FRAME)] == [0]
    lane.put(1, FRAME, packets[1])
    assert [piece.position for piece in lane.due(3 * FRAME)] == [FRAME, 2 * FRAME]
    assert lane.recovered == 0


def test_a_lost_long_packet_is_recovered_before_the_next_one_is_due() -> None:
    encoder = OpusEncoder(RATE, bitrate_bps=32000, fec=True, expected_loss_percent=20)
    packets = [encoder.encode(part) for part in voice(1.2).reshape(-1, 3 * FRAME)]
    lane = decoder(OPUS)
    lane.put(0, 0, packets[0])
    assert len(lane.due(2 * FRAME)) == 1
    lane.put(2, 6 * FRAME, packets[2])
    assert lane.due(4 * FRAME) == []
    assert [piece.position for piece in lane.due(5 * FRAME)] == [3 * FRAME, 6 * FRAME]


def test_earlier_losses_are_guessed_and_long_ones_left_to_others() -> None:
    packets = opus_packets()
    lane = decoder(OPUS)
    for number in (0, 1, 4):
        lane.put(number, number * FRAME, packets[number])
    assert [piece.position for piece in lane.due(5 * FRAME)] == [n * FRAME for n in range(5)]
    lane.put(30, 30 * FRAME, packets[30])
    assert [piece.position for piece in lane.due(31 * FRAME)] == [30 * FRAME]


def test_a_pause_is_not_filled() -> None:
    packets = opus_packets()
    lane = decoder(OPUS)
    lane.put(7, 0, packets[0])
    lane.put(8, 50 * FRAME, packets[1])
    assert [piece.position for piece in lane.due(51 * FRAME)] == [0, 50 * FRAME]
    assert lane.recovered == 0


@pytest.mark.parametrize("codec", [G722, OPUS], ids=["G722", "opus"])
def test_what_lies_behind_a_hole_waits_until_the_hole_is_due(codec: object) -> None:
    packets = g722_packets() if codec is G722 else opus_packets()
    lane = decoder(codec)
    assert lane.put(0, 0, packets[0])
    assert lane.put(2, 2 * FRAME, packets[2])
    assert [piece.position for piece in lane.due(2 * FRAME)] == [0]
    # Half of the hole is played next: time scaling reads ahead, but not over it.
    early = lane.due(2 * FRAME + 100) if codec is G722 else []
    assert early == []
    assert lane.put(1, FRAME, packets[1]), "overtaken, and still in time"
    assert [piece.position for piece in lane.due(3 * FRAME)] == [FRAME, 2 * FRAME]
    assert (lane.late, lane.recovered) == (0, 0)


def test_what_comes_after_its_time_is_counted() -> None:
    packets = g722_packets()
    lane = decoder(G722)
    lane.put(0, 0, packets[0])
    lane.put(2, 2 * FRAME, packets[2])
    assert len(lane.due(3 * FRAME)) == 2
    assert not lane.put(1, FRAME, packets[1])
    assert lane.due(3 * FRAME) == []
    assert lane.late == 1


def test_the_store_is_bounded() -> None:
    lane, packet = decoder(G722), g722_packets(0.1)[0]
    for number in range(3 * MAX_PACKETS):
        lane.put(number, number * FRAME, packet)
    assert len(lane.due(1 << 40)) == MAX_PACKETS
    assert lane.dropped == 2 * MAX_PACKETS


@pytest.mark.parametrize("codec", [G722, OPUS], ids=["G722", "opus"])
def test_survives_any_payload(codec: object) -> None:
    rng = random.Random(4)
    lane = decoder(codec)
    decoded = 0
    for number in range(400):
        payload = rng.randbytes(rng.choice((0, 1, 2, 3, 40, 80, 160, 1300)))
        samples = lane.samples(payload)
        assert 0 <= samples <= 0.12 * RATE
        if samples and rng.random() < 0.8:
            lane.put(number, decoded, payload)
            pieces = lane.due(1 << 40)
            assert all(len(piece.pcm) <= 0.12 * RATE for piece in pieces)
            decoded += samples
    assert decoded > 0
    assert lane.errors > 0


def test_opus_through_the_jitter_buffer_with_loss_conceals_nothing() -> None:
    packets = opus_packets(3)
    jitter, lane = Jitter(1, RATE), decoder(OPUS)
    jitter.configure(0, 48000)
    row, concealed = np.array([0]), 0
    for tick in range(len(packets)):
        if tick < 5 or tick % 10:
            samples = np.array([lane.samples(packets[tick])])
            admitted = jitter.admit(
                row,
                np.array([tick]),
                np.array([tick * 960]),
                samples,
                np.array([False]),
                np.array([1]),
                np.array([tick * FRAME]),
            )
            assert admitted.accept.all()
            lane.put(tick, int(admitted.position[0]), packets[tick])
        for position, pcm in lane.due(int(jitter.play_position[0]) + 2 * FRAME):
            jitter.write(row, np.array([position]), pcm[np.newaxis], np.array([len(pcm)]))
        concealed += int(jitter.pull(1, tick * FRAME).concealed[0])
    assert lane.recovered == 14
    assert concealed == 0, "each lost packet was had from the one after it, in time"
