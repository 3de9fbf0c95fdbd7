"""Loudness of many lanes: energy against a noise floor of each line's own, and runs of sound.

Not here: whether the sound is speech (vad.py). This is the first, cheap stage of voice activity:
it says which lanes the speech model need not hear, where a sound rose and fell, and by how much a
quiet line should be amplified for the model.
"""

import numpy as np
from numpy.typing import NDArray

from .lanes import FRAME_MS, Columns, frame_samples

FLOOR_START_DBFS = -66.0
"A new row's noise floor; it finds the line's own within a second or two."
FLOOR_LOWEST_DBFS = -72.0
"Below the idle noise of G.711; keeps digital silence from making every click loud."
FLOOR_RISE_DB_PER_S = 6.0
"While nobody speaks."
FLOOR_FALL = 0.2
"Share of the way down that the floor goes in one frame."
HOLD_MS = 200
"A row stays open so long after its last loud frame."
GAP_FRAMES = 2
"So many frames without strong sound end a run; the stop in a consonant is shorter."
LEVEL_DBFS = -26.0
"Loud frames of a well adjusted line; rows below are amplified up to it for the model."
LEVEL_OVER_FLOOR_DB = 20.0
"Speech is expected so far above the noise as long as none was heard."
LEVEL_FALL_DB_PER_S = 6.0
GAIN_MOST = 8.0
"18 dB; beyond it the codec's own noise would be amplified."

FULL_SCALE = 32768.0


def power(db: float) -> float:
    """Decibels as a ratio of powers."""
    return float(10 ** (db / 10))


FLOOR_LOWEST = power(FLOOR_LOWEST_DBFS)
LEVEL = power(LEVEL_DBFS)
LEVEL_OVER_FLOOR = power(LEVEL_OVER_FLOOR_DB)


class Loudness(Columns):
    """What is loud. Powers are relative to full scale; positions are samples of the lane's axis."""

    def __init__(self, capacity: int, rate_hz: int, loud_db: float, strong_db: float) -> None:
        super().__init__(capacity)
        self._frame = frame_samples(rate_hz)
        self._loud_ratio = power(loud_db)
        self._strong_ratio = power(strong_db)
        self._rise = power(FLOOR_RISE_DB_PER_S * FRAME_MS / 1000)
        self._level_fall = power(-LEVEL_FALL_DB_PER_S * FRAME_MS / 1000)
        self.floor = self.column("floor", np.float32, fill=power(FLOOR_START_DBFS))
        self.level = self.column("level", np.float32, fill=LEVEL)
        self.energy = self.column("energy", np.float32)
        "Mean power of the newest frame."
        self.hold_frames = self.column("hold_frames", np.int16)
        "Above 0: the row is loud, or was within HOLD_MS."
        self.loud_ended = self.column("loud_ended", np.int64)
        "Where the newest loud frame ended."
        self.strong = self.column("strong", np.bool_)
        "The newest frame is strong sound."
        self.strong_frames = self.column("strong_frames", np.int32)
        "Strong frames of the present run."
        self.strong_began = self.column("strong_began", np.int64)
        "Where that run began."
        self.weak_frames = self.column("weak_frames", np.int16, fill=GAP_FRAMES)
        "Frames since the last strong one, up to GAP_FRAMES."

    def push(
        self,
        n: int,
        frames: NDArray[np.int16],
        real: NDArray[np.bool_],
        positions: NDArray[np.int64],
        speaking: NDArray[np.bool_],
    ) -> None:
        """Measure a frame of rows 0..n-1: `frames` [n, F], the rest [n].

        Frames that are not `real` are neither loud nor a lesson; the floor does not rise under
        speech.
        """
        heard = frames.astype(np.float32)
        energy = np.einsum("ij,ij->i", heard, heard, out=self.energy[:n])
        energy *= 1 / (self._frame * FULL_SCALE**2)
        floor = self.floor[:n]
        loud = energy > floor * self._loud_ratio
        loud &= real
        strong = self.strong[:n]
        np.greater(energy, floor * self._strong_ratio, out=strong)
        strong &= real
        self._follow_floor(floor, energy, real, speaking)
        self._follow_level(n, energy)
        self._follow_runs(n, strong, positions)
        np.copyto(self.loud_ended[:n], positions + self._frame, where=loud)
        hold = self.hold_frames[:n]
        np.maximum(hold - 1, 0, out=hold)
        hold[loud] = HOLD_MS // FRAME_MS

    def gain(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """What to multiply samples of these rows by, so that the model hears usual levels."""
        return np.clip(np.sqrt(LEVEL / self.level[rows]), 1, GAIN_MOST)

    def _follow_floor(
        self,
        floor: NDArray[np.float32],
        energy: NDArray[np.float32],
        real: NDArray[np.bool_],
        speaking: NDArray[np.bool_],
    ) -> None:
        """Down quickly, up slowly."""
        fallen = floor + FLOOR_FALL * (energy - floor)
        np.maximum(fallen, FLOOR_LOWEST, out=fallen)
        risen = np.minimum(floor * self._rise, energy)
        np.copyto(risen, floor, where=speaking)
        np.copyto(risen, fallen, where=energy < floor)
        np.copyto(floor, risen, where=real)

    def _follow_level(self, n: int, energy: NDArray[np.float32]) -> None:
        """Up at once, down slowly: the loudest lately."""
        level = self.level[:n]
        level *= self._level_fall
        np.maximum(level, self.floor[:n] * LEVEL_OVER_FLOOR, out=level)
        np.maximum(level, energy, out=level)

    def _follow_runs(self, n: int, strong: NDArray[np.bool_], positions: NDArray[np.int64]) -> None:
        weak, frames = self.weak_frames[:n], self.strong_frames[:n]
        over = weak >= GAP_FRAMES
        frames[over] = 0
        over &= strong
        np.copyto(self.strong_began[:n], positions, where=over)
        frames += strong
        weak += 1
        np.minimum(weak, GAP_FRAMES, out=weak)
        weak[strong] = 0
