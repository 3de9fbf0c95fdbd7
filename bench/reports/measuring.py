"""What the `main` of every measurement needs: shared arguments, repeats, progress, and the end.

    parser = argparse.ArgumentParser(...)      # with the measurement's own arguments
    add_arguments(parser)                      # --out --html --compare --repeat --seed
    arguments = parser.parse_args(argv)
    document = repeated(lambda seed: uvloop.run(measure(arguments, seed)), arguments)
    finish(document, arguments)

Not here: what is measured, and the verdict that makes the exit code.
"""

import argparse
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from ..compare import show
from ..report import write_report
from .changes import Comparison, compare
from .figures import called, cells, columns, goal_met, goal_text
from .repeats import NotComparable, pool
from .report_page import Shown
from .results_file import Document, Metric, ResultsUnreadable, read, write

SECRETS, HIDDEN = ("--bearer", "--password"), "…"


class Progress:
    """Lines on stderr: which step of how many, and how long it has been going."""

    def __init__(
        self,
        steps: int,
        clock: Callable[[], float] = time.monotonic,
        stream: TextIO | None = None,
    ) -> None:
        self._steps = steps
        self._step = 0
        self._clock = clock
        self._began_at = clock()
        self._stream = stream

    def step(self, what: str) -> None:
        """A step begins."""
        self._step += 1
        elapsed_s = self._clock() - self._began_at
        width = len(str(self._steps))
        line = f"[{self._step:{width}}/{self._steps}] {elapsed_s:5.0f} s  {what}"
        print(line, file=self._stream or sys.stderr, flush=True)


def add_arguments(parser: argparse.ArgumentParser, seed: int = 1) -> None:
    """What every measurement takes."""
    group = parser.add_argument_group("results")
    group.add_argument("--out", type=Path, metavar="FILE.json", help="figures; HTML beside it")
    group.add_argument("--html", type=Path, metavar="FILE.html", help="the report, elsewhere")
    group.add_argument(
        "--compare", nargs="+", type=_readable, metavar="OLD.json", default=[], help="what changed"
    )
    group.add_argument("--repeat", type=_at_least_one, default=1, metavar="N", help="runs")
    group.add_argument("--seed", type=int, default=seed, help="the next run takes the next one")


def no_target(parser: argparse.ArgumentParser, why: str) -> None:
    """Refuse --target, which other measurements take, and say why this one has nobody to call."""

    def refused(target: str) -> str:
        raise argparse.ArgumentTypeError(f"{target} cannot be measured here: {why}")

    parser.add_argument("--target", type=refused, help=argparse.SUPPRESS)


def command_line(name: str, argv: list[str] | None) -> str:
    """For `origin`: the command as it can be typed again, but for secrets: results are shown."""
    given = sys.argv[1:] if argv is None else argv
    told = [_hidden(word, given[at - 1] if at else "") for at, word in enumerate(given)]
    return shlex.join(["offhook", "bench", name, *told])


def _hidden(word: str, before: str) -> str:
    """The word, or what stands for the value of a secret flag, however far that is written out."""
    flag, equals, _ = word.partition("=")
    if equals and _is_secret(flag):
        return f"{flag}={HIDDEN}"
    return HIDDEN if _is_secret(before) else word


def _is_secret(flag: str) -> bool:
    return len(flag) > len("--") and any(each.startswith(flag) for each in SECRETS)


def repeated(measure: Callable[[int], Document], arguments: argparse.Namespace) -> Document:
    """Measure `--repeat` times, each with a seed of its own, as one document."""
    runs: list[Document] = []
    progress = Progress(arguments.repeat)
    for number in range(arguments.repeat):
        if arguments.repeat > 1:
            progress.step("run")
        runs.append(measure(arguments.seed + number))
    return pool(runs)


def finish(document: Document, arguments: argparse.Namespace, *, show_figures: bool = True) -> None:
    """Write JSON and report, show the figures and what changed, say where they are.

    `show_figures` False: the measurement has shown its own.
    """
    if arguments.out:
        write(arguments.out, document)
    if show_figures:
        print(table(document))
    comparisons: list[Comparison] = []
    if arguments.compare:
        try:
            comparisons.append(compare([document], arguments.compare))
        except NotComparable as exc:
            print(f"not compared: {exc}", file=sys.stderr)
        else:
            print(f"\n{show(comparisons[0])}")
    if arguments.out:
        print(f"\nfigures: {arguments.out}")
    html: Path | None = arguments.html or (arguments.out and arguments.out.with_suffix(".html"))
    if html:
        folder = (arguments.out or html).parent
        write_report(html, [Shown(document, folder)], comparisons)
        print(f"report:  {html}")


def table(document: Document) -> str:
    """Every metric's figures and goals as lines of the terminal."""
    lines: list[str] = []
    heading = None
    for metric in document.metrics:
        if (title := (metric.name, metric.unit, columns(metric), metric.better)) != heading:
            heading = title
            head = "".join(f"{called(at, metric):>10}" for at in columns(metric))
            name = ", ".join(filter(None, (metric.name, metric.unit)))
            lines.append(f"{name:40}{'n':>7}{head}  goal")
        lines.append(_row(metric))
    return "\n".join(lines)


def _row(metric: Metric) -> str:
    found = "".join(f"{each:>10}" for each in cells(metric, columns(metric)))
    goal = {True: "met: ", False: "MISSED: ", None: ""}[goal_met(metric)] + goal_text(metric)
    return f"  {metric.case:38}{len(metric.values):7}{found}  {goal}".rstrip()


def _readable(name: str) -> Document:
    """Read before anything is measured: a wrong name must not cost the run."""
    try:
        return read(Path(name))
    except ResultsUnreadable as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
