"""RTP headers of a matrix of packets at once (RFC 3550 §5.1, §5.3.1; RFC 5761 §4; RFC 8285).

Not here: what a payload holds, nor whether a packet is wanted (reception.py).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 12
SHORTEST_RTCP_BYTES = 8
VERSION = 2
FIRST_RTCP_TYPE, LAST_RTCP_TYPE = 192, 223
"Second bytes that mean RTCP on a shared port (RFC 5761 §4)."

_PADDING, _EXTENSION = 1 << 29, 1 << 28
_OPTIONS = 0x3F000000  # padding, extension and CSRC count in the first word


class Packets(NamedTuple):
    """The headers of k packets, one element a packet."""

    ok: NDArray[np.bool_]
    "A well-formed RTP packet. What is neither `ok` nor `is_rtcp` is malformed: count it."
    is_rtcp: NDArray[np.bool_]
    "Of an RTCP type; give it to rtcp.parse. The fields below mean nothing then."
    payload_type: NDArray[np.int64]
    marker: NDArray[np.bool_]
    sequence: NDArray[np.int64]
    "16 bits, as on the wire."
    timestamp: NDArray[np.int64]
    "32 bits, as on the wire, in the codec's RTP clock."
    ssrc: NDArray[np.int64]
    payload_offset: NDArray[np.int64]
    "Where the payload begins in its row: after CSRCs and header extension."
    payload_length: NDArray[np.int64]
    "Bytes of payload without padding; 0 where not `ok`."


def parse(buf: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Packets:
    """Parse packets `buf` [k, M] (M >= 12) of `lengths` [k] bytes; raises nothing.

    A length beyond M (a datagram that was cut) is malformed.
    """
    assert buf.shape[1] >= HEADER_BYTES, "a row must hold a header"
    words = np.ascontiguousarray(buf[:, :HEADER_BYTES]).view(">u4").astype(np.int64)
    first = words[:, 0]
    kind = (first >> 16) & 0xFF
    control = (kind >= FIRST_RTCP_TYPE) & (kind <= LAST_RTCP_TYPE)
    sane = ((first >> 30) == VERSION) & (lengths <= buf.shape[1])
    ok = sane & ~control & (lengths >= HEADER_BYTES)
    offset = np.full(len(first), HEADER_BYTES, np.int64)
    length = lengths - HEADER_BYTES
    unusual = ok & ((first & _OPTIONS) != 0)
    if np.count_nonzero(unusual):
        _skip_options(buf, lengths, first, np.flatnonzero(unusual), offset, length, ok)
    return Packets(
        ok=ok,
        is_rtcp=sane & control & (lengths >= SHORTEST_RTCP_BYTES),
        payload_type=kind & 0x7F,
        marker=kind >= 0x80,
        sequence=first & 0xFFFF,
        timestamp=words[:, 1],
        ssrc=words[:, 2],
        payload_offset=offset,
        payload_length=length * ok,
    )


def _skip_options(
    buf: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    first: NDArray[np.int64],
    rows: NDArray[np.int64],
    offset: NDArray[np.int64],
    payload: NDArray[np.int64],
    ok: NDArray[np.bool_],
) -> None:
    """Find where the payload of `rows` begins and ends; clears `ok` where it cannot be."""
    word, length = first[rows], lengths[rows]
    begin = HEADER_BYTES + 4 * ((word >> 24) & 0xF)
    fits = begin <= length
    extended = (word & _EXTENSION) != 0
    # Extension header: 16 bits of profile, 16 bits of length in words (RFC 3550 §5.3.1).
    at = np.where(extended & (begin + 4 <= length), begin, 0)
    words = buf[rows, at + 2].astype(np.int64) << 8 | buf[rows, at + 3]
    fits &= ~extended | (at > 0)
    begin = np.where(extended, begin + 4 + 4 * words, begin)
    # Padding: the last byte counts itself, so it is never 0 (RFC 3550 §5.1).
    last = buf[rows, np.maximum(length - 1, 0)].astype(np.int64)
    padded = (word & _PADDING) != 0
    pad = np.where(padded, last, 0)
    fits &= (begin + pad <= length) & (~padded | (pad > 0))
    offset[rows] = np.where(fits, begin, HEADER_BYTES)
    payload[rows] = length - begin - pad
    ok[rows] = fits


def write_headers(
    buf: NDArray[np.uint8],
    payload_type: NDArray[np.int64],
    marker: NDArray[np.bool_],
    sequence: NDArray[np.int64],
    timestamp: NDArray[np.int64],
    ssrc: NDArray[np.int64],
) -> None:
    """Write the first 12 bytes of each row of `buf` [n, M]; numbers are cut to their fields."""
    words = np.empty((len(buf), 3), ">u4")
    words[:, 0] = (
        (VERSION << 30)
        | (marker.astype(np.int64) << 23)
        | ((payload_type & 0x7F) << 16)
        | (sequence & 0xFFFF)
    )
    words[:, 1] = timestamp & 0xFFFFFFFF
    words[:, 2] = ssrc & 0xFFFFFFFF
    buf[:, :HEADER_BYTES] = words.view(np.uint8)
