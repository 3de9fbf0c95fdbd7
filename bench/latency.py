"""How long the caller waits for an answer, mouth to ear, and what of it is the server's.

    offhook bench latency [--profile instant realistic] [--calls 1 20] [--background quiet noise]
    offhook bench latency --target sip:agent@host:5060 [--say question.wav]
    offhook bench latency --target https://host/whip [--bearer token]

A bare telephone calls the server (another process) over SIP and RTP, says recorded human words that
end at a known sample, and finds the audible start of the reply in what comes back. Recognition,
language and speech are scripted services of known latency in a third process, so that what is left
is the server's own. A foreign agent is called in the same way, its greeting is heard out, and only
the gap is known. Not here: how these times come about in speech services of flesh and blood.

- `reply gap`: from the caller's last sample leaving the mouth to the reply's first at an ear
  without a jitter buffer.
- `added`: from the arrival of the packet with the caller's last sample at the server to the
  departure of the packet with the agent's first (the loopback takes no time), less the configured
  silence that ends a turn. With instant providers only: slow ones are partly hidden behind that
  silence, by replies made ready in advance.
  What of it is a matter of measuring: it counts from the packet, so the silence that follows the
  last sample in its packet (10 ms on average) is in the gap and not in `added`; the reply's start
  is found to the sample where it begins at full level, as it does here. What is the line's and not
  the server's work: a phone's packets come at a phase of their own between two ticks of the
  server's clock, 0 to 20 ms before the one that takes them. That phase is a call's own and stays
  for all its turns, so that the figures of one call lie within 2 ms of each other and say little:
  a case holds several calls.
- `beyond the providers`: the gap less what the three services take, one after the other.
- `until …`: from the caller's last packet to the server's own stages, on one axis of samples.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from ..media.conversation.settings import TurnSettings
from .load.scripted_providers import AGENT_CONFIG, HEARD, Latencies, ProvidersProcess
from .load.server_process import TOKEN, ServerProcess
from .phones.background import BACKGROUNDS, background
from .phones.clips import clip_path
from .phones.line import RATE_HZ, Echo, LineFailed, Pcm
from .phones.target import MakeLine, add_target, line_to, spoken
from .phones.turns import FOREIGN, OURS, Missed, Pace, converse, sharp_end
from .reports.latency_report import Case, Conversation, metrics, worst_turn
from .reports.measuring import Progress, add_arguments, command_line, finish, repeated
from .reports.results_file import Document, Origin, origin

PROFILES = {"instant": Latencies(), "realistic": Latencies(stt_ms=250, llm_ms=375, tts_ms=100)}
PROMPTS = (("call-waiting", "call waiting"), ("auth-thankyou", "thank you"), ("hello", "hello"))
ENDPOINTING_MS = TurnSettings().min_endpointing_ms
CALLS_WITHIN_S = 3.0
"Those of a round begin within so long."
CALLS_A_CASE = 8
"At least so many: the phase between a phone's packets and the server's ticks is a call's own."
LATENESS_LIMIT_MS = "100"
"Refusing calls would spare the server what is to be measured; the clock's p99 is reported instead."


class Caller:
    """How a caller of this measurement sounds, and what he says."""

    def __init__(self, words: Sequence[Pcm], arguments: argparse.Namespace, seed: int) -> None:
        self.words = [sharp_end(pcm, RATE_HZ) for pcm in words]
        self._refusal: LineFailed | None = None
        self._turns: int = arguments.turns
        self._rounds: int | None = arguments.rounds
        self._seed = seed
        self._snr_db: float = arguments.snr_db
        self._echo_db: float | None = arguments.echo_db
        self._echo_ms: int = arguments.echo_ms

    async def call(self, make_line: MakeLine, around: str, number: int, pace: Pace) -> Conversation:
        """One call, its turns taken; or refused."""
        rng = random.Random(self._seed + number)
        await asyncio.sleep(rng.random() * CALLS_WITHIN_S)
        line = make_line(rng)
        line.mouth.background = background(
            around, self._seed + number, self.words, self._snr_db, RATE_HZ
        )
        if self._echo_db is not None:
            line.mouth.echo = Echo(self._echo_db, self._echo_ms)
        try:
            await line.call()
            return Conversation(line, await converse(line, self.words, self._turns, rng, pace))
        except LineFailed as exc:
            self._refusal = exc
            return Conversation(line, [Missed.REFUSED] * self._turns)
        finally:
            await line.hang_up()

    async def calls(
        self, make_line: MakeLine, around: str, count: int, pace: Pace
    ) -> list[Conversation]:
        """So many at once, round after round. Raises LineFailed when none came about."""
        held: list[Conversation] = []
        for n in range(self._rounds or max(1, CALLS_A_CASE // count)):
            numbers = range(n * count, (n + 1) * count)
            calls = (self.call(make_line, around, number, pace) for number in numbers)
            held += await asyncio.gather(*calls)
        if self._refusal is not None and all(Missed.REFUSED in each.turns for each in held):
            raise self._refusal
        return held


async def measure_ours(caller: Caller, profile: str, calls: int, around: str) -> Case:
    """One profile at one number of calls, with a server of its own."""
    latencies = PROFILES[profile]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "offhook.toml"
        async with ProvidersProcess(latencies) as providers:
            config.write_text(AGENT_CONFIG.format(base_url=providers.base_url))
            data = Path(folder) / "data"
            limit = LATENESS_LIMIT_MS
            async with ServerProcess(
                data, CONFIG=str(config), LIMITS_MAX_LATENESS_MS=limit
            ) as server:
                line = line_to(argparse.Namespace(**_ours(server)))
                conversations = await caller.calls(line, around, calls, OURS)
                conversations, clock_p99_ms = await _told(server, conversations)
    return Case(
        name=f"{profile}, {_number(calls)}, {around}",
        conversations=conversations,
        latencies=latencies,
        endpointing_ms=ENDPOINTING_MS,
        clock_p99_ms=clock_p99_ms,
    )


def _ours(server: ServerProcess) -> dict[str, Any]:
    return {"target": f"sip:agent@{server.sip}", "bearer": None, "username": None}


async def _told(
    server: ServerProcess, conversations: list[Conversation]
) -> tuple[list[Conversation], float]:
    """With what the server says of each call; and its frame clock's lateness."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(server.http, headers=headers, raise_for_status=True) as client:
        async with client.get("/health") as answer:
            health = await answer.json()
        async with client.get("/v1/calls", params={"limit": "200"}) as answer:
            ids = {item["sip_call_id"]: item["id"] for item in (await answer.json())["items"]}
        told: list[Conversation] = []
        for each in conversations:
            if each.line.call_id not in ids:
                told.append(each)
                continue
            async with client.get(f"/v1/calls/{ids[each.line.call_id]}") as answer:
                told.append(Conversation(each.line, each.turns, await answer.json()))
    return told, float(health["clock"]["p99_ms"])


