from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import g722
from offhook.codecs.errors import CodecError

Speech = Callable[..., NDArray[np.int16]]
DELAY_SAMPLES = 22
"Of the two quadrature mirror filters together (G.722 §3.1: 24 taps each)."


def signal_to_noise_db(wanted: NDArray[np.int16], got: NDArray[np.int16]) -> float:
    reference = wanted.astype(float)
    noise = got.astype(float) - reference
    return float(10 * np.log10((reference @ reference) / (noise @ noise)))


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_every_packet_length_comes_out_whole_and_sounds_the_same(
    speech: Speech, ptime_ms: int
) -> None:
    pcm = speech(16000, 1.2)
    encoder, decoder = g722.G722Encoder(), g722.G722Decoder()
    size = 16 * ptime_ms
    heard = []
    for begin in range(0, len(pcm), size):
        payload = encoder.encode(pcm[begin : begin + size])
        assert payload.shape == (size // 2,)
        heard.append(decoder.decode(payload))
        assert heard[-1].shape == (size,)
    out = np.concatenate(heard)
    assert signal_to_noise_db(pcm[:-DELAY_SAMPLES], out[DELAY_SAMPLES:]) > 18


def test_packet_length_does_not_change_the_bits(speech: Speech) -> None:
    pcm = speech(16000, 0.24)
    short, long = g722.G722Encoder(), g722.G722Encoder()
    pieces = np.concatenate([short.encode(piece) for piece in pcm.reshape(-1, 160)])
    assert np.array_equal(pieces, np.concatenate([long.encode(p) for p in pcm.reshape(-1, 960)]))


def test_carries_both_bands() -> None:
    t = np.arange(16000) / 16000
    encoder, decoder = g722.G722Encoder(), g722.G722Decoder()
    for hz in (500, 2000, 5000, 6500):
        tone = (8000 * np.sin(2 * np.pi * hz * t)).astype(np.int16)
        out = decoder.decode(encoder.encode(tone)[:960]).astype(float)
        spectrum = np.abs(np.fft.rfft(out[320:1920] * np.hanning(1600)))
        assert int(spectrum.argmax()) * 10 == hz


def test_lanes_are_coded_as_each_would_be_alone(speech: Speech) -> None:
    lanes = np.stack([speech(16000, 0.1, seed=seed)[:640] for seed in range(3)])
    together = [g722.G722Encoder() for _ in range(3)]
    alone = [g722.G722Encoder() for _ in range(3)]
    for frame in range(2):
        pcm = lanes[:, frame * 320 : (frame + 1) * 320]
        payloads = g722.encode_lanes(together, pcm)
        assert payloads.shape == (3, 160)
        for row in range(3):
            assert np.array_equal(payloads[row], alone[row].encode(pcm[row]))


def test_any_bytes_decode_and_an_empty_payload_does_not_end_the_stream() -> None:
    decoder = g722.G722Decoder()
    random = np.random.default_rng(3)
    for length in (160, 0, 1, 7, 159, 0, 480, g722.MAX_PAYLOAD_BYTES):
        payload = random.integers(0, 256, length).astype(np.uint8)
        assert decoder.decode(payload.tobytes()).shape == (2 * length,)


def test_what_cannot_be_coded_is_an_error_of_ours() -> None:
    encoder = g722.G722Encoder()
    with pytest.raises(CodecError, match="blocks of 10 ms"):
        encoder.encode(np.zeros(170, np.int16))
    assert encoder.encode(np.zeros(0, np.int16)).size == 0
    assert encoder.encode(np.zeros(320, np.int16)).size == 160
    with pytest.raises(CodecError, match="blocks of 20 ms"):
        encoder.encode(np.zeros(480, np.int16))
    with pytest.raises(CodecError, match="bytes in a packet"):
        g722.G722Decoder().decode(bytes(g722.MAX_PAYLOAD_BYTES + 1))
