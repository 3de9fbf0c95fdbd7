"""The table of routes as an OpenAPI 3.1 document. Pure: from Structs and docstrings to JSON."""

import inspect
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from ..errors import (
    BadRequest,
    Forbidden,
    KeyUsedBefore,
    NotFound,
    Problem,
    StillAnswering,
    TooLarge,
    TooManyRequests,
    TooSlow,
    Unauthorized,
    Unprocessable,
    Unsupported,
)
from .field_words import PATHS
from .once import IDEMPOTENCY_KEY, KEY_PATTERN, MAX_KEY_CHARS, REPLAYED
from .openapi_schemas import Json, Schemas, renamed
from .problems import CONTENT_TYPE as PROBLEM_TYPE, ProblemDetails
from .route import AnyRoute, Nothing

VERSION = "3.1.0"
FORM_TYPE = "multipart/form-data"
FORM_SCHEMA = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
    "additionalProperties": {"type": "string"},
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
BEARER, IN_QUERY = "bearer", "token"
JSON_TYPE = "application/json"
ABOUT = """Offhook puts an agent on a telephone line.

Times are RFC 3339 in UTC, ids are UUIDs. Lists come in pages: `next` is the `cursor` of the page
after. Errors are problem details (RFC 9457) with a stable `code`, the `request_id` that logs have,
and the `field` or `errors` at fault.

Show who you are by `Authorization: Bearer …`: the operator's token, an access token, or an API
key. Each operation names the scope that it needs. What belongs to another account is not found.

`X-RateLimit-…` tell how often you may still ask; over the limit it is 429 with `Retry-After`. A
POST with an `Idempotency-Key` is done once, however often it is sent within a day."""
HEADERS: Json = {
    "X-Request-Id": {
        "description": "The request's id, as logs have it; yours, if you sent one.",
        "schema": {"type": "string", "maxLength": 64},
    },
    "X-RateLimit-Limit": {
        "description": "Requests that you may send in a minute. Absent: they are not counted.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "X-RateLimit-Remaining": {
        "description": "Requests that you may send now.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "X-RateLimit-Reset": {
        "description": "Unix time in seconds when all of them are back.",
        "schema": {"type": "integer"},
    },
    "Retry-After": {
        "description": "Seconds until it is worth another try.",
        "schema": {"type": "integer", "minimum": 0},
    },
    REPLAYED: {
        "description": "This answer was given before, to the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
KEY_PARAMETER: Json = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "required": False,
    "description": "Yours, and new for each thing that is to be made: sent again with the same "
    "key within a day, the request gets the same answer and nothing is done twice.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_KEY_CHARS,
        "pattern": KEY_PATTERN.replace(r"\Z", "$"),
    },
}
PATH_PART: Json = {"type": "string", "minLength": 1}
RETRIED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_PATH_PART = re.compile(r"\{(\w+)\}")


def document(routes: Sequence[AnyRoute], version: str) -> Json:
    """The whole document."""
    routes = [route for route in routes if route.documented]
    schemas = _schemas(routes)
    ids = operation_ids(routes)
    paths: Json = {}
    for route, id_ in zip(routes, ids, strict=True):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, id_, schemas)
    whole = {
        "openapi": VERSION,
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "Offhook",
            "version": version,
            "summary": "Agents on telephone lines.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This server."}],
        "tags": _tags(routes),
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "headers": HEADERS,
            "responses": _refusals(routes, schemas),
            "parameters": {IDEMPOTENCY_KEY: KEY_PARAMETER},
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The operator's token, an access token, or an API key.",
                },
                IN_QUERY: {
                    "type": "apiKey",
                    "in": "query",
                    "name": "token",
                    "description": "The same, where a browser cannot set headers.",
                },
            },
        },
    }
    named: Json = renamed(whole)
    return named


def _schemas(routes: Sequence[AnyRoute]) -> Schemas:
    asked: list[Any] = []
    answered: list[Any] = [ProblemDetails]
    for route in routes:
        asked += [type_ for type_ in (route.query, route.body) if type_ is not Nothing]
        answered += [t for t in (route.returns, *(t for _, t in route.also)) if t is not None]
        if route.messages is not None:
            asked += route.messages[0]
            answered += route.messages[1]
    return Schemas(asked, answered)


