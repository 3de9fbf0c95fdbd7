"""Figures of a million calls: how long each question about them takes, as the server asks it.

    offhook bench analytics [--calls 1000000] [--rounds 15] [--folder DIR] [--out file.json]

A database with a fixed seed is made (or found again in --folder), then each question is asked of
the service: followed events, the process that counts, and the way between are in it, HTTP is not.
The first question, which reads all calls, is timed apart. Not here: how a call's figures are made.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import uvloop

from ..control.analytics.counting import Counting
from ..control.auth.principal import OPERATOR
from ..control.domain.analytics_questions import Bucket, Direction, Period, Report, Wanted
from ..control.domain.calls import Outcome
from ..control.errors import Unavailable
from ..control.services.analytics import AnalyticsService
from ..control.store.database import Database
from ..media.clock import LoopClock
from .load.figure_rows import BEGIN, END, account_of, agents_of, make_database
from .load.proc import process_usage
from .reports import measuring
from .reports.results_file import Document, Metric, origin
from .speech.waveform import percentile

GOAL_MS = 300.0
ZONE = "Europe/Berlin"
MONTH_S = 30 * 86_400.0
YEAR = Period(from_wall=BEGIN, to_wall=END, timezone=ZONE, bucket=Bucket.DAY)
MONTH = msgspec.structs.replace(YEAR, from_wall=END - MONTH_S)


def cases() -> dict[str, tuple[Wanted, Period]]:
    """Whose calls, which, and of what time."""
    account = account_of(0).id
    agent = agents_of(0)[0].id
    filtered = Wanted(owner_id=account, direction=Direction.OUTBOUND, outcome=Outcome.COMPLETED)
    return {
        "all accounts, a year": (Wanted(), YEAR),
        "an account, a year": (Wanted(owner_id=account), YEAR),
        "an account, a month": (Wanted(owner_id=account), MONTH),
        "an agent, a year": (Wanted(owner_id=account, agent_id=agent), YEAR),
        "filtered, a year": (filtered, YEAR),
    }


async def measure(arguments: argparse.Namespace, seed: int) -> Document:
    """Ask everything, some rounds."""
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="offhook-analytics-"))
        )
        file = folder / "offhook.db"
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            print(f"making {arguments.calls} calls in {folder}", file=sys.stderr, flush=True)
            await make_database(folder, arguments.calls, seed)
        database = Database(f"sqlite+aiosqlite:///{file}")
        await database.open()
        counting = Counting(database.url)
        service = AnalyticsService(database, LoopClock(), counting)
        try:
            return await _asked(arguments, service, counting)
        finally:
            await service.aclose()
            await database.aclose()


async def _asked(
    arguments: argparse.Namespace, service: AnalyticsService, counting: Counting
) -> Document:
    first_ms, calls = await _first(service)
    taken: dict[tuple[Report, str], list[float]] = {}
    for _ in range(arguments.rounds):
        for case, (wanted, period) in cases().items():
            for report in Report:
                took_ms, _ = await _timed(service, report, wanted, period)
                taken.setdefault((report, case), []).append(took_ms)
    pid = counting.pid
    assert pid is not None, "it has just answered"
    megabytes = process_usage(pid).rss_kb / 1024
    metrics = [
        Metric(f"figures: {report.value}", case, "ms", values, goal=GOAL_MS)
        for (report, case), values in taken.items()
    ]
    metrics.sort(key=lambda metric: metric.name)
    metrics += [
        Metric("first question, which reads all calls", f"{calls:,} calls", "ms", [first_ms]),
        Metric("memory of the process that counts", f"{calls:,} calls", "MB", [megabytes]),
    ]
    return Document(
        origin=origin(arguments.command),
        measurement="analytics",
        metrics=metrics,
        reading=reading(metrics, calls),
    )


async def _first(service: AnalyticsService) -> tuple[float, int]:
    """The same of the first question, which is asked until it is answered."""
    began_at = time.monotonic()
    while True:
        try:
            _, calls = await _timed(service, Report.SUMMARY, Wanted(), YEAR)
        except Unavailable:
            continue
        return (time.monotonic() - began_at) * 1000, calls


async def _timed(
    service: AnalyticsService, report: Report, wanted: Wanted, period: Period
) -> tuple[float, int]:
    """Milliseconds, and how many calls the figures are of, where they say so."""
    began_at = time.monotonic()
    figures = await service.figures(OPERATOR, report, wanted, period)
    took_ms = (time.monotonic() - began_at) * 1000
    counts = getattr(figures, "counts", None)
    return took_ms, counts.calls if counts is not None else 0


def median(metric: Metric) -> float:
    """Of its values."""
    return percentile(metric.values, 0.5) or 0.0


def reading(metrics: list[Metric], calls: int) -> list[str]:
    """What to make of it."""
    judged = [metric for metric in metrics if metric.goal is not None]
    slowest = max(judged, key=median)
    missed = [metric for metric in judged if median(metric) > GOAL_MS]
    verdict = "all are below it" if not missed else f"{len(missed)} of {len(judged)} are above it"
    first, memory = metrics[-2].values[0], metrics[-1].values[0]
    return [
        f"Of {calls:,} calls the slowest question is {slowest.name.removeprefix('figures: ')} "
        f"({slowest.case}): median {median(slowest):.0f} ms. The goal is a median of "
        f"{GOAL_MS:.0f} ms; {verdict}.",
        "All calls are columns in the memory of one process, which is brought to what is stored "
        "before each answer; nothing is kept from one question to the next, so that any filter "
        "and any zone costs the same. Percentiles of durations are exact; those of reply gaps "
        "come from a histogram of 10 ms.",
        f"The first question after a start reads all figures: {first / 1000:.1f} s, and the "
        f"process then has {memory:.0f} MB. Turns and media records are not in this database: "
        "figures were made from the seed instead of from them.",
    ]


def main(argv: list[str] | None = None) -> int:
    """Measure, show, write. 1 when a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="where the database is kept for the next run")
    measuring.add_arguments(parser)
    arguments = parser.parse_args(argv)
    arguments.command = measuring.command_line("analytics", argv)
    document = measuring.repeated(lambda seed: uvloop.run(measure(arguments, seed)), arguments)
    measuring.finish(document, arguments)
    print("", *document.reading, sep="\n")
    judged = [metric for metric in document.metrics if metric.goal is not None]
    return int(any(median(metric) > GOAL_MS for metric in judged))


if __name__ == "__main__":
    raise SystemExit(main())
