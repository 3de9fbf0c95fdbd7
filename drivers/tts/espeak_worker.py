"""The process that speaks: `python -m offhook.drivers.tts.espeak_worker [niceness]`. Shell.

One job at a time, in the order they came; the first 20 ms of a job are sent at once, the rest in
larger pieces. A cancelled job stops at its next 20 ms, or never begins.
"""

import os
import sys

import numpy as np
import soxr  # type: ignore[import-untyped]
from numpy.typing import NDArray

from ..worker_pipe import WorkerPipe
from .espeak_library import Espeak, EspeakError, Words
from .espeak_messages import (
    Audio,
    Cancel,
    Ready,
    Refused,
    Speak,
    Spoken,
    Word,
    decode_order,
    encode,
)
from .spoken_text import spell_out, without_markup

PIECE_MS = 100
ENGLISH = "en"
DEFAULT_VOICE = "en-us"


class EspeakJob:
    """One text on its way out: resamples, names the words, sends the pieces."""

    def __init__(self, pipe: WorkerPipe, order: Speak, library_hz: int) -> None:
        self._pipe, self._order = pipe, order
        self._ratio = order.rate_hz / library_hz
        self._resample = soxr.ResampleStream(library_hz, order.rate_hz, 1, dtype="int16")
        self._held: list[NDArray[np.int16]] = []
        self._held_samples = 0
        self._wanted_samples = 1
        rewrite = spell_out if order.voice.startswith(ENGLISH) else without_markup
        self._spoken = rewrite(order.text)

    @property
    def text(self) -> str:
        return self._spoken.text

    def hear(self, pcm: NDArray[np.int16], words: Words) -> bool:
        """The library's listener. Words are sent before the audio they begin in."""
        if self._cancelled():
            return False
        for index, length, sample in words:
            self._pipe.send(encode(self._word(index, length, sample)))
        if pcm.size:
            self._add(self._resample.resample_chunk(pcm))
        return True

    def finish(self) -> None:
        """Send what the filter and the last piece still hold."""
        self._add(self._resample.resample_chunk(np.empty(0, np.int16), last=True))
        self._send()

    def _word(self, index: int, length: int, sample: int) -> Word:
        end = self._spoken.source_end(index)
        return Word(
            self._order.job,
            self._spoken.text[index : index + length],
            round(sample * self._ratio),
            end,
        )

    def _add(self, pcm: NDArray[np.int16]) -> None:
        self._held.append(pcm)
        self._held_samples += pcm.size
        if self._held_samples >= self._wanted_samples:
            self._send()
            self._wanted_samples = self._order.rate_hz * PIECE_MS // 1000

    def _send(self) -> None:
        if self._held_samples:
            self._pipe.send(encode(Audio(self._order.job, np.concatenate(self._held).tobytes())))
        self._held, self._held_samples = [], 0

    def _cancelled(self) -> bool:
        return Cancel(self._order.job) in map(decode_order, self._pipe.peek_all())


def speak(espeak: Espeak, pipe: WorkerPipe, order: Speak) -> None:
    """Do one job."""
    job = EspeakJob(pipe, order, espeak.rate_hz)
    try:
        espeak.set_voice(DEFAULT_VOICE if order.voice == ENGLISH else order.voice)
        espeak.speak(job.text, order.speed, job.hear)
    except EspeakError as exc:
        pipe.send(encode(Refused(order.job, exc.what)))
        return
    job.finish()
    pipe.send(encode(Spoken(order.job)))


def main() -> None:
    """Serve until the parent is gone."""
    pipe = WorkerPipe.of_this_process()
    os.nice(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    espeak = Espeak()
    # The first voice takes 80 ms to load, later sentences begin within one.
    espeak.set_voice(DEFAULT_VOICE)
    espeak.speak("ready", 1.0, lambda _pcm, _words: True)
    pipe.send(encode(Ready()))
    while (message := pipe.receive()) is not None:
        order = decode_order(message)
        if isinstance(order, Speak):
            if Cancel(order.job) not in map(decode_order, pipe.peek_all()):
                speak(espeak, pipe, order)
            else:
                pipe.send(encode(Spoken(order.job)))


if __name__ == "__main__":
    main()
