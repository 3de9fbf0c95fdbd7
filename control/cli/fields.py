"""What commands are told of a thing: which one, and what its fields are to be."""

import argparse
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from ..errors import UsageError
from .api_client import ApiClient

NOBODY = "none"
"On the command line: no value."


def find(
    client: ApiClient,
    path: str,
    key: str,
    wanted: str,
    spellings: Callable[[str], Collection[str]] = lambda wanted: (wanted,),
) -> Any:
    """The thing below `path` (a list that can be searched) with that id, or whose `key` it is.

    `spellings`: how the server may write what people type. Raises UsageError for none, and for
    several.
    """
    if _is_id(wanted):
        return client.get(f"{path}/{wanted}")
    forms = spellings(wanted)
    part = min(forms, key=len)
    found = client.all(f"{path}?search={quote(part, safe='')}")
    exact = [item for item in found if item[key] in forms]
    what = path.rpartition("/")[2].removesuffix("s")
    if not exact:
        raise UsageError(f"there is no {what} {wanted!r}")
    if len(exact) > 1:
        ids = ", ".join(f"{item['id']} ({item[key]})" for item in exact[:10])
        raise UsageError(f"{wanted!r} is more than one {what}: {ids}")
    return exact[0]


def add_set(parser: argparse.ArgumentParser) -> None:
    """`--set`, for fields that have no option of their own."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="any other field of the API; JSON, or text where it is none; again for more",
    )


def given(options: argparse.Namespace, names: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the options that were given; `names`: option, and field (dotted: one below)."""
    fields: dict[str, Any] = {}
    for option, name in names.items():
        value = getattr(options, option, None)
        if value is not None:
            _put(fields, name, None if value == NOBODY else value)
    for text in options.set:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {text}: write FIELD=VALUE")
        try:
            _put(fields, name, msgspec.json.decode(value))
        except msgspec.DecodeError:
            _put(fields, name, value)
    return fields


def merged(
    thing: Mapping[str, Any], fields: dict[str, Any], parted: Collection[str]
) -> dict[str, Any]:
    """Fields to be changed; of those in `parted`, the parts that are not named stay."""
    return {
        name: {**thing[name], **value} if name in parted and isinstance(value, dict) else value
        for name, value in fields.items()
    }


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    outer, _, inner = name.partition(".")
    if not inner:
        fields[outer] = value
        return
    below = fields.setdefault(outer, {})
    if not isinstance(below, dict):
        raise UsageError(f"{name}: {outer} has no parts")
    _put(below, inner, value)


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
