"""Capacity of a foreign agent, as its callers see it: `offhook bench capacity --target sip:…`.

Not here: our own server, whose clock can be read (capacity_calls.py), how a ramp goes (ramp.py),
callers over WHIP (capacity_whip.py).
"""

import argparse
import asyncio
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from ..phones.target import DEFAULT_USER, SIP, is_whip
from ..phones.whip_call import aiortc, installed
from ..reports import capacity_target_report as report, capacity_whip_report as whip_report
from ..reports.capacity_report import Tried
from ..reports.capacity_target_report import ForeignStep, Step
from ..reports.capacity_whip_report import WhipStep
from ..reports.results_file import Document, origin
from .calls_load import Callers, Words, make_words
from .capacity_calls import PACE
from .capacity_whip import PACE as WHIP_PACE, WhipLoads, is_here, processes_for
from .ramp import Outcome, Ramp, Verdict

SETTLE_S = 2.0
"After the last call was placed."
FIRST_CALLS = 5
FAILURES = (ChildProcessError, TimeoutError, OSError)


def parse(target: str) -> tuple[str, str]:
    """User and host:port of `sip:user@host:port`. The host becomes its IPv4 address.

    Raises ValueError for anything else, OSError for a host that is not known.
    """
    found = SIP.match(target)
    if found is None or "transport=" in found[3].lower().replace("transport=udp", ""):
        raise ValueError(
            f"--target {target}: many calls are placed to sip:user@host:port over UDP, or by WHIP"
        )
    host, _, port = found[2].partition(":")
    if not (port or "5060").isdecimal():
        raise ValueError(f"--target {target}: {port!r} is no port")
    return found[1] or DEFAULT_USER, f"{socket.gethostbyname(host)}:{port or 5060}"


async def measure(arguments: argparse.Namespace, seed: int) -> Document:
    """The ramp of calls to `arguments.target`, or the steps that were asked for."""
    with tempfile.TemporaryDirectory(prefix="offhook-capacity-") as folder:
        words = await make_words(Path(folder), seed)
        if is_whip(arguments.target):
            return await _over_whip(arguments, words)
        return await _over_sip(arguments, words)


async def _over_sip(arguments: argparse.Namespace, words: Words) -> Document:
    user, server = parse(arguments.target)
    pace = arguments.pace or PACE
    tried: Tried[ForeignStep] = Tried(f"{arguments.target}, PCMU")
    print(f"{tried.name}\n{report.head()}", flush=True)

    async def place(calls: int) -> ForeignStep:
        return await target_step(words, user, server, calls, arguments.seconds, pace)

    await _ramp(arguments, tried, place, report.judge_foreign, report.line)
    return report.document(origin(arguments.command), tried)


async def _over_whip(arguments: argparse.Namespace, words: Words) -> Document:
    url: str = arguments.target
    here, processes = is_here(url), processes_for(url, arguments.processes)
    loads = WhipLoads(url, arguments.bearer, words, processes, arguments.pace or WHIP_PACE)
    tried: Tried[WhipStep] = Tried(url)
    print(f"{tried.name}\n{whip_report.head()}", flush=True)

    async def place(calls: int) -> WhipStep:
        return await loads.step(calls, arguments.seconds)

    await _ramp(arguments, tried, place, whip_report.judge_whip, whip_report.line)
    return whip_report.document(origin(arguments.command, **installed()), tried, here=here)


async def _ramp(
    arguments: argparse.Namespace,
    tried: Tried[Step],
    place: Callable[[int], Awaitable[Step]],
    judge: Callable[[Step, Step | None], Verdict],
    line: Callable[[Step, Verdict], str],
) -> None:
    async def step(calls: int) -> Verdict | None:
        try:
            result = await place(calls)
        except FAILURES as exc:
            tried.errors.append(f"{calls} calls: {type(exc).__name__}: {exc}")
            print(tried.errors[-1], file=sys.stderr, flush=True)
            return None
        if not result.placed.answered:
            why = ", ".join(result.placed.refused) or "no reply"
            tried.errors.append(f"{calls} calls: none was answered: {why}")
            print(tried.errors[-1], file=sys.stderr, flush=True)
            return None
        first = next((s for s, verdict in tried.steps if verdict.outcome is Outcome.HELD), None)
        verdict = judge(result, first)
        tried.steps.append((result, verdict))
        print(line(result, verdict), flush=True)
        return verdict

    if arguments.calls:
        for calls in arguments.calls:
            await step(calls)
        held = [s.calls for s, verdict in tried.steps if verdict.outcome is Outcome.HELD]
        tried.held = max(held, default=None)
        return
    ramp = Ramp(arguments.first or FIRST_CALLS, arguments.most, tries=arguments.tries)
    while (calls := ramp.next()) is not None:
        verdict = await step(calls)
        if verdict is None:
            break
        ramp.tell(verdict)
    tried.held, tried.limit = ramp.held, ramp.limit


def check(target: str) -> None:
    """Raises ValueError, LineFailed for what cannot be called, OSError for an unknown host."""
    if is_whip(target):
        aiortc()
        is_here(target)
    else:
        parse(target)


async def target_step(
    words: Words, user: str, server: str, calls: int, seconds: float, pace: float
) -> ForeignStep:
    """So many callers, for so long. Raises ChildProcessError, TimeoutError."""
    flags = ["--user", user, "--pace", str(pace), "--redial"]
    async with Callers(server, words, calls, *flags) as callers:
        placed = await callers.placed()
        await asyncio.sleep(SETTLE_S)
        await callers.count()
        await asyncio.sleep(seconds)
        counted = await callers.stop()
    return ForeignStep(calls=calls, seconds=seconds, placed=placed, report=counted)
