"""The flags that name a foreign agent, and the words that are read for it."""

import argparse
import random
import wave
from pathlib import Path

import numpy as np
import pytest

from offhook.bench.phones.bare_phone import BarePhone
from offhook.bench.phones.target import add_target, line_to, read_wav
from offhook.bench.phones.whip_phone import WhipPhone
from offhook.bench.speech.waveform import first_audible


def arguments(*flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_target(parser)
    return parser.parse_args(flags)


@pytest.mark.parametrize(
    "target", ["sip:agent@127.0.0.1:5060", "sip:pbx.example", "sip:a@b;transport=udp"]
)
async def test_a_sip_address_is_called_by_the_bare_phone(target: str) -> None:
    assert isinstance(line_to(arguments("--target", target))(random.Random(1)), BarePhone)


@pytest.mark.parametrize("target", ["https://host/whip", "http://127.0.0.1:8000/v1/whip"])
async def test_a_web_address_is_called_over_whip(target: str) -> None:
    assert isinstance(line_to(arguments("--target", target))(random.Random(1)), WhipPhone)


@pytest.mark.parametrize("target", ["sip:a@b;transport=tcp", "sips:a@b", "agent", "tel:123"])
def test_what_cannot_be_called_is_told(target: str) -> None:
    with pytest.raises(ValueError, match=target):
        line_to(arguments("--target", target))


def written(path: Path, pcm: np.ndarray, rate_hz: int, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(pcm.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(pcm.tobytes())
    return path


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
def test_words_of_any_rate_are_read_as_8_khz(tmp_path: Path, rate_hz: int) -> None:
    at = np.arange(rate_hz) / rate_hz
    sound = np.where(at >= 0.25, 8000 * np.sin(2 * np.pi * 440 * at), 0).astype(np.int16)
    stereo = np.stack([sound, sound], axis=1)
    pcm = read_wav(written(tmp_path / "a.wav", stereo, rate_hz))
    assert len(pcm) == pytest.approx(8000, abs=60)
    assert first_audible(pcm, 8000) == pytest.approx(2000, abs=40)
    assert np.abs(pcm).max() == pytest.approx(8000, rel=0.05)


def test_what_cannot_be_said_is_told(tmp_path: Path) -> None:
    silence = written(tmp_path / "silence.wav", np.zeros((800, 1), np.int16), 8000)
    eight_bit = written(tmp_path / "eight.wav", np.full((800, 1), 9, np.uint8), 8000, 1)
    (tmp_path / "text.wav").write_text("no sound")
    for path, reason in (
        (silence, "silence"),
        (eight_bit, "16-bit"),
        (tmp_path / "text.wav", "text.wav"),
        (tmp_path / "none.wav", "none.wav"),
    ):
        with pytest.raises(ValueError, match=reason):
            read_wav(path)
