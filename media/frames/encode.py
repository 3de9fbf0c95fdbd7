"""How a lane's frames become payload: in batch without codec state, per lane with it."""

import enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...codecs.catalog import Codec
from ...codecs.g722 import G722Encoder
from ...codecs.opus import OpusEncoder, read_wishes


class Encoding(enum.IntEnum):
    """What a row's column `encoding` says; NONE is a row without a lane."""

    NONE = 0
    ULAW = 1
    ALAW = 2
    L16 = 3
    STATEFUL = 4

    @classmethod
    def of(cls, codec: Codec) -> "Encoding":
        """The batch that a codec belongs to."""
        return _BY_NAME[codec.name]


NONE, ULAW, ALAW, L16, STATEFUL = (encoding.value for encoding in Encoding)
"As plain numbers: numpy compares a column with a member of an enum six times as slowly."

_BY_NAME = {
    "PCMU": Encoding.ULAW,
    "PCMA": Encoding.ALAW,
    "L16": Encoding.L16,
    "G722": Encoding.STATEFUL,
    "opus": Encoding.STATEFUL,
}


class Encoder(Protocol):
    """A codec with state: one a lane."""

    def encode(self, pcm: NDArray[np.int16]) -> bytes | NDArray[np.uint8]:
        """One frame, int16[F], to its payload."""
        ...


def encoder_of(codec: Codec, fmtp: str = "") -> Encoder | None:
    """A new encoder for codecs that need one a lane, None for the batch ones.

    `fmtp` is what the far end asks of it.
    """
    if codec.name == "G722":
        return G722Encoder()
    if codec.name == "opus":
        wishes = read_wishes(fmtp)
        return OpusEncoder(codec.sample_rate_hz, wishes.bitrate_bps, fec=wishes.fec, dtx=wishes.dtx)
    return None
