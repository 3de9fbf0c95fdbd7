"""`offhook analytics …`: figures of a running server's calls; as a file; all of them made anew."""

import argparse
import pathlib
import sys
import urllib.parse
from typing import Any

from ..domain.analytics_questions import Bucket, Direction, Moment, Report
from ..domain.calls import CallStatus, Outcome
from ..errors import UsageError
from .api_client import add_options, client_of
from .tables import print_item, print_items

PATH = "/v1/analytics"
STDOUT = "-"
COUNTED = ("counts.calls", "counts.completed", "counts.success_rate")
# Of each kind of figures: where its rows are, and their columns.
TABLES: dict[Report, tuple[str, tuple[str, ...]]] = {
    Report.VOLUME: ("steps", ("date", *COUNTED, "duration_s")),
    Report.AGENTS: (
        "agents",
        ("name", *COUNTED, "durations.mean_s", "qa.mean", "latency.p50_ms", "costs.total"),
    ),
    Report.OUTCOMES: ("causes", ("outcome", "cause", "calls", "share")),
    Report.HOURS: ("hours", ("number", "calls", "completed", "success_rate")),
    Report.RETRIES: ("attempts", ("number", *COUNTED)),
    Report.SENTIMENT: (
        "steps",
        ("date", "sentiment.positive", "sentiment.neutral", "sentiment.negative"),
    ),
    Report.PHRASES: ("phrases", ("phrase", "calls", "share")),
    Report.COSTS: ("steps", ("date", "costs.calls", "costs.total", "costs.per_call")),
    Report.LATENCY: ("steps", ("date", "latency.replies", "latency.p50_ms", "latency.p95_ms")),
    Report.QA: ("agents", ("name", "qa.scored", "qa.mean", "qa.min", "qa.max")),
}


def main(argv: list[str]) -> int:
    """Show, export, rebuild. Raises UsageError and ApiError."""
    options = _parser().parse_args(argv)
    client = client_of(options)
    match options.verb:
        case "show":
            answer = client.get(f"{PATH}/{options.report}{_query(options)}")
            _show(Report(options.report), answer, as_json=options.json)
        case "export":
            more = {"format": options.format, "report": options.report}
            _write(options.file, client.download(f"{PATH}/export{_query(options, **more)}"))
        case "rebuild":
            print_item(client.post(f"{PATH}/rebuild"), as_json=options.json)
    return 0


def _show(report: Report, answer: Any, *, as_json: bool) -> None:
    if as_json:
        print_item(answer, as_json=True)
    elif report in TABLES:
        rows, columns = TABLES[report]
        print_items(answer["figures"][rows], columns, as_json=False)
    else:
        print_item(_flat(answer["figures"]), as_json=False)


def _flat(figures: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested figures by dotted names."""
    found: dict[str, Any] = {}
    for name, value in figures.items():
        inner = _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else None
        found |= {prefix + name: value} if inner is None else inner
    return found


def _write(file: str, data: bytes) -> None:
    if file == STDOUT:
        sys.stdout.buffer.write(data)
        return
    try:
        pathlib.Path(file).write_bytes(data)
    except OSError as exc:
        raise UsageError(f"{file}: {exc.strerror or exc}") from exc


def _query(options: argparse.Namespace, **more: str | None) -> str:
    asked = {
        "from": options.from_,
        "to": options.to,
        "timezone": options.timezone,
        "bucket": options.bucket,
        "by": options.by,
        "agent_id": options.agent_id,
        "campaign_id": options.campaign_id,
        "direction": options.direction,
        "line": options.line,
        "status": options.status,
        "outcome": options.outcome,
        "account": options.account,
        **more,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return f"?{urllib.parse.urlencode(given)}" if given else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="offhook analytics", description="Figures of calls.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    show = verbs.add_parser("show", help="figures of one kind")
    export = verbs.add_parser("export", help="as CSV, or all of them as a PDF")
    rebuild = verbs.add_parser("rebuild", help="make the figures of all calls anew")
    reports = [report.value for report in Report]
    show.add_argument("report", nargs="?", choices=reports, default=Report.SUMMARY.value)
    export.add_argument("file", help=f"where to; {STDOUT} is the output")
    export.add_argument("--format", choices=("csv", "pdf"), default="csv")
    export.add_argument("--report", choices=reports, help="of CSV; else volume")
    for verb in (show, export):
        _add_filters(verb)
    for verb in (show, export, rebuild):
        add_options(verb)
    return parser


def _add_filters(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--from", dest="from_", metavar="DATE", help="a date or an RFC 3339 time")
    verb.add_argument("--to", metavar="DATE", help="a date is included; else now")
    verb.add_argument("--timezone", metavar="ZONE", help="IANA name; else UTC")
    verb.add_argument("--agent-id", metavar="ID")
    verb.add_argument("--campaign-id", metavar="ID")
    verb.add_argument("--line", metavar="NAME")
    verb.add_argument("--account", metavar="ID", help="else everybody's")
    for name, kind in (
        ("--bucket", Bucket),
        ("--by", Moment),
        ("--direction", Direction),
        ("--status", CallStatus),
        ("--outcome", Outcome),
    ):
        verb.add_argument(name, choices=[each.value for each in kind])
