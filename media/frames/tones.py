"""Steady tones on the lanes that are listened to: an answering machine's beep, a fax, busy, SIT.

Not here: what a tone means (conversation/machine_detection.py), keys (codecs/dtmf.py), and making
tones (codecs/tones.py).

A Goertzel filter hears a frequency that is known; a beep may be any from 440 to 2000 Hz. So every
20 ms the spectrum of the last 40 ms is taken, of all listened lanes at once. It is a tone, or two
sounded together, when nearly all of its power lies in one or two narrow peaks, and a tone is told
when that has been so for TOLD_FRAMES at the same frequencies and the same level. Voices have one
strong harmonic now and then, but it moves; chords and melodies are for the listener of the events
to tell from a beep.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from .lanes import Columns, frame_samples, which

BIN_HZ = 15.625
"The spectrum's lines: 512 of them at 8 kHz, 1024 at 16 kHz."
PEAK_BINS = 3
"On each side of a peak, its own: a Hann window of 40 ms spreads a tone over +-50 Hz."
LOWEST_HZ, HIGHEST_HZ = 380.0, 3000.0
"""A tone's own frequency. Below lie mains hum, its harmonics, and the first harmonics of voices:
in 87 minutes of recorded prompts in four languages 90 of them passed for tones, and above one."""
LEAST_HZ = 150.0
"What lies below does not count against a tone, either."
PURE_SHARE = 0.8
"Of all power in a tone's peak; with noise 10 dB below it, 0.9 are left."
TWO_SHARE = 0.85
"Of all power in the peaks of two together."
SECOND_DB = -12.0
"The softer of two is not softer than that."
LEAST_DBFS = -48.0
STEADY_HZ = 10.0
"A tone's frequency does not move further from one look to the next, nor from its first."
STEADY_DB = 5.0
"Nor its level from its loudest."
TOLD_FRAMES = 6
"Looks of 40 ms every 20 ms: 140 ms of tone."

Rows = NDArray[np.intp]
Floats = NDArray[np.float32]


class Tone(msgspec.Struct, frozen=True):
    """A tone that is there, or was."""

    row: int
    began_samples: int
    ended_samples: int | None
    "None: it goes on."
    low_hz: float
    high_hz: float
    "0: there is one frequency only."


class Tones(Columns):
    """The tones of a cohort's rows. Rows that nobody listens to cost nothing."""

    def __init__(self, capacity: int, rate_hz: int) -> None:
        super().__init__(capacity)
        frame = self._frame = frame_samples(rate_hz)
        self._size = round(rate_hz / BIN_HZ)
        window = np.hanning(2 * frame + 1)[:-1].astype(np.float32)
        # A sine of peak p has power p^2 / 2; its peak's share of the spectrum adds up to that.
        self._window = window / np.float32(32768.0 * np.sqrt(np.sum(window**2) * self._size / 2))
        self._first, self._last = round(LOWEST_HZ / BIN_HZ), round(HIGHEST_HZ / BIN_HZ)
        self._least = round(LEAST_HZ / BIN_HZ)
        self.listening = self.column("listening", np.bool_)
        self.before = self.column("before", np.int16, frame)
        "The frame before this one."
        self.frames = self.column("frames", np.int32)
        "Looks in a row that have shown this tone."
        self.low = self.column("low", np.float32)
        self.high = self.column("high", np.float32)
        self.power = self.column("power", np.float32)
        "Of its loudest look."
        self.began = self.column("began", np.int64)

    def listen(self, row: int, on: bool) -> None:
        """Hear tones on this row from now on, or no longer."""
        self.clear(row)
        self.listening[row] = on

    def push(self, n: int, frames: NDArray[np.int16], positions: NDArray[np.int64]) -> list[Tone]:
        """Hear a frame of rows 0..n-1: int16[n, F], `positions` [n] of their first samples."""
        rows = which(self.listening[:n])
        if not rows.size:
            return []
        looked = np.concatenate((self.before[rows], frames[rows]), axis=1)
        self.before[rows] = frames[rows]
        low, high, power = self._look(looked)
        here = low >= LOWEST_HZ
        same = here & (self.frames[rows] > 0) & self._is_same(rows, low, high, power)
        ends = positions[rows] + self._frame
        found = self._over(rows[~same], ends[~same])
        self._go_on(rows[same], power[same])
        begins = here & ~same
        self._begin(rows[begins], low[begins], high[begins], power[begins], ends[begins])
        told = rows[same & (self.frames[rows] == TOLD_FRAMES)]
        return found + [self._tone(int(row), None) for row in told]

    def _look(self, looked: NDArray[np.int16]) -> tuple[Floats, Floats, Floats]:
        """Each row's frequencies and their power; low 0: it is no tone, high 0: it is one."""
        spectrum = np.fft.rfft(looked * self._window, self._size)
        bins = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        bins[:, : self._least] = 0
        total = bins.sum(axis=1)
        rows = np.arange(len(bins))
        first = self._first + bins[:, self._first : self._last].argmax(axis=1)
        peak = self._peak(bins, first)
        low_hz = self._frequency(bins, first)
        rest = bins.copy()
        for offset in range(-PEAK_BINS, PEAK_BINS + 1):
            rest[rows, first + offset] = 0
        second = self._first + rest[:, self._first : self._last].argmax(axis=1)
        softer = self._peak(rest, second)
        high_hz = self._frequency(bins, second)
        loud = total >= 10 ** (LEAST_DBFS / 10)
        two = (
            loud & (peak + softer >= TWO_SHARE * total) & (softer >= 10 ** (SECOND_DB / 10) * peak)
        )
        one = loud & ~two & (peak >= PURE_SHARE * total)
        low = np.where(one, low_hz, np.where(two, np.minimum(low_hz, high_hz), 0))
        high = np.where(two, np.maximum(low_hz, high_hz), 0)
        return low.astype(np.float32), high.astype(np.float32), peak

    def _peak(self, bins: Floats, at: Rows) -> Floats:
        """The power around a line of each row."""
        around = at[:, None] + np.arange(-PEAK_BINS, PEAK_BINS + 1)
        return np.asarray(np.take_along_axis(bins, around, axis=1).sum(axis=1))

    def _frequency(self, bins: Floats, at: Rows) -> Floats:
        """The top of a parabola through the logarithms of a peak's three highest lines, in Hz."""
        rows = np.arange(len(bins))
        left, top, right = (np.log(bins[rows, at + by] + 1e-20) for by in (-1, 0, 1))
        bend = left - 2 * top + right
        shift = np.where(bend < 0, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0)
        return np.asarray((at + np.clip(shift, -0.5, 0.5)) * BIN_HZ, np.float32)

    def _is_same(self, rows: Rows, low: Floats, high: Floats, power: Floats) -> NDArray[np.bool_]:
        near = (np.abs(low - self.low[rows]) <= STEADY_HZ) & (
            np.abs(high - self.high[rows]) <= STEADY_HZ
        )
        # It may still swell in its first two looks, which its beginning only touches.
        level = power >= 10 ** (-STEADY_DB / 10) * self.power[rows]
        return np.asarray(near & level, np.bool_)

    def _begin(self, rows: Rows, low: Floats, high: Floats, power: Floats, ends: Rows) -> None:
        self.frames[rows] = 1
        self.low[rows], self.high[rows], self.power[rows] = low, high, power
        self.began[rows] = ends - 2 * self._frame

    def _go_on(self, rows: Rows, power: Floats) -> None:
        self.frames[rows] += 1
        self.power[rows] = np.maximum(self.power[rows], power)

    def _over(self, rows: Rows, ends: Rows) -> list[Tone]:
        """What is no tone any more."""
        told = self.frames[rows] >= TOLD_FRAMES
        over = [
            self._tone(row, end - self._frame)
            for row, end in zip(rows[told].tolist(), ends[told].tolist(), strict=True)
        ]
        self.frames[rows] = 0
        return over

    def _tone(self, row: int, ended: int | None) -> Tone:
        low, high = round(float(self.low[row]), 1), round(float(self.high[row]), 1)
        return Tone(row, max(0, int(self.began[row])), ended, low, high)
