"""Against ffmpeg's own Opus decoder, which shares no code with libopus, and libopus' parser."""

import ctypes
import random
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import opus
from offhook.codecs.errors import CodecError, CodecUnavailable

Speech = Callable[..., NDArray[np.int16]]


def packets(pcm: NDArray[np.int16], encoder: opus.OpusEncoder, frame: int = 320) -> list[bytes]:
    whole = len(pcm) // frame * frame
    return [encoder.encode(piece) for piece in pcm[:whole].reshape(-1, frame)]


def best_snr_db(wanted: NDArray[np.int16], got: NDArray[np.int16], max_lag: int) -> float:
    """Signal to noise at the lag (codec delay) where it is best."""
    length = min(len(wanted), len(got)) - max_lag
    reference = wanted[:length].astype(float)
    power = float(reference @ reference)
    noises = [float(np.sum((got[lag : lag + length] - reference) ** 2)) for lag in range(max_lag)]
    return float(10 * np.log10(power / min(noises)))


def level(pcm: NDArray[np.int16]) -> float:
    return float(np.sqrt(np.mean(pcm.astype(float) ** 2)))


@pytest.mark.parametrize("frame_ms", [5, 10, 20, 40, 60])
def test_speech_comes_through_at_every_packet_length(speech: Speech, frame_ms: int) -> None:
    pcm = speech(16000, 1.2)
    encoder, decoder = opus.OpusEncoder(bitrate_bps=32000), opus.OpusDecoder()
    coded = packets(pcm, encoder, 16 * frame_ms)
    heard = [decoder.decode(packet) for packet in coded]
    assert {len(piece) for piece in heard} == {16 * frame_ms}
    assert {opus.packet_samples(packet, 16000) for packet in coded} == {16 * frame_ms}
    assert best_snr_db(pcm, np.concatenate(heard), 200) > 5


def test_decodes_as_ffmpegs_own_decoder(speech: Speech) -> None:
    coded = packets(speech(16000, 1.0), opus.OpusEncoder(fec=False))
    ours = opus.OpusDecoder(48000)
    theirs: Any = av.CodecContext.create("opus", "r")
    theirs.sample_rate, theirs.layout = 48000, "mono"
    a = np.concatenate([ours.decode(packet) for packet in coded])
    frames = [frame for packet in coded for frame in theirs.decode(av.Packet(packet))]
    floats = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    b = np.clip(floats * 32768, -32768, 32767).astype(np.int16)
    # libopus' resampler to 48 kHz is some samples earlier, hence the order; 29 dB were seen.
    assert best_snr_db(a, b, 700) > 25


def test_decodes_what_ffmpeg_encoded_in_stereo_to_mono(speech: Speech) -> None:
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "stereo", "s16"
    encoder.bit_rate = 64000
    pcm = speech(48000, 0.6)
    both = np.repeat(pcm, 2)[np.newaxis]
    frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
    frame.sample_rate = 48000
    coded = [bytes(packet) for packet in encoder.encode(frame)]
    assert coded
    assert coded[0][0] & 4  # the stereo bit, RFC 6716 §3.1
    decoder = opus.OpusDecoder(48000)
    heard = np.concatenate([decoder.decode(packet) for packet in coded])
    assert best_snr_db(pcm[: len(heard)], heard, 700) > 10


def test_a_lost_packet_is_recovered_from_the_next_one(speech: Speech) -> None:
    pcm = speech(16000, 1.0)
    coded = packets(pcm, opus.OpusEncoder(fec=True, expected_loss_percent=20))
    whole, recovering, concealing = (opus.OpusDecoder() for _ in range(3))
    error_recovered = error_concealed = 0.0
    for number, packet in enumerate(coded[:-1]):
        wanted = whole.decode(packet).astype(float)
        if number % 5 == 4:
            recovered = recovering.recover(coded[number + 1], 320)
            concealed = concealing.conceal(320)
            assert len(recovered) == len(concealed) == 320
            error_recovered += float(np.sum((recovered - wanted) ** 2))
            error_concealed += float(np.sum((concealed - wanted) ** 2))
        else:
            recovering.decode(packet)
            concealing.decode(packet)
    assert error_recovered < 0.7 * error_concealed


