"""The REST API while calls are live: requests a second, latency, and what it does to the clock.

    offhook bench api [--calls 0 100 300] [--rate 2000] [--connections 32] [--out file.json]

A server on a core of its own holds conversing calls (SIP and RTP both ways, scripted services);
callers, services and the HTTP client share the other core, the client last. Each kind of request is
asked for as fast as it is answered, some at a fixed rate too. Not here: WebSocket events.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import uvloop

from ..drivers.rtp.wire import UdpWire
from ..drivers.worker_process import command
from .load import cores
from .load.calls_load import Callers, Words, clock, conversing_server, make_words
from .load.cores import LOAD_CORE, on_core
from .load.http_load import KINDS, ApiReport
from .load.proc import core_time, session_usage
from .load.server_process import TOKEN, ServerDidNotStart, ServerProcess
from .reports import api_report, measuring
from .reports.api_report import ApiStep, Load
from .reports.results_file import Document, origin

LOAD_MODULE = f"{UdpWire.__module__.split('.', maxsplit=1)[0]}.bench.load.http_load"
LEAST_SECONDS = 5.5
"The clock's window is 5 s: all of it lies within the load."
PACED = ("get", "mix")
"Asked at a fixed rate, too."
PACE = 25.0
"Calls a second that are placed."
FAILURES = (ServerDidNotStart, ChildProcessError, TimeoutError, OSError)


async def measure(arguments: argparse.Namespace, seed: int) -> Document:
    """All numbers of calls, all loads."""
    steps: list[ApiStep] = []
    errors: list[str] = []
    print(api_report.head(), file=sys.stderr, flush=True)
    with on_core(LOAD_CORE), tempfile.TemporaryDirectory(prefix="offhook-api-") as folder:
        words = await make_words(Path(folder), seed)
        for calls in arguments.calls:
            try:
                steps += await _with_calls(arguments, words, Path(folder) / str(calls), calls)
            except FAILURES as exc:
                errors.append(f"{calls} calls: {type(exc).__name__}: {exc}")
                print(errors[-1], file=sys.stderr, flush=True)
    return api_report.document(origin(arguments.command), steps, errors)


async def _with_calls(
    arguments: argparse.Namespace, words: Words, folder: Path, calls: int
) -> list[ApiStep]:
    steps: list[ApiStep] = []
    loads = [Load(kind, None) for kind in arguments.kind]
    loads += [
        Load(kind, rate) for rate in arguments.rate for kind in PACED if kind in arguments.kind
    ]
    # What the API does to the clock is measured: it must not stop the calls from coming about.
    async with conversing_server(
        folder, LIMITS_MAX_LATENESS_MS="1000", RATE_LIMITS="false"
    ) as server:
        if not calls:
            for load in (None, *loads):
                steps.append(await _step(arguments, server, 0, load))
            return steps
        flags = ["--pace", str(PACE), "--redial"]
        async with Callers(server.sip, words, calls, *flags) as callers:
            placed = await callers.placed()
            up = placed.answered - placed.ended_by_far_end
            if up < calls:
                raise ChildProcessError(f"{up} of {calls} calls are up: {placed.refused}")
            for load in (None, *loads):
                steps.append(await _step(arguments, server, calls, load, callers))
            await callers.stop()
    return steps


async def _step(
    arguments: argparse.Namespace,
    server: ServerProcess,
    calls: int,
    load: Load | None,
    callers: Callers | None = None,
) -> ApiStep:
    skipped = (await clock(server)).skipped_ticks
    usage, core, began_at = session_usage(server.pid), core_time(LOAD_CORE), time.monotonic()
    report = None
    if load is None:
        await asyncio.sleep(arguments.seconds)
    else:
        report = await _ask(arguments, server, load)
    late = await clock(server)
    cpu_s, wall_s = session_usage(server.pid).cpu_s - usage.cpu_s, time.monotonic() - began_at
    step = ApiStep(
        calls=calls,
        load=load,
        report=report,
        server_busy=cpu_s / wall_s,
        load_core_busy=core_time(LOAD_CORE).busy_since(core),
        late_p50_ms=late.p50_ms,
        late_p99_ms=late.p99_ms,
        late_max_ms=late.max_ms,
        skipped_ticks=late.skipped_ticks - skipped,
    )
    print(api_report.row(step), file=sys.stderr, flush=True)
    return step


async def _ask(arguments: argparse.Namespace, server: ServerProcess, load: Load) -> ApiReport:
    flags = ["--server", server.http.removeprefix("http://"), "--token", TOKEN]
    flags += ["--kind", load.kind, "--connections", str(arguments.connections)]
    flags += ["--seconds", str(arguments.seconds), "--seed", str(arguments.seed)]
    flags += [] if load.rate is None else ["--rate", str(load.rate)]
    process = await asyncio.create_subprocess_exec(
        *command(LOAD_MODULE, *flags), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise ChildProcessError(f"the load on the API ended with {process.returncode}")
    return msgspec.json.decode(output, type=ApiReport)


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write. 1 when something failed or was answered wrongly."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, nargs="+", default=[0, 100, 300])
    parser.add_argument("--kind", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--rate", type=float, nargs="*", default=[2000.0], help="of get and mix")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=6.0, help="a load")
    measuring.add_arguments(parser)
    measuring.no_target(
        parser,
        "the requests are those of Offhook's own REST API, beside calls whose clock is read in the "
        "server; a foreign agent's API has other requests and shows no clock",
    )
    arguments = parser.parse_args(argv)
    if not cores.enough():
        parser.error("two cores are needed: one for the server, one for the load")
    arguments.seconds = max(LEAST_SECONDS, arguments.seconds)
    arguments.command = measuring.command_line("api", argv)
    sound: list[bool] = []

    def run(seed: int) -> Document:
        document = uvloop.run(measure(arguments, seed))
        sound.append(api_report.sound(document))
        return document

    document = measuring.repeated(run, arguments)
    measuring.finish(document, arguments)
    print("", *document.reading, sep="\n")
    return 0 if all(sound) else 1


if __name__ == "__main__":
    raise SystemExit(main())
