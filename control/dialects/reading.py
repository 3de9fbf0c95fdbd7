"""What a dialect's clients send, as its Structs; everything that does not fit is told together.

Older clients are taken as they are: fields that nobody knows are passed over, an empty parameter
is none, and a body is JSON whatever its type says.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from ..errors import BadRequest, FieldError, Unprocessable
from ..http.decoding import field_error, read_bytes
from ..http.null_characters import nul_in_json, refuse_in_fields

REQUIRED = "required"
"The message of a field that is missing."
FORM = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 200

StructT = TypeVar("StructT", bound=msgspec.Struct)

Phone = Annotated[
    str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{6,14}\Z", description="E.164, as +919876543210.")
]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Short = Annotated[str, msgspec.Meta(max_length=200)]
Long = Annotated[str, msgspec.Meta(max_length=20_000)]
Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\Z")]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A body whose fields that nobody knows are kept, in `others`: the handler bounds them."""

    others: Annotated[dict[str, Any], msgspec.Meta(description="Whatever else is sent.")] = {}


class BadQuery(BadRequest):
    """Parameters have values that are not allowed; `errors` has all of them."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        said = "; ".join(f"{error.field}: {error.message}" for error in errors)
        super().__init__(said, field=errors[0].field if len(errors) == 1 else None)
        self.errors = tuple(errors)


class Misfit(Unprocessable):
    """What was sent does not fit; `errors` has all of it, by the names that it was sent with."""


class NoJson(BadRequest):
    """The body is no JSON, nor whatever else it says it is."""


def read_query(request: web.Request, type_: type[StructT]) -> StructT:
    """The parameters. Raises BadQuery."""
    values = {name: value for name, value in request.query.items() if value}
    refuse_in_fields(values)
    found = converted(values, type_, strict=False)
    if isinstance(found, list):
        raise BadQuery(found)
    return found


def read_fields(fields: Mapping[str, str], type_: type[StructT]) -> StructT:
    """What a form says beside its file. Raises Misfit."""
    found = converted({name: value for name, value in fields.items() if value}, type_, strict=False)
    if isinstance(found, list):
        raise Misfit("the form does not fit", found)
    return found


def read_body(data: bytes, type_: type[StructT]) -> StructT:
    """The JSON body. Raises NoJson and Misfit."""
    sent = json_of(data)
    found = converted(sent, type_)
    if isinstance(found, list):
        raise Misfit("the body does not fit", found)
    if isinstance(found, Open):
        known = {field.encode_name for field in msgspec.structs.fields(type_)}
        others = {name: value for name, value in sent.items() if name not in known}
        return msgspec.structs.replace(found, others=others)
    return found


def json_of(data: bytes) -> Any:
    """Raises NoJson, and Misfit for a NUL. Nothing at all is an empty object."""
    try:
        found = msgspec.json.decode(data or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise NoJson(f"the body is no JSON: {exc}") from exc
    if (error := nul_in_json(data)) is not None:
        raise Misfit("the body does not fit", [error])
    return found


async def read_form(request: web.Request, type_: type[StructT]) -> StructT:
    """A body that is a form or JSON, with the query below it: hooks come in all three.

    Raises what read_body does.
    """
    data = await read_bytes(request, MAX_FORM_BYTES)
    refuse_in_fields(request.query)
    if request.content_type == FORM:
        try:
            pairs = parse_qsl(data.decode(), max_num_fields=MAX_FIELDS)
        except ValueError as exc:
            raise NoJson(f"the form cannot be read: {exc}") from exc
        # Some break the line after `&`.
        posted = {name.strip(): value.strip("\r\n") for name, value in pairs}
        refuse_in_fields(posted)
        found = converted(dict(request.query) | posted, type_, strict=False)
    else:
        sent = json_of(data)
        values = dict(request.query) | sent if isinstance(sent, dict) else sent
        found = converted(values, type_, strict=False)
    if isinstance(found, list):
        raise Misfit("the body does not fit", found)
    return found


def converted(
    value: Any, type_: type[StructT], *, strict: bool = True
) -> StructT | list[FieldError]:
    """The Struct, or all that keeps `value` from being one."""
    try:
        return msgspec.convert(value, type_, strict=strict)
    except msgspec.ValidationError as exc:
        first = field_error(exc)
    if not isinstance(value, dict):
        return [FieldError("", "must be an object")]
    errors: list[FieldError] = []
    for field in msgspec.structs.fields(type_):
        name = field.encode_name
        if name not in value:
            if field.required:
                errors.append(FieldError(name, REQUIRED))
            continue
        try:
            msgspec.convert(value[name], field.type, strict=strict)
        except msgspec.ValidationError as exc:
            inner = field_error(exc)
            dot = "" if inner.field[:1] in ("", "[") else "."
            errors.append(FieldError(f"{name}{dot}{inner.field}", inner.message))
    return errors or [first]
