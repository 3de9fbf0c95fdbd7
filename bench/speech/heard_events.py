"""What lanes tell of recordings: speech and tones, of many at once, as a cohort's tick hears them.

No network is between, so that a run of a thousand calls takes minutes; the voice activity and the
tones are the engine's own. Not here: what is made of it.
"""

import numpy as np
from numpy.typing import NDArray

from ...media.events import AnyMediaEvent, SpeechEnded, SpeechStarted, ToneEnded, ToneHeard
from ...media.frames.lanes import frame_samples
from ...media.frames.tones import Tones
from ...media.frames.vad import Vad

SETTLE_FRAMES = 25
"Silence after the recording, so that what goes on ends."


def hear(recordings: list[NDArray[np.int16]], rate_hz: int) -> list[list[AnyMediaEvent]]:
    """Each recording's events, in order. Raises VadUnavailable."""
    count, frame = len(recordings), frame_samples(rate_hz)
    vad, tones = Vad(count, rate_hz), Tones(count, rate_hz)
    for row in range(count):
        tones.listen(row, True)
    frames = max(len(pcm) for pcm in recordings) // frame + 1 + SETTLE_FRAMES
    sound = np.zeros((count, frames * frame), np.int16)
    for row, pcm in enumerate(recordings):
        sound[row, : len(pcm)] = pcm
    told: list[list[AnyMediaEvent]] = [[] for _ in range(count)]
    real = np.zeros(count, np.bool_)
    for begin in range(0, frames * frame, frame):
        now = np.ascontiguousarray(sound[:, begin : begin + frame])
        positions = np.full(count, begin, np.int64)
        tick = vad.push(count, now, real, positions)
        at = begin + frame
        for row, began in zip(tick.started.tolist(), tick.began_samples.tolist(), strict=True):
            told[row].append(SpeechStarted(at, began))
        for row, ended in zip(tick.ended.tolist(), tick.ended_samples.tolist(), strict=True):
            told[row].append(SpeechEnded(at, ended))
        for tone in tones.push(count, now, positions):
            pitch = tone.low_hz, tone.high_hz
            if tone.ended_samples is None:
                told[tone.row].append(ToneHeard(at, tone.began_samples, *pitch))
            else:
                told[tone.row].append(ToneEnded(at, tone.began_samples, tone.ended_samples, *pitch))
    return told
