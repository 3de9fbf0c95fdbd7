"""Our forward pass of Silero against onnxruntime on the same file, and the reading of that file."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # no type marker
import pytest
from numpy.typing import NDArray

from offhook.media.frames.silero import BATCH, Silero
from offhook.media.frames.silero_weights import (
    CONTEXT_SAMPLES,
    WINDOW_SAMPLES,
    VadUnavailable,
    load_weights,
    model_path,
)
from offhook.tests.kit.synthetic_voice import voice

RATES_HZ = [8000, 16000]
NEAR = 1e-4

try:
    MODEL: Path | None = model_path()
except VadUnavailable:
    MODEL = None
needs_model = pytest.mark.skipif(MODEL is None, reason="the package silero-vad is not installed")


class Reference:
    """The network run by onnxruntime, for one stream."""

    def __init__(self, rate_hz: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(str(model_path()), options)
        self._rate_hz = rate_hz
        self.restart()

    def restart(self) -> None:
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros((1, CONTEXT_SAMPLES[self._rate_hz]), np.float32)

    def probability(self, window: NDArray[np.float32]) -> float:
        heard = np.concatenate([self._context, window[None]], axis=1)
        self._context = heard[:, -self._context.shape[1] :]
        rate = np.array(self._rate_hz, np.int64)
        result, self._state = self._session.run(
            None, {"input": heard, "state": self._state, "sr": rate}
        )
        return float(np.asarray(result)[0, 0])


def sounds(rate_hz: int, windows: int) -> NDArray[np.float32]:
    """Five rows of [windows x window] samples: noise, tones, voices, silence."""
    rng = np.random.default_rng(11)
    samples = windows * WINDOW_SAMPLES[rate_hz]
    at = np.arange(samples) / rate_hz
    rows = np.zeros((5, samples))
    rows[0] = rng.normal(0, 0.1, samples)
    rows[1] = 0.4 * np.sin(2 * np.pi * 440 * at) + 0.2 * np.sin(2 * np.pi * 1336 * at)
    rows[2] = voice(rate_hz, windows * 32, rng) / 32768
    rows[3] = voice(rate_hz, windows * 32, rng, pitch_hz=210) / 32768 + rng.normal(0, 0.01, samples)
    return rows.astype(np.float32).reshape(5, windows, -1)


@needs_model
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_probabilities_equal_onnxruntimes_for_rows_that_began_at_different_times(
    rate_hz: int,
) -> None:
    windows = 40
    audio = sounds(rate_hz, windows)
    ours = Silero(8, load_weights(rate_hz))
    references = [Reference(rate_hz) for _ in audio]
    seen: list[float] = []
    for tick in range(windows):
        live = np.array([row for row in (4, 0, 3, 1, 2) if tick >= 3 * row])
        got = ours.probabilities(audio[live, tick], live)
        want = [references[row].probability(audio[row, tick]) for row in live]
        np.testing.assert_allclose(got, want, atol=NEAR)
        seen += want
    assert min(seen) < 0.1
    assert max(seen) > 0.9, "the comparison must see speech as well as silence"


@needs_model
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_cleared_row_starts_afresh_and_growing_forgets_nothing(rate_hz: int) -> None:
    audio = sounds(rate_hz, 12)
    ours, reference = Silero(3, load_weights(rate_hz)), Reference(rate_hz)
    rows = np.array([1, 2])
    for tick in range(4):
        ours.probabilities(audio[[0, 2], tick], rows)
        reference.probability(audio[2, tick])
    ours.clear(1)
    ours.grow(200)
    fresh = Reference(rate_hz)
    for tick in range(4, 12):
        got = ours.probabilities(audio[[2, 2], tick], rows)
        want = [fresh.probability(audio[2, tick]), reference.probability(audio[2, tick])]
        np.testing.assert_allclose(got, want, atol=NEAR)


@needs_model
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_batch_of_any_size_gives_each_row_what_it_gets_alone(rate_hz: int) -> None:
    weights = load_weights(rate_hz)
    count = 2 * BATCH + 5
    rng = np.random.default_rng(5)
    together, alone = Silero(count, weights), Silero(count, weights)
    before = together.hidden.copy(), together.cell.copy(), together.context.copy()
    for _ in range(3):
        windows = rng.normal(0, 0.1, (count, WINDOW_SAMPLES[rate_hz])).astype(np.float32)
        rows = rng.permutation(count)
        got = together.probabilities(windows, rows)
        for index in (0, BATCH - 1, BATCH, count - 1):
            row = rows[index : index + 1]
            alone.hidden[row], alone.cell[row] = before[0][row], before[1][row]
            alone.context[row] = before[2][row]
            single = alone.probabilities(windows[index : index + 1], row)
            np.testing.assert_allclose(got[index], single[0], atol=1e-5)
        before = together.hidden.copy(), together.cell.copy(), together.context.copy()


@needs_model
def test_reading_the_weights_does_not_import_the_package_or_torch() -> None:
    load_weights(8000)
    assert "silero_vad" not in sys.modules
    assert "torch" not in sys.modules


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(VadUnavailable, match="silero-vad is not installed"):
        load_weights(8000)


@needs_model
def test_a_file_that_is_cut_or_altered_is_refused_by_name(tmp_path: Path) -> None:
    assert MODEL is not None
    whole = MODEL.read_bytes()
    path = tmp_path / "cut.onnx"
    rng = np.random.default_rng(9)
    for size in [0, 1, 100, 5000, *rng.integers(0, len(whole) // 3, 12).tolist()]:
        path.write_bytes(whole[:size])
        with pytest.raises(VadUnavailable, match=r"cut\.onnx"):
            load_weights(8000, path)
    for _ in range(40):
        altered = bytearray(whole[:6000])
        for place in rng.integers(0, 400, 5):
            altered[place] = int(rng.integers(256))
        path.write_bytes(altered)
        with pytest.raises(VadUnavailable):
            load_weights(16000, path)


def test_another_rate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "any.onnx").write_bytes(b"\x08\x01")
    with pytest.raises(VadUnavailable):
        load_weights(44100, tmp_path / "any.onnx")
