"""`offhook number …`: the phone numbers of a running server, and who answers them."""

import argparse
from typing import Any

from ..dialer.dialling import spellings
from .agent import PATH as AGENTS, agent_id_or_none
from .api_client import ApiClient, add_options, client_of
from .fields import add_set, find, given
from .tables import print_item, print_items
from .user import PATH as ACCOUNTS

PATH = "/v1/numbers"
COLUMNS = ("id", "number", "label", "agent", "line", "is_active")
FIELDS = {
    "number": "number",
    "label": "label",
    "line": "line",
    "max_calls": "max_live_calls",
    "active": "is_active",
}


def main(argv: list[str]) -> int:
    """List, show, add, change or delete. Raises UsageError and ApiError."""
    options = _parser().parse_args(argv)
    client = client_of(options)
    match options.verb:
        case "list":
            numbers = client.all(PATH)
            if not options.json:
                _name_agents(client, numbers)
            print_items(numbers, COLUMNS, as_json=options.json)
        case "show":
            print_item(_find(client, options), as_json=options.json)
        case "add":
            print_item(client.post(PATH, _fields(client, options)), as_json=options.json)
        case "change":
            number = _find(client, options)
            fields = _fields(client, options)
            print_item(client.patch(f"{PATH}/{number['id']}", fields), as_json=options.json)
        case "delete":
            number = _find(client, options)
            client.delete(f"{PATH}/{number['id']}")
    return 0


def _find(client: ApiClient, options: argparse.Namespace) -> Any:
    return find(client, PATH, "number", options.which, spellings)


def _fields(client: ApiClient, options: argparse.Namespace) -> dict[str, Any]:
    fields = given(options, FIELDS)
    for option, name in (("agent", "agent_id"), ("closed_agent", "closed_agent_id")):
        wanted = getattr(options, option)
        if wanted is not None:
            fields[name] = agent_id_or_none(client, wanted)
    if options.account is not None:
        fields["account_id"] = find(client, ACCOUNTS, "email", options.account)["id"]
    return fields


def _name_agents(client: ApiClient, numbers: list[Any]) -> None:
    names = {agent["id"]: agent["name"] for agent in client.all(AGENTS)}
    for number in numbers:
        number["agent"] = names.get(number["agent_id"], number["agent_id"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="offhook number", description="Numbers, and who answers them."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all of them")
    show = verbs.add_parser("show", help="one of them")
    add = verbs.add_parser("add", help="add one")
    add.add_argument("number", help="as it is dialled, such as +15550100 or 100")
    change = verbs.add_parser("change", help="change some of one")
    delete = verbs.add_parser("delete", help="delete one")
    for verb in (show, change, delete):
        verb.add_argument("which", metavar="number", help="itself or its id")
    change.add_argument("--number", help="what it is to be")
    for verb in (add, change):
        verb.add_argument("--agent", help="who answers, by name or id; none: the default agent")
        verb.add_argument("--closed-agent", help="who answers outside its hours; none: nobody")
        verb.add_argument("--line", help="its calls come in and go out by it; none: any")
        verb.add_argument("--account", help="whose it is, by e-mail address or id")
        verb.add_argument("--label")
        verb.add_argument("--max-calls", type=int, help="at once")
        verb.add_argument("--active", action=argparse.BooleanOptionalAction, default=None)
        add_set(verb)
    for verb in (listing, show, add, change, delete):
        add_options(verb)
    return parser
