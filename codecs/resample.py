"""Streaming resampling of many lanes at once, without clicks where the chunks join.

Between 8, 16, 24 and 48 kHz: a linear-phase low-pass (Kaiser window) in polyphase form, applied as
a banded matrix product, so that a tick of all lanes is one or two GEMMs. Any other ratio (22.05 kHz
from a synthesizer) goes through soxr. Not here: drift correction, which the jitter buffer does.

The matrix for `up`/`down`: output j of a block is the sum over the block's inputs i of
x[i] * h[j * down + delay - i * up], with h the prototype at up * from_hz.
"""

import functools
import math

import numpy as np
import soxr  # type: ignore[import-untyped]
from numpy.typing import NDArray

from . import pcm

POLYPHASE_RATES_HZ = (8000, 16000, 24000, 48000)
HALF_TAPS = 24
"Half the filter's length, in samples of the lower rate: 3 ms at 8 kHz, which is also its delay."
STOPBAND_DB = 80.0
CUTOFF = 0.95
"Middle of the transition, as a share of the lower Nyquist frequency: 3.8 kHz between 8 and 16 kHz."
BLOCK_LOW_SAMPLES = 80
"A block of the matrix product, in samples of the lower rate: 10 ms at 8 kHz."


class Resampler:
    """Lanes from one rate to another. `lanes` rows share their chunks' lengths.

    Output is late by `delay_samples` (at the output rate); `flush` brings the rest out.
    """

    def __init__(self, from_hz: int, to_hz: int, lanes: int = 1) -> None:
        if from_hz <= 0 or to_hz <= 0 or lanes <= 0:
            raise ValueError(f"cannot resample {lanes} lanes from {from_hz} to {to_hz} Hz")
        self.from_hz, self.to_hz, self.lanes = from_hz, to_hz, lanes
        self._stage: _Copy | _Polyphase | _Soxr
        if from_hz == to_hz:
            self._stage = _Copy(lanes)
        elif from_hz in POLYPHASE_RATES_HZ and to_hz in POLYPHASE_RATES_HZ:
            self._stage = _Polyphase(from_hz, to_hz, lanes)
        else:
            self._stage = _Soxr(from_hz, to_hz, lanes)

    @property
    def delay_samples(self) -> int:
        """How far the output lags its input, at the output rate (soxr holds back instead: 0)."""
        return self._stage.delay_samples

    def push(self, x: NDArray[np.int16]) -> NDArray[np.int16]:
        """int16[lanes, n], any n, to int16[lanes, m]: what is complete by now."""
        if x.ndim != 2 or x.shape[0] != self.lanes:
            raise ValueError(f"{self.lanes} lanes wanted, samples have shape {x.shape}")
        return self._stage.push(x)

    def flush(self) -> NDArray[np.int16]:
        """What the filter still holds, int16[lanes, m]; after it a new stream begins."""
        return self._stage.flush()


class _Copy:
    delay_samples = 0

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes

    def push(self, x: NDArray[np.int16]) -> NDArray[np.int16]:
        return x

    def flush(self) -> NDArray[np.int16]:
        return np.empty((self._lanes, 0), np.int16)


