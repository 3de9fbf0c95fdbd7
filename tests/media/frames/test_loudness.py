"""Noise floors that follow their lines, and runs of sound."""

import numpy as np
from numpy.typing import NDArray

from offhook.media.frames.loudness import HOLD_MS, Loudness
from offhook.tests.kit.synthetic_voice import noise, to_int16

FRAME = 160


class Ear:
    """A Loudness of one row, and its time."""

    def __init__(self) -> None:
        self.loudness = Loudness(1, 8000, loud_db=6, strong_db=10)
        self.position = 0

    def hear(self, audio: NDArray[np.int16], *, real: bool = True, speaking: bool = False) -> int:
        """Push it frame by frame; returns how many frames found the row open."""
        open_frames = 0
        for start in range(0, len(audio) - FRAME + 1, FRAME):
            self.loudness.push(
                1,
                audio[None, start : start + FRAME],
                np.array([real]),
                np.array([self.position], np.int64),
                np.array([speaking]),
            )
            self.position += FRAME
            open_frames += int(self.loudness.hold_frames[0] > 0)
        return open_frames

    @property
    def floor_dbfs(self) -> float:
        return float(10 * np.log10(self.loudness.floor[0]))


def line(ms: int, dbfs: float, seed: int = 1) -> NDArray[np.int16]:
    return to_int16(noise(8 * ms, np.random.default_rng(seed), dbfs))


def test_the_floor_rises_to_a_noisy_line_and_the_row_closes() -> None:
    ear = Ear()
    ear.hear(line(5000, -45))
    assert -48 < ear.floor_dbfs < -44
    assert ear.hear(line(2000, -45, seed=2)) < 10


def test_the_floor_falls_at_once_when_the_line_becomes_quiet() -> None:
    ear = Ear()
    ear.hear(line(5000, -40))
    ear.hear(line(600, -65))
    assert ear.floor_dbfs < -60


def test_the_floor_does_not_rise_under_speech_nor_learn_from_concealment() -> None:
    ear = Ear()
    ear.hear(line(2000, -60))
    before = ear.floor_dbfs
    ear.hear(line(3000, -25), speaking=True)
    assert abs(ear.floor_dbfs - before) < 0.1
    ear.hear(np.zeros(8000, np.int16), real=False)
    assert abs(ear.floor_dbfs - before) < 0.1
    assert ear.hear(line(400, -20), real=False) == 0


def test_a_run_tells_where_it_rose_and_a_short_stop_does_not_part_it() -> None:
    ear = Ear()
    ear.hear(line(1000, -60))
    ear.hear(line(100, -30))
    ear.hear(line(20, -60))
    ear.hear(line(60, -30))
    assert ear.loudness.strong_began[0] == 8000
    assert ear.loudness.strong_frames[0] == 8
    ended = ear.position
    assert ear.hear(line(1000, -60)) == HOLD_MS // 20 - 1
    assert ear.loudness.loud_ended[0] == ended
    begins = ear.position
    ear.hear(line(20, -30))
    assert ear.loudness.strong_began[0] == begins
    assert ear.loudness.strong_frames[0] == 1


def test_digital_silence_keeps_a_floor_above_the_smallest_step() -> None:
    ear = Ear()
    ear.hear(np.zeros(80_000, np.int16))
    step = np.where(np.arange(1600) % 2, 8, -8).astype(np.int16)
    assert ear.hear(step) == 0, "the idle noise of G.711 is not loud"
    assert ear.hear(line(100, -55)) > 0


def test_gain_lifts_quiet_lines_only_and_is_limited() -> None:
    rows = np.array([0])
    loud, quiet, silent = Ear(), Ear(), Ear()
    loud.hear(line(5000, -50))
    loud.hear(line(200, -20))
    assert loud.loudness.gain(rows)[0] == 1
    quiet.hear(line(5000, -70))
    quiet.hear(line(200, -40))
    assert 4 < quiet.loudness.gain(rows)[0] < 6
    silent.hear(np.zeros(80_000, np.int16))
    assert silent.loudness.gain(rows)[0] == 8
