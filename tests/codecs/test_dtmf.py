"""Limits of ITU-T Q.24 (Table A-1), with signals made here from the frequencies of Q.23."""

from collections.abc import Callable

import av
import numpy as np
import pytest
from av.error import FFmpegError
from av.filter import Graph
from numpy.typing import NDArray

from offhook.codecs import dtmf, g711, pcm
from offhook.codecs.dtmf import COLUMNS_HZ, KEYS, ROWS_HZ, DtmfDetector
from offhook.codecs.errors import CodecError

Speech = Callable[..., NDArray[np.int16]]
RATES = pytest.mark.parametrize("rate_hz", [8000, 16000])


def tones(
    row_hz: float,
    column_hz: float,
    tone_ms: float = 50.0,
    row_dbm0: float = -12.0,
    column_dbm0: float = -12.0,
    rate_hz: int = 8000,
    before_ms: float = 20.0,
    noise: float = 0.0,
    seed: int = 0,
) -> NDArray[np.int16]:
    """Two sines between silences; the phases and the noise come from the seed."""
    random = np.random.default_rng(seed)
    t = np.arange(int(tone_ms * rate_hz / 1000)) / rate_hz
    signal = np.zeros(int((before_ms + tone_ms + 80) * rate_hz / 1000))
    begin = int(before_ms * rate_hz / 1000)
    for hz, level in ((row_hz, row_dbm0), (column_hz, column_dbm0)):
        wave = np.sin(2 * np.pi * hz * t + random.uniform(0, 2 * np.pi))
        signal[begin : begin + len(t)] += pcm.sine_amplitude(level) * wave
    return pcm.saturate(signal + noise * random.standard_normal(len(signal)))


def key_tones(key: str, **settings: float) -> NDArray[np.int16]:
    row_offset = settings.pop("row_offset", 0.0)
    column_offset = settings.pop("column_offset", 0.0)
    row, column = divmod(KEYS.index(key), 4)
    hz = (ROWS_HZ[row] * (1 + row_offset), COLUMNS_HZ[column] * (1 + column_offset))
    return tones(*hz, **settings)  # type: ignore[arg-type]


def events(signal: NDArray[np.int16], rate_hz: int = 8000) -> list[tuple[str, int]]:
    """Digits, and where each was noticed in samples; frames of 20 ms."""
    frame = rate_hz // 50
    padded = np.pad(signal, (0, -len(signal) % frame)).reshape(-1, 1, frame)
    detector = DtmfDetector(1, rate_hz)
    return [
        (found.digit, number * frame + found.at_offset)
        for number, frames in enumerate(padded)
        for found in detector.push(frames)
    ]


def digits(signal: NDArray[np.int16], rate_hz: int = 8000) -> str:
    return "".join(digit for digit, _ in events(signal, rate_hz))


