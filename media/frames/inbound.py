"""From packets to the jitter buffer, for all lanes of a cohort: parse, latch, tell apart, decode.

Latching (symmetric RTP): the first valid packet decides where a lane's audio comes from and goes
to, whatever the far end's SDP says (NAT); packets of others are counted and dropped until the lane
is configured anew by a re-INVITE. But whoever guesses a port may be the first: a source that is
likelier to be the far end takes the lane from one that is less so. Likeliest is the address that
its SDP says, then the machine that says so, or that signals; nobody goes back. RTCP on the same
port is taken from that source only, too.

Some far ends change between the two laws of G.711 in mid-call without a re-INVITE, and RFC 3264
§6.1 lets them where both were offered: their payload types are static, so each packet says which it
is. Other payload types that were not agreed are dropped and counted.
"""

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...codecs import comfort_noise, g711, l16
from ...codecs.catalog import PCMA, PCMU, Codec
from ...codecs.errors import CodecError
from . import rtp
from .decode import LaneDecoder, decoder_of
from .encode import ALAW, L16, NONE, STATEFUL, ULAW, Encoding
from .jitter import Jitter, rounds
from .lanes import FRAME_MS, Columns, frame_samples, which
from .wire import PORT_BITS, Inbox

NO_PAYLOAD_TYPE = -1
COMFORT_NOISE_PAYLOAD_TYPE = 13
"RFC 3389; trunks send it without having agreed on it."
MOST_AGO_S = 1.0
"A packet that seems to have come longer ago tells of a leap of wall time."
HOST_SHIFT = np.uint64(PORT_BITS)
NO_ROWS: NDArray[np.int64] = np.empty(0, np.int64)
LOOK_AHEAD_FRAMES = 2
"How far beyond the play position codecs with state are decoded: time scaling reads ahead."


