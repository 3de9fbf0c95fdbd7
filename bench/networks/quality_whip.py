"""One utterance over WHIP to a far end that sends back what it hears, through a bad network.

Speech is coded beforehand, and what comes back is decoded afterwards, with every packet at its
place: nothing is computed while packets are to leave in time. Opus at 16 kHz where the far end
takes it (PESQ's wide band), else G.711 at 8 kHz. Packets are lost and held up after encryption, on
the way out. Not here: the networks, the document (quality_target.py), the connection
(../phones/whip_call.py).
"""

import argparse
import asyncio
import random
import time
from collections.abc import Callable, Mapping

from ...codecs.errors import CodecError
from ..phones.line import Heard, LineFailed
from ..phones.whip_call import OPUS, PCMU, Packet, Payload, WhipCall, clock_hz
from .netem import PTIME_S, trace
from .quality_cases import Case
from .quality_listening import CODECS, Coded, Decoder, code
from .quality_scores import Pcm, Scores, score
from .quality_speech import TAIL_S, with_silence
from .quality_target import AFTER_S, BEFORE_S, Through, ear, way_of

NAMES = {OPUS: "opus", PCMU: "pcmu"}
"As CODECS has them."
HALF, WHOLE = 1 << 31, 1 << 32
"Of what RTP timestamps count."
READING = (
    "The far end sends back what it hears over WebRTC. Packets are lost, held up and overtaken on "
    "the way to it, after encryption; the way back is as the line is. Opus is judged at 16 kHz "
    "(P.862.2), G.711 at 8 kHz; PESQ and STOI are against the speech as the codec has it once: a "
    "far end that decodes and codes again pays for it, in every network. What it sends is heard "
    "without a buffer of ours, and nothing of ours fills its gaps. The round trip is from the "
    "sending of a packet to the arrival of its sound: its jitter buffer, its packets, and the line "
    "twice. It is real time: compare with `offhook bench quality` by what a bad network changes, "
    "not by the absolute delay."
)


class EchoCall:
    """A call that sends payloads made beforehand, and keeps what comes: `await hold(url, …)`."""

    def __init__(self, coded: Mapping[str, Coded], drift_ppm: float, rng: random.Random) -> None:
        """`coded`: the same speech by codec, of whip_call.KINDS."""
        self._coded = coded
        self._packet_s = PTIME_S / (1 + drift_ppm * 1e-6)
        self._phase_s = rng.random() * PTIME_S
        self._origin: float | None = None
        self._call: WhipCall | None = None
        self._length = 0
        self._over = asyncio.Event()
        self._packets: list[tuple[Packet, float]] = []
        self._sent = 0
        self.kind = ""
        "The codec, once the call is up."

    async def hold(self, call: Callable[["EchoCall"], WhipCall], packets: int) -> Heard:
        """The whole call, so many packets long; what came back. Raises LineFailed."""
        self._call = call(self)
        self._call.on_end = self._over.set
        self._length = packets
        try:
            await self._call.call()
            await self._over.wait()
        finally:
            await self._call.hang_up()
        if self._sent < packets:
            raise LineFailed("the far end hung up before the words were over")
        return returned(self._packets, self.kind)

    async def next_payload(self) -> Payload:
        """When it is due; the last one, silence, again and again after the end."""
        assert self._call is not None, "it asks"
        number = self._sent
        if self._origin is None:
            self._origin = time.monotonic() + self._phase_s
            self.kind = self._call.kind
        await asyncio.sleep(max(0.0, self.due_at(number) - time.monotonic()))
        payloads = self._coded[self.kind].payloads
        self._sent += 1
        if self._sent == self._length:
            self._over.set()
        timestamp = round(number * PTIME_S * clock_hz(self.kind))
        return Payload(payloads[min(number, len(payloads) - 1)], timestamp)

    def due_at(self, number: int) -> float:
        """When that packet is to leave; it never leaves sooner."""
        assert self._origin is not None, "the call has begun"
        return self._origin + number * self._packet_s

    def receive(self, packet: Packet, at: float) -> None:
        """A packet came back."""
        self._packets.append((packet, at))


def returned(packets: list[tuple[Packet, float]], kind: str) -> Heard:
    """What was heard, at the codec's sample rate: decoded in the order in which it was said.

    Raises LineFailed where the far end answers in another codec.
    """
    if any(packet.kind != kind for packet, _ in packets):
        raise LineFailed("the far end sends another codec than it is sent")
    codec = CODECS[NAMES[kind]]
    step = clock_hz(kind) // codec.sample_rate_hz
    placed: list[tuple[int, Packet, float]] = []
    ticks = 0
    for number, (packet, at) in enumerate(packets):
        before = packets[number - 1][0].timestamp if number else packet.timestamp
        ticks += (packet.timestamp - before + HALF) % WHOLE - HALF
        placed.append((ticks, packet, at))
    decoder, sounds = Decoder(codec), dict[int, Pcm]()
    for at_tick, packet, _ in sorted(placed, key=lambda each: each[0]):
        if at_tick not in sounds:
            try:
                sounds[at_tick] = decoder.decode(packet.payload)
            except CodecError as exc:
                raise LineFailed(f"the far end sends what is no {codec.name}: {exc}") from exc
    heard = Heard(codec.sample_rate_hz)
    for at_tick, packet, at in placed:
        heard.add(at_tick // step % WHOLE, sounds[at_tick], at, packet.source)
    return heard


async def through(
    url: str, bearer: str | None, utterance: Mapping[int, Pcm], case: Case, seed: int
) -> tuple[str, Scores]:
    """One call, one utterance. Raises LineFailed."""
    coded = {
        kind: code(with_silence(utterance[rate_hz], rate_hz, BEFORE_S + case.lead_s), CODECS[name])
        for kind, name in NAMES.items()
        if (rate_hz := CODECS[name].sample_rate_hz) in utterance
    }
    packets = min(len(each.payloads) for each in coded.values())
    first = round(BEFORE_S / PTIME_S)
    way = way_of(trace(case.network, packets - first, seed), first, case.network)
    echo = EchoCall(coded, case.network.drift_ppm, random.Random(f"{seed} {case.name}"))
    heard = await echo.hold(
        lambda it: WhipCall(url, it.next_payload, it.receive, bearer, kinds=tuple(coded), way=way),
        packets + round(AFTER_S / PTIME_S),
    )
    rate_hz = CODECS[NAMES[echo.kind]].sample_rate_hz
    pcm, later_s, late_s = ear(heard, echo.due_at(first), rate_hz)
    clean = coded[echo.kind].clean
    said = clean[round(BEFORE_S * rate_hz) : len(clean) - round(TAIL_S * rate_hz)]
    scores = score(
        said, pcm, rate_hz, round(case.lead_s * rate_hz), later_s, case.network.drift_ppm, late_s
    )
    return f"{NAMES[echo.kind]}, {case.name}", scores


def over_whip(arguments: argparse.Namespace) -> Through:
    """Calls to `arguments.target`."""

    async def one(utterance: Mapping[int, Pcm], case: Case, seed: int) -> tuple[str, Scores]:
        return await through(arguments.target, arguments.bearer, utterance, case, seed)

    return one
