"""The receiving half of the frame engine in small: one lane, from packets to frames."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from offhook.media.frames.jitter import Jitter
from offhook.media.frames.jitter_statistics import JitterStatistics

from .lossy_link import Packet, Stream

TICK_MS = 20


class Heard(NamedTuple):
    """What a lane played."""

    pcm: NDArray[np.int16]
    "All frames, joined."
    concealed: NDArray[np.int64]
    "Made-up samples of each frame."
    delay_ms: NDArray[np.float64]
    "Audio left in the buffer after each frame."
    statistics: JitterStatistics
    target_ms: float
    "The delay that is aimed at, at the end."


def admit(jitter: Jitter, row: int, packet: Packet, now_samples: int) -> bool:
    """One packet into one row; False when it was not wanted."""
    rows = np.array([row])
    length = np.array([len(packet.pcm)])
    admitted = jitter.admit(
        rows,
        np.array([packet.sequence]),
        np.array([packet.timestamp]),
        length,
        np.array([packet.marker]),
        np.array([packet.ssrc]),
        np.array([now_samples]),
    )
    if admitted.accept[0]:
        jitter.write(rows, admitted.position, packet.pcm[np.newaxis], length)
    return bool(admitted.accept[0])


def listen(
    packets: Stream,
    rate_hz: int = 8000,
    *,
    clock_rate_hz: int | None = None,
    extra_ms: int = 200,
    jitter: Jitter | None = None,
    row: int = 0,
    rows: int = 1,
) -> Heard:
    """Play a stream that has come over the link, until `extra_ms` after its last packet."""
    jitter = jitter or Jitter(rows, rate_hz)
    if clock_rate_hz is not None:
        jitter.configure(row, clock_rate_hz)
    frames, concealed, delays = [], [], []
    frame = rate_hz * TICK_MS // 1000
    waiting = sorted(packets, key=lambda packet: packet.at_ms)
    at, tick = 0, 0
    last = waiting[-1].at_ms + extra_ms
    while tick * TICK_MS <= last:
        while at < len(waiting) and waiting[at].at_ms <= tick * TICK_MS:
            admit(jitter, row, waiting[at], tick * frame)
            at += 1
        pulled = jitter.pull(rows, tick * frame)
        frames.append(pulled.frames[row])
        concealed.append(int(pulled.concealed[row]))
        left = jitter.reception.end[row] - jitter.play_position[row]
        delays.append(float(left) * 1000 / rate_hz)
        tick += 1
    return Heard(
        np.concatenate(frames),
        np.array(concealed),
        np.array(delays),
        jitter.statistics(row),
        float(jitter.delay.target[row]) * 1000 / jitter.rate_hz,
    )
