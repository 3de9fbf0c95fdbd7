"""Capacity of the whole server: a process that is called over SIP, and every call converses.

Utterance, transcription, chat stream, speech, audio: the services are scripted ones of realistic
latency in a process of their own and speak OpenAI's protocols. Not here: the engine alone
(capacity_engine.py), how a ramp goes (ramp.py).
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from ..reports import capacity_calls_report as report
from ..reports.capacity_calls_report import CallsStep, SetupStep
from ..reports.capacity_report import Tried
from ..reports.results_file import Document, origin
from .calls_load import Callers, Words, clock, conversing_server, make_words
from .cores import LOAD_CORE, SERVER_CORE, on_core
from .proc import CoreTime, ProcessUsage, core_time, process_usage, session_usage
from .ramp import LoadHealth, Ramp, Verdict
from .server_process import ServerDidNotStart, ServerProcess
from .sip_load import CallsReport

SECONDS = 15.0
"Of measuring, a step: three turns of each call or more."
SETTLE_S = 6.0
"After the last call was placed: the clock's window is 5 s."
FIRST_CALLS, MOST_CALLS = 100, 2000
PACE = 20.0
FIRST_PACE, MOST_PACE = 10, 640
SETUP_S = 6
"Calls of a set-up step come for so long;"
SETUP_HOLD_S = 1.0
"each is held for so long."
FAILURES = (ServerDidNotStart, ChildProcessError, TimeoutError, OSError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `--whole` takes beside the others."""
    parser.add_argument("--whole", action="store_true", help="a server that is called by SIP")
    parser.add_argument("--pace", type=float, help=f"calls placed a second; {PACE:g}, over WHIP 5")
    parser.add_argument("--no-setup-rate", action="store_true", help="only calls that are held")


async def measure(arguments: argparse.Namespace, seed: int) -> Document:
    """The ramp of calls, then that of calls a second."""
    with on_core(LOAD_CORE), tempfile.TemporaryDirectory(prefix="offhook-capacity-") as folder:
        words = await make_words(Path(folder), seed)
        calls = await _calls(arguments, words, Path(folder))
        setup: Tried[SetupStep] = Tried(report.SETUP)
        if not arguments.no_setup_rate:
            setup = await _setup(arguments, words, Path(folder))
    return report.document(origin(arguments.command), calls, setup)


async def _calls(arguments: argparse.Namespace, words: Words, folder: Path) -> Tried[CallsStep]:
    tried: Tried[CallsStep] = Tried(report.WHOLE)
    pace: float = arguments.pace or PACE
    print(f"{tried.name}\n{report.calls_head()}", flush=True)

    async def step(calls: int) -> Verdict | None:
        try:
            result = await calls_step(
                words, folder / f"c{len(tried.steps)}", calls, arguments.seconds, pace
            )
        except FAILURES as exc:
            tried.errors.append(f"{calls} calls: {type(exc).__name__}: {exc}")
            print(tried.errors[-1], file=sys.stderr, flush=True)
            return None
        verdict = report.judge_calls(result)
        tried.steps.append((result, verdict))
        print(report.calls_row(result, verdict), flush=True)
        return verdict

    if arguments.calls:
        for calls in arguments.calls:
            await step(calls)
        return tried
    ramp = Ramp(
        arguments.first or FIRST_CALLS, min(arguments.most, MOST_CALLS), tries=arguments.tries
    )
    while (calls := ramp.next()) is not None:
        verdict = await step(calls)
        if verdict is None:
            break
        ramp.tell(verdict)
    tried.held, tried.limit = ramp.held, ramp.limit
    return tried


