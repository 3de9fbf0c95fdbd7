"""Speech through bad networks to a foreign end that sends back what it hears, judged at our ear.

`offhook bench quality --target sip:echo@host:port`, or a WHIP address: what its jitter buffer makes
of loss and jitter, with the way back undisturbed. The delay is a round trip: its buffer, its
packets, ours. Not here: our own buffer and peers' on a virtual clock (quality.py), the call over
WebRTC (quality_whip.py).
"""

import argparse
import random
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np

from ...codecs import g711
from ..phones.bare_phone import BarePhone
from ..phones.line import PACKET, RATE_HZ, Heard, LineFailed, Way
from ..phones.target import line_to
from ..reports.results_file import Better, Document, Metric, origin
from .netem import PTIME_S, Arrival, Network, sent_at, trace
from .quality_cases import LEAD_S, PERFECT, Case
from .quality_scores import Pcm, Scores, score
from .quality_speech import TAIL_S, Speech, with_silence

BEFORE_S = 1.0
"Packets flow for so long before the network begins."
EARLY_S = 0.06
"More than 200 ppm are in the longest call."
AFTER_S = 1.0
"Heard for so long after the last packet: what is still in buffers."
DEFAULT_CASES = (
    "perfect",
    "loss 5 %",
    "loss 10 %",
    "exponential jitter 80 ms",
    "queue jitter 80 ms",
    "stalls jitter 100 ms",
    "5 % overtaken by two",
    "rough: 5 % in bursts of 3, exponential 60 ms",
)
NAMES: tuple[tuple[str, str, Better], ...] = (
    ("PESQ", "MOS-LQO", "higher"),
    ("STOI", "", "higher"),
    ("round trip, mean", "ms", "lower"),
    ("round trip, p95", "ms", "lower"),
    ("speech found again", "%", "higher"),
)
READING = (
    "The far end sends back what it hears. Packets are lost, held up and overtaken on the way to "
    "it; the way back is as the line is. PESQ and STOI are against the speech as G.711 has it; a "
    "far end that codes again in another codec pays for it. The round trip holds its jitter "
    "buffer, its packets and the line twice; ours adds no buffer. It is real time: compare with "
    "`offhook bench quality` by what a bad network changes, not by the absolute delay."
)


Through = Callable[[Mapping[int, Pcm], Case, int], Awaitable[tuple[str, Scores]]]
"One call: an utterance (by rate), a network, a seed to what the case is called, and its scores."


def way_of(arrivals: Sequence[Arrival], first: int, network: Network = PERFECT.network) -> Way:
    """The network of a trace whose packet 0 is the phone's packet `first`; else an even one.

    `network`: what made the trace, for its drift, which is the phone's to have.
    """
    late: dict[int, list[float]] = {}
    last = -1
    for arrival in arrivals:
        late_s = arrival.at_s - sent_at(network, arrival.packet)
        late.setdefault(arrival.packet, []).append(late_s)
        last = max(last, arrival.packet)

    def way(number: int) -> tuple[float, ...]:
        packet = number - first
        return tuple(late.get(packet, ())) if 0 <= packet <= last else (0.0,)

    return way


def ear(heard: Heard, since: float, rate_hz: int) -> tuple[Pcm, float, Callable[[int], float]]:
    """What was heard around `since` and after, how much later it begins, how late a sample came.

    Its place in time is that of the fastest packet. It is told as if it had been heard EARLY_S
    later, and every sample as so much less late: where a clock drifts, others come before their
    place, and only what comes after it is looked for. Raises LineFailed.
    """
    origin = heard.sample_0_at(since)
    begin = round((since - EARLY_S - origin) * rate_hz)
    first = max(0, begin)
    pcm = heard.pcm()[first:].copy()

    def late_s(sample: int) -> float:
        return heard.late_s(first + sample, origin) - EARLY_S

    return pcm, (first - begin) / rate_hz, late_s


