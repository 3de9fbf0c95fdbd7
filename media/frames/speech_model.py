"""The model that tells speech from other sound: Silero where it is installed, else WebRTC's.

Not here: Silero's arithmetic (silero.py), and what is done with a probability (vad.py).
"""

import logging
from typing import Any, Protocol

import numpy as np
import webrtcvad  # type: ignore[import-untyped]  # the wheel has no type marker
from numpy.typing import NDArray

from .silero import Silero
from .silero_weights import VadUnavailable, load_weights

logger = logging.getLogger(__name__)

WEBRTC_MODE = 3
"The strictest of 0..3: the others take line noise for speech."
WEBRTC_PARTS = 3
"Frames of 10 ms that WebRTC's detector hears of each 32 ms window."


class SpeechModel(Protocol):
    """Tells the probability of speech, window by window, for rows of lanes."""

    def probabilities(
        self, windows: NDArray[np.float32], rows: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Probability of speech, [m], in one 32 ms window of each of m different rows.

        `windows` is [m, 256] at 8 kHz or [m, 512] at 16 kHz, samples -1..1.
        """
        ...

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` rows."""
        ...

    def clear(self, row: int) -> None:
        """Forget what a row heard."""
        ...


class WebrtcModel:
    """WebRTC's detector behind the same face: hears most of each window, one row at a time.

    Its answers are yes or no, so the "probability" is the share of yes. Cheaper than Silero, but it
    takes most loud sounds for speech.
    """

    def __init__(self, capacity: int, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._part_samples = rate_hz // 100
        self._detectors: list[Any] = []
        self.grow(capacity)

    def probabilities(
        self, windows: NDArray[np.float32], rows: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        part = self._part_samples
        tails = np.rint(windows[:, -WEBRTC_PARTS * part :] * 32767).astype("<i2")
        result = np.zeros(len(rows), np.float32)
        for index, row in enumerate(rows):
            detector = self._detectors[row]
            for start in range(0, WEBRTC_PARTS * part, part):
                pcm = tails[index, start : start + part].tobytes()
                result[index] += detector.is_speech(pcm, self._rate_hz)
        return result / np.float32(WEBRTC_PARTS)

    def grow(self, capacity: int) -> None:
        while len(self._detectors) < capacity:
            self._detectors.append(webrtcvad.Vad(WEBRTC_MODE))

    def clear(self, row: int) -> None:
        self._detectors[row] = webrtcvad.Vad(WEBRTC_MODE)


def open_speech_model(rate_hz: int, capacity: int) -> SpeechModel:
    """Silero for `rate_hz` with room for `capacity` rows; WebRTC's, with a warning, without it."""
    try:
        return Silero(capacity, load_weights(rate_hz))
    except VadUnavailable as error:
        _warn_once(error)
        return WebrtcModel(capacity, rate_hz)


def _warn_once(error: VadUnavailable, told: set[str] = set()) -> None:  # noqa: B006
    """Cohorts open a model each: tell the reason once a process."""
    if error.what not in told:
        told.add(error.what)
        logger.warning("%s; WebRTC's detector is used, and more noise will pass as speech", error)
