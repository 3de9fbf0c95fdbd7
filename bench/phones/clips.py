"""Something to listen to: caller left, agent right, on one axis of time. Writes files."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..reports.results_file import Clip, Mark
from .line import RATE_HZ, Line, Pcm


def stereo(line: Line, said: int, heard: int, before_s: float, after_s: float) -> NDArray[np.int16]:
    """From `before_s` ahead of `said` at the mouth to `after_s` behind `heard` at the ear.

    Both are samples of their axes. int16[samples, 2], exact at these two samples; elsewhere the
    packets' jitter is smoothed out.
    """
    gap = round((line.heard.heard_at(heard) - line.said.spoken_at(said)) * RATE_HZ)
    before, after = int(before_s * RATE_HZ), int(after_s * RATE_HZ)
    length = before + gap + after
    left = _stretch(line.said.pcm(), said - before, length)
    right = _stretch(line.heard.pcm(), heard - gap - before, length)
    return np.stack([left, right], axis=1)


def clip_path(out: Path | None, seed: int) -> Path | None:
    """Beside the JSON, named after it and the run; None: nothing is written."""
    return None if out is None else out.with_name(f"{out.stem}-worst-{seed}.wav")


def write_clip(path: Path, title: str, both: NDArray[np.int16], marks: list[Mark]) -> Clip:
    """As a 16-bit WAV at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(both.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(both.astype("<i2").tobytes())
    return Clip(title, path.name, marks)


def _stretch(pcm: Pcm, begin: int, length: int) -> Pcm:
    """`length` samples from `begin` on; silence where there are none."""
    piece = np.zeros(length, np.int16)
    first, last = max(0, begin), min(len(pcm), begin + length)
    if first < last:
        piece[first - begin : last - begin] = pcm[first:last]
    return piece
