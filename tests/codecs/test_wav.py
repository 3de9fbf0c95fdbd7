"""Against ffmpeg (through PyAV) and the standard library's wave module, both ways."""

import contextlib
import io
import random
import struct
import wave
from typing import Any, BinaryIO, cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import wav
from offhook.codecs.errors import WavError
from offhook.codecs.wav import WavReader, WavWriter

NOISE = np.random.default_rng(1).integers(-32768, 32768, (2, 1001)).astype(np.int16)


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    size = len(body) if size is None else size
    return name + struct.pack("<I", size) + body + b"\0" * (len(body) % 2)


def format_body(code: int, channels: int, rate_hz: int, bits: int) -> bytes:
    frame = channels * bits // 8
    return struct.pack("<HHIIHH", code, channels, rate_hz, rate_hz * frame, frame, bits)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def simple(data: bytes, code: int = wav.PCM, bits: int = 16, channels: int = 1) -> bytes:
    return riff(chunk(b"fmt ", format_body(code, channels, 8000, bits)), chunk(b"data", data))


def read_all(data: bytes, piece: int = 160) -> NDArray[np.int16]:
    reader = WavReader(io.BytesIO(data))
    pieces = []
    while (samples := reader.read(piece)).shape[1]:
        pieces.append(samples)
    return np.concatenate(pieces, axis=1) if pieces else np.zeros((reader.channels, 0), np.int16)


