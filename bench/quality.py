"""Speech through bad networks: what our jitter buffer makes of it, and what other people's make.

The same packets at the same moments go into Offhook's engine and into every peer's buffer; what is
heard is compared with the clean decoded speech (PESQ, STOI), with the delay beside it: from the
sending of a packet to its playout, beyond the fastest that the network can be. All in virtual time,
nothing is on a wire; only with --target, a far end that returns what it hears, all is real. Not
here: the networks (netem.py, quality_cases.py), buffers, scores.
"""

import argparse
import asyncio
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .networks import quality_engine, quality_results, quality_target, quality_whip
from .networks.netem import PTIME_S, Arrival, trace
from .networks.quality_buffers import (
    FIXED_MS,
    Concealer,
    Counted,
    FixedBuffer,
    PacketBuffer,
    count,
    play,
)
from .networks.quality_cases import CASES, Case
from .networks.quality_listening import (
    CODECS,
    Coded,
    Pcm,
    Repetition,
    code,
    listen,
    listen_by_opus,
)
from .networks.quality_peers import PEERS, Peer, PeerMissing
from .networks.quality_results import Outcome, Results
from .networks.quality_scores import ToolMissing, pesq, score
from .networks.quality_speech import TAIL_S, load, with_silence
from .phones.target import is_whip
from .phones.whip_call import installed
from .reports.measuring import Progress, add_arguments, command_line, finish, repeated
from .reports.results_file import Document

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "speech"
OURS = "offhook"


class Sent(NamedTuple):
    """One utterance on its way through one network."""

    coded: Coded
    arrivals: list[Arrival]
    frames: int
    phase_s: float
    "When the first frame is played; where it falls between two packets is chance."
    span: tuple[int, int]
    "Frames that are counted: the speech."
    seed: int


class Contender(NamedTuple):
    """A buffer with its concealment."""

    name: str
    hear: Callable[[Sent], tuple[Pcm, Counted]]
    codecs: frozenset[str] = frozenset(CODECS)


def contenders(peers: list[Peer]) -> list[Contender]:
    """Ours, the base line, and the peers: each as it comes, and with our concealment behind it."""
    ours = frozenset(("pcmu", "g722"))
    fixed = f"fixed {FIXED_MS} ms"
    every = [
        Contender(OURS, _hear_ours),
        Contender(f"{fixed}, silence", _through(FixedBuffer, None)),
        Contender(f"{fixed}, concealed", _through(FixedBuffer, Repetition, opus_guesses=True)),
    ]
    for peer in peers:
        # Whoever uses speexdsp or pjmedia for Opus lets libopus guess; aiortc's receiver does not.
        guesses = peer.name != "aiortc"
        as_it_is = _through(peer.buffer, peer.concealer, opus_guesses=guesses)
        every.append(Contender(peer.name, as_it_is))
        if peer.concealer is None:
            name = f"{peer.name}, concealed"
            every.append(Contender(name, _through(peer.buffer, Repetition), ours))
    return every


def _hear_ours(sent: Sent) -> tuple[Pcm, Counted]:
    heard = quality_engine.hear(
        sent.coded.codec,
        sent.coded.payloads,
        sent.arrivals,
        sent.frames,
        sent.phase_s,
        sent.span,
        sent.seed,
    )
    return heard.pcm, heard.counted


def _through(
    make: Callable[[], PacketBuffer],
    concealer: Callable[[int], Concealer] | None,
    *,
    opus_guesses: bool = False,
) -> Callable[[Sent], tuple[Pcm, Counted]]:
    def hear(sent: Sent) -> tuple[Pcm, Counted]:
        played = play(make(), sent.arrivals, sent.frames, sent.phase_s)
        codec = sent.coded.codec
        if codec.name == "opus":
            heard = listen_by_opus(played, sent.coded) if opus_guesses else None
        else:
            made = concealer(codec.sample_rate_hz) if concealer is not None else None
            heard = listen(played, sent.coded, made)
        if heard is None:
            heard = listen(played, sent.coded, None)
        return heard, count(played, sent.arrivals, *sent.span)

    return hear


def send(pcm: Pcm, codec: str, case: Case, seed: int) -> Sent:
    """Code an utterance and let the network have it."""
    rate_hz = CODECS[codec].sample_rate_hz
    coded = code(with_silence(pcm, rate_hz, case.lead_s), CODECS[codec])
    packets = len(coded.payloads)
    first, last = round(case.lead_s / PTIME_S), packets - round(TAIL_S / PTIME_S)
    return Sent(
        coded,
        trace(case.network, packets, seed),
        packets,
        random.Random(f"{seed} phase").uniform(0, PTIME_S),
        (first, last),
        seed,
    )


