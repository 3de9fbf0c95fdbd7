"""Capacity of a foreign agent, as its callers see it: `offhook bench capacity --target sip:…`.

Not here: our own server, whose clock can be read (capacity_calls.py), how a ramp goes (ramp.py).
"""

import argparse
import asyncio
import socket
import sys
import tempfile
from pathlib import Path

from ..phones.target import DEFAULT_USER, SIP
from ..reports import capacity_target_report as report
from ..reports.capacity_report import Tried
from ..reports.capacity_target_report import ForeignStep
from ..reports.results_file import Document, origin
from .calls_load import Callers, Words, make_words
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
            f"--target {target}: many calls are placed by sip:user@host:port over UDP only"
        )
    host, _, port = found[2].partition(":")
    if not (port or "5060").isdecimal():
        raise ValueError(f"--target {target}: {port!r} is no port")
    return found[1] or DEFAULT_USER, f"{socket.gethostbyname(host)}:{port or 5060}"


async def measure(arguments: argparse.Namespace, seed: int) -> Document:
    """The ramp of calls to `arguments.target`, or the steps that were asked for."""
    user, server = parse(arguments.target)
    tried: Tried[ForeignStep] = Tried(f"{arguments.target}, PCMU")
    print(f"{tried.name}\n{report.head()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="offhook-capacity-") as folder:
        words = await make_words(Path(folder), seed)
        await _ramp(arguments, tried, words, user, server)
    return report.document(origin(arguments.command), tried)


async def _ramp(
    arguments: argparse.Namespace,
    tried: Tried[ForeignStep],
    words: Words,
    user: str,
    server: str,
) -> None:
    async def step(calls: int) -> Verdict | None:
        try:
            result = await target_step(
                words, user, server, calls, arguments.seconds, arguments.pace
            )
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
        verdict = report.judge_foreign(result, first)
        tried.steps.append((result, verdict))
        print(report.line(result, verdict), flush=True)
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
