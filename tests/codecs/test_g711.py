"""Against the tables of ITU-T G.711, ffmpeg, and Sun's implementation in CPython."""

import importlib
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import g711

EVERY_SAMPLE = np.arange(65536, dtype=np.uint16).view(np.int16)
# G.711 Tables 1a and 2a: decision values (column 3) and decoder output values (column 8) at the
# ends of the segments; A-law counts in 1/4096 of full scale, mu-law in 1/8192 (overload at 8159).
ULAW_DECISIONS = {8159: 0x80, 4063: 0x8F, 2015: 0x9F, 991: 0xAF, 479: 0xBF, 223: 0xCF, 95: 0xDF}
ULAW_OUTPUTS = {0x80: 8031, 0x8F: 4191, 0x9F: 2079, 0xAF: 1023, 0xBF: 495, 0xCF: 231, 0xDF: 99}
ALAW_DECISIONS = {2048: 0xF0, 1024: 0xE0, 512: 0xD0, 256: 0xC0, 128: 0xB0, 64: 0xA0}
ALAW_OUTPUTS = {0xFF: 4032, 0xF0: 2112, 0xE0: 1056, 0xD0: 528, 0xC0: 264, 0xB0: 132, 0xA0: 66}


def ffmpeg_encode(codec: str, pcm: NDArray[np.int16]) -> NDArray[np.uint8]:
    context: Any = av.CodecContext.create(codec, "w")
    context.sample_rate, context.layout, context.format = 8000, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = 8000
    return np.frombuffer(b"".join(bytes(p) for p in context.encode(frame)), np.uint8)


def ffmpeg_decode(codec: str, payload: bytes) -> NDArray[np.int16]:
    context: Any = av.CodecContext.create(codec, "r")
    context.sample_rate, context.layout = 8000, "mono"
    return np.concatenate([f.to_ndarray()[0] for f in context.decode(av.Packet(payload))])


@pytest.mark.parametrize(
    ("codec", "table"), [("pcm_mulaw", g711.ULAW_TO_PCM), ("pcm_alaw", g711.ALAW_TO_PCM)]
)
def test_decodes_all_256_codes_as_ffmpeg(codec: str, table: NDArray[np.int16]) -> None:
    assert np.array_equal(table, ffmpeg_decode(codec, bytes(range(256))))


def test_ulaw_decision_and_output_values_are_those_of_table_2a() -> None:
    for decision, code in ULAW_DECISIONS.items():
        at, below = (min(decision * 4, 32767), decision * 4 - 1)
        assert g711.PCM_TO_ULAW[at] == code
        if code != 0x80:  # 8159 is the overload point: there is no step above it
            assert g711.PCM_TO_ULAW[below] == code + 1
    for code, output in ULAW_OUTPUTS.items():
        assert g711.ULAW_TO_PCM[code] == output * 4
        assert g711.ULAW_TO_PCM[code & 0x7F] == -output * 4
    assert g711.ULAW_TO_PCM[0xFF] == g711.ULAW_TO_PCM[0x7F] == 0


def test_alaw_decision_and_output_values_are_those_of_table_1a() -> None:
    inverted = g711.ALAW_EVEN_BITS
    for decision, code in ALAW_DECISIONS.items():
        assert g711.PCM_TO_ALAW[decision * 8] == code ^ inverted
        assert g711.PCM_TO_ALAW[decision * 8 - 1] == (code - 1) ^ inverted
    for code, output in ALAW_OUTPUTS.items():
        assert g711.ALAW_TO_PCM[code ^ inverted] == output * 8
        assert g711.ALAW_TO_PCM[(code ^ inverted) & 0x7F] == -output * 8


@pytest.mark.parametrize(
    ("codec", "encode", "decode"),
    [
        ("pcm_mulaw", g711.encode_ulaw, g711.decode_ulaw),
        ("pcm_alaw", g711.encode_alaw, g711.decode_alaw),
    ],
)
def test_encodes_as_ffmpeg_but_for_the_samples_on_a_decision_value(
    codec: str,
    encode: Callable[[NDArray[np.int16]], NDArray[np.uint8]],
    decode: Callable[[NDArray[np.uint8]], NDArray[np.int16]],
) -> None:
    # ffmpeg puts the decision value in the middle of two outputs, and mirrors negative samples
    # about 0 instead of -1/2; the standard does neither. So the two differ at decision values only,
    # by one step.
    ours, theirs = encode(EVERY_SAMPLE), ffmpeg_encode(codec, EVERY_SAMPLE)
    different = ours != theirs
    assert different.sum() < 1000
    outputs = np.sort(decode(np.arange(256, dtype=np.uint8)).astype(int))
    a = np.searchsorted(outputs, decode(ours[different]).astype(int))
    b = np.searchsorted(outputs, decode(theirs[different]).astype(int))
    assert np.abs(a - b).max() == 1


def suns_implementation() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return importlib.import_module("audioop")
        except ImportError:
            pytest.skip("audioop is not in this Python")


def test_encodes_all_65536_samples_as_suns_alaw() -> None:
    theirs = suns_implementation().lin2alaw(EVERY_SAMPLE.tobytes(), 2)
    assert g711.encode_alaw(EVERY_SAMPLE).tobytes() == theirs


def test_encodes_all_32768_positive_samples_as_suns_ulaw() -> None:
    positive = EVERY_SAMPLE[:32768]
    theirs = suns_implementation().lin2ulaw(positive.tobytes(), 2)
    assert g711.encode_ulaw(positive).tobytes() == theirs


@pytest.mark.parametrize("encode", [g711.encode_ulaw, g711.encode_alaw])
def test_negative_samples_mirror_the_positive_ones(
    encode: Callable[[NDArray[np.int16]], NDArray[np.uint8]],
) -> None:
    positive = EVERY_SAMPLE[:32768]
    assert np.array_equal(encode(~positive), encode(positive) ^ 0x80)


@pytest.mark.parametrize(
    ("encode", "decode"),
    [(g711.encode_ulaw, g711.decode_ulaw), (g711.encode_alaw, g711.decode_alaw)],
)
def test_lanes_keep_their_shape_and_a_second_coding_changes_nothing(
    encode: Callable[[NDArray[np.int16]], NDArray[np.uint8]],
    decode: Callable[[NDArray[np.uint8]], NDArray[np.int16]],
) -> None:
    lanes = np.random.default_rng(7).integers(-32768, 32768, (5, 3, 160)).astype(np.int16)
    once = decode(encode(lanes[:, 1]))
    assert once.shape == (5, 160)
    assert np.array_equal(decode(encode(once)), once)
    assert np.abs(once.astype(int) - lanes[:, 1]).max() <= 1024 + 636  # half a step, or overload


def test_silence_codes() -> None:
    assert g711.PCM_TO_ULAW[0] == g711.ULAW_SILENCE
    assert g711.PCM_TO_ALAW[0] == g711.ALAW_SILENCE