@pytest.mark.parametrize(("reported", "redundant"), [(0, False), (1, False), (2, True), (4, True)])
def test_redundancy_is_sent_from_two_percent_of_loss_on(
    speech: Speech, reported: int, redundant: bool
) -> None:
    pcm, encoder, plain = speech(16000, 2.0), opus.OpusEncoder(), opus.OpusEncoder(fec=False)
    encoder.expect_loss(reported)
    coded, bare = packets(pcm, encoder), packets(pcm, plain)
    assert (coded == bare) is not redundant
    gained, known, guess = 0.0, opus.OpusDecoder(), opus.OpusDecoder()
    whole = opus.OpusDecoder()
    for number, packet in enumerate(coded[:-1]):
        wanted = whole.decode(packet).astype(float)
        if number % 5 == 4:
            heard = known.recover(coded[number + 1], 320), guess.conceal(320)
            errors = [float(np.sum((each - wanted) ** 2)) for each in heard]
            gained += errors[1] - errors[0]
        else:
            known.decode(packet)
            guess.decode(packet)
    assert (gained > 0) is redundant
    assert sum(map(len, coded)) < 1.1 * sum(map(len, bare)), "at the same bit rate"


def test_recovery_without_lbrr_conceals(speech: Speech) -> None:
    coded = packets(speech(16000, 0.4), opus.OpusEncoder(fec=False))
    a, b = opus.OpusDecoder(), opus.OpusDecoder()
    for packet in coded[:10]:
        a.decode(packet)
        b.decode(packet)
    assert np.array_equal(a.recover(coded[11], 320), b.conceal(320))


def test_concealment_fades_out(speech: Speech) -> None:
    decoder = opus.OpusDecoder()
    heard = [decoder.decode(p) for p in packets(speech(16000, 0.4), opus.OpusEncoder())]
    gaps = [decoder.conceal(320) for _ in range(20)]
    assert level(gaps[0]) > level(heard[-1]) / 4
    assert level(gaps[-1]) < level(gaps[0]) / 4


def test_dtx_sends_next_to_nothing_in_silence(speech: Speech) -> None:
    encoder = opus.OpusEncoder(dtx=True)
    silence = np.random.default_rng(1).integers(-2, 3, 16000).astype(np.int16)
    packets(speech(16000, 0.5), encoder)
    sizes = [len(packet) for packet in packets(silence, encoder)]
    unsent = sum(size <= opus.SILENT_PACKET_BYTES for size in sizes[-25:])
    assert unsent > 15
    without = [len(p) for p in packets(silence, opus.OpusEncoder(dtx=False))]
    assert min(without) > opus.SILENT_PACKET_BYTES


def test_packet_length_is_read_as_libopus_reads_it() -> None:
    theirs = opus.library().opus_packet_get_nb_samples
    theirs.argtypes = [ctypes.c_char_p, ctypes.c_int32, ctypes.c_int32]
    for toc in range(256):
        for second in (0, 1, 2, 3, 6, 12, 24, 48, 49, 63, 0x81, 0xC2):
            payload = bytes([toc, second]) + bytes(21)  # odd: legal as two equal frames
            expected = theirs(payload, len(payload), 16000)
            if expected <= 0:
                with pytest.raises(CodecError):
                    opus.packet_samples(payload, 16000)
            else:
                assert opus.packet_samples(payload, 16000) == expected


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        (b"", "empty"),
        (b"\x79" + bytes(3), "two equal frames"),
        (b"\x7a", "code 2"),
        (b"\x7b", "code 3"),
        (b"\x7b\x00", "0 frames"),
        (b"\x7b\x3f", "63 frames"),
        (b"\x7b\x07", "120 ms"),
        (b"\x78" + bytes(1276), "1276 bytes"),
    ],
)
def test_malformed_packets_say_what_is_wrong(payload: bytes, what: str) -> None:
    with pytest.raises(CodecError, match=what):
        opus.packet_samples(payload, 16000)
    with pytest.raises(CodecError, match=what):
        opus.OpusDecoder().decode(payload)