def _tags(routes: Sequence[AnyRoute]) -> list[Json]:
    """The chapters, each with the first line of its module."""
    tags: dict[str, str] = {}
    for route in routes:
        doc = sys.modules[route.handler.__module__].__doc__ or ""
        _, _, said = doc.strip().partition("\n")[0].partition(": ")
        first, _, _ = said.rstrip(".").partition(". ")
        tags.setdefault(route.tag, f"{first[:1].upper()}{first[1:]}.")
    return [{"name": name, "description": said} for name, said in tags.items()]


# --- one operation --------------------------------------------------------------------------------


def operation_ids(routes: Sequence[AnyRoute]) -> list[str]:
    """The handlers' names; where several have one, with their chapters, methods, and paths."""
    ids = [route.operation_id for route in routes]
    longer: tuple[Callable[[AnyRoute, str], str], ...] = (
        lambda route, id_: f"{_words(route.tag)}_{id_}",
        lambda route, id_: f"{id_}_by_{route.method.lower()}",
        lambda route, id_: f"{id_}_{_words(route.path)}",
    )
    for name in longer:
        seen = Counter(ids)
        pairs = zip(routes, ids, strict=True)
        ids = [name(route, id_) if seen[id_] > 1 else id_ for route, id_ in pairs]
    return ids


def _words(text: str) -> str:
    return "_".join(re.findall(r"\w+", text.lower()))


def _operation(route: AnyRoute, id_: str, schemas: Schemas) -> Json:
    operation: Json = {
        "operationId": id_,
        "summary": route.summary,
        "description": _description(route),
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(route, schemas)],
        "responses": _responses(route, schemas),
        "security": [] if route.scope is None else [{BEARER: []}],
    }
    if route.scope is not None:
        operation["x-scope"] = route.scope
    if route.token_in_query:
        operation["security"].append({IN_QUERY: []})
    if route.creates or route.keyed:
        operation["parameters"].append({"$ref": f"#/components/parameters/{IDEMPOTENCY_KEY}"})
    if route.messages is not None:
        sent, told = ({"anyOf": [schemas.of(t) for t in types]} for types in route.messages)
        operation["x-websocket"] = {"client": sent, "server": told}
    if route.raw_body is not None:
        content: Json = {route.raw_body: {}}
        if route.raw_form:
            content[FORM_TYPE] = {"schema": FORM_SCHEMA}
        operation["requestBody"] = {"required": True, "content": content}
    if route.takes_body:
        operation["requestBody"] = {
            "required": bool(schemas.resolved(route.body).get("required")),
            "content": {JSON_TYPE: {"schema": schemas.of(route.body)}},
        }
    return operation


def _description(route: AnyRoute) -> str:
    said = inspect.getdoc(route.handler) or ""
    if route.scope is None:
        return said
    who = "An administrator's credential with" if route.admin else "A credential with"
    return f"{said}\n\n{who} the scope `{route.scope}`."


def _path_parameters(route: AnyRoute) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PATH_PART}
        | ({"description": PATHS[name]} if name in PATHS else {})
        for name in _PATH_PART.findall(route.path)
    ]


def _query_parameters(route: AnyRoute, schemas: Schemas) -> list[Json]:
    if route.query is Nothing:
        return []
    schema = schemas.resolved(route.query)
    parameters = []
    for name, field in schema["properties"].items():
        inner = _without_null(field)
        described = field.get("description") or inner.pop("description", "")
        inner.pop("description", None)
        required = name in schema.get("required", [])
        parameter: Json = {"name": name, "in": "query", "required": required, "schema": inner}
        if described:
            parameter["description"] = described
        parameters.append(parameter)
    return parameters


