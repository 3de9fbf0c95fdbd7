"""L16: 16-bit samples in network byte order (RFC 3551 §4.5.11), any number of lanes."""

import numpy as np
from numpy.typing import NDArray

from .errors import CodecError


def decode(payload: NDArray[np.uint8]) -> NDArray[np.int16]:
    """uint8[..., 2F] to int16[..., F]. An odd number of bytes raises CodecError."""
    if payload.shape[-1] % 2:
        raise CodecError("L16", f"{payload.shape[-1]} bytes are not a whole number of samples")
    return np.ascontiguousarray(payload).view(">i2").astype(np.int16)


def encode(pcm: NDArray[np.int16]) -> NDArray[np.uint8]:
    """int16[..., F] to uint8[..., 2F]."""
    return np.ascontiguousarray(pcm, ">i2").view(np.uint8)
