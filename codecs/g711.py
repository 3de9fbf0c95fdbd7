"""G.711 mu-law and A-law by table: one look-up a sample, any shape, lanes or not.

The tables are computed once from the rules of ITU-T G.711 (Tables 1a-2b) with the arithmetic of
the ITU's software library (G.191): negative samples are taken as one's complement, so that the
code of -x-1 is the code of x with the sign bit flipped.
"""

import numpy as np
from numpy.typing import NDArray

ULAW_BIAS = 33
"Added to the 14-bit magnitude, so that each segment starts at a power of two."
ULAW_CLIP = 0x1FFF
ULAW_SILENCE = 0xFF
ALAW_SILENCE = 0xD5
ALAW_EVEN_BITS = 0x55
"A-law inverts the even bits of what goes on the line (G.711 Table 1a, note 2)."


def _expand_ulaw() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    segment, step = (code >> 4) & 7, code & 15
    magnitude = ((2 * step + ULAW_BIAS) << segment) - ULAW_BIAS
    return (np.where(code & 0x80, -magnitude, magnitude) * 4).astype(np.int16)


def _compress_ulaw() -> NDArray[np.uint8]:
    sample, magnitude = _samples_and_magnitudes(bits=14)
    biased = np.minimum(magnitude + ULAW_BIAS, ULAW_CLIP)
    segment = np.maximum(np.frexp(biased)[1] - 6, 0)
    code = ~((segment << 4) | ((biased >> (segment + 1)) & 15)) & 0x7F
    return np.asarray(np.where(sample < 0, code, code | 0x80), np.uint8)


def _expand_alaw() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ ALAW_EVEN_BITS
    segment, step = (code >> 4) & 7, code & 15
    linear = 2 * step + 1
    magnitude = np.where(segment == 0, linear, (linear + 32) << np.maximum(segment - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) * 8).astype(np.int16)


def _compress_alaw() -> NDArray[np.uint8]:
    sample, magnitude = _samples_and_magnitudes(bits=12)
    segment = np.maximum(np.frexp(magnitude)[1] - 4, 0)
    step = (magnitude >> np.maximum(segment - 1, 0)) & 15
    code = (segment << 4) | step
    return np.asarray(np.where(sample < 0, code, code | 0x80) ^ ALAW_EVEN_BITS, np.uint8)


def _samples_and_magnitudes(bits: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Every int16 in the order of its uint16 view, and its magnitude cut to `bits` with sign."""
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    return sample, np.where(sample < 0, ~sample, sample) >> (16 - bits)


ULAW_TO_PCM = _expand_ulaw()
"int16[256]"
ALAW_TO_PCM = _expand_alaw()
"int16[256]"
PCM_TO_ULAW = _compress_ulaw()
"uint8[65536], indexed by the sample's uint16 view"
PCM_TO_ALAW = _compress_alaw()
"uint8[65536], indexed by the sample's uint16 view"


def decode_ulaw(payload: NDArray[np.uint8]) -> NDArray[np.int16]:
    """uint8[...] to int16[...] of the same shape."""
    return np.take(ULAW_TO_PCM, payload)


def encode_ulaw(pcm: NDArray[np.int16]) -> NDArray[np.uint8]:
    """int16[...] to uint8[...] of the same shape."""
    return np.take(PCM_TO_ULAW, pcm.view(np.uint16))


def decode_alaw(payload: NDArray[np.uint8]) -> NDArray[np.int16]:
    """uint8[...] to int16[...] of the same shape."""
    return np.take(ALAW_TO_PCM, payload)


def encode_alaw(pcm: NDArray[np.int16]) -> NDArray[np.uint8]:
    """int16[...] to uint8[...] of the same shape."""
    return np.take(PCM_TO_ALAW, pcm.view(np.uint16))
