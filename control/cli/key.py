"""`offhook key …`: API keys of a running server."""

import argparse
from typing import Any

from .api_client import ApiClient, add_options, client_of
from .tables import print_item, print_items
from .user import find_user

PATH = "/v1/api-keys"
COLUMNS = ("id", "key_id", "name", "owner_id", "scopes", "expires_at", "revoked_at", "last_used_at")


def main(argv: list[str]) -> int:
    """List, create, revoke. Raises UsageError and ApiError."""
    options = _parser().parse_args(argv)
    client = client_of(options)
    match options.verb:
        case "list":
            print_items(_list(client, options), COLUMNS, as_json=options.json)
        case "create":
            print_item(client.post(PATH, _fields(client, options)), as_json=options.json)
        case "revoke":
            client.delete(f"{PATH}/{options.id}")
    return 0


def _list(client: ApiClient, options: argparse.Namespace) -> list[Any]:
    path = PATH if options.all else f"{PATH}?is_revoked=false"
    if options.user:
        path += ("?" if options.all else "&") + f"owner_id={find_user(client, options.user)['id']}"
    return client.all(path)


def _fields(client: ApiClient, options: argparse.Namespace) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": options.name, "scopes": options.scope}
    if options.expires:
        fields["expires_at"] = options.expires
    if options.user:
        fields["owner_id"] = find_user(client, options.user)["id"]
    return fields


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="offhook key", description="Keys for programs.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="those that are good")
    listing.add_argument("--all", action="store_true", help="revoked ones as well")
    create = verbs.add_parser("create", help="make one; it is shown this once")
    create.add_argument("name", help="what it is for")
    create.add_argument(
        "--scope",
        action="append",
        required=True,
        help="what it may: calls:read, calls:write, … or '*'; again for more",
    )
    create.add_argument("--expires", metavar="TIME", help="such as 2030-01-31T00:00:00Z")
    revoke = verbs.add_parser("revoke", help="it opens nothing from now on")
    revoke.add_argument("id")
    for verb in (listing, create):
        verb.add_argument("--user", help="whose, by e-mail address or id")
    for verb in (listing, create, revoke):
        add_options(verb)
    return parser
