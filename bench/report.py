"""One HTML page to look at for all the results it is given; it works offline and by itself.

    offhook bench report a.json [b.json …] [--html out.html]

Recordings are looked for beside each JSON and are put into the page. Not here: how the page is made
(report_page.py), what changed between two results (compare.py).
"""

import argparse
import sys
from pathlib import Path

from .reports.changes import Comparison
from .reports.report_page import Shown, page
from .reports.results_file import ResultsUnreadable, read

REPORT = "report.html"


def write_report(
    path: Path, shown: list[Shown], comparisons: list[Comparison] | None = None
) -> None:
    """Write the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(shown, comparisons), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Read, write, say where; 2 when a file cannot be read."""
    parser = argparse.ArgumentParser(
        prog="offhook bench report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", nargs="+", type=Path, help="JSON of measurements")
    parser.add_argument(
        "--html", type=Path, help=f"default: beside the results ({REPORT} for more than one)"
    )
    arguments = parser.parse_args(argv)
    try:
        shown = [Shown(read(path), path.parent) for path in arguments.results]
    except ResultsUnreadable as exc:
        print(exc, file=sys.stderr)
        return 2
    first: Path = arguments.results[0]
    beside = first.with_suffix(".html") if len(shown) == 1 else first.with_name(REPORT)
    target: Path = arguments.html or beside
    write_report(target, shown)
    print(f"{target}: {target.stat().st_size / 1000:,.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
