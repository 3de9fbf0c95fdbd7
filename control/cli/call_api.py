"""`offhook call list|show|place|…`: the calls of a running server. A telephone: call.py."""

import argparse
from typing import Any
from urllib.parse import urlencode

from .agent import agent_id
from .api_client import ApiClient, add_options, client_of
from .fields import add_set, given
from .tables import print_item, print_items

PATH = "/v1/calls"
COLUMNS = (
    "id",
    "created_at",
    "direction",
    "from",
    "to",
    "line",
    "agent",
    "status",
    "outcome",
    "duration_s",
)
TURN_COLUMNS = ("begin_s", "role", "text")
FIELDS = {
    "from_": "from",
    "line": "line",
    "priority": "priority",
    "at": "scheduled_for",
    "timezone": "timezone",
    "ring_limit": "ring_limit_s",
}
MAX_LISTED = 200
VERBS = frozenset(
    {"list", "show", "transcript", "place", "hangup", "say", "press", "message", "transfer"}
)


def main(argv: list[str]) -> int:
    """Ask the server for it. Raises UsageError and ApiError."""
    options = _parser().parse_args(argv)
    client = client_of(options)
    match options.verb:
        case "list":
            _list(client, options)
        case "show":
            _show(client, options)
        case "transcript":
            _transcript(client, options)
        case "place":
            print_item(_placed(client, options), as_json=options.json)
        case "hangup":
            print_item(_short(client.post(_path(options, "hangup"))), as_json=options.json)
        case _:
            print_item(_steer(client, options), as_json=options.json)
    return 0


def _list(client: ApiClient, options: argparse.Namespace) -> None:
    asked = {
        "limit": options.limit,
        "status": options.status,
        "outcome": options.outcome,
        "direction": options.direction,
        "number": options.number,
        "search": options.search,
    }
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    calls = client.get(f"{PATH}?{query}")["items"]
    print_items(calls, COLUMNS, as_json=options.json)


def _show(client: ApiClient, options: argparse.Namespace) -> None:
    call = client.get(_path(options))
    if options.json:
        print_item(call, as_json=True)
        return
    turns = call.pop("turns")
    print_item(
        {name: value for name, value in call.items() if value not in (None, [], {})}, as_json=False
    )
    if turns:
        print_items(turns, TURN_COLUMNS, as_json=False)


def _transcript(client: ApiClient, options: argparse.Namespace) -> None:
    transcript = client.get(_path(options, "transcript"))
    if options.json:
        print_item(transcript, as_json=True)
    else:
        print_items(transcript["turns"], TURN_COLUMNS, as_json=False)


def _placed(client: ApiClient, options: argparse.Namespace) -> Any:
    body: dict[str, Any] = {"to": options.to, **given(options, FIELDS)}
    if options.agent is not None:
        body["agent_id"] = agent_id(client, options.agent)
    return _short(client.post(PATH, body))


def _steer(client: ApiClient, options: argparse.Namespace) -> Any:
    match options.verb:
        case "say":
            body = {"text": options.text, "interrupt": options.interrupt}
            return client.post(_path(options, "say"), body)
        case "press":
            return client.post(_path(options, "digits"), {"digits": options.digits})
        case "message":
            return client.post(_path(options, "message"), {"text": options.text})
    return client.post(_path(options, "transfer"), {"to": options.to})


def _path(options: argparse.Namespace, verb: str = "") -> str:
    return f"{PATH}/{options.id}/{verb}" if verb else f"{PATH}/{options.id}"


def _short(call: Any) -> dict[str, Any]:
    return {name: call[name] for name in COLUMNS}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="offhook call", description="Calls of a running server.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="the newest ones")
    listing.add_argument("--status", help="such as live, or queued,scheduled")
    listing.add_argument("--outcome", help="completed, no_answer, busy, failed, cancelled")
    listing.add_argument("--direction", choices=("inbound", "outbound"))
    listing.add_argument("--number", help="of either side")
    listing.add_argument("--search", help="a part of a number or of the agent's name")
    listing.add_argument(
        "--limit", type=int, default=20, choices=range(1, MAX_LISTED + 1), metavar="N"
    )
    place = verbs.add_parser("place", help="let an agent call somebody")
    place.add_argument("to", help="a number, or sip:user@host")
    place.add_argument("--agent", help="who speaks, by name or id")
    place.add_argument("--from", dest="from_", help="the number that is shown")
    place.add_argument("--line", help="else any that can call out")
    place.add_argument("--priority", choices=("low", "normal", "high"))
    place.add_argument("--at", help="when, such as 2026-12-24T18:00:00; else now")
    place.add_argument("--timezone", help="of --at, such as Europe/Berlin")
    place.add_argument("--ring-limit", type=float, metavar="SECONDS")
    add_set(place)
    single = {
        "show": "one with its turns",
        "transcript": "what was said",
        "hangup": "end it; one that waits is cancelled",
        "say": "let the agent say something",
        "press": "press keys",
        "message": "as if the caller had said it",
        "transfer": "hand the caller over",
    }
    of_one = {name: verbs.add_parser(name, help=help_) for name, help_ in single.items()}
    for verb in of_one.values():
        verb.add_argument("id")
    of_one["say"].add_argument("text")
    of_one["say"].add_argument("--interrupt", action="store_true", help="and say nothing else")
    of_one["press"].add_argument("digits", help="0-9 * # A-D, a comma waits")
    of_one["message"].add_argument("text")
    of_one["transfer"].add_argument("to", help="a number, or sip:user@host")
    for verb in (listing, place, *of_one.values()):
        add_options(verb)
    return parser
