"""Samples: int16 at the edges, float32 in [-1, 1) inside, and their levels.

Not here: formats on the wire (g711, l16) and rates (resample).
"""

import math

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32768.0
"int16 units of 0 dBov: the level of a full-scale square wave."
SILENCE_DBOV = -127.0
"What digital silence is called (RFC 3389 §3.1: the lowest level that can be told)."
DBM0_AT_DBOV = 6.15
"0 dBm0 is -6.15 dBov in A-law (ITU-T G.100.1); in mu-law it is 0.03 dB less."


def to_float(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """int16[...] to float32[...] in [-1, 1)."""
    return pcm.astype(np.float32) * np.float32(1.0 / FULL_SCALE)


def to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """float32[...] of full scale 1 to int16[...]; rounds, and saturates instead of wrapping."""
    return saturate(samples * np.float32(FULL_SCALE))


def saturate(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Float samples in int16 units to int16[...], rounded and clipped to its range."""
    return np.asarray(np.clip(np.rint(samples), -32768.0, 32767.0).astype(np.int16))


def rms_dbov(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """Level of int16[..., F] over its last axis, float32[...] in dBov, -127 for silence."""
    samples = pcm.astype(np.float32)
    power = np.einsum("...i,...i->...", samples, samples) / max(1, pcm.shape[-1])
    floor = FULL_SCALE**2 * 10.0 ** (SILENCE_DBOV / 10.0)
    level = 10.0 * np.log10(np.maximum(power, floor) / FULL_SCALE**2)
    return np.asarray(level, np.float32)


def mix(*signals: NDArray[np.int16]) -> NDArray[np.int16]:
    """Sum of signals of one shape, saturated."""
    total = signals[0].astype(np.int32)
    for signal in signals[1:]:
        total += signal
    return np.clip(total, -32768, 32767).astype(np.int16)


def sine_amplitude(level_dbm0: float) -> float:
    """Peak, in int16 units, of a sine of that level."""
    return FULL_SCALE * math.sqrt(2.0) * math.pow(10.0, (level_dbm0 - DBM0_AT_DBOV) / 20.0)