def _number(calls: int) -> str:
    return f"{calls} call" + ("s" if calls > 1 else "")


async def measure(arguments: argparse.Namespace, seed: int) -> tuple[list[Case], str]:
    """All cases, one after the other; and whose voice the caller's is. Raises LineFailed."""
    words, voice = await spoken(arguments, PROMPTS)
    caller = Caller(words, arguments, seed)
    cases: list[Case] = []
    profiles = list(arguments.profile) if arguments.target is None else [None]
    progress = Progress(len(profiles) * len(arguments.calls) * len(arguments.background))
    for profile in profiles:
        for calls in arguments.calls:
            for around in arguments.background:
                progress.step(f"{profile or arguments.target}, {_number(calls)}, {around}")
                if profile is None:
                    name = f"{arguments.target}, {_number(calls)}, {around}"
                    pace = FOREIGN
                    held = await caller.calls(line_to(arguments), around, calls, pace)
                    cases.append(Case(name, held))
                else:
                    cases.append(await measure_ours(caller, profile, calls, around))
    return cases, voice


def document(
    cases: list[Case], voice: str, arguments: argparse.Namespace, where: Origin, clip: Path | None
) -> Document:
    """Everything that was measured; the longest gap is written to `clip`."""
    reading = [
        "The gap is from the caller's last sample at the mouth to the reply's first audible sample"
        " at an ear without a jitter buffer: a telephone adds its own, 20 to 60 ms. The caller's"
        f" voice: {voice}.",
    ]
    if arguments.target is None:
        reading.append(
            f"Whatever is said is understood as {HEARD!r}, words that look finished: the turn ends"
            f" {ENDPOINTING_MS} ms after them, which is part of the gap, not of `added`. Each call"
            " has one phase between its packets and the server's ticks, for all its turns: it moves"
            " `added` by up to 20 ms, so that few calls make rough percentiles."
        )
    return Document(
        origin=where,
        measurement="latency",
        metrics=[metric for case in cases for metric in metrics(case)],
        clips=[] if clip is None else worst_turn(cases, clip),
        detail={
            "voice": voice,
            "echo_db": arguments.echo_db,
            "echo_ms": arguments.echo_ms,
            "snr_db": arguments.snr_db,
            "cases": {case.name: [c.turns for c in case.conversations] for case in cases},
        },
        reading=reading,
    )


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="offhook bench latency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--profile", nargs="+", choices=PROFILES, default=list(PROFILES))
    parser.add_argument("--calls", type=int, nargs="+", help="at once (default: 1 20; foreign: 1)")
    parser.add_argument("--turns", type=int, default=3, help="of each call")
    parser.add_argument(
        "--rounds", type=int, help=f"of calls; default: {CALLS_A_CASE} calls a case"
    )
    parser.add_argument("--background", nargs="+", choices=BACKGROUNDS, default=["quiet"])
    parser.add_argument("--snr-db", type=float, default=15.0, help="words above the background")
    parser.add_argument("--echo-db", type=float, help="the caller's end returns the agent's voice")
    parser.add_argument("--echo-ms", type=int, default=120)
    add_target(parser)
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    if arguments.calls is None:
        arguments.calls = [1, 20] if arguments.target is None else [1]
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write."""
    arguments = parse(argv)
    missed = 0

    def one(seed: int) -> Document:
        nonlocal missed
        cases, voice = uvloop.run(measure(arguments, seed))
        kinds = (Missed.UNANSWERED, Missed.ENDED, Missed.REFUSED)
        missed += sum(case.missed(kind) for case in cases for kind in kinds)
        where = origin(command_line("latency", argv))
        return document(cases, voice, arguments, where, clip_path(arguments.out, seed))

    try:
        finish(repeated(one, arguments), arguments)
    except (LineFailed, ValueError) as exc:
        print(f"offhook bench latency: {exc}", file=sys.stderr)
        return 1
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
