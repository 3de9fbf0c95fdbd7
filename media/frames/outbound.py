"""From frames to packets, for all lanes of a cohort: encode, RTP header, key presses, send.

Not here: what is said (playout.py) and how packets leave (wire.py).
"""

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...codecs import g711, l16
from ...codecs.catalog import Codec
from ...codecs.opus import EXPECTED_LOSS_PERCENT, SILENT_PACKET_BYTES, OpusEncoder
from . import rtp
from .encode import ALAW, L16, ULAW, Encoder, Encoding, encoder_of
from .lanes import FRAME_MS, Columns, frame_samples, which
from .telephone_event import DigitSender
from .wire import Wire

RTP_HEADER_BYTES = 12
MAX_KEY_STRINGS = 16
"Strings of keys that wait for each other in one lane; the oldest goes first when more come."
PACKET_BYTES = RTP_HEADER_BYTES + 640
"Room for a 20 ms frame of L16 at 16 kHz, the largest payload that is sent."
ENCODED = {ULAW: g711.encode_ulaw, ALAW: g711.encode_alaw, L16: l16.encode}
"How samples become payloads of each encoding without state."


class Outbound(Columns):
    """The sending state of each lane, and the packets of one tick."""

    def __init__(self, capacity: int, rate_hz: int) -> None:
        super().__init__(capacity)
        self.frame = frame_samples(rate_hz)
        self.encoding: NDArray[np.uint8] = self.column("encoding", np.uint8)
        self.sending: NDArray[np.bool_] = self.column("sending", np.bool_)
        self.payload_type: NDArray[np.int64] = self.column("payload_type", np.int64)
        self.sequence: NDArray[np.int64] = self.column("sequence", np.int64)
        self.timestamp: NDArray[np.int64] = self.column("timestamp", np.int64)
        self.timestamp_step: NDArray[np.int64] = self.column("timestamp_step", np.int64)
        "RTP clock ticks of one frame."
        self.ssrc: NDArray[np.int64] = self.column("ssrc", np.int64)
        self.marker: NDArray[np.bool_] = self.column("marker", np.bool_)
        "Mark the next packet: the stream (re)starts there (RFC 3551 §4.1)."
        self.destination: NDArray[np.uint64] = self.column("destination", np.uint64)
        self.packets_sent: NDArray[np.int64] = self.column("packets_sent", np.int64)
        self.octets_sent: NDArray[np.int64] = self.column("octets_sent", np.int64)
        self.packets: NDArray[np.uint8] = self.column("packets", np.uint8, PACKET_BYTES)
        self.lengths: NDArray[np.int64] = self.column("lengths", np.int64)
        self.encoders: dict[int, Encoder] = {}
        "Rows whose codec has state."
        self.keys: dict[int, deque[_Keys]] = {}
        "Rows that are pressing keys now."

    def configure(self, row: int, codec: Codec, payload_type: int, fmtp: str = "") -> None:
        """Encode the row's frames with `codec`, as the far end's `fmtp` asks, from now on."""
        self.encoding[row] = Encoding.of(codec)
        self.payload_type[row] = payload_type
        self.timestamp_step[row] = codec.clock_rate_hz * FRAME_MS // 1000
        self.encoders.pop(row, None)
        encoder = encoder_of(codec, fmtp)
        if encoder is not None:
            self.encoders[row] = encoder

    def clear(self, row: int) -> None:
        """The row sends nothing any more."""
        super().clear(row)
        self.keys.pop(row, None)
        self.encoders.pop(row, None)

    def expect_loss(self, row: int, fraction: float) -> None:
        """The far end has reported so much loss of our stream: Opus spends more on FEC."""
        encoder = self.encoders.get(row)
        if isinstance(encoder, OpusEncoder):
            encoder.expect_loss(max(EXPECTED_LOSS_PERCENT, round(100 * fraction)))

    def press(self, row: int, keys: str, payload_type: int, clock_hz: int) -> None:
        """Send key presses, after those that are still being sent. Raises ValueError."""
        sender = DigitSender(keys, clock_hz)
        waiting = self.keys.setdefault(row, deque(maxlen=MAX_KEY_STRINGS))
        waiting.append(_Keys(sender, payload_type, clock_hz * FRAME_MS // 1000))

    def skip(self, n: int) -> None:
        """A frame that was never made: the far end sees a gap in time, not a loss."""
        self._advance(n)
        self.marker[:n] = True

    def send(self, n: int, frames: NDArray[np.int16], cohort: int, wire: Wire) -> None:
        """Encode and send one frame, int16[n, F], of each lane that has somewhere to send to."""
        rows = which(self.sending[:n] & (self.destination[:n] != 0))
        if rows.size:
            self._encode(n, frames)
            marker = self.marker[:n]
            rtp.write_headers(
                self.packets[:n],
                self.payload_type[:n],
                marker,
                self.sequence[:n],
                self.timestamp[:n],
                self.ssrc[:n],
            )
            if self.keys:
                self._press_keys(set(rows.tolist()))
            if self.encoders:
                rows = self._without_silence(rows)
            wire.send(cohort, rows, self.packets, self.lengths, self.destination)
            self.sequence[rows] = (self.sequence[rows] + 1) & 0xFFFF
            self.packets_sent[rows] += 1
            self.octets_sent[rows] += self.lengths[rows] - RTP_HEADER_BYTES
            self.marker[rows] = False
        self._advance(n)

    def _without_silence(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Opus with DTX has made packets that need not be sent; speech begins anew after them."""
        silent = self.lengths[rows] <= RTP_HEADER_BYTES + SILENT_PACKET_BYTES
        self.marker[rows[silent]] = True
        return rows[~silent]

    def _advance(self, n: int) -> None:
        self.timestamp[:n] = (self.timestamp[:n] + self.timestamp_step[:n]) & 0xFFFFFFFF

    def _encode(self, n: int, frames: NDArray[np.int16]) -> None:
        encoding = self.encoding[:n]
        payload = self.packets[:n, RTP_HEADER_BYTES:]
        last = int(encoding.max())
        alone = np.count_nonzero(encoding == last) == np.count_nonzero(encoding)
        if last in (ULAW, ALAW) and alone:
            # The usual cohort: one G.711 law wherever there is a lane, no row selection to copy.
            payload[:, : self.frame] = ENCODED[last](frames)
            self.lengths[:n] = RTP_HEADER_BYTES + self.frame
            return
        for law, encode in ENCODED.items():
            rows = which(encoding == law)
            if rows.size:
                payloads = encode(frames[rows])
                payload[rows, : payloads.shape[1]] = payloads
                self.lengths[rows] = RTP_HEADER_BYTES + payloads.shape[1]
        for row, encoder in self.encoders.items():
            if self.sending[row] and row < n:
                data = encoder.encode(frames[row])
                payload[row, : len(data)] = np.frombuffer(data, np.uint8)
                self.lengths[row] = RTP_HEADER_BYTES + len(data)

    def _press_keys(self, sending: set[int]) -> None:
        """Rows that press keys send telephone events in place of audio (RFC 4733 §2.5.1).

        On hold keys wait.
        """
        for row, waiting in list(self.keys.items()):
            if row not in sending:
                continue
            event = waiting[0].sender.tick()
            if event is None:
                if waiting[0].sender.done:
                    waiting.popleft()
                    if not waiting:
                        del self.keys[row]
                continue
            packet = self.packets[row]
            packet[1] = waiting[0].payload_type | (0x80 if event.marker else 0)
            # Events may count another clock than the audio they stand in for (8000 beside Opus);
            # their timestamp is the audio's all the same.
            elapsed = event.elapsed * int(self.timestamp_step[row]) // waiting[0].step
            began = (int(self.timestamp[row]) - elapsed) & 0xFFFFFFFF
            packet[4:8] = np.frombuffer(began.to_bytes(4, "big"), np.uint8)
            data = event.payload
            packet[RTP_HEADER_BYTES : RTP_HEADER_BYTES + len(data)] = np.frombuffer(data, np.uint8)
            self.lengths[row] = RTP_HEADER_BYTES + len(data)


class _Keys(NamedTuple):
    """A string of keys on its way."""

    sender: DigitSender
    payload_type: int
    step: int
    "Event clock ticks of one frame."
