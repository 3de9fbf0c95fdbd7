"""Against soxr, an independent resampler, and against ideal sines."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
import soxr  # type: ignore[import-untyped]
from numpy.typing import NDArray

from offhook.codecs import resample
from offhook.codecs.resample import Resampler

Speech = Callable[..., NDArray[np.int16]]
RATIOS = list(permutations(resample.POLYPHASE_RATES_HZ, 2))


def sines(rate_hz: int, seconds: float, *tones: tuple[float, float]) -> NDArray[np.int16]:
    t = np.arange(int(rate_hz * seconds)) / rate_hz
    return np.rint(sum(a * np.sin(2 * np.pi * hz * t) for hz, a in tones)).astype(np.int16)


def whole(resampler: Resampler, x: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.concatenate([resampler.push(x), resampler.flush()], axis=1)


def snr_db(wanted: NDArray[np.int16], got: NDArray[np.int16], margin: int) -> float:
    a, b = wanted[margin:-margin].astype(float), got[margin:-margin].astype(float)
    return float(10 * np.log10((a @ a) / ((a - b) @ (a - b))))


@pytest.mark.parametrize(("from_hz", "to_hz"), RATIOS)
def test_speech_band_agrees_with_soxr_and_with_the_ideal(from_hz: int, to_hz: int) -> None:
    tones = ((300.0, 6000.0), (1000.0, 5000.0), (3300.0, 5000.0))
    x = sines(from_hz, 0.5, *tones)
    resampler = Resampler(from_hz, to_hz)
    delay = resampler.delay_samples
    y = whole(resampler, x[np.newaxis])[0]
    assert len(y) == to_hz // 2 + delay
    assert snr_db(sines(to_hz, 0.5, *tones), y[delay:], to_hz // 20) > 70
    reference = soxr.resample(x, from_hz, to_hz, quality="VHQ")
    assert snr_db(reference, y[delay:], to_hz // 20) > 70


@pytest.mark.parametrize(("from_hz", "to_hz"), RATIOS)
def test_stop_band_attenuation_is_80_db(from_hz: int, to_hz: int) -> None:
    up, down = to_hz // np.gcd(from_hz, to_hz), from_hz // np.gcd(from_hz, to_hz)
    h = resample.prototype(int(up), int(down))
    response = 20 * np.log10(np.abs(np.fft.rfft(h, 1 << 15)) / up + 1e-9)
    f = np.fft.rfftfreq(1 << 15, 1 / (from_hz * int(up)))
    nyquist = min(from_hz, to_hz) / 2
    assert response[f >= 1.07 * nyquist].max() < -79.0
    assert np.abs(response[f <= 0.85 * nyquist]).max() < 0.01


def test_what_does_not_fit_the_lower_rate_is_taken_out_as_well_as_by_soxr() -> None:
    # 4.6 kHz would come back as 3.4 kHz: in the middle of speech.
    for from_hz in (16000, 24000, 48000):
        x = sines(from_hz, 0.5, (4600.0, 20000.0))
        y = whole(Resampler(from_hz, 8000), x[np.newaxis])[0]
        reference = soxr.resample(x, from_hz, 8000, quality="HQ")
        margin = 400
        assert np.abs(y[margin:-margin]).max() <= 3  # 76 dB below, rounding included
        assert np.abs(reference[margin:-margin]).max() <= 3


@pytest.mark.parametrize(("from_hz", "to_hz"), [*RATIOS, (22050, 8000), (22050, 16000)])
def test_chunks_of_any_size_join_without_a_click(speech: Speech, from_hz: int, to_hz: int) -> None:
    x = speech(from_hz, 0.3)[np.newaxis]
    at_once = whole(Resampler(from_hz, to_hz), x)
    random = np.random.default_rng(from_hz + to_hz)
    resampler = Resampler(from_hz, to_hz)
    pieces, begin = [], 0
    while begin < x.shape[1]:
        end = begin + int(random.choice([1, 2, 7, 100, 160, 161, 960]))
        pieces.append(resampler.push(x[:, begin:end]))
        begin = end
    pieces.append(resampler.flush())
    in_pieces = np.concatenate(pieces, axis=1)
    assert in_pieces.shape == at_once.shape
    # The order of additions differs with the block's size: one unit of rounding.
    assert np.abs(in_pieces.astype(int) - at_once).max() <= 1


@pytest.mark.parametrize(("from_hz", "to_hz"), RATIOS)
def test_frames_of_20_ms_give_frames_of_20_ms(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz, lanes=3)
    frame = np.zeros((3, from_hz // 50), np.int16)
    assert {resampler.push(frame).shape for _ in range(5)} == {(3, to_hz // 50)}


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16000), (48000, 16000), (22050, 16000)])
def test_lanes_do_not_touch(speech: Speech, from_hz: int, to_hz: int) -> None:
    lanes = np.stack([speech(from_hz, 0.2, seed=seed) for seed in range(3)])
    together = whole(Resampler(from_hz, to_hz, lanes=3), lanes)
    for row in range(3):
        alone = whole(Resampler(from_hz, to_hz), lanes[row : row + 1])
        assert np.abs(together[row].astype(int) - alone[0]).max() <= 1


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16000), (24000, 16000), (22050, 16000)])
def test_after_a_flush_a_new_stream_begins(speech: Speech, from_hz: int, to_hz: int) -> None:
    x = speech(from_hz, 0.1)[np.newaxis]
    resampler = Resampler(from_hz, to_hz)
    assert np.array_equal(whole(resampler, x), whole(resampler, x))


def test_loud_input_saturates() -> None:
    square = np.tile(np.repeat(np.array([32767, -32768], np.int16), 40), 20)[np.newaxis]
    y = whole(Resampler(8000, 16000), square)[0].astype(int)
    assert y.max() == 32767  # the overshoot is clipped, not wrapped
    assert np.abs(np.diff(y)).max() < 40000


def test_equal_rates_pass_through() -> None:
    resampler = Resampler(16000, 16000, lanes=2)
    x = np.arange(8, dtype=np.int16).reshape(2, 4)
    assert np.array_equal(resampler.push(x), x)
    assert resampler.flush().shape == (2, 0)
    assert resampler.delay_samples == 0


def test_wrong_shapes_and_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="2 lanes"):
        Resampler(8000, 16000, lanes=2).push(np.zeros((1, 160), np.int16))
    with pytest.raises(ValueError, match="from 0"):
        Resampler(0, 16000)
