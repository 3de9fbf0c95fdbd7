"""U+0000 in what is sent: refused, as no text of PostgreSQL holds one. Pure.

A JSON body has it as an escape only (RFC 8259 §7), so one look at the bytes tells.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ..errors import BadRequest, FieldError, NotFound, Unprocessable

NUL = "\0"
WHY = "holds a NUL character (U+0000)"
MAX_NAMED_BYTES = 64 * 1024
"A larger body is not looked through for the field, only refused."
_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"After an even number of backslashes: an odd one makes a backslash and `u0000` of it."


def refuse_in_path(parts: Mapping[str, str]) -> None:
    """The parts of a path that a route has names for. Raises NotFound: nothing is called so."""
    if any(NUL in part for part in parts.values()):
        raise NotFound("the address " + WHY)


def refuse_in_fields(fields: Mapping[str, str]) -> None:
    """Parameters, or a form's fields. Raises BadRequest naming the one at fault."""
    for name, value in fields.items():
        if NUL in name or NUL in value:
            raise BadRequest(WHY, field=name.replace(NUL, "") or None)


def nul_in_json(data: bytes) -> FieldError | None:
    """Where a body that is JSON has one; None: nowhere."""
    if _ESCAPE.search(data) is None:
        return None
    field = ""
    if len(data) <= MAX_NAMED_BYTES:
        field = next(_places(msgspec.json.decode(data), ""), "")
    return FieldError(field, WHY)


def refuse_in_json(data: bytes) -> None:
    """A body that is JSON. Raises Unprocessable naming the field."""
    if (error := nul_in_json(data)) is not None:
        raise Unprocessable("the body does not fit", [error])


def _places(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        if NUL in value:
            yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            if NUL in name:
                yield path
            yield from _places(item, f"{path}.{name}" if path else name)
