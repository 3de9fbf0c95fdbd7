"""Decoding of codecs whose decoder has state, lane by lane and in the order of their packets.

Packets wait here until their audio is about to be played, so that reordered ones are in order, and
so that a lost one can be had from the redundancy in the next (Opus in-band FEC). While none is
missing they are decoded a little ahead, for time scaling; what lies behind a missing packet waits
until that one's time has come, for a decoder does not go back. Not here: codecs
without state, which are decoded for all lanes at once, and loss that no packet knows anything of
(concealment.py).
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...codecs import g722, opus
from ...codecs.catalog import Codec
from ...codecs.errors import CodecError
from .lanes import frame_samples

MAX_PACKETS = 128
"Waiting packets; with more the one to be played last is dropped."
MAX_BRIDGED_PACKETS = 3
"Packets lost in a row that the codec itself bridges; beyond that its guess is worth nothing."
SEQUENCES = 1 << 16


class Decoder(Protocol):
    """A codec's decoder."""

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """One packet to samples at the lane's rate. Raises CodecError."""
        ...


class Bridge(Protocol):
    """What some decoders can do about lost packets."""

    def recover(self, next_payload: bytes, samples: int) -> NDArray[np.int16]:
        """The packet before `next_payload`. Raises CodecError."""
        ...

    def conceal(self, samples: int) -> NDArray[np.int16]:
        """A guess. Raises CodecError."""
        ...

    def close(self) -> None: ...


class Piece(NamedTuple):
    """Decoded audio and where it belongs."""

    position: int
    pcm: NDArray[np.int16]


class _Waiting(NamedTuple):
    position: int
    sequence: int
    payload: bytes


class LaneDecoder:
    """One lane's decoder and the packets that wait for it."""

    def __init__(self, decoder: Decoder, bridge: Bridge | None, rate_hz: int) -> None:
        """`bridge`: the same decoder, where it can make up for lost packets."""
        self._decoder = decoder
        self._bridge = bridge
        self._rate_hz = rate_hz
        self._frame = frame_samples(rate_hz)
        self._waiting: dict[int, _Waiting] = {}
        self._end: int | None = None
        "One past the last sample decoded."
        self._sequence = 0
        self.errors = 0
        "Packets that could not be decoded."
        self.late = 0
        "Packets that came after a later one had been decoded."
        self.dropped = 0
        "Packets beyond MAX_PACKETS."
        self.recovered = 0
        "Packets that were lost and had from the next one's redundancy, or guessed by the codec."

    def samples(self, payload: bytes) -> int:
        """Length of a packet in lane samples; 0 (and an error counted) when it is malformed."""
        try:
            if self._bridge is not None:
                return opus.packet_samples(payload, self._rate_hz)
        except CodecError:
            self.errors += 1
            return 0
        if len(payload) > g722.MAX_PAYLOAD_BYTES:
            self.errors += 1
            return 0
        return 2 * len(payload)

    def put(self, sequence: int, position: int, payload: bytes) -> bool:
        """Keep an admitted packet until it is due; False: it is late. `sequence` as on the wire."""
        if self._end is not None and position < self._end:
            self.late += 1
            return False
        self._waiting[sequence] = _Waiting(position, sequence, payload)
        if len(self._waiting) > MAX_PACKETS:
            del self._waiting[max(self._waiting.values()).sequence]
            self.dropped += 1
        return True

    def due(self, until_position: int) -> list[Piece]:
        """Decode what begins before `until_position`, in order; behind a hole only what is needed.

        `until_position` is to be at least a frame beyond what is played next.
        """
        pieces: list[Piece] = []
        while self._waiting:
            packet = min(self._waiting.values())
            if self._end is not None and packet.position < self._end:
                del self._waiting[packet.sequence]  # overlaps with one decoded since it came
                self.late += 1
                continue
            if not self._is_due(packet, until_position):
                break
            del self._waiting[packet.sequence]
            pieces += self._make_up(packet)
            pieces += self._decode(packet)
        return pieces

    def close(self) -> None:
        """Free the decoder's state."""
        self._waiting.clear()
        if self._bridge is not None:
            self._bridge.close()

    def _is_due(self, packet: _Waiting, until_position: int) -> bool:
        lost = self._lost_before(packet)
        if self._end is None or packet.position == self._end or not lost:
            return packet.position < until_position
        played_next = until_position - self._frame
        if self._bridge is not None and lost <= MAX_BRIDGED_PACKETS:
            return self._end < played_next  # it can tell something of what is missing
        return packet.position <= played_next

    def _lost_before(self, packet: _Waiting) -> int:
        return (packet.sequence - self._sequence - 1) % SEQUENCES

    def _make_up(self, packet: _Waiting) -> list[Piece]:
        """The packets lost before this one: the last by its redundancy, earlier ones guessed."""
        if self._bridge is None or self._end is None:
            return []
        lost, hole = self._lost_before(packet), packet.position - self._end
        if not 0 < lost <= MAX_BRIDGED_PACKETS or hole <= 0:
            return []
        pieces: list[Piece] = []
        try:
            length = min(hole // lost, opus.packet_samples(packet.payload, self._rate_hz))
            for number in range(lost - 1):
                guess = self._bridge.conceal(length)
                pieces.append(Piece(packet.position - (lost - number) * length, guess))
            known = self._bridge.recover(packet.payload, length)
            pieces.append(Piece(packet.position - length, known))
        except CodecError:
            self.errors += 1
        self.recovered += len(pieces)
        return pieces

    def _decode(self, packet: _Waiting) -> list[Piece]:
        self._sequence = packet.sequence
        try:
            pcm = self._decoder.decode(packet.payload)
        except CodecError:
            self.errors += 1
            self._end = packet.position
            return []
        self._end = packet.position + len(pcm)
        return [Piece(packet.position, pcm)]


def decoder_of(codec: Codec) -> LaneDecoder | None:
    """A new decoder for codecs that need one a lane, None for those decoded in batch.

    Raises CodecUnavailable when the codec's library is missing.
    """
    if codec.name == "G722":
        return LaneDecoder(g722.G722Decoder(), None, codec.sample_rate_hz)
    if codec.name == "opus":
        decoder = opus.OpusDecoder(codec.sample_rate_hz)
        return LaneDecoder(decoder, decoder, codec.sample_rate_hz)
    return None
