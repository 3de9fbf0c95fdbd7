"""`offhook user …`: the accounts of a running server, and its first administrator.

Passwords are typed, or come by standard input: on a command line everybody on the machine could
read them.
"""

import argparse
import getpass
import sys
from typing import Any

from ..domain.accounts import Role
from ..errors import UsageError
from .api_client import ApiClient, add_options, client_of
from .fields import add_set, find, given
from .tables import print_item, print_items

PATH = "/v1/accounts"
COLUMNS = ("id", "email", "username", "role", "is_active", "first_login_at")
FIELDS = {
    "email": "email",
    "username": "username",
    "phone": "phone_number",
    "first_name": "first_name",
    "last_name": "last_name",
    "max_calls": "max_live_calls",
    "active": "is_active",
}


def main(argv: list[str]) -> int:
    """List, show, add, change, deactivate, delete. Raises UsageError and ApiError."""
    options = _parser().parse_args(argv)
    client = client_of(options)
    match options.verb:
        case "list":
            print_items(client.all(PATH), COLUMNS, as_json=options.json)
        case "show":
            print_item(find_user(client, options.which), as_json=options.json)
        case "add":
            fields = _fields(options)
            if not options.no_password:
                fields["password"] = read_password()
            print_item(client.post(PATH, fields), as_json=options.json)
        case "change":
            print_item(_change(client, options, _fields(options)), as_json=options.json)
        case "password":
            _change(client, options, {"password": read_password()})
        case "deactivate":
            _change(client, options, {"is_active": False})
        case "delete":
            user = find_user(client, options.which)
            if not options.yes:
                raise UsageError(f"all that {user['email']} owns goes as well: --yes to mean it")
            client.delete(f"{PATH}/{user['id']}")
    return 0


def find_user(client: ApiClient, wanted: str) -> Any:
    """The account with that id or e-mail address. Raises UsageError."""
    return find(client, PATH, "email", wanted, lambda wanted: (wanted.lower(),))


def read_password() -> str:
    """Typed twice at a terminal; else the first line of standard input. Raises UsageError."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise UsageError("these were two passwords")
    return password


def _change(client: ApiClient, options: argparse.Namespace, fields: dict[str, Any]) -> Any:
    user = find_user(client, options.which)
    return client.patch(f"{PATH}/{user['id']}", fields)


def _fields(options: argparse.Namespace) -> dict[str, Any]:
    fields = given(options, FIELDS)
    if options.admin is not None:
        fields["role"] = (Role.ADMIN if options.admin else Role.USER).value
    return fields


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="offhook user", description="Accounts.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all of them")
    show = verbs.add_parser("show", help="one of them")
    add = verbs.add_parser("add", help="add one; its password is typed, or the first line of input")
    add.add_argument("email")
    add.add_argument("--no-password", action="store_true", help="nobody can sign in yet")
    change = verbs.add_parser("change", help="change some of one")
    password = verbs.add_parser("password", help="give one a new password; ends its sign-ins")
    deactivate = verbs.add_parser("deactivate", help="its tokens and keys fail at once")
    delete = verbs.add_parser("delete", help="remove a deactivated one and all that it owns")
    delete.add_argument("--yes", action="store_true", help="mean it")
    for verb in (show, change, password, deactivate, delete):
        verb.add_argument("which", metavar="user", help="e-mail address or id")
    change.add_argument("--email", help="what it is to be")
    change.add_argument("--active", action=argparse.BooleanOptionalAction, default=None)
    for verb in (add, change):
        verb.add_argument("--username")
        verb.add_argument("--phone", help="with its country, such as +49301234567")
        verb.add_argument("--first-name")
        verb.add_argument("--last-name")
        verb.add_argument("--max-calls", type=int, help="at once")
        verb.add_argument("--admin", action=argparse.BooleanOptionalAction, default=None)
        add_set(verb)
    for verb in (listing, show, add, change, password, deactivate, delete):
        add_options(verb)
    return parser
