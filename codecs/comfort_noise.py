"""Comfort noise: the RTP payload of RFC 3389, and noise to play for it, many lanes.

The spectrum is optional in the payload: reflection coefficients of an all-pole model. Noise without
them is white. Not here: when to send or play it.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from . import pcm
from .errors import CodecError

MAX_COEFFICIENTS = 32
"More than any codec's model order; what follows in a payload is ignored."
IMPULSE_MS = 8
"How much of the model's impulse response is used: poles this side of 0.95 have died away by then."
COEFFICIENT_STEP = 258 / 32768
"RFC 3389 §3.2: k = 258 (N - 127) / 32768."


class NoiseLevel(msgspec.Struct, frozen=True):
    """One comfort noise packet."""

    level_dbov: int
    "0 (overload) to -127."
    reflection: tuple[float, ...] = ()
    "Each in -1..1; empty: white."


def parse(payload: bytes) -> NoiseLevel:
    """Read a CN payload (RFC 3389 §3). An empty one raises CodecError."""
    if not payload:
        raise CodecError("CN", "empty payload")
    # The top bit "MUST be 0": it is masked, as one sender's slip should not make noise a roar.
    codes = payload[1 : 1 + MAX_COEFFICIENTS]
    reflection = tuple((min(code, 254) - 127) * COEFFICIENT_STEP for code in codes)
    return NoiseLevel(-(payload[0] & 0x7F), reflection)


def build(level: NoiseLevel) -> bytes:
    """Write a CN payload; out of range values are brought to the nearest that can be told."""
    codes = [round(k / COEFFICIENT_STEP) + 127 for k in level.reflection]
    return bytes([max(0, min(127, -level.level_dbov)), *(max(0, min(254, c)) for c in codes)])


def measure(noise: NDArray[np.int16]) -> NDArray[np.float32]:
    """Level of int16[n, F] in dBov, float32[n]."""
    return pcm.rms_dbov(noise)


def reflection_coefficients(noise: NDArray[np.int16], order: int) -> NDArray[np.float64]:
    """Spectrum of int16[n, F] as float64[n, order], by Levinson and Durbin's recursion.

    The sign is that of 1 + k z^-1 (low-pass noise has a negative first one).
    """
    samples = noise.astype(np.float64)
    frame = samples.shape[1]
    r = np.stack(
        [
            np.einsum("ni,ni->n", samples[:, lag:], samples[:, : frame - lag])
            for lag in range(order + 1)
        ]
    )
    r[0] = r[0] * (1 + 1e-4) + 1.0  # a floor of white noise 40 dB below keeps the recursion stable
    error = r[0].copy()
    a = np.zeros((order + 1, len(samples)))
    a[0] = 1.0
    k = np.zeros((len(samples), order))
    for m in range(1, order + 1):
        k[:, m - 1] = -np.einsum("in,in->n", a[:m], r[m:0:-1]) / error
        a[1 : m + 1] += k[:, m - 1] * a[m - 1 :: -1][:m]
        error *= 1.0 - k[:, m - 1] ** 2
    return k


def impulse_response(reflection: Sequence[float], length: int) -> NDArray[np.float32]:
    """First `length` samples of the all-pole model's response, of energy 1: float32[length]."""
    a = np.ones(1)
    for k in reflection:
        k = max(-0.99, min(0.99, k))  # on the unit circle the model would ring for ever
        a = np.append(a, 0.0) + k * np.append(a, 0.0)[::-1]
    h = np.zeros(length)
    h[0] = 1.0
    for n in range(1, length):
        reach = min(n, len(a) - 1)
        h[n] = -(a[1 : reach + 1] @ h[n - reach : n][::-1])
    return np.asarray(h / np.sqrt(h @ h), np.float32)


class ComfortNoise:
    """Noise for lanes at one rate. Each lane's spectrum is kept until it is told anew."""

    def __init__(self, lanes: int, rate_hz: int, seed: int) -> None:
        self._random = np.random.Generator(np.random.SFC64(seed))
        self._taps = IMPULSE_MS * rate_hz // 1000
        self._response = np.zeros((lanes, self._taps), np.float32)
        self._response[:, 0] = 1.0
        self._shaped = np.zeros(lanes, np.bool_)
        self._past = np.zeros((lanes, self._taps - 1), np.float32)

    def grow(self, lanes: int) -> None:
        """Make room for `lanes` rows."""
        more = lanes - len(self._response)
        self._response = np.pad(self._response, ((0, more), (0, 0)))
        self._response[-more:, 0] = 1.0
        self._shaped = np.pad(self._shaped, (0, more))
        self._past = np.pad(self._past, ((0, more), (0, 0)))

    def clear(self, row: int) -> None:
        """Make a row as new: white."""
        self.shape(row, ())
        self._past[row] = 0

    def shape(self, row: int, reflection: Sequence[float]) -> None:
        """Give a lane the spectrum of a packet; an empty one makes it white again."""
        self._shaped[row] = len(reflection) > 0
        self._response[row] = impulse_response(reflection, self._taps)

    def frames(
        self,
        levels_dbov: NDArray[np.float32],
        samples: int,
        rows: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int16]:
        """The next `samples` of each lane, int16[n, samples], at float32[n] levels.

        `rows` says which lanes the levels belong to; without it they are the first n.
        """
        count = len(levels_dbov)
        rows = np.arange(count) if rows is None else rows
        noise = self._random.standard_normal((count, samples), np.float32)
        shaped = np.flatnonzero(self._shaped[rows])
        if shaped.size:
            noise[shaped] = self._filter(noise[shaped], rows[shaped])
        amplitude = np.float32(pcm.FULL_SCALE) * 10.0 ** (levels_dbov / np.float32(20.0))
        return pcm.saturate(noise * amplitude[:, np.newaxis].astype(np.float32))

    def _filter(self, white: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Convolve with each lane's response; the past makes frames join without a seam."""
        samples = np.concatenate([self._past[rows], white], axis=1)
        self._past[rows] = samples[:, white.shape[1] :]
        size = 1 << (samples.shape[1] + self._taps - 1).bit_length()
        spectrum = np.fft.rfft(samples, size) * np.fft.rfft(self._response[rows], size)
        filtered = np.fft.irfft(spectrum, size)
        begin = self._taps - 1
        return np.asarray(filtered[:, begin : begin + white.shape[1]], np.float32)
