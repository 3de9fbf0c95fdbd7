"""`offhook dialer …`: whether a running server places calls, how many wait; stop it, and let it go.

`offhook dialer forbid` is for numbers that are never to be called again.
"""

import argparse
from typing import Any

from .api_client import ApiClient, add_options, client_of
from .tables import print_item, print_items

PATH = "/v1/dialing"
LISTED = "/v1/do-not-call"
COLUMNS = ("id", "number", "reason", "owner_id", "created_at")


def main(argv: list[str]) -> int:
    """Show, stop, go on; list, forbid, allow numbers. Raises UsageError and ApiError."""
    options = _parser().parse_args(argv)
    client = client_of(options)
    match options.verb:
        case "show":
            print_item(client.get(_path(options)), as_json=options.json)
        case "stop":
            body = {"stopped": True, "stop_reason": options.reason}
            print_item(client.patch(_path(options), body), as_json=options.json)
        case "go":
            print_item(client.patch(_path(options), {"stopped": False}), as_json=options.json)
        case "forbidden":
            print_items(client.all(LISTED), COLUMNS, as_json=options.json)
        case "forbid":
            print_item(client.post(LISTED, _entry(options)), as_json=options.json)
        case "allow":
            for entry in _found(client, options.number):
                client.delete(f"{LISTED}/{entry['id']}")
    return 0


def _path(options: argparse.Namespace) -> str:
    if options.account is not None:
        return f"/v1/accounts/{options.account}/dialing"
    return f"{PATH}/everyone" if options.everyone else PATH


def _entry(options: argparse.Namespace) -> dict[str, Any]:
    return {"number": options.number, "reason": options.reason, "everyone": options.everyone}


def _found(client: ApiClient, number: str) -> list[Any]:
    quoted = number.replace("%", "%25").replace("+", "%2B").replace("&", "%26").replace(" ", "")
    return client.all(f"{LISTED}?number={quoted}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="offhook dialer", description="Whether calls are placed.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    show = verbs.add_parser("show", help="whether calls are placed, and how many wait")
    stop = verbs.add_parser("stop", help="begin no call; those in progress go on")
    go = verbs.add_parser("go", help="place calls again")
    forbidden = verbs.add_parser("forbidden", help="numbers that are never called")
    forbid = verbs.add_parser("forbid", help="never call a number again")
    allow = verbs.add_parser("allow", help="call it again")
    for verb in (show, stop, go):
        whose = verb.add_mutually_exclusive_group()
        whose.add_argument("--everyone", action="store_true", help="all accounts")
        whose.add_argument("--account", metavar="ID", help="another account")
    forbid.add_argument("--everyone", action="store_true", help="no account may call it")
    for verb in (forbid, allow):
        verb.add_argument("number", help="in any spelling")
    for verb in (stop, forbid):
        verb.add_argument("--reason", default="")
    for verb in (show, stop, go, forbidden, forbid, allow):
        add_options(verb)
    return parser