def judge(contender: Contender, sent: Sent, case: Case, codec: str) -> tuple[Outcome, Pcm]:
    """One utterance through one buffer."""
    heard, counted = contender.hear(sent)
    rate_hz = sent.coded.codec.sample_rate_hz
    first = round(sent.span[0] * PTIME_S * rate_hz)
    last = round(sent.span[1] * PTIME_S * rate_hz)
    scores = score(
        sent.coded.clean[:last], heard, rate_hz, first, sent.phase_s, case.network.drift_ppm
    )
    return Outcome(contender.name, codec, case.name, sent.seed, scores, counted), heard


def measure(arguments: argparse.Namespace, seed: int, peers: list[Peer]) -> Results:
    """All codecs through all networks by all buffers, each utterance with a trace of its own."""
    speech = load(CACHE, arguments.utterances, seed)
    _say(f"speech: {speech.source}")
    results = Results(speech.source, {peer.name: peer.version for peer in peers})
    wanted = [each for each in contenders(peers) if _matches(each.name, arguments.only)]
    cases = [case for case in CASES if _matches(case.name, arguments.case)]
    progress = Progress(len(arguments.codec) * arguments.utterances * len(cases))
    for codec in arguments.codec:
        rate_hz = CODECS[codec].sample_rate_hz
        for number, pcm in enumerate(speech.utterances[rate_hz]):
            coded = code(pcm, CODECS[codec])
            original = pcm[: len(coded.clean)]
            results.ceilings.append((codec, pesq(original, coded.clean, rate_hz)))
            for case in cases:
                progress.step(f"{codec}, utterance {number + 1}: {case.name}")
                sent = send(pcm, codec, case, 1000 * seed + number)
                for contender in wanted:
                    if codec in contender.codecs:
                        outcome, heard = judge(contender, sent, case, codec)
                        results.add(outcome, heard, rate_hz)
    return results


def _of_target(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace, argv: list[str] | None
) -> int:
    """A foreign end that returns what it hears."""
    whip = is_whip(arguments.target)
    if not whip and not arguments.target.startswith("sip:"):
        parser.error(f"--target {arguments.target}: neither sip:user@host:port nor http(s)://…")
    arguments.command = command_line("quality", argv)
    matching = [case for case in CASES if _matches(case.name, arguments.case)]
    cases = quality_target.fitting(matching, arguments.case, drifting=whip)
    one = (quality_whip.over_whip if whip else quality_target.over_sip)(arguments)
    reading = quality_whip.READING if whip else quality_target.READING
    versions = installed() if whip else {}

    def run(seed: int) -> Document:
        speech = load(CACHE, arguments.utterances, seed)
        return asyncio.run(
            quality_target.measure(arguments, one, reading, speech, cases, seed, **versions)
        )

    try:
        document = repeated(run, arguments)
    except (ToolMissing, ValueError) as exc:
        _say(str(exc))
        return 1
    finish(document, arguments)
    return 0 if document.metrics else 1


def _peers() -> list[Peer]:
    peers: list[Peer] = []
    for make in PEERS:
        try:
            peers.append(make())
        except PeerMissing as exc:
            _say(f"left out: {exc}")
    return peers


def _matches(name: str, wanted: list[str]) -> bool:
    return not wanted or any(each.lower() in name.lower() for each in wanted)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codec", nargs="+", choices=CODECS, default=list(CODECS))
    parser.add_argument("--case", nargs="+", default=[], help="only cases with this in their name")
    parser.add_argument("--only", nargs="+", default=[], help="only buffers with this in theirs")
    parser.add_argument("--utterances", type=int, default=2, help="of 8 s, each with its trace")
    parser.add_argument(
        "--target",
        help="a foreign end that returns what it hears: sip:echo@host:port, or a WHIP address",
    )
    parser.add_argument("--bearer", help="token for WHIP")
    parser.add_argument("--username", help="for SIP digest authentication")
    parser.add_argument("--password", default="")
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    if arguments.target is not None:
        return _of_target(parser, arguments, argv)
    command, peers = command_line("quality", argv), _peers()
    kept = arguments.out or arguments.html
    runs: list[Results] = []

    def run(seed: int) -> Document:
        runs.append(measure(arguments, seed, peers))
        return quality_results.document(runs[-1], command, kept)

    try:
        document = repeated(run, arguments)
    except ToolMissing as exc:
        _say(str(exc))
        return 1
    finish(document, arguments)
    outcomes = [outcome for each in runs for outcome in each.outcomes]
    print(f"\n{quality_results.table(outcomes)}")
    lost = [each for each in outcomes if not np.isfinite(each.scores.delay_mean_ms)]
    for each in lost:
        _say(f"no speech found again: {each.codec}, {each.case}, {each.buffer}")
    return 1 if lost or not outcomes else 0


if __name__ == "__main__":
    raise SystemExit(main())
