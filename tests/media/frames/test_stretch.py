"""Time scaling: no seam, no other pitch, and exactly as much signal used up as is said."""

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.media.frames import stretch


def voiced(samples: int, hz: float, rate_hz: int) -> NDArray[np.float64]:
    phase = 2 * np.pi * hz * np.arange(samples) / rate_hz
    return np.asarray(5000 * np.sin(phase) + 2500 * np.sin(2 * phase + 1), np.float64)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("hz", [110.0, 180.0, 320.0])
@pytest.mark.parametrize("shorter", [True, False])
def test_a_periodic_signal_goes_on_without_a_seam(rate_hz: int, hz: float, shorter: bool) -> None:
    frame = rate_hz // 50
    source = np.rint(voiced(50 * frame, hz, rate_hz)).astype(np.int16)
    out, at = [], 0
    for _ in range(20):
        signal = source[np.newaxis, at : at + frame + stretch.reach(rate_hz)]
        lags, likeness = stretch.match(signal, rate_hz)
        assert likeness[0] > 0.95
        assert 2.5 <= lags[0] * 1000 / rate_hz <= 10
        make = stretch.shorten if shorter else stretch.lengthen
        out.append(make(signal, lags, frame, rate_hz)[0])
        at += frame + int(lags[0]) if shorter else frame - int(lags[0])
    made = np.concatenate(out).astype(np.float64)
    steepest = np.abs(np.diff(source.astype(np.float64))).max()
    assert np.abs(np.diff(made)).max() <= 1.1 * steepest
    spectrum = np.abs(np.fft.rfft(made * np.hanning(len(made))))
    assert spectrum.argmax() * rate_hz / len(made) == pytest.approx(hz, abs=4)


def test_quiet_takes_the_longest_change() -> None:
    rng = np.random.default_rng(1)
    signal = rng.integers(-20, 20, (1, 240)).astype(np.int16)
    lags, likeness = stretch.match(signal, 8000)
    assert (lags[0], likeness[0]) == (80, 1.0)


def test_noise_resembles_nothing() -> None:
    rng = np.random.default_rng(1)
    signal = rng.integers(-20000, 20000, (50, 240)).astype(np.int16)
    assert np.median(stretch.match(signal, 8000).likeness) < stretch.FAIR_LIKENESS


def test_rows_are_matched_each_by_itself() -> None:
    signal = np.stack([np.rint(voiced(240, hz, 8000)) for hz in (110.0, 180.0)]).astype(np.int16)
    both = stretch.match(signal, 8000)
    for row in (0, 1):
        alone = stretch.match(signal[row : row + 1], 8000)
        assert both.lag[row] == alone.lag[0]
    joined = stretch.shorten(signal, both.lag, 160, 8000)
    np.testing.assert_array_equal(
        joined[0], stretch.shorten(signal[:1], both.lag[:1], 160, 8000)[0]
    )
    # It begins with the signal as it was and ends with the signal a lag later.
    assert abs(int(joined[0, 0]) - int(signal[0, 0])) <= 200
    np.testing.assert_array_equal(joined[0, 64:], signal[0, 64 + both.lag[0] : 160 + both.lag[0]])
