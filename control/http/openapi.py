"""The table of routes as an OpenAPI 3.1 document. Pure: from Structs and docstrings to JSON.

What a field means stands as a string under it in its Struct; the sources are read for these once,
when the document is built.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ..errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    Problem,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unprocessable,
    Unsupported,
)
from .problems import CONTENT_TYPE as PROBLEM_TYPE, ProblemDetails
from .route import AnyRoute, Nothing

VERSION = "3.1.0"
REF = "#/components/schemas/{name}"
SECURITY = "bearer"
ABOUT = (
    "Offhook puts an agent on a telephone line. Times are RFC 3339 in UTC, ids are UUIDs, lists "
    "are read in pages by `cursor`, errors are problem details (RFC 9457) with a stable `code`."
)
REQUEST_ID_HEADER = {
    "X-Request-Id": {
        "description": "The request's id, as logs have it; yours, if you sent one.",
        "schema": {"type": "string"},
    }
}
_PATH_PART = re.compile(r"\{(\w+)\}")
_GENERIC = re.compile(r"List_(\w+)_\Z")

Json = dict[str, Any]


def document(routes: Sequence[AnyRoute], version: str) -> Json:
    """The whole document."""
    types = _types(routes)
    (*schemas,), components = msgspec.json.schema_components(types, ref_template=REF)
    by_type = dict(zip(types, schemas, strict=True))
    _describe_fields(components, types)
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            route, by_type, components
        )
    tags = list(dict.fromkeys(route.tag for route in routes))
    whole = {
        "openapi": VERSION,
        "info": {"title": "Offhook", "version": version, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {SECURITY: {"type": "http", "scheme": "bearer"}},
        },
    }
    named: Json = _renamed(whole)
    return named


def _types(routes: Iterable[AnyRoute]) -> list[type[msgspec.Struct]]:
    found: dict[type[msgspec.Struct], None] = {ProblemDetails: None}
    for route in routes:
        for type_ in (route.query, route.body, route.returns, *(t for _, t in route.also)):
            if type_ is not None and type_ is not Nothing:
                found[type_] = None
    return list(found)


# --- one operation --------------------------------------------------------------------------------


def _operation(route: AnyRoute, by_type: dict[Any, Json], components: Json) -> Json:
    operation: Json = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "description": inspect.getdoc(route.handler) or "",
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(route, by_type, components)],
        "responses": _responses(route, by_type),
        "security": [] if route.scope is None else [{SECURITY: []}],
    }
    if route.scope is not None:
        who = "An administrator's credential with" if route.admin else "A credential with"
        operation["description"] += f"\n\n{who} the scope `{route.scope}`."
        operation["x-scope"] = route.scope
    if route.takes_body:
        schema = by_type[route.body]
        operation["requestBody"] = {
            "required": _is_required(schema, components),
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _operation_id(route: AnyRoute) -> str:
    """The handler's name; where one handler serves two routes, the method as well."""
    name = route.operation_id
    return f"{name}_by_delete" if route.method == "DELETE" and "delete" not in name else name


def _path_parameters(route: AnyRoute) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH_PART.findall(route.path)
    ]


def _query_parameters(route: AnyRoute, by_type: dict[Any, Json], components: Json) -> list[Json]:
    if route.query is Nothing:
        return []
    schema = _resolved(by_type[route.query], components)
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": field.get("description", ""),
            "schema": _without_null(field),
        }
        for name, field in schema["properties"].items()
    ]


def _without_null(schema: Json) -> Json:
    """A parameter that may be left out is never null."""
    if "anyOf" not in schema:
        return {k: v for k, v in schema.items() if not (k == "default" and v is None)}
    options = [option for option in schema["anyOf"] if option != {"type": "null"}]
    rest = {k: v for k, v in schema.items() if k not in ("anyOf", "default")}
    return {**rest, **(options[0] if len(options) == 1 else {"anyOf": options})}


