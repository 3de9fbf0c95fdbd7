"""A dialect's table as an OpenAPI 3.1 document. Pure: from Structs and docstrings to JSON."""

import functools
import inspect
import re
from http import HTTPStatus
from typing import Any

import msgspec

from ..http.openapi import DIALECT as SCHEMA_DIALECT, FORM_TYPE, PATH_PART, VERSION, operation_ids
from ..http.openapi_schemas import Json, Schemas, renamed
from ..http.route import Nothing
from .dialect import AnyRow, Dialect

JSON_TYPE = "application/json"
FILE = "file"
HEADER = "credential"

_PART = re.compile(r"\{(\w+)\}")


@functools.cache
def described(dialect: Dialect, prefix: str) -> bytes:
    """The document, for what is served below `prefix`. Takes a fraction of a second, once."""
    return msgspec.json.encode(document(dialect, prefix))


def document(dialect: Dialect, prefix: str) -> Json:
    """The same as a tree."""
    rows = [row for row in dialect.rows if row.documented]
    schemas = _schemas(dialect, rows)
    paths: Json = {}
    for row, id_ in zip(rows, operation_ids(rows), strict=True):
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(dialect, row, id_, schemas)
    refusal = {"schema": schemas.of(dialect.error_type)}
    whole = {
        "openapi": VERSION,
        "jsonSchemaDialect": SCHEMA_DIALECT,
        "info": {"title": dialect.title, "version": "1.0.0", "description": dialect.about},
        "servers": [{"url": prefix or "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(row.tag for row in rows)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {
                "refused": {"description": "Refused.", "content": {JSON_TYPE: refusal}},
            },
            "securitySchemes": {HEADER: _security(dialect)},
        },
    }
    named: Json = renamed(whole)
    return named


def _schemas(dialect: Dialect, rows: list[AnyRow]) -> Schemas:
    asked: list[Any] = []
    answered: list[Any] = [dialect.error_type]
    for row in rows:
        asked += [t for t in (row.query, row.body, row.form) if t not in (Nothing, None)]
        answered += [row.returns] if row.returns is not None else []
        if row.messages is not None:
            asked += row.messages[0]
            answered += row.messages[1]
    return Schemas(asked, answered)


def _security(dialect: Dialect) -> Json:
    if dialect.scheme == "Bearer":
        return {"type": "http", "scheme": "bearer"}
    said = f"`{dialect.scheme} …`"
    return {"type": "apiKey", "in": "header", "name": "Authorization", "description": said}


def _operation(dialect: Dialect, row: AnyRow, id_: str, schemas: Schemas) -> Json:
    operation: Json = {
        "operationId": id_,
        "summary": row.summary,
        "description": inspect.getdoc(row.handler) or "",
        "tags": [row.tag],
        "parameters": [*_path_parameters(row), *_query_parameters(row, schemas)],
        "responses": {
            str(row.status): _success(dialect, row, schemas),
            "default": {"$ref": "#/components/responses/refused"},
        },
        "security": [] if row.scope is None else [{HEADER: []}],
    }
    if content := _sent(row, schemas):
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _sent(row: AnyRow, schemas: Schemas) -> Json:
    if row.takes_body:
        return {JSON_TYPE: {"schema": schemas.of(row.body)}}
    if row.raw_body != FORM_TYPE:
        return {} if row.raw_body is None else {row.raw_body: {}}
    beside = schemas.resolved(row.form) if row.form is not None else {}
    properties = {FILE: {"type": "string", "format": "binary"}, **beside.get("properties", {})}
    required = [FILE, *beside.get("required", [])]
    schema = {"type": "object", "required": required, "properties": properties}
    return {FORM_TYPE: {"schema": schema}}


def _success(dialect: Dialect, row: AnyRow, schemas: Schemas) -> Json:
    said = {"description": HTTPStatus(row.status).phrase}
    if row.status in (HTTPStatus.NO_CONTENT, HTTPStatus.SWITCHING_PROTOCOLS):
        return said
    if row.content != JSON_TYPE:
        return {**said, "content": {row.content: {}}}
    inner = None if row.returns is None else schemas.of(row.returns)
    return {**said, "content": {JSON_TYPE: {"schema": dialect.success_schema(row, inner)}}}


def _path_parameters(row: AnyRow) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PATH_PART}
        for name in _PART.findall(row.path)
    ]


def _query_parameters(row: AnyRow, schemas: Schemas) -> list[Json]:
    if row.query is Nothing:
        return []
    schema = schemas.resolved(row.query)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]
