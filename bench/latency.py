"""How long the caller waits for an answer, mouth to ear, and what of it is the server's.

    offhook bench latency [--profile instant realistic] [--calls 1 20] [--turns 8] [--out file.json]

A bare telephone calls the server (another process) over SIP and RTP, says recorded human words that
end at a known sample, and finds the audible start of the reply in what comes back. Recognition,
language and speech are scripted services of known latency in a third process, so that what is left
is the server's own. Not here: how these times come about in speech services of flesh and blood.

- `gap`: from the caller's last sample leaving the mouth to the reply's first at an ear without a
  jitter buffer.
- `added`: from the arrival of the packet with the caller's last sample at the server to the
  departure of the packet with the agent's first (the loopback takes no time), less the configured
  silence that ends a turn.
- `beyond`: `gap` less what the three services take, one after the other.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import numpy as np
import uvloop
from numpy.typing import NDArray

from ..media.conversation.settings import TurnSettings
from .bare_phone import RATE_HZ, BarePhone
from .human_speech import fetch
from .results_file import Document, origin, write
from .scripted_providers import HEARD, Latencies, ProvidersProcess, reply_pcm
from .server_process import TOKEN, ServerProcess
from .voice import Voice
from .waveform import first_audible, gaps, levels, percentile

CACHE = Path(".cache/speech").resolve()
PROFILES = {"instant": Latencies(), "realistic": Latencies(stt_ms=250, llm_ms=375, tts_ms=100)}
PROMPTS = (("call-waiting", "call waiting"), ("auth-thankyou", "thank you"), ("hello", "hello"))
ENDPOINTING_MS = TurnSettings().min_endpointing_ms
BEFORE_S = (0.7, 1.2)
"Silence of the caller before each utterance, chosen anew each time: no phase is special."
ANSWER_LIMIT_S = 5.0
BETWEEN_CALLS_S = 0.15
LATENESS_LIMIT_MS = "100"
"Refusing calls would spare the server what is to be measured; the clock's p99 is reported instead."
GAP_MS = 15
"A hole of so long in a reply that has none is a fault."
CUT_DB = -20.0
"Words end where they are so much weaker than their loudest: there is no doubt about that sample."
STAGES = ("transcript_ms", "decided_ms", "first_text_ms", "first_speech_ms", "first_sample_ms")
CONFIG = """\
[[providers]]
name = "scripted"
base_url = "{base_url}"
models = {{ chat = "m", speech = "m", transcription = "m" }}

[[agents]]
name = "bench"
greeting = ""
stt = "scripted"
llm = "scripted"
tts = "scripted"
"""

Pcm = NDArray[np.int16]


class Turn(msgspec.Struct, frozen=True):
    """One answered utterance."""

    gap_ms: float
    added_ms: float
    holes: int
    "Silences inside the reply."


class Spread(msgspec.Struct, frozen=True):
    """Percentiles, ms."""

    p50: float | None
    p90: float | None
    p99: float | None


class Run(msgspec.Struct, frozen=True):
    """One profile at one number of calls."""

    profile: str
    latencies: Latencies
    calls: int
    turns: int
    unanswered: int
    holes: int
    gap: Spread
    added: Spread
    beyond: Spread
    stages: dict[str, Spread]
    "By the server's own account: since the end of speech, on its sample axis."
    clock_p99_ms: float
    "The server's frame clock, afterwards."


class Report(msgspec.Struct, frozen=True):
    """All runs."""

    endpointing_ms: int
    voice: str
    runs: list[Run]


def spread(values: list[float]) -> Spread:
    """Percentiles of measured values, to a tenth of a millisecond."""
    p50, p90, p99 = (percentile(values, share) for share in (0.5, 0.9, 0.99))
    return Spread(*(None if p is None else round(p, 1) for p in (p50, p90, p99)))


def sharp_end(pcm: Pcm, rate_hz: int) -> Pcm:
    """Words cut where they are 20 dB below their loudest: then the last sample is known."""
    window = rate_hz // 200
    each = levels(pcm, window)
    loud = np.flatnonzero(each >= each.max() * 10 ** (CUT_DB / 20))
    return pcm[: (int(loud[-1]) + 1) * window]


def measured(phone: BarePhone, last: int, reply: int, reply_end: int) -> Turn:
    """One turn: the caller's last sample is `last`, the reply lies in what was heard."""
    said, heard = phone.said, phone.heard
    gap_s = heard.heard_at(reply) - said.spoken_at(last)
    wire_s = heard.arrived_at(reply) - said.left_at(last)
    holes = len(gaps(heard.pcm()[reply:reply_end], RATE_HZ, GAP_MS))
    return Turn(gap_s * 1000, wire_s * 1000 - ENDPOINTING_MS, holes)


async def converse(
    phone: BarePhone, words: list[Pcm], turns: int, rng: random.Random
) -> list[Turn | None]:
    """Say something, hear the answer out, and again; None for an answer that did not come."""
    results: list[Turn | None] = []
    reply_s = len(reply_pcm()) / 24000
    for _ in range(turns):
        begin = phone.position + int(rng.uniform(*BEFORE_S) * RATE_HZ)
        pcm = rng.choice(words)
        phone.say(pcm, begin)
        last = begin + len(pcm) - 1
        if not await phone.wait_until(last + 1):
            return results + [None]
        heard_from = phone.heard.position_at(phone.said.left_at(last))
        results.append(await _reply(phone, last, heard_from, reply_s))
    return results