def test_garbage_and_torn_packets_never_hurt_the_stream(speech: Speech) -> None:
    good = packets(speech(16000, 0.5), opus.OpusEncoder())
    shaken = random.Random(5)
    decoder = opus.OpusDecoder()
    refused = 0
    for turn in range(2000):
        payload = bytearray(good[turn % len(good)])
        if turn % 3 == 0:
            payload = bytearray(shaken.randbytes(shaken.randrange(0, 200)))
        elif turn % 3 == 1:
            del payload[shaken.randrange(len(payload)) :]
        else:
            payload[shaken.randrange(len(payload))] ^= 1 << shaken.randrange(8)
        try:
            assert 0 < len(decoder.decode(bytes(payload))) <= 1920
            assert len(decoder.recover(bytes(payload), 320)) == 320
        except CodecError:
            refused += 1
    assert 0 < refused < 2000
    decoder.reset()
    fresh = opus.OpusDecoder()
    for packet in good:
        assert np.array_equal(decoder.decode(packet), fresh.decode(packet))


def test_impossible_lengths_and_rates_are_errors_of_ours() -> None:
    decoder = opus.OpusDecoder()
    for samples in (0, -320, 30, 1921, 10**9):
        with pytest.raises(CodecError, match="cannot conceal"):
            decoder.conceal(samples)
    with pytest.raises(CodecError, match="cannot encode 300 samples"):
        opus.OpusEncoder().encode(np.zeros(300, np.int16))
    with pytest.raises(CodecError, match="44100 Hz"):
        opus.OpusEncoder(44100)
    with pytest.raises(CodecError, match="44100 Hz"):
        opus.OpusDecoder(44100)
    with pytest.raises(CodecError, match="setting"):
        opus.OpusEncoder(complexity=11)


def test_loss_told_by_the_far_end_is_kept_in_range() -> None:
    encoder = opus.OpusEncoder()
    for percent in (-5, 0, 40, 400):
        encoder.expect_loss(percent)
    assert encoder.encode(np.zeros(320, np.int16))


def test_closed_coders_refuse_instead_of_crashing() -> None:
    encoder, decoder = opus.OpusEncoder(), opus.OpusDecoder()
    for coder in (encoder, decoder):
        coder.close()
        coder.close()
    with pytest.raises(CodecError, match="encoder is closed"):
        encoder.encode(np.zeros(320, np.int16))
    with pytest.raises(CodecError, match="encoder is closed"):
        encoder.expect_loss(3)
    for use in (lambda: decoder.decode(b"\x78\x00"), lambda: decoder.conceal(320), decoder.reset):
        with pytest.raises(CodecError, match="decoder is closed"):
            use()


def test_says_where_it_looked_when_there_is_no_libopus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "_library_names", lambda: ["/nowhere/libopus.so"])
    opus.library.cache_clear()
    try:
        with pytest.raises(CodecUnavailable, match="/nowhere/libopus.so"):
            opus.OpusDecoder()
    finally:
        opus.library.cache_clear()


def test_names_the_library() -> None:
    assert opus.version().startswith("libopus ")


def test_reads_what_a_far_end_asks_of_our_encoder() -> None:
    read = opus.read_wishes
    assert read("") == opus.Wishes(opus.BITRATE_BPS, fec=False, dtx=False)
    assert read("minptime=10; useinbandfec=1 ;UseDTX=1") == opus.Wishes(fec=True, dtx=True)
    assert read("useinbandfec=0;usedtx=yes;stereo=1") == opus.Wishes()
    assert read("maxaveragebitrate=16000").bitrate_bps == 16000
    assert read("maxaveragebitrate=64000").bitrate_bps == opus.BITRATE_BPS
    assert read("maxaveragebitrate=1").bitrate_bps == 6000
    for wrong in ("-5", "", "1e4", "9" * 5000, "\u0663\u0660\u0660\u0660"):
        assert read(f"maxaveragebitrate={wrong}") == opus.Wishes()