async def through(phone: BarePhone, pcm: Pcm, case: Case, seed: int) -> Scores:
    """One call, one utterance. Raises LineFailed."""
    try:
        await phone.call()
        if phone.said.packet != PACKET:
            raise LineFailed("the far end asks for other packets than 20 ms")
        first = phone.position // PACKET + round(BEFORE_S / PTIME_S)
        spoken = with_silence(pcm, RATE_HZ, case.lead_s)
        packets = len(spoken) // PACKET
        phone.way = way_of(trace(case.network, packets, seed), first)
        begin = phone.say(spoken, first * PACKET)
        until = begin + packets * PACKET + round(AFTER_S * RATE_HZ)
        if not await phone.wait_until(until):
            raise LineFailed("the far end hung up before the words were over")
        heard, later_s, late_s = ear(phone.heard, phone.said.due_at(first), RATE_HZ)
    finally:
        await phone.hang_up()
    clean = g711.decode_ulaw(g711.encode_ulaw(spoken[: packets * PACKET]))
    lead = round(case.lead_s * RATE_HZ)
    return score(
        clean[: len(clean) - round(TAIL_S * RATE_HZ)], heard, RATE_HZ, lead, later_s, late_s=late_s
    )


def over_sip(arguments: argparse.Namespace) -> Through:
    """Calls to `arguments.target`. Raises ValueError."""
    make = line_to(arguments)

    async def one(utterance: Mapping[int, Pcm], case: Case, seed: int) -> tuple[str, Scores]:
        phone = make(random.Random(f"{seed} {case.name}"))
        assert isinstance(phone, BarePhone), "WHIP targets go the other way"
        return case.name, await through(phone, utterance[RATE_HZ], case, seed)

    return one


async def measure(
    arguments: argparse.Namespace,
    one: Through,
    reading: str,
    speech: Speech,
    cases: Sequence[Case],
    seed: int,
    **versions: str,
) -> Document:
    """Every utterance through every network, one call after another.

    `versions`: of what the calls are made with.
    """
    found: dict[tuple[int, str], list[float]] = {}
    print(f"{'':52}{'PESQ':>6}{'STOI':>7}{'ms':>7}", flush=True)
    failed: list[str] = []
    for case in cases:
        for number in range(len(speech.utterances[RATE_HZ])):
            utterance = {rate: each[number] for rate, each in speech.utterances.items()}
            try:
                name, scores = await one(utterance, case, 1000 * seed + number)
            except LineFailed as exc:
                failed.append(f"{case.name}: {exc}")
                print(failed[-1], file=sys.stderr, flush=True)
                continue
            values = (
                scores.pesq,
                scores.stoi,
                scores.delay_mean_ms,
                scores.delay_p95_ms,
                100 * scores.found,
            )
            if not scores.found:
                failed.append(f"{name}: nothing of the words came back: is it an echo?")
                print(failed[-1], file=sys.stderr, flush=True)
            for index, value in enumerate(values):
                if np.isfinite(value):
                    found.setdefault((index, name), []).append(round(value, 4))
            row = f"{name:52}{scores.pesq:6.2f}{scores.stoi:7.3f}{scores.delay_mean_ms:7.0f}"
            print(row, flush=True)
    metrics = [
        Metric(NAMES[index][0], case, NAMES[index][1], values, NAMES[index][2])
        for (index, case), values in sorted(found.items(), key=lambda item: item[0][0])
    ]
    detail = {"speech": speech.source, "target": arguments.target}
    return Document(
        origin(arguments.command, **versions),
        "quality",
        metrics,
        [],
        detail=detail,
        reading=[reading, *failed],
    )


def fitting(cases: Sequence[Case], wanted: Sequence[str], *, drifting: bool = False) -> list[Case]:
    """A few where none are named. `drifting`: the phone's clock can be wrong, in calls of 130 s."""
    playable = [case for case in cases if drifting or case.lead_s == LEAD_S]
    return playable if wanted else [case for case in playable if case.name in DEFAULT_CASES]
