"""Which model hears: Silero where it is, WebRTC's detector with one warning where it is not."""

import logging

import numpy as np
import pytest

from offhook.media.frames import speech_model
from offhook.media.frames.silero import Silero
from offhook.media.frames.silero_weights import VadUnavailable, model_path
from offhook.media.frames.speech_model import WebrtcModel, open_speech_model
from offhook.tests.kit.synthetic_voice import noise, voice


def without_silero(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    def missing(rate_hz: int) -> None:
        raise VadUnavailable(why)

    monkeypatch.setattr(speech_model, "load_weights", missing)


def test_silero_is_used_where_it_is_installed() -> None:
    try:
        model_path()
    except VadUnavailable as error:
        pytest.skip(str(error))
    assert isinstance(open_speech_model(8000, 4), Silero)


def test_without_silero_webrtc_is_used_and_the_reason_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without_silero(monkeypatch, "told once, says this test")
    with caplog.at_level(logging.WARNING):
        models = [open_speech_model(rate_hz, 4) for rate_hz in (8000, 16000, 8000)]
    assert all(isinstance(model, WebrtcModel) for model in models)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "told once, says this test" in caplog.text


@pytest.mark.parametrize(("rate_hz", "window"), [(8000, 256), (16000, 512)])
def test_webrtc_tells_a_voice_from_silence_row_by_row(rate_hz: int, window: int) -> None:
    rng = np.random.default_rng(2)
    model = WebrtcModel(2, rate_hz)
    model.grow(3)
    spoken = voice(rate_hz, 32 * 30, rng) / 32768
    silent = noise(len(spoken), rng, -70) / 32768
    seen = []
    for start in range(0, len(spoken) - window + 1, window):
        windows = np.stack([silent[start : start + window], spoken[start : start + window]])
        seen.append(model.probabilities(windows.astype(np.float32), np.array([0, 2])))
    means = np.mean(seen, axis=0)
    assert means[0] < 0.1
    assert means[1] > 0.8
    model.clear(2)
    assert model.probabilities(np.zeros((1, window), np.float32), np.array([2]))[0] == 0
