"""One of many callers over WHIP: dials, says frames that it is given, knows whether it hears sound.

Its payloads are made beforehand; what comes is decoded at 8 kHz, for its loudness only. Not here:
who speaks when (talkers.py), the clock (whip_load.py), the connection (../phones/whip_call.py).
"""

import asyncio
import time
from collections.abc import Callable, Mapping

import numpy as np

from ...codecs import g711
from ...codecs.errors import CodecError
from ...codecs.opus import OpusDecoder, packet_samples
from ..phones.line import LineFailed
from ..phones.whip_call import OPUS, OPUS_HZ, PCMA, PCMU, Packet, Payload, WhipCall, WhipRefused
from .sip_load import LOUD, MAGNITUDES, REDIAL_S
from .stream_gaps import StreamGaps
from .switchboard import Tally

DECODED_HZ = 8000
WAITING = 2
"Payloads that a sender may be behind before one is given up."
REASON_LENGTH = 120

Dial = Callable[["Caller"], WhipCall]


class Placed:
    """What became of the calls of all callers, since counting began."""

    def __init__(self) -> None:
        self.restart()
        self.audio_ms: list[float] = []
        "From the offer to the first packet of the far end's, whenever it was."

    def restart(self) -> None:
        """Count calls from now on."""
        self.tally = Tally()

    def refused(self, reason: str) -> None:
        """A call did not come about."""
        self.tally.refused[reason] = self.tally.refused.get(reason, 0) + 1


class Caller:
    """Holds one call after another: `run(dial)` as a task."""

    def __init__(
        self, row: int, payloads: Mapping[str, tuple[list[bytes], int]], placed: Placed
    ) -> None:
        """`payloads`: by codec, each with the timestamps of one; the last of them is silence."""
        self.row = row
        self._payloads, self._placed = payloads, placed
        self._due: asyncio.Queue[tuple[int, int]] = asyncio.Queue(WAITING)
        self._ticks = 0
        self._dialled_at = 0.0
        self._call: WhipCall | None = None
        self._decoder: OpusDecoder | None = None
        self._refusals = 0
        self.gaps = StreamGaps()
        self.up = False
        self.loud = False
        "Whether there was sound in a packet since this was last set to False."
        self.on_up: Callable[[Caller], None] = lambda caller: None
        self.on_down: Callable[[Caller], None] = lambda caller: None
        self.on_packet: Callable[[Caller, Packet], None] = lambda caller, packet: None

    async def run(self, dial: Dial, redial: bool) -> None:
        """Call, and again when the far end has refused (after a while) or hung up."""
        while True:
            self._dialled_at = time.monotonic()
            self._placed.tally.placed += 1
            try:
                await self._hold(dial(self))
            finally:
                if self._call is not None:
                    await self._call.hang_up()
            if not redial:
                return
            if self._refusals:
                await asyncio.sleep(REDIAL_S[min(self._refusals, len(REDIAL_S)) - 1])

    def say(self, frame: int) -> bool:
        """The payload that is due now; False: the sender is so far behind that it never leaves."""
        self._ticks += 1
        if self._due.full():
            return False
        self._due.put_nowait((frame, self._ticks))
        return True

    async def next_payload(self) -> Payload:
        """What was last said."""
        assert self._call is not None, "it asks"
        frame, tick = await self._due.get()
        payloads, step = self._payloads[self._call.kind]
        return Payload(payloads[frame], tick * step)

    def receive(self, packet: Packet, at: float) -> None:
        """A packet came."""
        if self._decoder is None:  # the first of the call
            self._decoder = OpusDecoder(DECODED_HZ)
            self._placed.audio_ms.append(1000 * (at - self._dialled_at))
        length = self._hear(packet, self._decoder)
        self.gaps.add(packet.sequence, packet.timestamp, length, packet.marked, at)
        self.on_packet(self, packet)

    async def _hold(self, call: WhipCall) -> None:
        self._call, self._decoder, self.gaps = call, None, StreamGaps()
        self._due = asyncio.Queue(WAITING)
        try:
            await call.call()
        except WhipRefused as exc:
            self._refusals += 1
            self._placed.refused(exc.reason)
            return
        except LineFailed as exc:
            self._refusals += 1
            self._placed.refused(str(exc)[:REASON_LENGTH])
            return
        assert call.answered_at is not None, "it is up"
        self._refusals = 0
        self._placed.tally.answered += 1
        self._placed.tally.setup_ms.append(1000 * (call.answered_at - self._dialled_at))
        self.up = True
        self.on_up(self)
        try:
            await call.ended.wait()
            self._placed.tally.ended_by_far_end += 1
        finally:
            self.up = False
            self.on_down(self)

    def _hear(self, packet: Packet, decoder: OpusDecoder) -> int:
        """Whether it is loud; its length in timestamps."""
        if packet.kind != OPUS:
            payload = np.frombuffer(packet.payload, np.uint8)
            self.loud |= bool(MAGNITUDES[payload].mean() > LOUD)
            return len(payload)
        try:
            self.loud |= bool(np.abs(decoder.decode(packet.payload)).mean() > LOUD)
            return packet_samples(packet.payload, OPUS_HZ)
        except CodecError:
            return OPUS_HZ // 50  # no Opus: nothing is heard


def payloads_of(pcmu: list[bytes], opus: list[bytes]) -> dict[str, tuple[list[bytes], int]]:
    """As Caller takes them: A-law is made of mu-law."""
    alaw = [
        g711.encode_alaw(g711.decode_ulaw(np.frombuffer(each, np.uint8))).tobytes() for each in pcmu
    ]
    return {PCMU: (pcmu, 160), PCMA: (alaw, 160), OPUS: (opus, OPUS_HZ // 50)}
