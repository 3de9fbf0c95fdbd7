"""Holes in frames: wherever they begin and end, one fade, no click, nothing left of the marker."""

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import plc
from offhook.media.frames.concealment import Concealment
from offhook.media.frames.ring import ABSENT

FRAME = 160


def tone(samples: int, hz: float = 200.0) -> NDArray[np.int16]:
    return np.asarray(np.rint(8000 * np.sin(2 * np.pi * hz * np.arange(samples) / 8000)), np.int16)


def play(
    columns: Concealment, signal: NDArray[np.int16]
) -> tuple[NDArray[np.int16], NDArray[np.int64], NDArray[np.int64], int]:
    """Run one row through; returns samples, concealed, silent (a frame each), losses begun."""
    out, concealed, silent, began = [], [], [], 0
    row = np.array([0])
    for frame in signal.reshape(-1, 1, FRAME):
        if (frame == ABSENT).any() or columns.elapsed[0]:
            filled = columns.fill(row, frame)
            frame = filled.frames
            concealed.append(int(filled.concealed[0]))
            silent.append(int(filled.silent[0]))
            began += int(filled.began[0])
        columns.remember(1, frame)
        out.append(frame[0])
    return np.concatenate(out), np.array(concealed), np.array(silent), began


@pytest.mark.parametrize("begin", [800, 801, 873, 959])
@pytest.mark.parametrize("length", [1, 40, 80, 160, 250, 480, 700])
def test_a_hole_anywhere_is_filled_without_a_click(begin: int, length: int) -> None:
    clean = tone(20 * FRAME)
    holed = clean.copy()
    holed[begin : begin + length] = ABSENT
    columns = Concealment(1, 8000)
    heard, concealed, _, began = play(columns, holed)
    assert began == 1
    assert (heard != ABSENT).all()
    # Less than 5 ms between the hole and a frame's end is too little to cross-fade, and unused.
    assert length <= concealed.sum() < length + 40
    steepest = 8000 * 2 * np.pi * 200 / 8000
    assert np.abs(np.diff(heard.astype(np.int64))).max() <= 1.3 * steepest
    after = begin + length + 80
    np.testing.assert_array_equal(heard[after:], clean[after:])
    np.testing.assert_array_equal(heard[:begin], clean[:begin])


def test_one_loss_is_concealed_as_one_whatever_frames_it_spans() -> None:
    clean = tone(20 * FRAME)
    holed = clean.copy()
    holed[873:1500] = ABSENT
    heard, *_ = play(Concealment(1, 8000), holed)
    history = clean[np.newaxis, 873 - plc.history_samples(8000) : 873]
    periods = plc.pitch_periods(history)
    whole = plc.conceal(history, periods, np.zeros(1, np.int64), 627)[0]
    np.testing.assert_array_equal(heard[873:1500], whole)


def test_alternating_scraps_are_one_loss() -> None:
    clean = tone(12 * FRAME)
    holed = clean.copy()
    for begin in range(800, 960, 40):
        holed[begin : begin + 20] = ABSENT
    heard, concealed, _, began = play(Concealment(1, 8000), holed)
    assert began == 1
    assert concealed.sum() == 160
    np.testing.assert_array_equal(heard[1000:], clean[1000:])


def test_fades_to_silence_and_says_how_much_of_it_was_silent() -> None:
    holed = tone(20 * FRAME)
    holed[5 * FRAME : 15 * FRAME] = ABSENT
    heard, concealed, silent, _ = play(Concealment(1, 8000), holed)
    mute = plc.MUTE_MS * 8
    assert not heard[5 * FRAME + mute : 15 * FRAME].any()
    assert concealed.sum() == 10 * FRAME
    assert silent.sum() == 10 * FRAME - mute


def test_comfort_noise_takes_the_place_of_silence_at_its_level() -> None:
    holed = tone(120 * FRAME)
    holed[5 * FRAME : 115 * FRAME] = ABSENT
    columns = Concealment(1, 8000)
    columns.noise_dbov[0] = -45
    heard, *_ = play(columns, holed)
    noise = heard[10 * FRAME : 115 * FRAME].astype(np.float64)
    assert 20 * np.log10(np.sqrt((noise**2).mean()) / 32768) == pytest.approx(-45, abs=0.5)


def test_rows_are_filled_each_by_itself() -> None:
    signals = [tone(12 * FRAME, hz) for hz in (150.0, 200.0, 310.0)]
    holes = [(800, 960), (873, 1200), (801, 802)]
    for signal, (begin, end) in zip(signals, holes, strict=True):
        signal[begin:end] = ABSENT
    alone = [play(Concealment(1, 8000), signal)[0] for signal in signals]
    together, rows = Concealment(3, 8000), np.arange(3)
    for number in range(12):
        frames = np.stack([signal[number * FRAME : (number + 1) * FRAME] for signal in signals])
        frames = together.fill(rows, frames).frames
        together.remember(3, frames)
        for row in rows:
            expected = alone[row][number * FRAME : (number + 1) * FRAME]
            np.testing.assert_array_equal(frames[row], expected)
