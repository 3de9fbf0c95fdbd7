"""`offhook campaign …`: many numbers for one agent, of a running server."""

import argparse
import datetime
import sys
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .agent import agent_id_or_none
from .api_client import ApiClient, add_options, client_of
from .fields import add_set, find, given, merged
from .tables import print_item, print_items
from .weekdays import weekdays

PATH = "/v1/campaigns"
COLUMNS = (
    "id",
    "name",
    "status",
    "progress.numbers",
    "progress.waiting",
    "progress.pending",
    "progress.in_progress",
    "progress.completed",
    "progress.no_answer",
    "progress.busy",
    "progress.failed",
    "progress.cancelled",
)
NUMBER_COLUMNS = ("number", "status", "call_id")
FIELDS = {
    "name": "name",
    "from_": "from",
    "line": "line",
    "priority": "priority",
    "ring_limit": "ring_limit_s",
    "at_once": "max_concurrent",
    "start": "window.start_at",
    "end": "window.end_at",
    "opens": "window.opens",
    "closes": "window.closes",
    "timezone": "window.timezone",
}
PARTED = ("window",)
AT_ONCE = 2000
"Numbers of one request."
STDIN = "-"


def main(argv: list[str]) -> int:
    """List, show, create, change, launch, pause, stop, delete. Raises UsageError and ApiError."""
    options = _parser().parse_args(argv)
    client = client_of(options)
    match options.verb:
        case "list":
            query = "" if options.status is None else f"?status={options.status}"
            print_items(client.all(f"{PATH}{query}"), COLUMNS, as_json=options.json)
        case "create":
            numbers = _read(options.numbers) if options.numbers else []
            made = client.post(PATH, _fields(client, options))
            if numbers:
                _add(client, f"{PATH}/{made['id']}", numbers)
                made = client.get(f"{PATH}/{made['id']}")
            print_item(made, as_json=options.json)
        case "add":
            numbers = [*options.number, *(_read(options.numbers) if options.numbers else [])]
            if not numbers:
                raise UsageError("which numbers? name some, or a file with --numbers")
            print_item(_add(client, _path(client, options), numbers), as_json=options.json)
        case "numbers":
            query = "" if options.status is None else f"?status={options.status}"
            found = client.all(f"{_path(client, options)}/numbers{query}")
            print_items(found, NUMBER_COLUMNS, as_json=options.json)
        case "show":
            print_item(find(client, PATH, "name", options.campaign), as_json=options.json)
        case "change":
            campaign = find(client, PATH, "name", options.campaign)
            fields = merged(campaign, _fields(client, options), PARTED)
            print_item(client.patch(f"{PATH}/{campaign['id']}", fields), as_json=options.json)
        case "delete":
            client.delete(_path(client, options))
        case _:
            path = f"{_path(client, options)}/{options.verb}"
            print_item(client.post(path), as_json=options.json)
    return 0


def _path(client: ApiClient, options: argparse.Namespace) -> str:
    return f"{PATH}/{find(client, PATH, 'name', options.campaign)['id']}"


def _fields(client: ApiClient, options: argparse.Namespace) -> dict[str, Any]:
    fields = given(options, FIELDS)
    if options.days is not None:
        fields.setdefault("window", {})["days"] = weekdays(options.days)
    if options.agent is not None:
        fields["agent_id"] = agent_id_or_none(client, options.agent)
    return fields


def _read(path: str) -> list[str]:
    """A number a line; empty lines and what follows a # are left out. Raises UsageError."""
    try:
        text = sys.stdin.read() if path == STDIN else Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no text in UTF-8"
        raise UsageError(f"--numbers {path}: {why}") from exc
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _moment(text: str) -> str:
    """With its seconds, as RFC 3339 has it; what is no moment is the server's to refuse."""
    try:
        return datetime.datetime.fromisoformat(text).isoformat()
    except ValueError:
        return text


def _add(client: ApiClient, path: str, numbers: list[str]) -> Any:
    """In parts; what all of them came to."""
    total = {"added": 0, "duplicates": 0, "numbers": 0}
    for start in range(0, len(numbers), AT_ONCE):
        part = client.post(f"{path}/numbers", {"numbers": numbers[start : start + AT_ONCE]})
        total["added"] += part["added"]
        total["duplicates"] += part["duplicates"]
        total["numbers"] = part["numbers"]
    return total


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="offhook campaign", description="Many numbers for one agent."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all of them, and how far they are")
    listing.add_argument("--status", choices=("draft", "active", "paused", "completed"))
    create = verbs.add_parser("create", help="make one, as a draft")
    create.add_argument("name")
    helps = {
        "show": "one of them",
        "add": "more numbers for it",
        "numbers": "its numbers, and the call of each",
        "change": "change some of it; calls that were made stay",
        "launch": "let it begin, or go on",
        "pause": "begin no more calls; those in progress go on",
        "stop": "end it: numbers that are left are not called",
        "delete": "delete one; its calls remain",
    }
    of_one = {name: verbs.add_parser(name, help=help_) for name, help_ in helps.items()}
    for verb in of_one.values():
        verb.add_argument("campaign", help="its id or name")
    of_one["numbers"].add_argument("--status", choices=("waiting", "called"))
    of_one["add"].add_argument("number", nargs="*")
    of_one["change"].add_argument("--name")
    for verb in (create, of_one["add"]):
        verb.add_argument(
            "--numbers", metavar="FILE", help="a number a line; - is the standard input"
        )
    for verb in (create, of_one["change"]):
        _add_fields(verb)
    for verb in (listing, create, *of_one.values()):
        add_options(verb)
    return parser


def _add_fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agent", help="who speaks, by name or id")
    parser.add_argument("--from", dest="from_", help="the number that is shown")
    parser.add_argument("--line", help="else any that can call out")
    parser.add_argument("--priority", choices=("low", "normal", "high"))
    parser.add_argument("--ring-limit", type=float, metavar="SECONDS")
    parser.add_argument("--at-once", type=int, metavar="N", help="calls in progress; else 10")
    parser.add_argument(
        "--start", type=_moment, metavar="MOMENT", help="not before, such as 2026-12-01T09:00"
    )
    parser.add_argument("--end", type=_moment, metavar="MOMENT", help="not after")
    parser.add_argument("--opens", metavar="HH:MM", help="hours of each day")
    parser.add_argument("--closes", metavar="HH:MM")
    parser.add_argument("--days", help="such as mon-fri")
    parser.add_argument("--timezone", help="of all these, such as Europe/Berlin; else UTC")
    add_set(parser)
