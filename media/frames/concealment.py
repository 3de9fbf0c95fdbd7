"""Filling holes in frames: pitch repetition that fades within 60 ms, then comfort noise or silence.

A loss may begin and end anywhere in a frame and last any number of frames; its synthetic signal is
one, and what arrives after it is cross-faded in. Not here: the signal itself (codecs/plc.py), and
whether time passes while a hole is filled (jitter.py).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...codecs import plc
from ...codecs.comfort_noise import ComfortNoise, NoiseLevel
from .lanes import FRAME_MS, Columns, frame_samples
from .ring import ABSENT

MERGE_MS = 5
"Cross-fade from the synthetic signal to the real one. Shorter pieces of real signal are not used."
PAST_FRAMES = -(-plc.HISTORY_MS // FRAME_MS)
NO_NOISE = -128
"Level of a lane that has told no comfort noise: silence."
NOISE_SEED = 3389


class Filled(NamedTuple):
    """Frames without holes, and what it took; one element a frame."""

    frames: NDArray[np.int16]
    concealed: NDArray[np.int64]
    "Samples that were made up."
    silent: NDArray[np.int64]
    "How many of them after the fade, as silence or comfort noise."
    began: NDArray[np.bool_]
    "A loss began in this frame."


class Concealment(Columns):
    """What was last played on each lane, and how long it has been missing."""

    def __init__(self, capacity: int, rate_hz: int) -> None:
        super().__init__(capacity)
        self.frame = frame_samples(rate_hz)
        self._history_samples = plc.HISTORY_MS * rate_hz // 1000
        self._merge = MERGE_MS * rate_hz // 1000
        self._full = plc.FULL_MS * rate_hz // 1000
        self._mute = plc.MUTE_MS * rate_hz // 1000
        self._noise = ComfortNoise(capacity, rate_hz, NOISE_SEED)
        self._newest = 0  # which of _past's frames
        self.elapsed: NDArray[np.int64] = self.column("elapsed", np.int64)
        "Samples since the running loss began; 0: none."
        self.noise_dbov: NDArray[np.float32] = self.column("noise_dbov", np.float32, fill=NO_NOISE)
        self._past: NDArray[np.int16] = self.column("_past", np.int16, PAST_FRAMES, self.frame)
        self._history: NDArray[np.int16] = self.column("_history", np.int16, self._history_samples)
        "What was heard before the running loss."
        self._period: NDArray[np.int64] = self.column("_period", np.int64, fill=self._merge)
        self._tail: NDArray[np.int16] = self.column("_tail", np.int16, self._merge)
        "How the running loss would go on: what comes next is cross-faded with it."

    def grow(self, capacity: int) -> None:
        super().grow(capacity)
        self._noise.grow(capacity)

    def clear(self, row: int) -> None:
        super().clear(row)
        self._noise.clear(row)

    def set_noise(self, row: int, noise: NoiseLevel) -> None:
        """What the far end says its background sounds like: level and spectrum."""
        self.noise_dbov[row] = noise.level_dbov
        self._noise.shape(row, noise.reflection)

    def remember(self, n: int, frames: NDArray[np.int16]) -> None:
        """These frames [n, F] have been played."""
        self._newest = (self._newest + 1) % PAST_FRAMES
        self._past[:n, self._newest] = frames

    def begin(self, rows: NDArray[np.int64]) -> None:
        """A loss of no length: the next frames are cross-faded in, wherever they are from."""
        past = self._played(rows)
        self._lose(rows, past[:, past.shape[1] - self._history_samples :])
        self._tail[rows] = self._synthetic(rows, self._merge)
        self.elapsed[rows] = 1

    def fill(self, rows: NDArray[np.int64], frames: NDArray[np.int16]) -> Filled:
        """Fill what is ABSENT in `frames` [k, F], the next ones of `rows`."""
        mask = frames == ABSENT
        silent_now = mask.all(axis=1) & (self.elapsed[rows] >= self._mute)
        result = Filled(
            frames=frames.copy(),
            concealed=np.zeros(len(rows), np.int64),
            silent=np.zeros(len(rows), np.int64),
            began=np.zeros(len(rows), np.bool_),
        )
        gone = np.flatnonzero(silent_now)
        if gone.size:
            noise = self._noise_frames(rows[gone])
            result.frames[gone] = noise
            self._tail[rows[gone]] = noise[:, : self._merge]
            result.concealed[gone] = result.silent[gone] = self.frame
            self.elapsed[rows[gone]] += self.frame
        some = np.flatnonzero(~silent_now)
        if some.size:
            part = self._fill_holes(rows[some], frames[some], mask[some])
            result.frames[some] = part.frames
            result.concealed[some] = part.concealed
            result.silent[some] = part.silent
            result.began[some] = part.began
        return result

    def _fill_holes(
        self, rows: NDArray[np.int64], frames: NDArray[np.int16], mask: NDArray[np.bool_]
    ) -> Filled:
        """Hole by hole, all rows at once; a frame seldom has more than one."""
        k, at = len(rows), np.arange(self.frame)
        holes = np.count_nonzero(mask, axis=1)
        if np.count_nonzero((holes > 0) & (holes < self.frame)):
            mask = self._without_scraps(mask, self.elapsed[rows] > 0)
        past = self._played(rows)
        lead = past.shape[1]
        signal = np.concatenate([past, frames], axis=1)
        silent, began = np.zeros(k, np.int64), np.zeros(k, np.bool_)
        cursor = np.zeros(k, np.int64)
        while True:
            back = np.flatnonzero(
                (self.elapsed[rows] > 0) & (cursor < self.frame) & ~_at(mask, cursor)
            )
            if back.size:
                self._recover(rows[back], signal, back, lead + cursor[back])
            hole = mask & (at >= cursor[:, np.newaxis])
            open_ = np.flatnonzero(hole.any(axis=1))
            if not open_.size:
                break
            some, first = rows[open_], hole[open_].argmax(axis=1)
            real_again = ~mask[open_] & (at > first[:, np.newaxis])
            last = np.where(real_again.any(axis=1), real_again.argmax(axis=1), self.frame)
            fresh = np.flatnonzero(self.elapsed[some] == 0)
            if fresh.size:
                begin = lead + first[fresh] - self._history_samples
                span = begin[:, np.newaxis] + np.arange(self._history_samples)
                self._lose(some[fresh], signal[open_[fresh, np.newaxis], span])
                began[open_[fresh]] = True
            length = last - first
            synthetic = self._synthetic(some, self.frame + self._merge)
            index, offset = np.nonzero(at < length[:, np.newaxis])
            signal[open_[index], lead + first[index] + offset] = synthetic[index, offset]
            tail = length[:, np.newaxis] + np.arange(self._merge)
            self._tail[some] = np.take_along_axis(synthetic, tail, axis=1)
            before = self.elapsed[some]
            self.elapsed[some] = before + length
            silent[open_] += np.clip(self.elapsed[some] - np.maximum(before, self._mute), 0, None)
            cursor[:] = self.frame
            cursor[open_] = last
        return Filled(signal[:, lead:], np.count_nonzero(mask, axis=1), silent, began)

    def _recover(
        self,
        rows: NDArray[np.int64],
        signal: NDArray[np.int16],
        index: NDArray[np.intp],
        begin: NDArray[np.int64],
    ) -> None:
        """Cross-fade signal[index, begin:] in; the loss of these rows is over."""
        span = begin[:, np.newaxis] + np.arange(self._merge)
        real = signal[index[:, np.newaxis], span]
        signal[index[:, np.newaxis], span] = plc.merge(self._tail[rows], real)
        self.elapsed[rows] = 0

    def _lose(self, rows: NDArray[np.int64], history: NDArray[np.int16]) -> None:
        self._history[rows] = history
        self._period[rows] = plc.pitch_periods(history)

    def _synthetic(self, rows: NDArray[np.int64], samples: int) -> NDArray[np.int16]:
        """The next samples of each running loss: repetition that fades, noise that rises."""
        elapsed = self.elapsed[rows]
        signal = plc.conceal(self._history[rows], self._period[rows], elapsed, samples)
        noisy = np.flatnonzero(self.noise_dbov[rows] > NO_NOISE)
        if noisy.size:
            noise = self._noise.frames(self.noise_dbov[rows[noisy]], samples, rows[noisy])
            since = elapsed[noisy, np.newaxis] + np.arange(samples) - self._full
            weight = np.clip(since / (self._mute - self._full), 0.0, 1.0)
            total = signal[noisy] + weight * noise
            signal[noisy] = np.clip(np.rint(total), ABSENT + 1, -ABSENT - 1).astype(np.int16)
        return signal

    def _noise_frames(self, rows: NDArray[np.int64]) -> NDArray[np.int16]:
        level = self.noise_dbov[rows]
        frames = np.zeros((len(rows), self.frame), np.int16)
        noisy = np.flatnonzero(level > NO_NOISE)
        if noisy.size:
            frames[noisy] = self._noise.frames(level[noisy], self.frame, rows[noisy])
        return frames

    def _without_scraps(
        self, mask: NDArray[np.bool_], losing: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Count pieces of real signal too short to cross-fade as missing too."""
        at = np.arange(self.frame)
        before = np.where(losing, -1, -self.frame)[:, np.newaxis]
        last = np.maximum(np.maximum.accumulate(np.where(mask, at, -self.frame), axis=1), before)
        ahead = np.where(mask, at, self.frame)[:, ::-1]
        following = np.minimum.accumulate(ahead, axis=1)[:, ::-1]
        return np.asarray(mask | (following - last - 1 < self._merge))

    def _played(self, rows: NDArray[np.int64]) -> NDArray[np.int16]:
        """The last frames of each row, in their order: [k, PAST_FRAMES x F]."""
        order = (self._newest + 1 + np.arange(PAST_FRAMES)) % PAST_FRAMES
        return self._past[rows[:, np.newaxis], order].reshape(len(rows), -1)


def _at(mask: NDArray[np.bool_], cursor: NDArray[np.int64]) -> NDArray[np.bool_]:
    """mask[i, cursor[i]], False beyond its end."""
    inside = np.minimum(cursor, mask.shape[1] - 1)
    return np.asarray(mask[np.arange(len(mask)), inside] & (cursor < mask.shape[1]))
