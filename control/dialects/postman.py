"""A dialect's table as a Postman collection, version 2.1: a folder a chapter, a request a row.

It can be run from its beginning to its end: what takes something away comes last, in a folder of
its own, and what was made last is taken away first.
"""

import re
from typing import Any, get_args

import msgspec

from ..http.openapi import FORM_TYPE
from ..http.openapi_schemas import Json
from ..http.route import Nothing
from .dialect import AnyRow, Dialect
from .reading import FORM

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
BASE, TOKEN = "baseUrl", "token"
LAST = "Taking away"

_PART = re.compile(r"\{(\w+)\}")


def collection(dialect: Dialect, base_url: str) -> bytes:
    """The collection, for a server whose base URL is this."""
    return msgspec.json.encode(tree(dialect, base_url))


def tree(dialect: Dialect, base_url: str) -> Json:
    """The same as a tree."""
    rows = [row for row in dialect.rows if row.documented and row.messages is None]
    folders: dict[str, list[Json]] = {}
    for row in rows:
        if not _is_last(row):
            folders.setdefault(row.tag, []).append(_request(dialect, row))
    if last := [_request(dialect, row) for row in reversed(rows) if _is_last(row)]:
        folders[LAST] = last
    return {
        "info": {"name": dialect.title, "description": dialect.about, "schema": SCHEMA},
        "auth": _auth(dialect),
        "variable": [
            {"key": BASE, "value": base_url, "type": "string"},
            {"key": TOKEN, "value": "", "type": "string"},
        ],
        "item": [{"name": name, "item": items} for name, items in folders.items()],
    }


def _is_last(row: AnyRow) -> bool:
    return row.last or row.method == "DELETE"


def _auth(dialect: Dialect) -> Json:
    value = f"{{{{{TOKEN}}}}}"
    if dialect.scheme == "Bearer":
        return {"type": "bearer", "bearer": [{"key": "token", "value": value, "type": "string"}]}
    pairs = {"key": "Authorization", "value": f"{dialect.scheme} {value}", "in": "header"}
    return {
        "type": "apikey",
        "apikey": [{"key": key, "value": said, "type": "string"} for key, said in pairs.items()],
    }


def _request(dialect: Dialect, row: AnyRow) -> Json:
    request: Json = {"method": row.method, "header": [], "url": _url(dialect, row)}
    if row.scope is None:
        request["auth"] = {"type": "noauth"}
    if row.takes_body:
        request["header"] = [{"key": "Content-Type", "value": "application/json"}]
        example = _sample(row.body) if row.example is None else row.example
        raw = msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
        language = {"raw": {"language": "json"}}
        request["body"] = {"mode": "raw", "raw": raw, "options": language}
    elif row.raw_body == FORM_TYPE:
        beside = [] if row.form is None else msgspec.structs.fields(row.form)
        fields: list[Json] = [{"key": "file", "type": "file", "src": []}]
        fields += [{"key": f.encode_name, "type": "text", "value": ""} for f in beside]
        request["body"] = {"mode": "formdata", "formdata": fields}
    elif row.raw_body == FORM and row.example is not None:
        sent = [{"key": key, "value": said, "type": "text"} for key, said in row.example.items()]
        request["body"] = {"mode": "urlencoded", "urlencoded": sent}
    return {"name": row.summary, "request": request, "response": []}


def _url(dialect: Dialect, row: AnyRow) -> Json:
    path = row.path.removeprefix(dialect.base)
    parts = [_PART.sub(r":\1", part) for part in path.split("/")[1:]]
    url: Json = {
        "raw": "/".join([f"{{{{{BASE}}}}}", *parts]),
        "host": [f"{{{{{BASE}}}}}"],
        "path": parts,
    }
    if names := _PART.findall(row.path):
        url["variable"] = [{"key": name, "value": ""} for name in names]
    if row.query is not Nothing:
        url["query"] = [_parameter(field) for field in msgspec.structs.fields(row.query)]
    return url


def _parameter(field: msgspec.structs.FieldInfo) -> Json:
    """One that must be there is sent, with its example; the others are there to be chosen."""
    if not field.required:
        return {"key": field.encode_name, "value": "", "disabled": True}
    known = (arg.examples for arg in get_args(field.type) if isinstance(arg, msgspec.Meta))
    examples = next((found for found in known if found), [""])
    return {"key": field.encode_name, "value": examples[0]}


def _sample(body: type[msgspec.Struct]) -> Json:
    """Its fields that must be there, empty."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(body):
        if field.required:
            found[field.encode_name] = ""
    return found
