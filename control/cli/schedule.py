"""`offhook schedule …`: calls of a running server that recur."""

import argparse
from typing import Any

from .agent import agent_id_or_none
from .api_client import ApiClient, add_options, client_of
from .fields import add_set, find, given, merged
from .tables import print_item, print_items
from .weekdays import weekdays

PATH = "/v1/schedules"
COLUMNS = (
    "id",
    "name",
    "to",
    "recurrence.pattern",
    "recurrence.time",
    "recurrence.timezone",
    "is_active",
    "next_run_at",
    "runs",
    "missed",
)
PATTERNS = {"day": "daily", "week": "weekly", "month": "monthly"}
FIELDS = {
    "to": "to",
    "name": "name",
    "from_": "from",
    "line": "line",
    "priority": "priority",
    "ring_limit": "ring_limit_s",
    "grace": "grace_s",
    "time": "recurrence.time",
    "timezone": "recurrence.timezone",
    "start": "recurrence.start_date",
    "end": "recurrence.end_date",
    "business_hours": "recurrence.business_hours_only",
}
PARTED = ("recurrence",)


def main(argv: list[str]) -> int:
    """List, show, add, change, pause, resume or delete. Raises UsageError and ApiError."""
    options = _parser().parse_args(argv)
    client = client_of(options)
    match options.verb:
        case "list":
            print_items(client.all(PATH), COLUMNS, as_json=options.json)
        case "add":
            print_item(client.post(PATH, _fields(client, options)), as_json=options.json)
        case "delete":
            client.delete(_path(client, options))
        case "show":
            print_item(find(client, PATH, "name", options.schedule), as_json=options.json)
        case "change":
            schedule = find(client, PATH, "name", options.schedule)
            fields = merged(schedule, _fields(client, options), PARTED)
            print_item(client.patch(f"{PATH}/{schedule['id']}", fields), as_json=options.json)
        case _:
            path = f"{_path(client, options)}/{options.verb}"
            print_item(client.post(path), as_json=options.json)
    return 0


def _path(client: ApiClient, options: argparse.Namespace) -> str:
    return f"{PATH}/{find(client, PATH, 'name', options.schedule)['id']}"


def _fields(client: ApiClient, options: argparse.Namespace) -> dict[str, Any]:
    fields = given(options, FIELDS)
    rule: dict[str, Any] = {}
    if options.every is not None:
        # What belongs to the days of another pattern would be refused with this one.
        rule = {"pattern": PATTERNS[options.every], "days": [], "day": None}
    if options.days is not None:
        rule["days"] = weekdays(options.days)
    if options.day is not None:
        rule["day"] = options.day
    if rule:
        fields["recurrence"] = {**rule, **fields.get("recurrence", {})}
    if options.agent is not None:
        fields["agent_id"] = agent_id_or_none(client, options.agent)
    return fields


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="offhook schedule", description="Calls that recur.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all of them, with their next moment in UTC")
    add = verbs.add_parser("add", help="have somebody called again and again")
    add.add_argument("to", help="a number, or sip:user@host")
    helps = {
        "show": "one of them",
        "change": "change some of one; calls that were placed stay",
        "pause": "let it rest",
        "resume": "let it go on",
        "delete": "delete one; its calls remain",
    }
    of_one = {name: verbs.add_parser(name, help=help_) for name, help_ in helps.items()}
    for verb in of_one.values():
        verb.add_argument("schedule", help="its id or name")
    change = of_one["change"]
    change.add_argument("--to", help="a number, or sip:user@host")
    add.add_argument("--every", choices=PATTERNS, required=True)
    add.add_argument("--time", metavar="HH:MM", required=True)
    change.add_argument("--every", choices=PATTERNS)
    change.add_argument("--time", metavar="HH:MM")
    for verb in (add, change):
        _add_fields(verb)
    for verb in (listing, add, *of_one.values()):
        add_options(verb)
    return parser


def _add_fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timezone", help="of --time, such as Europe/Berlin; else UTC")
    parser.add_argument("--days", help="of every week, such as mon,wed or mon-fri")
    parser.add_argument("--day", type=int, help="of every month; 31 is the last of shorter ones")
    parser.add_argument("--start", metavar="DATE", help="the first day that counts")
    parser.add_argument("--end", metavar="DATE", help="the last day that counts")
    parser.add_argument(
        "--business-hours",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="only from 9:00 to 18:00 on business days; what lies outside moves to the next 9:00",
    )
    parser.add_argument("--name")
    parser.add_argument("--agent", help="who speaks, by name or id")
    parser.add_argument("--from", dest="from_", help="the number that is shown")
    parser.add_argument("--line", help="else any that can call out")
    parser.add_argument("--priority", choices=("low", "normal", "high"))
    parser.add_argument("--ring-limit", type=float, metavar="SECONDS")
    parser.add_argument("--grace", type=float, metavar="SECONDS", help="how late one may be placed")
    add_set(parser)