def _without_null(schema: Json) -> Json:
    """A parameter that may be left out is never null."""
    if "anyOf" not in schema:
        return {k: v for k, v in schema.items() if not (k == "default" and v is None)}
    options = [option for option in schema["anyOf"] if option != {"type": "null"}]
    rest = {k: v for k, v in schema.items() if k not in ("anyOf", "default")}
    return {**rest, **(options[0] if len(options) == 1 else {"anyOf": options})}


# --- its answers ----------------------------------------------------------------------------------


def _responses(route: AnyRoute, schemas: Schemas) -> Json:
    responses: Json = {str(route.status): _answer(route, schemas)}
    if route.creates:
        responses[str(route.status)]["headers"][REPLAYED] = _header(REPLAYED)
    for status, type_ in route.also:
        content = {JSON_TYPE: {"schema": schemas.of(type_)}}
        responses[str(status)] = _response(route, HTTPStatus(status).phrase, content)
    for status, said in route.bare:
        content = {route.content: {}} if status == HTTPStatus.PARTIAL_CONTENT else {}
        responses[str(status)] = _response(route, said, content)
    for status, problems in _by_status(route).items():
        if (other := responses.get(str(status))) is None:
            name = _refusal_name(route, problems)
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
        else:  # of /health
            other["content"][PROBLEM_TYPE] = {"schema": schemas.of(ProblemDetails)}
    return responses


def _refusals(routes: Sequence[AnyRoute], schemas: Schemas) -> Json:
    """Every set of problems that some route has under one status."""
    content = {PROBLEM_TYPE: {"schema": schemas.of(ProblemDetails)}}
    refusals: Json = {}
    for route in routes:
        for status, problems in _by_status(route).items():
            said = "\n".join(f"`{p.code}`: {inspect.getdoc(p)}" for p in problems)
            response = _response(route, said, content)
            if status in RETRIED or any(problem.retry_after_s is not None for problem in problems):
                response["headers"]["Retry-After"] = _header("Retry-After")
            refusals[_refusal_name(route, problems)] = response
    return refusals


def _refusal_name(route: AnyRoute, problems: Sequence[type[Problem]]) -> str:
    name = ".".join(sorted(problem.code for problem in problems))
    return name if route.rate is not None else f"{name}.uncounted"


def _by_status(route: AnyRoute) -> dict[int, list[type[Problem]]]:
    found: dict[int, list[type[Problem]]] = {}
    for problem in sorted(_problems(route), key=lambda problem: (problem.status, problem.code)):
        found.setdefault(problem.status, []).append(problem)
    return found


def _answer(route: AnyRoute, schemas: Schemas) -> Json:
    content: Json = {}
    if route.returns is not None:
        content[route.content] = {"schema": schemas.of(route.returns)}
    elif route.status not in (HTTPStatus.SWITCHING_PROTOCOLS, HTTPStatus.NO_CONTENT):
        content[route.content] = _media(route.content)
    for other in route.other_content:
        content[other] = _media(other)
    return _response(route, HTTPStatus(route.status).phrase, content)


def _media(content: str) -> Json:
    return {"schema": {"type": "string"}} if content.startswith("text/") else {}


def _response(route: AnyRoute, description: str, content: Json) -> Json:
    names = ["X-Request-Id"]
    if route.rate is not None:
        names += [name for name in HEADERS if name.startswith("X-RateLimit")]
    response: Json = {
        "description": description,
        "headers": {name: _header(name) for name in names},
    }
    return {**response, "content": content} if content else response


def _header(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def _problems(route: AnyRoute) -> list[type[Problem]]:
    """Everything that it may refuse with."""
    found: list[type[Problem]] = [TooLarge, *route.problems, BadRequest]
    if route.rate is not None:
        found.append(TooManyRequests)
    if route.scope is not None:
        found += [Unauthorized, Forbidden]
    if route.takes_body:
        found += [Unsupported, Unprocessable]
    if route.takes_body or route.raw_body is not None:
        found.append(TooSlow)
    if route.creates:
        found += [StillAnswering, KeyUsedBefore]
    if route.keyed:
        found.append(KeyUsedBefore)
    if _PATH_PART.search(route.path):
        found.append(NotFound)
    return list(dict.fromkeys(found))