async def _reply(phone: BarePhone, last: int, heard_from: int, reply_s: float) -> Turn | None:
    """Listen until a reply has come to its end."""
    limit = phone.position + int(ANSWER_LIMIT_S * RATE_HZ)
    while await phone.wait_until(phone.position + RATE_HZ // 10) and phone.position < limit:
        start = first_audible(phone.heard.pcm(), RATE_HZ, heard_from)
        if start is None:
            continue
        end = start + int(reply_s * RATE_HZ)
        if phone.heard.end > end + RATE_HZ // 10:
            return measured(phone, last, start, end)
    return None


async def run(profile: str, calls: int, turns: int, words: list[Pcm], seed: int) -> Run:
    """One profile at one number of calls, with a server of its own."""
    latencies = PROFILES[profile]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "offhook.toml"
        async with ProvidersProcess(latencies) as providers:
            config.write_text(CONFIG.format(base_url=providers.base_url))
            data = Path(folder) / "data"
            async with _server(data, config) as server:
                results = await asyncio.gather(
                    *(_call(server, words, turns, seed + n, n) for n in range(calls))
                )
                async with aiohttp.ClientSession(
                    headers={"Authorization": f"Bearer {TOKEN}"}, raise_for_status=True
                ) as client:
                    views = [await _view(client, server.http, phone) for phone, _ in results]
                    async with client.get(f"{server.http}/health") as answer:
                        health = await answer.json()
    done = [turn for _, each in results for turn in each if turn is not None]
    return Run(
        profile=profile,
        latencies=latencies,
        calls=calls,
        turns=len(done),
        unanswered=calls * turns - len(done),
        holes=sum(turn.holes for turn in done),
        gap=spread([turn.gap_ms for turn in done]),
        added=spread([turn.added_ms for turn in done]),
        beyond=spread([turn.gap_ms - latencies.sum_ms for turn in done]),
        stages=_stages(views),
        clock_p99_ms=_clock_p99(health),
    )


def _server(data: Path, config: Path) -> ServerProcess:
    return ServerProcess(data, CONFIG=str(config), LIMITS_MAX_LATENESS_MS=LATENESS_LIMIT_MS)


async def _call(
    server: ServerProcess, words: list[Pcm], turns: int, seed: int, number: int
) -> tuple[BarePhone, list[Turn | None]]:
    rng = random.Random(seed)
    await asyncio.sleep(number * BETWEEN_CALLS_S)
    phone = BarePhone(server.sip, "agent", rng)
    try:
        await phone.call()
        return phone, await converse(phone, words, turns, rng)
    finally:
        await phone.hang_up()


async def _view(client: aiohttp.ClientSession, http: str, phone: BarePhone) -> dict[str, Any]:
    """What the server says of a call."""
    async with client.get(f"{http}/v1/calls", params={"limit": "200"}) as answer:
        items = (await answer.json())["items"]
    (item,) = (item for item in items if item["sip_call_id"] == phone.call_id)
    async with client.get(f"{http}/v1/calls/{item['id']}") as answer:
        view: dict[str, Any] = await answer.json()
        return view


def _stages(views: list[dict[str, Any]]) -> dict[str, Spread]:
    told = [turn["latency"] for view in views for turn in view["turns"] if turn["latency"]]
    return {
        stage: spread([each[stage] for each in told if each[stage] is not None]) for stage in STAGES
    }


def _clock_p99(health: dict[str, Any]) -> float:
    return round(float(health["clock"]["p99_ms"]), 2)


# --- what is shown --------------------------------------------------------------------------------


def show(result: Run) -> str:
    """A run as lines of the terminal."""
    rows = [("gap", result.gap), ("added", result.added), ("beyond", result.beyond)]
    rows += [(f"  {stage.removesuffix('_ms')}", each) for stage, each in result.stages.items()]
    head = (
        f"{result.profile}, {result.calls} call(s): {result.turns} turns, "
        f"{result.unanswered} unanswered, {result.holes} holes, "
        f"clock p99 {result.clock_p99_ms} ms"
    )
    lines = [f"  {name:16}{_cells(each)}" for name, each in rows]
    return "\n".join([head, f"  {'ms':16}{'p50':>9}{'p90':>9}{'p99':>9}", *lines, ""])


def _cells(each: Spread) -> str:
    return "".join(f"{'-' if v is None else f'{v:.1f}':>9}" for v in (each.p50, each.p90, each.p99))


async def measure(arguments: argparse.Namespace) -> Report:
    """All runs, one after the other."""
    prompts = fetch(CACHE)
    voice = Voice(prompts, RATE_HZ)
    words = [sharp_end(await voice.words(*prompt), RATE_HZ) for prompt in PROMPTS]
    runs: list[Run] = []
    for profile in arguments.profile:
        for calls in arguments.calls:
            result = await run(profile, calls, arguments.turns, words, arguments.seed)
            print(show(result), flush=True)
            runs.append(result)
    kind = "recorded" if prompts else "synthetic"
    return Report(ENDPOINTING_MS, f"{kind}, always understood as {HEARD!r}", runs)


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", nargs="+", choices=PROFILES, default=list(PROFILES))
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 20])
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args(argv)
    report = uvloop.run(measure(arguments))
    if arguments.out is not None:
        flags = sys.argv[1:] if argv is None else argv
        where = origin(" ".join(["offhook bench latency", *flags]))
        write(arguments.out, Document(where, "latency", [], detail=report))
    return 1 if any(each.unanswered for each in report.runs) else 0


if __name__ == "__main__":
    raise SystemExit(main())