class _Polyphase:
    """`pending` holds the filter's past and the inputs that do not yet fill a step of `down`."""

    def __init__(self, from_hz: int, to_hz: int, lanes: int) -> None:
        common = math.gcd(from_hz, to_hz)
        self._up, self._down = to_hz // common, from_hz // common
        self._past = past_samples(self._up, self._down)
        self._steps_a_block = BLOCK_LOW_SAMPLES // min(self._up, self._down)
        self._matrix = block_matrix(self._up, self._down, self._steps_a_block)
        self.delay_samples = HALF_TAPS * max(self._up, self._down) // self._down
        self._pending = np.zeros((lanes, self._past), np.float32)

    def push(self, x: NDArray[np.int16]) -> NDArray[np.int16]:
        samples = np.concatenate([self._pending, x], axis=1, dtype=np.float32)
        steps = (samples.shape[1] - self._past) // self._down
        self._pending = samples[:, steps * self._down :].copy()
        out = np.empty((len(x), steps * self._up), np.float32)
        whole = steps // self._steps_a_block * self._steps_a_block
        self._filter(samples, out, 0, whole, self._steps_a_block)
        if whole < steps:
            self._filter(samples, out, whole, steps, steps - whole)
        return pcm.saturate(out)

    def _filter(
        self,
        samples: NDArray[np.float32],
        out: NDArray[np.float32],
        begin: int,
        end: int,
        size: int,
    ) -> None:
        """Steps [begin, end) in blocks of `size` steps; a smaller block is the matrix's corner."""
        taps = self._past + size * self._down
        matrix = self._matrix[:taps, : size * self._up]
        for step in range(begin, end, size):
            first = step * self._down
            columns = slice(step * self._up, (step + size) * self._up)
            out[:, columns] = samples[:, first : first + taps] @ matrix

    def flush(self) -> NDArray[np.int16]:
        lanes = len(self._pending)
        held = self._pending.shape[1] - self._past
        # Zeros for the delay, rounded up to a whole step; the surplus outputs are cut off.
        silence = -(-self.delay_samples * self._down // self._up) + (-held) % self._down
        tail = self.push(np.zeros((lanes, -(-silence // self._down) * self._down), np.int16))
        self._pending = np.zeros((lanes, self._past), np.float32)
        return tail[:, : self.delay_samples + -(-held * self._up // self._down)]


class _Soxr:
    delay_samples = 0

    def __init__(self, from_hz: int, to_hz: int, lanes: int) -> None:
        # soxr's channels are our lanes; its frames are columns.
        # In float: to int16 it would dither, and no two runs would be the same.
        self._stream = soxr.ResampleStream(from_hz, to_hz, lanes, dtype="float32", quality="HQ")
        self._lanes = lanes

    def push(self, x: NDArray[np.int16]) -> NDArray[np.int16]:
        return self._resample(x, last=False)

    def flush(self) -> NDArray[np.int16]:
        rest = self._resample(np.empty((self._lanes, 0), np.int16), last=True)
        self._stream.clear()
        return rest

    def _resample(self, x: NDArray[np.int16], last: bool) -> NDArray[np.int16]:
        frames = np.ascontiguousarray(x.T, np.float32)
        out = self._stream.resample_chunk(frames, last=last)
        return np.ascontiguousarray(pcm.saturate(out.reshape(-1, self._lanes).T))


def past_samples(up: int, down: int) -> int:
    """Inputs before a block that its outputs still need."""
    return -(-2 * HALF_TAPS * max(up, down) // up)


@functools.cache
def prototype(up: int, down: int) -> NDArray[np.float64]:
    """The low-pass at `up` times the input rate, float64[2 * HALF_TAPS * max(up, down) + 1]."""
    high = max(up, down)
    centre = HALF_TAPS * high
    n = np.arange(-centre, centre + 1)
    beta = 0.1102 * (STOPBAND_DB - 8.7)  # Kaiser's formula for 50 dB and more
    low_pass = np.sinc(n * CUTOFF / high) * np.kaiser(2 * centre + 1, beta)
    return np.asarray(low_pass * (up / low_pass.sum()), np.float64)


@functools.cache
def block_matrix(up: int, down: int, steps: int) -> NDArray[np.float32]:
    """float32[past + steps * down, steps * up]; a step is `down` inputs and `up` outputs."""
    h = prototype(up, down)
    past = past_samples(up, down)
    i = np.arange(past + steps * down)[:, np.newaxis] - past
    j = np.arange(steps * up)[np.newaxis, :]
    tap = j * down - i * up
    inside = (tap >= 0) & (tap < len(h))
    return np.where(inside, h[np.clip(tap, 0, len(h) - 1)], 0.0).astype(np.float32)
