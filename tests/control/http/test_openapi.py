"""The API's description says what the table says, and is OpenAPI."""

import json
import re
from typing import Annotated, Any, Literal

import msgspec
import pytest
from openapi_spec_validator import validate

from offhook.control.domain.accounts import Role
from offhook.control.errors import Conflict, NotFound
from offhook.control.http.field_words import WORDS
from offhook.control.http.lists import List, ListQuery
from offhook.control.http.openapi import document, operation_ids
from offhook.control.http.openapi_schemas import Schemas, field_docs
from offhook.control.http.route import AnyRoute, Asked, Nothing, Route
from offhook.control.http.server import ROUTES
from offhook.media.conversation import records


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is wished."""

    number: Annotated[str, msgspec.Meta(pattern=r"^[0-9]+\Z")]
    "As it is dialled."
    from_: str = msgspec.field(default="", name="from")
    "Whose number is shown."
    voice: str = "calm"


class Granted(msgspec.Struct, frozen=True):
    """What has become of it."""

    id: str
    role: Role
    when: str | None = None


class WishQuery(ListQuery, frozen=True, kw_only=True):
    """Which wishes."""

    sort: Literal["a", "-a"] = "a"
    after: Annotated[int, msgspec.Meta(ge=3)] | None = None
    "Only later ones."


class Told(msgspec.Struct, frozen=True):
    """What is told."""

    role: records.Role


async def wish(asked: Asked[Nothing, Wish]) -> Granted:
    """Wish for something.

    It may be granted.
    """
    raise NotImplementedError


async def wishes(asked: Asked[WishQuery, Nothing]) -> List[Granted]:
    """All wishes."""
    raise NotImplementedError


async def listen(asked: Asked[Nothing, Nothing]) -> None:
    """Listen."""
    raise NotImplementedError


def route(method: str, path: str, handler: Any, **more: Any) -> AnyRoute:
    settings: dict[str, Any] = {"summary": "Do", "tag": "Wishes", "scope": "agents:write", **more}
    return Route(method=method, path=path, handler=handler, **settings)


TABLE = (
    route("POST", "/wishes", wish, body=Wish, returns=Granted, status=201, problems=(Conflict,)),
    route("GET", "/wishes/{id}", wishes, query=WishQuery, returns=List[Granted]),
    route("GET", "/talk", listen, status=101, messages=((Wish,), (Told,)), token_in_query=True),
    route("GET", "/open", listen, scope=None, rate=None, content="text/plain"),
    route("GET", "/hidden", listen, documented=False),
    route("DELETE", "/wishes/{id}", listen, status=204, admin=True, problems=(NotFound, Conflict)),
)


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(msgspec.json.encode(document(TABLE, "1.2.3")))
    return made


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(msgspec.json.encode(document(ROUTES, "1.2.3")))
    return made


def test_both_documents_are_openapi(whole: dict[str, Any], real: dict[str, Any]) -> None:
    validate(whole)
    validate(real)


def test_an_operation_has_everything_that_its_row_has(whole: dict[str, Any]) -> None:
    operation = whole["paths"]["/wishes"]["post"]
    assert operation["operationId"] == "wish"
    assert operation["description"].startswith("Wish for something.\n\nIt may be granted.")
    assert "`agents:write`" in operation["description"]
    assert operation["security"] == [{"bearer": []}]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Wish"}
    assert operation["requestBody"]["required"] is True
    assert set(operation["responses"]) == {
        "201",
        "400",
        "401",
        "403",
        "408",
        "409",
        "413",
        "415",
    } | {
        "422",
        "429",
    }
    answer = operation["responses"]["201"]
    assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/Granted")
    assert {"X-Request-Id", "X-RateLimit-Remaining", "Idempotency-Replayed"} <= set(
        answer["headers"]
    )
    assert operation["parameters"] == [{"$ref": "#/components/parameters/Idempotency-Key"}]


def test_problems_are_told_by_their_codes(whole: dict[str, Any]) -> None:
    reference = whole["paths"]["/wishes"]["post"]["responses"]["409"]["$ref"]
    refusal = whole["components"]["responses"][reference.rpartition("/")[2]]
    assert re.findall(r"`(\w+)`:", refusal["description"]) == [
        "conflict",
        "idempotency_in_progress",
    ]
    assert list(refusal["content"]) == ["application/problem+json"]
    assert "Retry-After" in refusal["headers"]


def test_parameters_have_bounds_defaults_and_docs_and_are_never_null(whole: dict[str, Any]) -> None:
    parameters = {p["name"]: p for p in whole["paths"]["/wishes/{id}"]["get"]["parameters"]}
    assert parameters["id"] == {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
        "description": "The thing's UUID.",
    }
    limit = parameters["limit"]["schema"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 200, 50)
    assert parameters["after"]["schema"] == {"type": "integer", "minimum": 3}
    assert parameters["after"]["description"] == "Only later ones."
    assert parameters["sort"]["schema"]["enum"] == ["-a", "a"]
    assert not any(p["required"] for name, p in parameters.items() if name != "id")


def test_a_field_s_doc_is_shown_by_the_name_that_clients_see(whole: dict[str, Any]) -> None:
    properties = whole["components"]["schemas"]["Wish"]["properties"]
    assert properties["number"]["description"] == "As it is dialled."
    assert properties["from"]["description"] == "Whose number is shown."
    assert properties["voice"]["description"] == WORDS["voice"], "it has no string of its own"
    assert field_docs(WishQuery)["total"], "those of the class below as well"


def test_patterns_are_those_of_json_schema(whole: dict[str, Any], real: dict[str, Any]) -> None:
    assert whole["components"]["schemas"]["Wish"]["properties"]["number"]["pattern"] == "^[0-9]+$"
    assert "\\\\Z" not in json.dumps(real)


def test_what_is_answered_is_there_even_where_it_has_a_default(whole: dict[str, Any]) -> None:
    schemas = whole["components"]["schemas"]
    assert schemas["Granted"]["required"] == ["id", "role", "when"]
    assert schemas["Wish"]["required"] == ["number"]


def test_names_are_for_people(whole: dict[str, Any]) -> None:
    names = set(whole["components"]["schemas"])
    assert {"GrantedList", "AccountsRole", "RecordsRole"} <= names
    assert not [name for name in names if "." in name or name.startswith("List_")]


def test_a_websocket_is_a_get_with_its_messages(whole: dict[str, Any]) -> None:
    talk = whole["paths"]["/talk"]["get"]
    assert "101" in talk["responses"]
    assert "content" not in talk["responses"]["101"]
    assert talk["x-websocket"]["client"]["anyOf"] == [{"$ref": "#/components/schemas/Wish"}]
    assert talk["security"] == [{"bearer": []}, {"token": []}]


def test_an_open_route_that_is_not_counted_says_so(whole: dict[str, Any]) -> None:
    operation = whole["paths"]["/open"]["get"]
    assert operation["security"] == []
    assert set(operation["responses"]) == {"200", "400", "413"}
    assert "X-RateLimit-Limit" not in operation["responses"]["200"]["headers"]
    assert "/hidden" not in whole["paths"]


def test_operations_of_one_name_are_told_apart() -> None:
    table = [
        route("POST", "/a", wish),
        route("POST", "/b", wish, tag="Other things"),
        route("GET", "/c", listen),
        route("POST", "/c", listen),
    ]
    assert operation_ids(table) == [
        "wishes_wish",
        "other_things_wish",
        "wishes_listen_by_get",
        "wishes_listen_by_post",
    ]


def test_the_table_is_described_whole(real: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, item in real["paths"].items() for method in item}
    assert described == {(route.method, route.path) for route in ROUTES if route.documented}
    ids = [o["operationId"] for item in real["paths"].values() for o in item.values()]
    assert len(ids) == len(set(ids))
    for path, item in real["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], f"{method} {path} has no summary"
            assert operation["description"], f"{method} {path} has no description"
    assert all(len(tag["description"]) > 1 for tag in real["tags"])


def test_schemas_that_only_come_back_are_told_from_those_that_are_sent() -> None:
    assert Schemas([Granted], []).resolved(Granted)["required"] == ["id", "role"]
    assert Schemas([], [Granted]).resolved(Granted)["required"] == ["id", "role", "when"]


def test_lists_of_different_things_need_different_names() -> None:
    other = msgspec.defstruct("Granted", [("id", str)], module="elsewhere")
    with pytest.raises(AssertionError, match=r"one name: \['Granted'\]"):
        Schemas([], [List[Granted], List[other]])  # type: ignore[valid-type]


def test_nearly_every_field_of_the_api_says_what_it_is() -> None:
    schemas = document(ROUTES, "1")["components"]["schemas"]
    fields = {
        f"{name}.{field}": said
        for name, schema in schemas.items()
        for field, said in schema.get("properties", {}).items()
    }
    silent = [
        name
        for name, said in fields.items()
        if not any("description" in each for each in (said, *said.get("anyOf", ())))
    ]
    assert len(silent) < 0.05 * len(fields), silent
