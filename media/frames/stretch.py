"""Time scaling: one frame made from a little more or a little less signal, without a seam.

About one pitch period is taken out or repeated, where the signal resembles itself most, and the
join is cross-faded (waveform-similarity overlap-add). A pause is the place to set the delay right,
to the millisecond; in speech it is left alone while it does no harm: too long by a little it costs
nobody anything, too short it would tear the speech and is made up for at once. Not here: what delay
is wanted (delay.py).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .delay import Delay
from .lanes import FRAME_MS, Columns, frame_samples, which
from .ring import ABSENT, Ring

PAUSE_OFF_MS = 2
"How far above the target the delay may be in a pause."
LATER_MS = 3
"How far below what is needed in speech before that is lengthened; any of it costs a frame."
SOONER_MS = 2 * FRAME_MS
"How far above it in speech before that is shortened."
PATIENT_MS = FRAME_MS
PATIENCE_TICKS = 150
"The same, and LATER_MS below the target, when there was no pause for 3 s."
FAST_MS = 3 * FRAME_MS
"Above the target by this, every frame is shortened, wherever."
CHANGE_TICKS = 5
"At most one change of speech in 100 ms otherwise."
GOOD_LIKENESS = 0.7
"Where a change may be made that can wait for a better place."
FAIR_LIKENESS = 0.4
"The same when the delay is FAST_MS below the target."
PAUSE_PEAK = 64
"int16 units: a frame that stays below is quiet."
PAUSE_SHARE = 32
"So is one that stays below this part of the lane's loudest (-30 dB)."
PAUSE_FRAMES = 3
"So many quiet ones are a pause: the gap before a plosive is none."
LOUDEST_TICKS = 10
LOUDEST_SHIFT = 6
"The loudest is looked for now and then, and fades to half in 9 s."

SHORTEST_MS = 2.5
LONGEST_MS = 10
"Of what is taken out or put in."
OVERLAP_MS = 8
"Of the cross-fade; with the longest change it still fits into a 20 ms frame."
QUIET_RMS = 30.0
"int16 units, -61 dBov: below this any place is as good as another."


class Match(NamedTuple):
    """Where each signal resembles its own beginning most."""

    lag: NDArray[np.int64]
    "Samples from the beginning, [k]."
    likeness: NDArray[np.float32]
    "-1..1; 1 for quiet signals, [k]."


class Stretcher(Columns):
    """Brings each lane's delay to its target."""

    def __init__(self, capacity: int, rate_hz: int) -> None:
        super().__init__(capacity)
        self.rate_hz = rate_hz
        self.frame = frame_samples(rate_hz)
        self._later = rate_hz * LATER_MS // 1000
        self._sooner = rate_hz * SOONER_MS // 1000
        self._pause_off = rate_hz * PAUSE_OFF_MS // 1000
        self._patient = rate_hz * PATIENT_MS // 1000
        self._fast = rate_hz * FAST_MS // 1000
        self._ticks = 0
        self._off = False  # some row's delay is off its target
        self._loudest: NDArray[np.int16] = self.column("_loudest", np.int16)
        "Peak of late."
        self._pause: NDArray[np.bool_] = self.column("_pause", np.bool_)
        "The next frame is of a pause; of rows off their target only, as is what follows."
        self._quiet: NDArray[np.int64] = self.column("_quiet", np.int64)
        "Frames that it has been so quiet for."
        self._waited: NDArray[np.int64] = self.column("_waited", np.int64)
        "Ticks that the delay has been off the target for a pause to come."
        self._wanted: NDArray[np.bool_] = self.column("_wanted", np.bool_)
        "The next frame is to be changed though it be speech."
        self._next_change: NDArray[np.int64] = self.column("_next_change", np.int64)
        "Tick of the next change at the earliest."
        self.inserted: NDArray[np.int64] = self.column("inserted", np.int64)
        "Samples, so far."
        self.removed: NDArray[np.int64] = self.column("removed", np.int64)

    def tick(self) -> None:
        """20 ms have passed."""
        self._ticks += 1

    def due(
        self,
        frames: NDArray[np.int16],
        excess: NDArray[np.int64],
        delay: Delay,
    ) -> NDArray[np.bool_]:
        """Which of rows [:n], whose next ones `frames` are, `change` is to look at; once a tick.

        `excess` [n] is delay minus target, in samples.
        """
        n = len(frames)
        if self._ticks % LOUDEST_TICKS == 0:
            loudest = self._loudest[:n]
            faded = loudest - (loudest >> LOUDEST_SHIFT)
            np.maximum(faded, frames.max(axis=1, initial=0), out=loudest)
        due = (excess < 0) | (excess >= self._pause_off)
        rows = which(due)
        if rows.size or self._off:
            self._waited[:n] *= due
            self._quiet[:n] *= due
        self._off = rows.size > 0
        if not self._off:
            return np.asarray(due)
        peak = frames[rows].max(axis=1, initial=0)
        quiet = peak <= np.maximum(self._loudest[rows] // PAUSE_SHARE, PAUSE_PEAK)
        self._quiet[rows] = quiets = np.where(quiet, self._quiet[rows] + 1, 0)
        waits = excess[rows] + delay.target[rows]
        over, under = waits - delay.allowed[rows], waits - delay.needed[rows]
        off = (over >= self._patient) | (excess[rows] < -self._later)
        self._waited[rows] = waited = np.where(off, self._waited[rows] + 1, 0)
        wanted = (over >= self._sooner) | (under < -self._later) | (waited > PATIENCE_TICKS)
        self._wanted[rows] = wanted
        self._pause[rows] = pause = quiets >= PAUSE_FRAMES
        due[rows] = wanted | pause
        return np.asarray(due)

    def change(
        self,
        rows: NDArray[np.int64],
        frames: NDArray[np.int16],
        excess: NDArray[np.int64],
        ring: Ring,
        play: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Shorten or lengthen the whole frames of `rows` where it is due.

        `frames` [n, F] and `excess` [n] (delay minus target, samples) are of all rows, `play` [k]
        is where these rows' frames begin in `ring`. Returns the samples used up, [k].
        """
        advance = np.full(len(rows), self.frame, np.int64)
        off = excess[rows]
        matters = (off < 0) | (off >= self._pause_off)
        pause = self._pause[rows] & matters
        hurry = off >= self._fast
        wanted = self._wanted[rows] & matters & (self._next_change[rows] <= self._ticks)
        index = which(wanted | hurry | pause)
        if not index.size:
            return advance
        signal = ring.read(rows[index], play[index], self.frame + reach(self.rate_hz))
        lag, likeness = match(signal, self.rate_hz)
        exact = np.minimum(np.abs(off[index]), reach(self.rate_hz))
        lag = np.where(pause[index], exact, lag)
        need = np.where(off[index] < -self._fast, FAIR_LIKENESS, GOOD_LIKENESS)
        good = (likeness >= need) | hurry[index] | pause[index]
        sooner = off[index] > 0
        absent = signal == ABSENT
        there = np.where(absent.any(axis=1), absent.argmax(axis=1), signal.shape[1])
        enough = there >= self.frame + lag
        for some, make, sign in (
            (which(good & sooner & enough), shorten, 1),
            (which(good & ~sooner), lengthen, -1),
        ):
            if some.size:
                changed = rows[index[some]]
                frames[changed] = make(signal[some], lag[some], self.frame, self.rate_hz)
                advance[index[some]] += sign * lag[some]
                (self.removed if sign > 0 else self.inserted)[changed] += lag[some]
                self._next_change[changed] = self._ticks + CHANGE_TICKS
        return advance


def reach(rate_hz: int) -> int:
    """How many samples beyond a frame taking out may need."""
    return LONGEST_MS * rate_hz // 1000


def match(signal: NDArray[np.int16], rate_hz: int) -> Match:
    """Compare the first 8 ms of `signal` int16[k, >= 18 ms] with itself 2.5-10 ms later."""
    shortest, longest = int(SHORTEST_MS * rate_hz / 1000), reach(rate_hz)
    overlap = OVERLAP_MS * rate_hz // 1000
    samples = signal[:, : longest + overlap].astype(np.float32)
    begin = samples[:, :overlap]
    later = np.lib.stride_tricks.sliding_window_view(samples[:, shortest:], overlap, axis=1)
    product = np.einsum("klo,ko->kl", later, begin)
    energy = np.einsum("klo,klo->kl", later, later)
    own = np.einsum("ko,ko->k", begin, begin)
    floor = np.float32(overlap * QUIET_RMS**2)
    likeness = product / np.sqrt(np.maximum(energy * own[:, np.newaxis], floor * floor))
    best = likeness.argmax(axis=1)
    # In quiet take the longest, it brings the most.
    quiet = np.maximum(own, energy.max(axis=1)) < floor
    score = np.take_along_axis(likeness, best[:, np.newaxis], axis=1)[:, 0]
    return Match(
        np.where(quiet, longest, best + shortest).astype(np.int64),
        np.where(quiet, np.float32(1.0), score).astype(np.float32),
    )


def shorten(
    signal: NDArray[np.int16], lags: NDArray[np.int64], frame: int, rate_hz: int
) -> NDArray[np.int16]:
    """int16[k, >= frame + 10 ms] to int16[k, frame], which uses up frame + lag samples."""
    at = np.arange(frame)
    later = np.take_along_axis(signal, at + lags[:, np.newaxis], axis=1)
    return _fade(signal[:, :frame], later, (at + 1) / (OVERLAP_MS * rate_hz // 1000 + 1))


def lengthen(
    signal: NDArray[np.int16], lags: NDArray[np.int64], frame: int, rate_hz: int
) -> NDArray[np.int16]:
    """int16[k, >= frame] to int16[k, frame], which uses up frame - lag samples."""
    since = np.arange(frame) - lags[:, np.newaxis]
    earlier = np.take_along_axis(signal, np.maximum(since, 0), axis=1)
    return _fade(signal[:, :frame], earlier, (since + 1) / (OVERLAP_MS * rate_hz // 1000 + 1))


def _fade(
    a: NDArray[np.int16], b: NDArray[np.int16], weight: NDArray[np.float64]
) -> NDArray[np.int16]:
    weight = np.clip(weight, 0.0, 1.0)
    return np.asarray(np.rint(a + weight * (b.astype(np.float64) - a)), np.int16)