@RATES
@pytest.mark.parametrize(("on_ms", "off_ms"), [(40, 40), (50, 50), (70, 65), (100, 100)])
def test_all_keys_are_detected_once_each_at_any_alignment(
    rate_hz: int, on_ms: int, off_ms: int
) -> None:
    keys = dtmf.generate(KEYS, rate_hz, on_ms, off_ms)
    for shift_ms in range(0, 20, 3):
        silence = np.zeros(shift_ms * rate_hz // 1000, np.int16)
        assert digits(np.concatenate([silence, keys]), rate_hz) == KEYS


@RATES
def test_tones_of_23_ms_are_not_keys(rate_hz: int) -> None:
    for shift_ms in range(20):
        signal = tones(852.0, 1336.0, 23.0, rate_hz=rate_hz, before_ms=20.0 + shift_ms)
        assert digits(signal, rate_hz) == ""


def test_is_noticed_within_the_tone_it_hears() -> None:
    ((digit, at),) = events(tones(770.0, 1209.0, 100.0, before_ms=40.0))
    assert digit == "4"
    assert 40 * 8 + 30 * 8 <= at <= 40 * 8 + 50 * 8


def test_keys_that_ffmpeg_made_are_detected() -> None:
    for key in "1590*D":
        row, column = divmod(KEYS.index(key), 4)
        expression = f"0.2*sin(2*PI*{ROWS_HZ[row]}*t)+0.2*sin(2*PI*{COLUMNS_HZ[column]}*t)"
        graph = Graph()
        source = graph.add("aevalsrc", f"exprs={expression}:s=8000:d=0.1")
        to_int16 = graph.add("aformat", "sample_fmts=s16:channel_layouts=mono")
        sink = graph.add("abuffersink")
        source.link_to(to_int16)
        to_int16.link_to(sink)
        graph.configure()
        pieces = []
        try:
            while True:
                frame = graph.pull()
                assert isinstance(frame, av.AudioFrame)
                pieces.append(frame.to_ndarray()[0])
        except FFmpegError:
            pass
        assert digits(np.concatenate(pieces)) == key


@pytest.mark.parametrize("offset", [-0.015, -0.01, 0.01, 0.015])
def test_frequencies_off_by_1_5_percent_are_accepted(offset: float) -> None:
    for number, key in enumerate(KEYS):
        for row, column in ((offset, 0.0), (0.0, offset), (offset, offset), (offset, -offset)):
            signal = key_tones(key, row_offset=row, column_offset=column, seed=number)
            assert digits(signal) == key


@pytest.mark.parametrize("offset", [-0.06, -0.045, -0.035, 0.035, 0.045, 0.06])
def test_frequencies_off_by_3_5_percent_are_rejected(offset: float) -> None:
    for number, key in enumerate(KEYS):
        for row, column in ((offset, 0.0), (0.0, offset)):
            signal = key_tones(
                key, row_offset=row, column_offset=column, seed=number, tone_ms=200.0
            )
            assert digits(signal) == ""


@pytest.mark.parametrize(
    ("row_dbm0", "column_dbm0", "accepted"),
    [
        (-12, -20, True),  # normal twist 8 dB
        (-12, -23, False),
        (-16, -12, True),  # reverse twist 4 dB
        (-19, -12, False),
        (-3, -3, True),
        (-35, -35, True),
        (-42, -42, False),
        (-12, -60, False),  # one tone alone
    ],
)
def test_levels_and_twist(row_dbm0: float, column_dbm0: float, accepted: bool) -> None:
    for number, key in enumerate(KEYS):
        signal = key_tones(key, row_dbm0=row_dbm0, column_dbm0=column_dbm0, seed=number)
        assert digits(signal) == (key if accepted else "")


def test_noise_15_db_below_is_no_hindrance() -> None:
    noise = pcm.sine_amplitude(-12.0) * 10 ** (-15 / 20)  # both tones' power is the peak's square
    for number in range(64):
        key = KEYS[number % 16]
        assert digits(key_tones(key, noise=noise, seed=number)) == key


def test_survives_g711() -> None:
    coded = g711.decode_ulaw(g711.encode_ulaw(dtmf.generate(KEYS, 8000, 50, 50, level_dbm0=-30)))
    assert digits(coded) == KEYS


def test_an_interruption_of_10_ms_does_not_make_two_of_one() -> None:
    for hole_at in range(400, 600, 20):
        signal = dtmf.generate("5", 8000, 120, 60)
        signal[hole_at : hole_at + 80] = 0
        assert digits(signal) == "5"


def test_a_long_press_is_one_key_and_a_change_without_pause_is_two() -> None:
    assert digits(dtmf.generate("7", 8000, on_ms=3000)) == "7"
    assert digits(dtmf.generate("78", 8000, on_ms=60, off_ms=0)) == "78"


def test_speech_and_noise_and_tones_do_not_talk_off(speech: Speech) -> None:
    for seed, pitch_hz in enumerate((90.0, 115.0, 140.0, 180.0, 210.0, 233.0, 270.0)):
        for rate_hz in (8000, 16000):
            assert digits(speech(rate_hz, 4.0, pitch_hz, seed), rate_hz) == ""
    noise = np.random.default_rng(1).normal(0, 6000, 8000 * 20)
    assert digits(pcm.saturate(noise)) == ""
    t = np.arange(8000) / 8000
    for chord in ((350, 440), (440, 480), (480, 620), (697, 770), (1209, 1336), (697,), (1336,)):
        progress = sum(5000 * np.sin(2 * np.pi * hz * t) for hz in chord)
        assert digits(pcm.saturate(np.asarray(progress))) == ""


def test_a_voice_with_the_tones_among_its_harmonics_is_not_a_key() -> None:
    # Row and column as 4th and 7th harmonic of 192 Hz, with the column's own overtone.
    t = np.arange(1600) / 8000
    voice = sum(np.sin(2 * np.pi * hz * t) for hz in (768.0, 1344.0)) + 0.5 * np.sin(
        2 * np.pi * 2 * 1344.0 * t
    )
    assert digits(pcm.saturate(6000 * np.asarray(voice))) == ""
    clean = sum(np.sin(2 * np.pi * hz * t) for hz in (768.0, 1344.0))
    assert digits(pcm.saturate(6000 * np.asarray(clean))) == "5"


def test_lanes_do_not_hear_each_other_and_rows_name_them() -> None:
    detector = DtmfDetector(2, 8000)
    silence = np.zeros(800, np.int16)
    five = np.concatenate([dtmf.generate("5", 8000, 60, 40), silence])
    nine = np.concatenate([silence, dtmf.generate("9", 8000, 60, 40)])
    detector.grow(6)
    rows = np.array([5, 0, 3])
    both = np.stack([five, np.zeros(1600, np.int16), nine])
    found = [
        (event.row, event.digit)
        for begin in range(0, 1600, 160)
        for event in detector.push(both[:, begin : begin + 160], rows)
    ]
    assert found == [(5, "5"), (3, "9")]


def test_growing_keeps_what_was_heard_and_clearing_forgets_it() -> None:
    tone = dtmf.generate("1", 8000, on_ms=60, off_ms=60)
    first, rest = tone[np.newaxis, :160], tone[np.newaxis, 160:800]
    for clear, expected in ((False, ["1"]), (True, [])):
        detector = DtmfDetector(1, 8000)
        assert detector.push(first) == []
        detector.grow(9)
        if clear:
            detector.clear(0)
        # 20 + 30 ms of tone are enough, 30 ms alone are not.
        found = detector.push(rest[:, :240])
        assert [event.digit for event in found] == expected


def test_a_cleared_row_tells_the_held_key_again() -> None:
    detector = DtmfDetector(1, 8000)
    tone = dtmf.generate("1", 8000, on_ms=200)[np.newaxis]
    assert [event.digit for event in detector.push(tone[:, :800])] == ["1"]
    detector.clear(0)
    assert [event.digit for event in detector.push(tone[:, 800:1600])] == ["1"]


def test_frame_lengths_are_multiples_of_5_ms() -> None:
    keys = dtmf.generate("42", 8000)[np.newaxis]
    for samples in (40, 80, 240, 1600):
        detector = DtmfDetector(1, 8000)
        found = [
            event.digit
            for begin in range(0, keys.shape[1] - samples + 1, samples)
            for event in detector.push(keys[:, begin : begin + samples])
        ]
        assert found == ["4", "2"]
    with pytest.raises(CodecError, match="5 ms"):
        DtmfDetector(1, 8000).push(np.zeros((1, 100), np.int16))


def test_generated_keys_have_the_frequencies_and_levels_asked_for() -> None:
    signal = dtmf.generate("6", 8000, on_ms=1000, off_ms=250, level_dbm0=-10.0, twist_db=3.0)
    assert len(signal) == 10000
    assert not signal[8000:].any()
    spectrum = np.abs(np.fft.rfft(signal[:8000].astype(float))) / 4000
    assert set(np.argsort(spectrum)[-2:].tolist()) == {770, 1477}
    assert spectrum[1477] == pytest.approx(pcm.sine_amplitude(-10.0), rel=0.01)
    assert spectrum[770] == pytest.approx(pcm.sine_amplitude(-13.0), rel=0.01)
    assert len(dtmf.generate("", 8000)) == 0


def test_unknown_keys_are_an_error() -> None:
    with pytest.raises(CodecError, match="'X'"):
        dtmf.generate("1X", 8000)
    assert np.array_equal(dtmf.generate("d", 8000), dtmf.generate("D", 8000))


def test_a_comma_among_keys_is_half_a_second_of_silence() -> None:
    plain, paused = dtmf.generate("12", 8000), dtmf.generate("1,2", 8000)
    assert len(paused) - len(plain) == 4000
    first = len(plain) // 2
    assert not paused[first : first + 4000].any()
    assert (paused[first + 4000 :] == plain[first:]).all()
