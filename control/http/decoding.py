"""From a request's query and body to Structs; what does not fit is told by its field.

Not who may ask (authenticating), nor what is done.
"""

import asyncio
import re
from functools import cache
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from ..errors import BadRequest, FieldError, TooLarge, TooSlow, Unprocessable, Unsupported
from .null_characters import refuse_in_fields, refuse_in_json

StructT = TypeVar("StructT", bound=msgspec.Struct)
JSON_TYPES = ("application/json", "application/octet-stream")
"The latter is what aiohttp says of a request that names no type."
BODY_TIMEOUT_S = 30.0
"A body that takes longer is not waited for."
_AT = re.compile(r"(?P<what>.*) - at `(?P<path>[^`]*)`\Z", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")


def read_query(request: web.Request, type_: type[StructT]) -> StructT:
    """The parameters. Raises BadRequest naming the one at fault."""
    values: dict[str, Any] = {}
    for name in request.query:
        if name in values:
            raise BadRequest("given more than once", field=name)
        values[name] = request.query[name]
    refuse_in_fields(values)
    try:
        return msgspec.convert(values, type_, strict=False)
    except msgspec.ValidationError as exc:
        error = field_error(exc)
        raise BadRequest(error.message, field=error.field or None) from exc


def check_json(request: web.Request) -> None:
    """Raises Unsupported when the body says of itself that it is no JSON."""
    if request.content_type not in JSON_TYPES:
        raise Unsupported("send JSON: Content-Type: application/json")


def parse_body(data: bytes, type_: type[StructT]) -> StructT:
    """The JSON body. Raises BadRequest (no JSON) and Unprocessable."""
    try:
        body: StructT = decoder(type_).decode(data or b"{}")
    except msgspec.ValidationError as exc:
        raise Unprocessable("the body does not fit", [field_error(exc)]) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadRequest(f"the body is no JSON: {exc}") from exc
    refuse_in_json(data)
    return body


def limit_body(request: web.Request, max_bytes: int) -> None:
    """Refuse a body by its announced length, before it is read. Raises TooLarge."""
    if (request.content_length or 0) > max_bytes:
        raise TooLarge(f"at most {max_bytes} bytes")


def refuse_packed(request: web.Request) -> None:
    """Raises Unsupported for a body that would have to be unpacked first.

    Small ones may become huge, and no client of this API packs what it sends.
    """
    packed = request.headers.get("Content-Encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise Unsupported("send the body as it is, without Content-Encoding")


async def read_bytes(
    request: web.Request, max_bytes: int, timeout_s: float = BODY_TIMEOUT_S
) -> bytes:
    """The body as it came, whether its length was announced or not. Raises TooLarge and TooSlow."""
    data = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.content.iter_any():
                data += chunk
                if len(data) > max_bytes:
                    raise TooLarge(f"at most {max_bytes} bytes")
    except TimeoutError as exc:
        raise TooSlow(f"the body must come within {timeout_s:g} s") from exc
    return bytes(data)


def field_error(exc: msgspec.ValidationError) -> FieldError:
    """Where and what, from msgspec's sentence: "Expected `int`, got `str` - at `$.limit`"."""
    text = str(exc)
    found = _AT.match(text)
    what, path = (found["what"], found["path"]) if found else (text, "$")
    field = path.removeprefix("$").removeprefix(".")
    for pattern, said in ((_UNKNOWN, "unknown"), (_MISSING, "required")):
        if named := pattern.match(what):
            inner = named["name"]
            return FieldError(f"{field}.{inner}" if field else inner, said)
    return FieldError(field, what[:1].lower() + what[1:])


@cache
def decoder(type_: type[StructT]) -> "msgspec.json.Decoder[StructT]":
    """One decoder a type."""
    return msgspec.json.Decoder(type_)
