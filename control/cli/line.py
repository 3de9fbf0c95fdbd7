"""`offhook line …`: the lines of a running server. They are set in its configuration."""

import argparse
from urllib.parse import quote

from .api_client import add_options, client_of
from .tables import print_item, print_items

PATH = "/v1/lines"
COLUMNS = ("name", "kind", "state", "in_use", "max_calls", "can_call_out", "address", "reason")


def main(argv: list[str]) -> int:
    """List or show. Raises UsageError and ApiError."""
    parser = argparse.ArgumentParser(
        prog="offhook line", description="What calls come in and go out by."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all of them, as they are now")
    show = verbs.add_parser("show", help="one of them")
    show.add_argument("name")
    for verb in (listing, show):
        add_options(verb)
    options = parser.parse_args(argv)
    client = client_of(options)
    if options.verb == "list":
        print_items(client.get(PATH)["items"], COLUMNS, as_json=options.json)
    else:
        print_item(client.get(f"{PATH}/{quote(options.name, safe='')}"), as_json=options.json)
    return 0