def _decode_l16(payload: NDArray[np.uint8]) -> NDArray[np.int16]:
    return l16.decode(payload[:, : payload.shape[1] // 2 * 2])


DECODED = {ULAW: g711.decode_ulaw, ALAW: g711.decode_alaw, L16: _decode_l16}
"How payloads of each encoding without state become samples."


STRANGE, NEAR, EXACT = range(3)
"How likely a source is the far end: not at all told of; a machine of its; what its SDP says."
NOBODY = -1


class KeyPacket(msgspec.Struct, frozen=True):
    """One RFC 4733 packet of a lane."""

    row: int
    timestamp: int
    payload: bytes


class Inbound(Columns):
    """The receiving state of each lane."""

    def __init__(self, capacity: int, rate_hz: int, jitter: Jitter) -> None:
        super().__init__(capacity)
        self.frame = frame_samples(rate_hz)
        self.rate_hz = rate_hz
        self.jitter = jitter
        self.encoding: NDArray[np.uint8] = self.column("encoding", np.uint8)
        self.payload_type: NDArray[np.int64] = self.column(
            "payload_type", np.int64, fill=NO_PAYLOAD_TYPE
        )
        self.event_payload_type: NDArray[np.int64] = self.column(
            "event_payload_type", np.int64, fill=NO_PAYLOAD_TYPE
        )
        self.source: NDArray[np.uint64] = self.column("source", np.uint64)
        "The latched source; 0: none yet."
        self.likely: NDArray[np.int64] = self.column("likely", np.int64, fill=NOBODY)
        "How likely that is the far end."
        self.described: NDArray[np.uint64] = self.column("described", np.uint64)
        "Where the far end's SDP says that it is; 0: it does not."
        self.signalling: NDArray[np.uint64] = self.column("signalling", np.uint64)
        "Its signalling's IPv4 address; 0: not known."
        self.strangers: NDArray[np.int64] = self.column("strangers", np.int64)
        "Packets of somebody else."
        self.malformed: NDArray[np.int64] = self.column("malformed", np.int64)
        "Not RTP, of a payload type that was not agreed, or not decodable."
        self.packets: NDArray[np.int64] = self.column("packets", np.int64)
        self.heard_tick: NDArray[np.int64] = self.column("heard_tick", np.int64)
        "The tick that brought the last packet."
        self.decoders: dict[int, LaneDecoder] = {}
        "Rows whose codec has state."

    def configure(self, row: int, codec: Codec, payload_type: int, *, relatch: bool) -> None:
        """Expect `codec` under `payload_type`; `relatch`: from whoever speaks first from now on."""
        self.encoding[row] = Encoding.of(codec)
        self.payload_type[row] = payload_type
        if relatch:
            self.source[row] = 0
            self.likely[row] = NOBODY
        self._end_decoder(row)
        decoder = decoder_of(codec)
        if decoder is not None:
            self.decoders[row] = decoder

    def clear(self, row: int) -> None:
        """The row receives nothing any more."""
        super().clear(row)
        self._end_decoder(row)

    def _end_decoder(self, row: int) -> None:
        decoder = self.decoders.pop(row, None)
        if decoder is not None:
            decoder.close()

    def receive(
        self,
        count: int,
        inbox: Inbox,
        tick: int,
        due_wall: float,
        on_control: Callable[[int, bytes], None],
    ) -> tuple[NDArray[np.int64], list[KeyPacket]]:
        """Sort `count` packets of the inbox into the jitter buffer; `due_wall`: the tick's moment.

        Returns the rows that latched just now (destination: `source[row]`) and the key packets.
        RTCP goes to `on_control(row, datagram)`.
        """
        parsed = rtp.parse(inbox.data[:count], inbox.lengths[:count])
        rows = inbox.rows[:count]
        sources = inbox.sources[:count]
        encoding = self._encodings(rows, parsed.payload_type)
        audio = parsed.ok & (encoding != NONE)
        known = audio | parsed.ok & (
            (parsed.payload_type == self.event_payload_type[rows])
            | (parsed.payload_type == COMFORT_NOISE_PAYLOAD_TYPE)
        )
        unknown = ~(known | parsed.is_rtcp)
        if np.count_nonzero(unknown):
            np.add.at(self.malformed, rows[unknown], 1)
        latched = self._latch(rows, sources, known)
        for index in which(parsed.is_rtcp).tolist():
            row = int(rows[index])
            if self.source[row] in (0, sources[index]):
                on_control(row, inbox.data[index, : inbox.lengths[index]].tobytes())
            else:
                self.strangers[row] += 1
        mine = known & (self.source[rows] == sources)
        if np.count_nonzero(mine) < np.count_nonzero(known):
            np.add.at(self.strangers, rows[known & ~mine], 1)
        np.add.at(self.packets, rows[mine], 1)
        self.heard_tick[rows[mine]] = tick
        audio &= mine
        if np.count_nonzero(mine):
            arrival = self._arrivals(inbox.arrived_wall[:count], tick, due_wall)
            self._admit(which(mine), audio, encoding, inbox, parsed, arrival)
        keys: list[KeyPacket] = []
        rest = mine & ~audio
        if np.count_nonzero(rest):
            keys = self._aside(which(rest), inbox, parsed)
        return latched, keys

    def decode(self, n: int) -> None:
        """Bring codecs with state up to the play position, in the order of their packets."""
        if not self.decoders:
            return
        rows: list[int] = []
        positions: list[int] = []
        pieces: list[NDArray[np.int16]] = []
        ahead = LOOK_AHEAD_FRAMES * self.frame
        for row, decoder in self.decoders.items():
            for position, pcm in decoder.due(int(self.jitter.play_position[row]) + ahead):
                rows.append(row)
                positions.append(position)
                pieces.append(pcm)
        for row, position, pcm in zip(rows, positions, pieces, strict=True):
            self.jitter.write(
                np.array([row]), np.array([position]), pcm[None], np.array([len(pcm)])
            )

    def _encodings(
        self, rows: NDArray[np.int64], payload_type: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """What the audio of each packet is coded with; NONE: it is no audio that is expected."""
        agreed = self.encoding[rows]
        encoding = np.where(payload_type == self.payload_type[rows], agreed, NONE)
        other = encoding != agreed
        if np.count_nonzero(other):
            other &= (agreed == ULAW) | (agreed == ALAW)
            encoding[other & (payload_type == PCMU.payload_type)] = ULAW
            encoding[other & (payload_type == PCMA.payload_type)] = ALAW
        return encoding.astype(np.uint8)

    def expect(self, row: int, described: int, signalling: int) -> None:
        """Where the far end should be: by its SDP (`wire.address_key`), and its signalling's
        address (the same, without the port); 0: not known."""
        self.described[row] = described
        self.signalling[row] = signalling >> PORT_BITS

    def _latch(
        self, rows: NDArray[np.int64], sources: NDArray[np.uint64], known: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        others = known & (self.source[rows] != sources)
        if not np.count_nonzero(others):
            return NO_ROWS
        some = which(others)
        likely = self._likely(rows[some], sources[some])
        better = likely > self.likely[rows[some]]
        if not np.count_nonzero(better):
            return NO_ROWS
        some, likely = some[better], likely[better]
        best = np.argsort(-likely, kind="stable")
        some, likely = some[best], likely[best]
        first_rows, first = np.unique(rows[some], return_index=True)
        self.source[first_rows] = sources[some][first]
        self.likely[first_rows] = likely[first]
        return first_rows

    def _likely(self, rows: NDArray[np.int64], sources: NDArray[np.uint64]) -> NDArray[np.int64]:
        described, hosts = self.described[rows], sources >> HOST_SHIFT
        near = (hosts == described >> HOST_SHIFT) | (hosts == self.signalling[rows])
        return np.where(sources == described, EXACT, np.where(near, NEAR, STRANGE))

    def _admit(
        self,
        chosen: NDArray[np.intp],
        audio: NDArray[np.bool_],
        encoding: NDArray[np.uint8],
        inbox: Inbox,
        parsed: rtp.Packets,
        arrival: NDArray[np.int64],
    ) -> None:
        """Everything of the lane's stream is counted; only audio has samples."""
        for index in rounds(inbox.rows[chosen]):
            some = chosen[index]
            rows = inbox.rows[some]
            samples = self._samples(some, encoding[some], inbox, parsed)
            samples[~audio[some]] = 0
            admitted = self.jitter.admit(
                rows,
                parsed.sequence[some],
                parsed.timestamp[some],
                samples,
                parsed.marker[some],
                parsed.ssrc[some],
                arrival[some],
            )
            accept = admitted.accept & (samples > 0)
            accepted = np.count_nonzero(accept)
            if accepted == len(accept):
                self._write(some, admitted.position, samples, encoding[some], inbox, parsed)
            elif accepted:
                kept, position = some[accept], admitted.position[accept]
                self._write(kept, position, samples[accept], encoding[kept], inbox, parsed)

    def _arrivals(
        self, arrived_wall: NDArray[np.float64], tick: int, due_wall: float
    ) -> NDArray[np.int64]:
        """When packets came, in lane samples of the axis on which ticks are a frame apart."""
        ago_s = np.where(arrived_wall > 0, due_wall - arrived_wall, 0.0)
        np.minimum(ago_s, MOST_AGO_S, out=ago_s)  # wall time may leap
        np.maximum(ago_s, -MOST_AGO_S, out=ago_s)
        ago_samples = np.rint(ago_s * (self.frame * 1000 // FRAME_MS)).astype(np.int64)
        return np.asarray(tick * self.frame - ago_samples)

    def _samples(
        self,
        some: NDArray[np.intp],
        encoding: NDArray[np.uint8],
        inbox: Inbox,
        parsed: rtp.Packets,
    ) -> NDArray[np.int64]:
        """How many lane samples each packet holds; 0: not to be decoded."""
        octets = parsed.payload_length[some]
        samples: NDArray[np.int64] = np.where(encoding == L16, octets // 2, octets)
        for at in which(encoding == STATEFUL):
            decoder = self.decoders[int(inbox.rows[some[at]])]
            samples[at] = decoder.samples(self._payload(int(some[at]), inbox, parsed))
        return samples

    @staticmethod
    def _payload(index: int, inbox: Inbox, parsed: rtp.Packets) -> bytes:
        begin = int(parsed.payload_offset[index])
        return inbox.data[index, begin : begin + int(parsed.payload_length[index])].tobytes()

    def _write(
        self,
        some: NDArray[np.intp],
        positions: NDArray[np.int64],
        samples: NDArray[np.int64],
        encoding: NDArray[np.uint8],
        inbox: Inbox,
        parsed: rtp.Packets,
    ) -> None:
        rows = inbox.rows[some]
        for law in (ULAW, ALAW, L16):
            batch = which(encoding == law)
            if batch.size:
                payload = self._gather(some[batch], inbox, parsed)
                pcm = DECODED[law](payload)
                self.jitter.write(rows[batch], positions[batch], pcm, samples[batch])
        for at in which(encoding == STATEFUL):
            row = int(rows[at])
            kept = self.decoders[row].put(
                int(parsed.sequence[some[at]]),
                int(positions[at]),
                self._payload(int(some[at]), inbox, parsed),
            )
            self.jitter.late[row] += not kept

    @staticmethod
    def _gather(some: NDArray[np.intp], inbox: Inbox, parsed: rtp.Packets) -> NDArray[np.uint8]:
        """Payloads as a matrix, as wide as the longest."""
        offsets = parsed.payload_offset[some]
        width = int(parsed.payload_length[some].max())
        first = int(offsets[0])
        if np.count_nonzero(offsets == first) == len(offsets):
            return inbox.data[some, first : first + width]
        columns = np.minimum(offsets[:, None] + np.arange(width), inbox.data.shape[1] - 1)
        payloads: NDArray[np.uint8] = inbox.data[some[:, None], columns]
        return payloads

    def _aside(
        self, chosen: NDArray[np.intp], inbox: Inbox, parsed: rtp.Packets
    ) -> list[KeyPacket]:
        """Key presses and comfort noise: rare, so packet by packet."""
        keys: list[KeyPacket] = []
        noises: dict[int, comfort_noise.NoiseLevel] = {}
        for index in chosen.tolist():
            row = int(inbox.rows[index])
            payload = self._payload(index, inbox, parsed)
            if parsed.payload_type[index] == self.event_payload_type[row]:
                keys.append(KeyPacket(row, int(parsed.timestamp[index]), payload))
                continue
            try:
                noises[row] = comfort_noise.parse(payload)
            except CodecError:
                self.malformed[row] += 1
        for row, noise in noises.items():
            self.jitter.set_noise(row, noise)
        return keys