def ffmpeg_wav(codec: str, rate_hz: int, pcm: NDArray[np.int16]) -> bytes:
    """A WAV file that ffmpeg made of int16[channels, n]."""
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as container:
        layout = "mono" if len(pcm) == 1 else "stereo"
        stream: Any = container.add_stream(codec, rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(pcm.T.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = rate_hz
        for piece in av.AudioResampler(format=stream.format, layout=layout).resample(frame):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("codec", "tolerance"),
    [
        ("pcm_s16le", 0),
        ("pcm_s24le", 0),
        ("pcm_s32le", 0),
        ("pcm_f32le", 0),
        ("pcm_u8", 255),
        ("pcm_alaw", 1024),
        ("pcm_mulaw", 1024),
    ],
)
def test_reads_every_format_that_ffmpeg_writes(codec: str, tolerance: int) -> None:
    wanted = (NOISE * 0.9).astype(np.int16)
    file = ffmpeg_wav(codec, 16000, wanted)
    reader = WavReader(io.BytesIO(file))
    assert (reader.rate_hz, reader.channels, reader.length_samples) == (16000, 2, 1001)
    got = reader.read(5000)
    assert got.dtype == np.int16
    assert got.shape == wanted.shape
    assert np.abs(got.astype(int) - wanted).max() <= tolerance


def test_ffmpeg_and_the_standard_library_read_what_is_written() -> None:
    file = io.BytesIO()
    writer = WavWriter(file, 16000, 2)
    writer.write(NOISE[:, :500])
    writer.write(NOISE[:, 500:])
    writer.flush()
    file.seek(0)
    with wave.open(file) as theirs:
        assert theirs.getparams()[:4] == (2, 2, 16000, 1001)
        assert theirs.readframes(2000) == NOISE.T.astype("<i2").tobytes()
    file.seek(0)
    with av.open(file, "r") as container:
        frames = [f.to_ndarray()[0] for f in container.decode(audio=0)]
    assert np.array_equal(np.concatenate(frames), NOISE.T.reshape(-1))


@pytest.mark.parametrize("piece", [1, 7, 160, 100000])
def test_reads_in_pieces_of_any_length(piece: int) -> None:
    data = simple(NOISE.T.astype("<i2").tobytes(), channels=2)
    assert np.array_equal(read_all(data, piece), NOISE)


def test_plays_up_to_the_last_flush_when_the_writer_is_killed() -> None:
    file = io.BytesIO()
    writer = WavWriter(file, 8000, 2)
    for begin in range(0, 1000, 100):
        writer.write(NOISE[:, begin : begin + 100])
        if begin == 500:
            writer.flush()
    assert writer.position_samples == 1000
    killed = io.BytesIO(file.getvalue())
    with wave.open(killed) as theirs:
        assert theirs.getnframes() == 600
    assert np.array_equal(read_all(file.getvalue()), NOISE[:, :600])


def test_a_file_is_playable_from_its_first_byte_on() -> None:
    file = io.BytesIO()
    WavWriter(file, 8000, 1)
    with wave.open(io.BytesIO(file.getvalue())) as theirs:
        assert theirs.getnframes() == 0


@pytest.mark.parametrize("size", wav.UNKNOWN_SIZES)
def test_data_of_unknown_size_lasts_until_the_end(size: int) -> None:
    body = NOISE[0].astype("<i2").tobytes()
    head = chunk(b"fmt ", format_body(wav.PCM, 1, 8000, 16))
    data = riff(head, b"data" + struct.pack("<I", size) + body)
    assert WavReader(io.BytesIO(data)).length_samples is None
    assert np.array_equal(read_all(data), NOISE[:1])


def test_a_file_cut_short_ends_with_its_last_whole_sample() -> None:
    data = simple(NOISE.T.astype("<i2").tobytes(), channels=2)
    assert np.array_equal(read_all(data[:-5]), NOISE[:, :-2])


def test_what_follows_the_data_is_not_audio() -> None:
    body = chunk(b"data", NOISE[0, :100].astype("<i2").tobytes())
    data = riff(chunk(b"fmt ", format_body(wav.PCM, 1, 8000, 16)), body, chunk(b"LIST", b"x" * 50))
    assert read_all(data).shape == (1, 100)


def test_chunks_of_odd_size_are_padded() -> None:
    head = chunk(b"fmt ", format_body(wav.PCM, 1, 8000, 16))
    body = chunk(b"data", NOISE[0].astype("<i2").tobytes())
    data = riff(chunk(b"LIST", b"odd"), head, chunk(b"junk", b"z" * 70001), body)
    assert np.array_equal(read_all(data), NOISE[:1])


def test_extensible_format_is_looked_through() -> None:
    guid = struct.pack("<H", wav.PCM) + wav.EXTENSION_GUID_TAIL
    extension = struct.pack("<HHI", 22, 16, 3) + guid
    body = chunk(b"data", NOISE.T.astype("<i2").tobytes())
    head = chunk(b"fmt ", format_body(wav.EXTENSIBLE, 2, 8000, 16) + extension)
    assert np.array_equal(read_all(riff(head, body)), NOISE)


def test_floats_that_are_no_numbers_or_too_loud_are_tamed() -> None:
    floats = np.array([0.5, -0.5, 2.0, -2.0, np.nan, np.inf, -np.inf], "<f4").tobytes()
    expected = [16384, -16384, 32767, -32768, 0, 32767, -32768]
    assert read_all(simple(floats, wav.FLOAT, 32)).tolist() == [expected]


FORMAT = format_body(wav.PCM, 1, 8000, 16)


@pytest.mark.parametrize(
    ("data", "field", "offset"),
    [
        (b"", "RIFF header", 0),
        (b"RIFX" + simple(b"")[4:], "RIFF", 0),
        (simple(b"")[:8] + b"AVI " + simple(b"")[12:], "WAVE", 8),
        (riff(), "chunk header", 12),
        (riff(chunk(b"data", b"")), "data", 12),
        (riff(chunk(b"fmt ", FORMAT[:14])), "fmt size", 16),
        (riff(chunk(b"fmt ", FORMAT, 10**6)), "fmt size", 16),
        (riff(chunk(b"fmt ", FORMAT[:12], 16)), "fmt", 20),
        (riff(chunk(b"LIST", b"ab", 1000)), "chunk b'LIST'", 20),
        (simple(b"", code=0x55, bits=16), "fmt format", 20),
        (simple(b"", bits=12), "fmt format", 20),
        (simple(b"", channels=0), "fmt channels", 22),
        (simple(b"", channels=999), "fmt channels", 22),
        (riff(chunk(b"fmt ", format_body(wav.PCM, 1, 0, 16))), "fmt sample rate", 24),
        (riff(chunk(b"fmt ", FORMAT[:12] + b"\x09\x00" + FORMAT[14:])), "fmt block size", 32),
        (simple(b"", code=wav.EXTENSIBLE), "fmt sub-format", 44),
        (riff(*[chunk(b"junk", b"")] * 1001), "data", 8012),
    ],
)
def test_errors_name_field_and_offset(data: bytes, field: str, offset: int) -> None:
    with pytest.raises(WavError) as caught:
        WavReader(io.BytesIO(data))
    assert (caught.value.field, caught.value.offset) == (field, offset)
    assert f"{field} at byte {offset}" in str(caught.value)


def test_torn_and_shaken_files_give_audio_or_an_error_of_ours() -> None:
    shaken = random.Random(3)
    good = ffmpeg_wav("pcm_s24le", 8000, NOISE[:, :50])
    data_at = good.index(b"data")
    for length in range(len(good)):
        if length < data_at + 8:
            with pytest.raises(WavError):
                read_all(good[:length])
        else:
            assert read_all(good[:length]).shape == (2, (length - data_at - 8) // 6)
    for _ in range(1000):
        data = bytearray(good)
        for _ in range(shaken.randrange(1, 4)):
            data[shaken.randrange(100)] = shaken.randrange(256)
        with contextlib.suppress(WavError):
            assert read_all(bytes(data)).dtype == np.int16


class Dribbling(io.RawIOBase):
    """A pipe: gives a few bytes at a time and cannot seek."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, 7))


def test_reads_from_a_pipe() -> None:
    reader = WavReader(cast("BinaryIO", Dribbling(simple(NOISE[0].astype("<i2").tobytes()))))
    assert np.array_equal(reader.read(1001), NOISE[:1])


def test_never_writes_past_what_the_header_can_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wav.MAX_DATA_BYTES + wav.HEADER.size - 8 <= 0xFFFFFFFF
    monkeypatch.setattr(wav, "MAX_DATA_BYTES", 4000)
    file = io.BytesIO()
    writer = WavWriter(file, 16000, 2)
    writer.write(NOISE[:, :1000])
    with pytest.raises(WavError, match="4 GiB"):
        writer.write(NOISE[:, 1000:])
    assert writer.position_samples == 1000
    writer.flush()
    assert np.array_equal(read_all(file.getvalue()), NOISE[:, :1000])


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 channels"):
        WavWriter(io.BytesIO(), 8000, 2).write(NOISE[:1])
