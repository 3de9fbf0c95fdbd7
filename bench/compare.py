"""What changed between two results, and whether it is more than noise.

    offhook bench compare new.json … --with old.json … [--html out.html]
    offhook bench compare --interleave 4 --a "offhook bench latency" --b "env X=1 offhook bench …"

Several files of one side are runs of one measurement and are pooled; `--repeat` of a measurement
writes several runs into one file. `--interleave N` runs the commands A B B A A B B A …, N times
each, and compares B with A. How a difference is judged: changes.py, bootstrap.py.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from .report import write_report
from .reports.changes import CHANCE_FROM, Compared, Comparison, compare
from .reports.interleave import CommandFailed, run_alternately, run_command
from .reports.repeats import NotComparable, pool
from .reports.report_page import Shown
from .reports.results_file import Document, Metric, ResultsUnreadable, read, write


def show(comparison: Comparison) -> str:
    """As lines of the terminal."""
    new, old = comparison.new, comparison.old
    lines = [
        f"{comparison.measurement}: {new.commit} of {new.date} ({_runs(comparison.new_runs)}) "
        f"against {old.commit} of {old.date} ({_runs(comparison.old_runs)})",
        *(f"! {caution}" for caution in comparison.cautions),
        "",
    ]
    if comparison.compared:
        head = f"{'':34}{'':6}{'old':>10}{'new':>10}{'change':>10}  {'95 % interval':20}verdict"
        lines.append(head)
    heading = None
    for each in comparison.compared:
        title = ", ".join(filter(None, (each.metric.name, each.metric.unit)))
        if title != heading:
            lines.append(title)
            heading = title
        lines += _rows(each)
    lines += _only("only in the new", comparison.only_new)
    lines += _only("only in the old", comparison.only_old)
    if comparison.judged >= CHANCE_FROM:
        lines.append(
            f"\n{comparison.judged} changes were judged: if nothing had changed, "
            f"about {comparison.by_chance:.1f} would still seem real."
        )
    return "\n".join(lines)


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _rows(each: Compared) -> list[str]:
    if not each.changes:
        return [f"  {each.metric.case:32}no values to compare"]
    rows = []
    for number, change in enumerate(each.changes):
        case = each.metric.case if number == 0 else ""
        old, new, difference, span = change.texts()
        rows.append(
            f"  {case:32}{each.name(change):6}{old:>10}{new:>10}{difference:>10}  "
            f"{span:20}{change.verdict}"
        )
    return rows


def _only(where: str, metrics: list[Metric]) -> list[str]:
    return [f"{where}: {metric.name}, {metric.case}" for metric in metrics]


# --- command line ---------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="offhook bench compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("new", nargs="*", type=Path, help="the newer result; several are runs")
    parser.add_argument("--with", dest="old", nargs="+", type=Path, metavar="OLD", default=[])
    parser.add_argument("--interleave", type=int, metavar="N", help="run A and B, N times each")
    parser.add_argument("--a", metavar="COMMAND", help="the old: a measurement, without --out")
    parser.add_argument("--b", metavar="COMMAND", help="the new")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the interleaved results")
    parser.add_argument("--html", type=Path, help="report of both, with the comparison")
    parser.add_argument("--seed", type=int, default=1, help="of the bootstrap")
    return parser


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _documents(
    arguments: argparse.Namespace, temporary: Path
) -> tuple[list[Document], list[Document]]:
    """New and old, read or measured."""
    if arguments.interleave is None:
        return [read(path) for path in arguments.new], [read(path) for path in arguments.old]
    commands = {"A": arguments.a, "B": arguments.b}
    folder = arguments.keep or temporary
    folder.mkdir(parents=True, exist_ok=True)
    results = run_alternately(commands, arguments.interleave, folder, run_command, _tell)
    if arguments.keep:
        for name, documents in results.items():
            write(folder / f"{name.lower()}.json", pool(documents))
    return results["B"], results["A"]


def _write_html(
    arguments: argparse.Namespace,
    temporary: Path,
    new: list[Document],
    old: list[Document],
    comparison: Comparison,
) -> None:
    measured = arguments.keep or temporary
    after = arguments.new[0].parent if arguments.new else measured
    before = arguments.old[0].parent if arguments.old else measured
    shown = [Shown(pool(new), after), Shown(pool(old), before, is_old=True)]
    write_report(arguments.html, shown, [comparison])


def main(argv: list[str] | None = None) -> int:
    """Compare, show; 2 when there is nothing to compare."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.interleave is None:
        if not arguments.new or not arguments.old:
            parser.error("new.json --with old.json, or --interleave N --a COMMAND --b COMMAND")
    elif arguments.new or arguments.old or not arguments.a or not arguments.b:
        parser.error("--interleave takes --a and --b, and no files")
    elif arguments.interleave < 1:
        parser.error("--interleave: at least once")
    with tempfile.TemporaryDirectory() as folder:
        try:
            new, old = _documents(arguments, Path(folder))
            comparison = compare(new, old, arguments.seed)
        except (ResultsUnreadable, NotComparable, CommandFailed) as exc:
            print(exc, file=sys.stderr)
            return 2
        if arguments.html:
            _write_html(arguments, Path(folder), new, old, comparison)
    print(show(comparison))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
