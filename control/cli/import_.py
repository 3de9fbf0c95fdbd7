"""`offhook import …`: files of calls, one a row, for a running server."""

import argparse
import hashlib
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ..errors import UsageError
from .agent import agent_id
from .api_client import ApiClient, add_options, client_of
from .fields import given
from .tables import print_item, print_items

PATH = "/v1/imports"
COLUMNS = (
    "id",
    "file_name",
    "status",
    "rows_total",
    "rows_done",
    "rows_ok",
    "rows_failed",
    "created_at",
)
FIELDS = {
    "from_": "from",
    "line": "line",
    "timezone": "timezone",
    "priority": "priority",
    "columns": "columns",
    "header": "has_header",
    "place": "place",
}
ROW_COLUMNS = ("row", "column", "message")
PREVIEW_COLUMNS = ("row", "phone", "agent", "scheduled_for", "timezone", "priority", "context")


def main(argv: list[str]) -> int:
    """List, show, validate, create, errors, cancel, delete. Raises UsageError and ApiError.

    1 of `validate`: some rows are bad.
    """
    options = _parser().parse_args(argv)
    client = client_of(options)
    match options.verb:
        case "list":
            query = "" if options.status is None else f"?status={options.status}"
            print_items(client.all(f"{PATH}{query}"), COLUMNS, as_json=options.json)
        case "show":
            print_item(client.get(f"{PATH}/{options.id}"), as_json=options.json)
        case "validate":
            return _validate(client, options)
        case "create":
            print_item(_create(client, options), as_json=options.json)
        case "errors":
            failures = client.all(f"{PATH}/{options.id}/errors")
            print_items(_flat(failures), ROW_COLUMNS, as_json=options.json)
        case "cancel":
            print_item(client.post(f"{PATH}/{options.id}/cancel"), as_json=options.json)
        case "delete":
            client.delete(f"{PATH}/{options.id}")
    return 0


def _validate(client: ApiClient, options: argparse.Namespace) -> int:
    data = _read(options.file)
    found = _send(client, options, f"{PATH}/validate", data)
    if options.json:
        print_item(found, as_json=True)
    else:
        lists = {name: found.pop(name) for name in ("columns", "errors", "preview")}
        read = [f"{each['name']}={each['field'] or '(not read)'}" for each in lists["columns"]]
        print_item({**found, "columns": ", ".join(read)}, as_json=False)
        if lists["preview"]:
            print_items(lists["preview"], PREVIEW_COLUMNS, as_json=False)
        if lists["errors"]:
            print_items(_flat(lists["errors"]), ROW_COLUMNS, as_json=False)
    return 1 if found["rows_failed"] else 0


def _create(client: ApiClient, options: argparse.Namespace) -> Any:
    data = _read(options.file)
    key = hashlib.sha256(data).hexdigest() if options.once else options.key
    return _send(client, options, PATH, data, {} if key is None else {"Idempotency-Key": key})


def _send(
    client: ApiClient,
    options: argparse.Namespace,
    path: str,
    data: bytes,
    headers: dict[str, str] | None = None,
) -> Any:
    """The file in a form, which tells its name."""
    fields = given(options, FIELDS)
    if options.agent is not None:
        fields["agent_id"] = agent_id(client, options.agent)
    query = {k: str(v).lower() if isinstance(v, bool) else v for k, v in fields.items()}
    boundary = uuid.uuid4().hex
    name = Path(options.file).name.replace('"', '\\"')
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return client.send(f"{path}?{urlencode(query)}", body, {**kind, **(headers or {})})


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror or exc}") from exc


def _flat(failures: list[Any]) -> list[Any]:
    """A line for each error of each row."""
    return [{"row": each["row"], **error} for each in failures for error in each["errors"]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="offhook import", description="Files of calls (CSV).")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all imports, and how far they are")
    listing.add_argument(
        "--status", choices=("queued", "running", "completed", "failed", "cancelled")
    )
    validate = verbs.add_parser("validate", help="what is wrong in which row; imports nothing")
    create = verbs.add_parser("create", help="let each row become a call, by and by")
    keyed = create.add_mutually_exclusive_group()
    keyed.add_argument("--key", help="what was sent with it before is not imported again")
    keyed.add_argument("--once", action="store_true", help="not if this very file was: its own key")
    for verb in (validate, create):
        verb.add_argument("file", metavar="FILE")
        _add_fields(verb)
    helps = {
        "show": "one of them",
        "errors": "its bad rows",
        "cancel": "read no more of it; calls that were made remain",
        "delete": "forget one that has ended; its calls remain",
    }
    of_one = {name: verbs.add_parser(name, help=help_) for name, help_ in helps.items()}
    for verb in of_one.values():
        verb.add_argument("id")
    for verb in (listing, validate, create, *of_one.values()):
        add_options(verb)
    return parser


def _add_fields(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(set=[])
    parser.add_argument("--agent", help="who speaks where a row says nobody, by name or id")
    parser.add_argument("--from", dest="from_", help="the number that is shown")
    parser.add_argument("--line", help="else any that can call out")
    parser.add_argument("--timezone", help="of moments without an offset; else UTC")
    parser.add_argument("--priority", choices=("low", "normal", "high"))
    parser.add_argument("--columns", help="what they are where no header says it: phone,name")
    parser.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether the first line is one; else it is if it names a column of numbers",
    )
    parser.add_argument(
        "--no-place",
        dest="place",
        action="store_false",
        default=None,
        help="let the calls wait until each is given its moment, whatever the file says",
    )
