"""Telephone speech for a recogniser that was trained on 16 kHz. Pure.

The upper half of the spectrum is missing on a G.711 line, and the model takes its absence for a
sound of its own. Folding fills it with the mirror image of the lower half: sibilants, which have
most energy near 4 kHz, get theirs back above it.
Measured with 119 sentences of a recorded voice and grammars of 60 phrases: 108 right without,
113 with the fold at 0 dB (111 at -12 dB, 107 at +3 dB).
"""

import numpy as np
import soxr  # type: ignore[import-untyped]
from numpy.typing import NDArray

WIDE_HZ = 16000
FOLD_DB = 0.0


def to_wide(pcm: NDArray[np.int16], rate_hz: int) -> NDArray[np.int16]:
    """int16[n] at 8 or 16 kHz as int16[m] at 16 kHz."""
    if rate_hz == WIDE_HZ or not pcm.size:
        return pcm
    assert 2 * rate_hz == WIDE_HZ, "a lane is 8 or 16 kHz"
    low: NDArray[np.float32] = soxr.resample(pcm.astype(np.float32), rate_hz, WIDE_HZ)[
        : 2 * pcm.size
    ]
    # Zeros between the samples mirror the spectrum at 4 kHz; less the low part, its image is left.
    both = np.zeros(2 * pcm.size, np.float32)
    both[::2] = 2.0 * pcm
    folded = low + (both[: low.size] - low) * 10 ** (FOLD_DB / 20)
    pcm16: NDArray[np.int16] = np.clip(np.rint(folded), -32768, 32767).astype(np.int16)
    return pcm16