async def _setup(arguments: argparse.Namespace, words: Words, folder: Path) -> Tried[SetupStep]:
    tried: Tried[SetupStep] = Tried(report.SETUP)
    print(f"\n{tried.name}\n{report.setup_head()}", flush=True)
    ramp = Ramp(FIRST_PACE, MOST_PACE, factor=2.0, precision=0.15, tries=arguments.tries)
    while (pace := ramp.next()) is not None:
        try:
            result = await setup_step(words, folder / f"s{len(tried.steps)}", pace)
        except FAILURES as exc:
            tried.errors.append(f"{pace} calls/s: {type(exc).__name__}: {exc}")
            break
        verdict = report.judge_setup(result)
        tried.steps.append((result, verdict))
        print(report.setup_row(result, verdict), flush=True)
        ramp.tell(verdict)
    tried.held, tried.limit = ramp.held, ramp.limit
    return tried


async def calls_step(
    words: Words, folder: Path, calls: int, seconds: float, pace: float
) -> CallsStep:
    """A fresh server with so many conversing calls."""
    async with conversing_server(folder) as server:
        empty = session_usage(server.pid)
        async with Callers(server.sip, words, calls, "--pace", str(pace), "--redial") as callers:
            placed = await callers.placed()
            await asyncio.sleep(SETTLE_S)
            await callers.count()
            skipped = (await clock(server)).skipped_ticks
            before = _Look.at(server)
            await asyncio.sleep(seconds)
            now = _Look.at(server)
            late = await clock(server)
            counted = await callers.stop()
    return CallsStep(
        calls=calls,
        seconds=seconds,
        cpu_share=now.cpu_share(before),
        main_cpu_share=now.main_cpu_share(before),
        others_share=now.server_core.others_since(before.server_core, now.cpu_share(before)),
        late_p50_ms=late.p50_ms,
        late_p99_ms=late.p99_ms,
        late_max_ms=late.max_ms,
        skipped_ticks=late.skipped_ticks - skipped,
        kb_empty=empty.rss_kb,
        kb_a_call=(now.all.rss_kb - empty.rss_kb) / max(1, counted.live),
        placed=placed,
        report=_with_core(counted, before, now),
    )


async def setup_step(words: Words, folder: Path, pace: int) -> SetupStep:
    """A fresh server that is called `pace` times a second."""
    flags = ["--pace", str(pace), "--hold", str(SETUP_HOLD_S)]
    async with (
        conversing_server(folder) as server,
        Callers(server.sip, words, pace * SETUP_S, *flags) as callers,
    ):
        before = _Look.at(server)
        placed = await callers.placed()
        now = _Look.at(server)
        late = await clock(server)
        counted = await callers.stop()
    return SetupStep(
        pace=pace,
        cpu_ms_a_call=1000 * (now.all.cpu_s - before.all.cpu_s) / max(1, placed.placed),
        others_share=now.server_core.others_since(before.server_core, now.cpu_share(before)),
        late_p99_ms=late.p99_ms,
        late_max_ms=late.max_ms,
        placed=placed,
        report=_with_core(counted, before, now),
    )


class _Look(msgspec.Struct, frozen=True):
    """What was used until a moment."""

    at_s: float
    main: ProcessUsage
    all: ProcessUsage
    load_core: CoreTime
    server_core: CoreTime

    @classmethod
    def at(cls, server: ServerProcess) -> "_Look":
        now = time.monotonic()
        each = process_usage(server.pid), session_usage(server.pid)
        return cls(now, *each, core_time(LOAD_CORE), core_time(SERVER_CORE))

    def cpu_share(self, before: "_Look") -> float:
        return (self.all.cpu_s - before.all.cpu_s) / (self.at_s - before.at_s)

    def main_cpu_share(self, before: "_Look") -> float:
        return (self.main.cpu_s - before.main.cpu_s) / (self.at_s - before.at_s)


def _with_core(counted: CallsReport, before: _Look, now: _Look) -> CallsReport:
    """The load's health, with all that its core did: the services are there too."""
    health: LoadHealth = msgspec.structs.replace(
        counted.rtp.health, busy=round(now.load_core.busy_since(before.load_core), 3)
    )
    return msgspec.structs.replace(counted, rtp=msgspec.structs.replace(counted.rtp, health=health))
