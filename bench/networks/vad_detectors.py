"""Detectors of speech: the bare models, and Offhook's engine with its gate and hysteresis.

All hear the same samples. Time is that of the samples heard: what a detector tells after a window,
it tells at the window's end. Not here: the judgement (vad_scoring.py).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import webrtcvad  # type: ignore[import-untyped]  # the wheel has no type marker
from numpy.typing import NDArray

from ...codecs import l16
from ...codecs.catalog import L16_8K, L16_16K
from ...media.events import SpeechEnded, SpeechStarted, SpeechSuspected
from ...media.frames.silero import Silero
from ...media.frames.silero_weights import WINDOW_SAMPLES, load_weights
from ...media.frames.vad import VadSettings
from .netem import PTIME_S, Network, trace
from .quality_engine import hear
from .quality_scores import delays
from .vad_scoring import Detection

FRAME_MS = 20
THRESHOLD = 0.5
FULL_SCALE = 32768.0
SETTLE_FRAMES = 50
"Silence after the track, so that its last word ends."

Pcm = NDArray[np.int16]


class Heard(NamedTuple):
    """What a detector made of a track."""

    detections: list[Detection]
    signs: list[float]
    "When a first sign of speech was told (a suspicion, good for ducking), in seconds."


class Detector(NamedTuple):
    """How to hear a track at 8 or 16 kHz."""

    name: str
    hear: Callable[[Pcm, int], Heard]


def from_windows(speech: list[bool], window_s: float) -> list[Detection]:
    """Runs of windows of speech: told at the end of the first, ended at the end of the last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], np.array(speech, np.int8), [0]))))
    return [
        Detection(
            begin * window_s,
            end * window_s,
            (begin + 1) * window_s,
            # That it ended is known from the window after it.
            (end + 1) * window_s,
        )
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]


def silero_alone(pcm: Pcm, rate_hz: int) -> Heard:
    """The network on every window of 32 ms. Raises VadUnavailable."""
    model, size = Silero(1, load_weights(rate_hz)), WINDOW_SAMPLES[rate_hz]
    row = np.zeros(1, np.intp)
    windows = pcm[: len(pcm) // size * size].reshape(-1, 1, size).astype(np.float32) / FULL_SCALE
    speech = [bool(model.probabilities(window, row)[0] >= THRESHOLD) for window in windows]
    return _bare(from_windows(speech, size / rate_hz))


def webrtc_alone(mode: int) -> Callable[[Pcm, int], Heard]:
    """WebRTC's detector on every frame of 20 ms."""

    def heard(pcm: Pcm, rate_hz: int) -> Heard:
        detector, size = webrtcvad.Vad(mode), rate_hz * FRAME_MS // 1000
        frames = pcm[: len(pcm) // size * size].reshape(-1, size)
        speech = [bool(detector.is_speech(frame.tobytes(), rate_hz)) for frame in frames]
        return _bare(from_windows(speech, FRAME_MS / 1000))

    return heard


def _bare(detections: list[Detection]) -> Heard:
    return Heard(detections, [each.begin_told_s for each in detections])


def engine(pcm: Pcm, rate_hz: int) -> Heard:
    """Offhook's lane with its voice activity on, fed by a perfect network (L16, no codec)."""
    codec, size = (L16_8K if rate_hz == 8000 else L16_16K), int(PTIME_S * rate_hz)
    whole = np.append(pcm, np.zeros(-pcm.size % size + SETTLE_FRAMES * size, np.int16))
    payloads = [bytes(l16.encode(frame)) for frame in whole.reshape(-1, size)]
    count = len(payloads)
    arrivals = trace(Network(), count, seed=0)
    heard = hear(codec, payloads, arrivals, count, 0.0, (0, count - 1), vad=VadSettings())
    # What the buffer delays is not the detector's: positions are taken back to the track.
    shift = int(np.median(delays(whole, heard.pcm, rate_hz).samples))
    detections: list[Detection] = []
    signs: list[float] = []
    open_: tuple[float, float] | None = None
    for event in heard.events:
        # Told when the frame at that position had been heard.
        told_s = (event.at_samples + size - shift) / rate_hz
        if isinstance(event, SpeechSuspected):
            signs.append(told_s)
        elif isinstance(event, SpeechStarted):
            open_ = ((event.began_samples - shift) / rate_hz, told_s)
        elif isinstance(event, SpeechEnded) and open_ is not None:
            end_s = (event.ended_samples - shift) / rate_hz
            detections.append(Detection(open_[0], end_s, open_[1], told_s))
            open_ = None
    if open_ is not None:
        end_s = pcm.size / rate_hz
        detections.append(Detection(open_[0], end_s, open_[1], end_s))
    return Heard(detections, signs)


DETECTORS: tuple[Detector, ...] = (
    Detector("offhook (gate + Silero)", engine),
    Detector("Silero alone", silero_alone),
    Detector("webrtcvad mode 2", webrtc_alone(2)),
    Detector("webrtcvad mode 3", webrtc_alone(3)),
)
