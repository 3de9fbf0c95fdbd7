"""How many calls a core holds: rises step by step until the clock is late or a frame is lost.

    offhook bench capacity [--codec PCMU opus G722] [--vad on off] [--no-record] [--talk half p59]
    offhook bench capacity --whole [--out file.json]
    offhook bench capacity --target sip:user@host:port [--out file.json]      (a foreign agent)
    offhook bench capacity --target https://host/whip [--bearer token] [--processes 4]
    offhook bench capacity --calls 250 500 1000      (these steps, whatever they show)

The engine alone by default; with --whole a server process that is called over SIP and converses
with speech and language services in other processes. Server and load have a core each. A step holds
while the clock's p99 lateness (deadline to last packet sent) stays within 5 ms, no frame is lost
and the load itself was in time; a step whose load was not is void and counts for nothing.
A line a step: whether it held, CPU of a call a frame, the clock's p99, frames lost, memory a call,
how fast calls were taken. Everything else is in --out and its page.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import uvloop

from .load import capacity_calls, capacity_engine, capacity_target, cores
from .load.capacity_engine import LEAST_SECONDS, TALKS, Case, Step, run_step, speech_file
from .load.load_payloads import CODECS
from .load.ramp import Ramp, judge
from .phones.line import LineFailed
from .reports import capacity_report, measuring
from .reports.capacity_report import Tried
from .reports.results_file import Document, origin

FIRST_CALLS = {"PCMU": 400, "opus": 60, "G722": 150}
"Where a ramp of the engine begins."
MOST_CALLS = 6000
"Beyond the physical limit of the system calls."


async def engine_case(arguments: argparse.Namespace, case: Case, folder: Path) -> Tried[Step]:
    """The ramp of one case, or the steps that were asked for."""
    speech = await speech_file(folder, case.codec)
    tried: Tried[Step] = Tried(str(case))
    print(f"\n{case}\n{capacity_report.engine_head()}", flush=True)

    async def step(calls: int) -> None:
        try:
            result = await run_step(case, calls, arguments.seconds, speech)
        except ChildProcessError as exc:
            print(f"{calls} calls: {exc}", file=sys.stderr)
            tried.errors.append(f"{calls} calls: {exc}")
            return
        verdict = judge(result.figures())
        tried.steps.append((result, verdict))
        print(capacity_report.engine_row(result, verdict), flush=True)

    if arguments.calls:
        for calls in arguments.calls:
            await step(calls)
        return tried
    ramp = Ramp(arguments.first or FIRST_CALLS[case.codec], arguments.most, tries=arguments.tries)
    while (calls := ramp.next()) is not None:
        done = len(tried.steps)
        await step(calls)
        if len(tried.steps) == done:
            break  # the step could not be run at all: nothing above it can
        ramp.tell(tried.steps[-1][1])
    tried.held, tried.limit = ramp.held, ramp.limit
    return tried


async def engine(arguments: argparse.Namespace, seed: int) -> Document:
    """All cases of the engine alone. Its load is the same whatever the seed."""
    chosen = [True] * ("on" in arguments.vad) + [False] * ("off" in arguments.vad)
    cases = [
        Case(codec, vad, not arguments.no_record, talk)
        for talk in arguments.talk
        for vad in chosen
        for codec in arguments.codec
    ]
    with tempfile.TemporaryDirectory(prefix="offhook-capacity-") as folder:
        tried = [await engine_case(arguments, case, Path(folder)) for case in cases]
    where = origin(arguments.command)
    return capacity_report.engine_document(where, dict(zip(cases, tried, strict=True)))


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write. 1 when nothing could be measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--codec", nargs="+", choices=CODECS, default=list(CODECS))
    parser.add_argument("--vad", nargs="+", choices=("on", "off"), default=["on", "off"])
    parser.add_argument("--no-vad", dest="vad", action="store_const", const=["off"])
    parser.add_argument("--no-record", action="store_true")
    parser.add_argument(
        "--talk",
        nargs="+",
        choices=TALKS,
        default=[TALKS[0]],
        help="half: callers speak half of the time, the agent always; p59: both as in ITU-T P.59",
    )
    parser.add_argument("--calls", type=int, nargs="+", help="these steps instead of a ramp")
    parser.add_argument("--first", type=int, help="where the ramp begins")
    parser.add_argument("--most", type=int, default=MOST_CALLS)
    parser.add_argument("--tries", type=int, default=2, help="a step fails when it does so twice")
    parser.add_argument("--seconds", type=float, help="of measuring, a step")
    capacity_calls.add_arguments(parser)
    parser.add_argument(
        "--target", help="a foreign agent: sip:user@host:port (UDP, G.711), or a WHIP address"
    )
    parser.add_argument("--bearer", help="token for WHIP")
    parser.add_argument(
        "--processes", type=int, help="that hold callers over WHIP; default: one a core to spare"
    )
    measuring.add_arguments(parser)
    arguments = parser.parse_args(argv)
    if not cores.enough():
        parser.error("two cores are needed: one for the server, one for the load")
    arguments.command = measuring.command_line("capacity", argv)
    conversing = arguments.whole or arguments.target is not None
    if conversing and arguments.talk != [TALKS[0]]:
        parser.error("--talk is of the engine alone: elsewhere callers converse with who answers")
    least = capacity_calls.SECONDS if conversing else capacity_engine.MEASURED_S
    arguments.seconds = max(LEAST_SECONDS, arguments.seconds or least)
    measured = capacity_calls.measure if arguments.whole else engine
    if arguments.target is not None:
        try:
            capacity_target.check(arguments.target)
        except (ValueError, OSError, LineFailed) as exc:
            parser.error(str(exc))
        measured = capacity_target.measure
    document = measuring.repeated(lambda seed: uvloop.run(measured(arguments, seed)), arguments)
    measuring.finish(document, arguments, show_figures=False)
    print("", *document.reading, sep="\n")
    return 0 if document.metrics else 1


if __name__ == "__main__":
    raise SystemExit(main())