def _responses(route: AnyRoute, by_type: dict[Any, Json]) -> Json:
    responses: Json = {str(route.status): _answer(route, by_type)}
    for status, type_ in route.also:
        content = {"application/json": {"schema": by_type[type_]}}
        responses[str(status)] = _response(f"Status {status}", content)
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in _problems(route):
        by_status.setdefault(problem.status, []).append(problem)
    content = {PROBLEM_TYPE: {"schema": by_type[ProblemDetails]}}
    for status, problems in sorted(by_status.items()):
        said = " ".join(dict.fromkeys(inspect.getdoc(problem) or "" for problem in problems))
        responses[str(status)] = _response(said, content)
    return responses


def _answer(route: AnyRoute, by_type: dict[Any, Json]) -> Json:
    if route.returns is not None:
        return _response(route.summary, {route.content: {"schema": by_type[route.returns]}})
    if route.status in (101, 204):
        return _response(route.summary, {})
    binary = {"type": "string"} if route.content.startswith("text/") else {}
    return _response(route.summary, {route.content: {"schema": binary}})


def _response(description: str, content: Json) -> Json:
    response: Json = {"description": description, "headers": REQUEST_ID_HEADER}
    return {**response, "content": content} if content else response


def _problems(route: AnyRoute) -> list[type[Problem]]:
    """Everything that it may refuse with."""
    found: list[type[Problem]] = [TooLarge, TooManyRequests, *route.problems, BadRequest]
    if route.scope is not None:
        found += [Unauthorized, Forbidden]
    if route.takes_body:
        found += [Unsupported, Unprocessable]
    if route.creates:
        found += [Conflict, Unprocessable]  # an Idempotency-Key that was used before
    if _PATH_PART.search(route.path):
        found.append(NotFound)
    return list(dict.fromkeys(found))


# --- schemas --------------------------------------------------------------------------------------


def _resolved(schema: Json, components: Json) -> Json:
    ref = schema.get("$ref")
    return components[ref.rpartition("/")[2]] if ref else schema


def _is_required(schema: Json, components: Json) -> bool:
    return bool(_resolved(schema, components).get("required"))


def _describe_fields(components: Json, types: Sequence[type[msgspec.Struct]]) -> None:
    """What stands under a field in its Struct becomes its description."""
    for struct in _structs_of(types):
        name = struct.__name__
        properties = components.get(name, {}).get("properties")
        if properties is None:
            continue
        for field, text in field_docs(struct).items():
            encoded = dict(
                zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True)
            )
            schema = properties.get(encoded.get(field, field))
            if schema is not None:
                schema.setdefault("description", text)


def _structs_of(types: Iterable[Any]) -> set[type[msgspec.Struct]]:
    """These Structs and all that they hold."""
    found: set[type[msgspec.Struct]] = set()
    waiting = [msgspec.inspect.type_info(type_) for type_ in types]
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in found:
                continue
            found.add(info.cls)
            waiting += [field.type for field in info.fields]
        for name in ("types", "item_types"):
            waiting += getattr(info, name, ())
        for name in ("item_type", "value_type", "type"):
            inner = getattr(info, name, None)
            if isinstance(inner, msgspec.inspect.Type):
                waiting.append(inner)
    return found


def field_docs(struct: type) -> dict[str, str]:
    """The string under each field, of the class and those it is made from."""
    docs: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if not issubclass(cls, msgspec.Struct) or cls is msgspec.Struct:
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        assert isinstance(body, ast.ClassDef), "a class's source is a class"
        for field, after in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            ):
                docs[field.target.id] = inspect.cleandoc(after.value.value)
    return docs


def _renamed(value: Any) -> Any:
    """`List_AgentView_` is `AgentViewList`, wherever it is named."""
    if isinstance(value, dict):
        return {_name(key): _renamed(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(inner) for inner in value]
    if isinstance(value, str) and value.startswith("#/"):
        head, _, name = value.rpartition("/")
        return f"{head}/{_name(name)}"
    return value


def _name(name: str) -> str:
    return _GENERIC.sub(r"\1List", name)
