"""How dialects are served, whichever they are: addresses, forms, credentials, limits, documents."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from offhook.control.configuration.config import HttpSettings, Settings
from offhook.control.dialects.catalog import DIALECTS
from offhook.control.dialects.dialect import AnyRow, Dialect
from offhook.tests.kit.api import Api
from offhook.tests.kit.dialects import GUARDED, LOGIN, STAFF, name_field, token_for

PAIRS = [
    (dialect.name, other.name) for dialect in DIALECTS for other in DIALECTS if dialect != other
]


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as found:
        yield found


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    found: Dialect = request.param
    return found


def is_refusal(dialect: Dialect, body: Any) -> bool:
    """Whether a body has what the dialect's error form has."""
    return isinstance(body, dict) and set(dialect.error_type.__struct_encode_fields__) <= set(body)


async def test_an_address_may_end_in_a_slash_or_not(api: Api, dialect: Dialect) -> None:
    token = await token_for(api, dialect.name, "ann@example.org")
    path = f"/{dialect.name}{GUARDED[dialect.name]}"
    for address in (path, f"{path}/"):
        response = await api.client.get(
            address, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False
        )
        assert response.status == 200, address


async def test_what_is_not_there_is_told_in_the_dialects_form(api: Api, dialect: Dialect) -> None:
    for method, path, status in (
        ("GET", f"/{dialect.name}/nowhere", 404),
        ("GET", f"/{dialect.name}", 404),
        ("PATCH", f"/{dialect.name}{LOGIN[dialect.name]}", 405),
    ):
        response = await api.client.request(method, path)
        assert response.status == status, path
        assert is_refusal(dialect, await response.json()), await response.text()
        assert "X-RateLimit-Limit" in response.headers or not dialect.rates
    assert (await api.client.get("/nowhere")).content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"{", 400), (b"[" * 5000, 400), (b"\xff\xfe", 400), (b"x" * 100_000, 413)],
    ids=["half", "deep", "no text", "large"],
)
async def test_a_body_that_is_none_is_told_in_the_dialects_form(
    api: Api, dialect: Dialect, data: bytes, status: int
) -> None:
    response = await api.client.post(f"/{dialect.name}{LOGIN[dialect.name]}", data=data)
    assert response.status == status
    assert is_refusal(dialect, await response.json())


async def test_all_fields_at_fault_are_told_together(api: Api, dialect: Dialect) -> None:
    field = name_field(dialect.name)
    response = await api.client.post(f"/{dialect.name}{LOGIN[dialect.name]}", json={field: 3})
    assert response.status in (400, 422)
    text = await response.text()
    assert field in text
    assert "password" in text


async def test_without_a_token_it_is_401_and_says_how(api: Api, dialect: Dialect) -> None:
    for headers in ({}, {"Authorization": "Bearer none"}):
        path = f"/{dialect.name}{GUARDED[dialect.name]}"
        response = await api.client.get(path, headers=headers)
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == dialect.scheme
        assert is_refusal(dialect, await response.json())


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
async def test_a_token_is_good_for_one_dialect_alone(api: Api, theirs: str, ours: str) -> None:
    token = await token_for(api, theirs, "ann@example.org")
    await api.want(401, "GET", f"/{ours}{GUARDED[ours]}", token=token)
    await api.want(401, "GET", "/v1/me", token=token)
    native = await api.user("ann@example.org")
    await api.want(401, "GET", f"/{ours}{GUARDED[ours]}", token=native)


async def test_a_key_is_good_for_all_of_them_within_its_scopes(api: Api) -> None:
    native = await api.user("ann@example.org")
    made = await api.want(
        201, "POST", "/v1/api-keys", {"name": "k", "scopes": ["agents:read"]}, token=native
    )
    await api.want(200, "GET", "/callingplatform/api/v1/agents", token=made["key"])
    refused = await api.want(403, "GET", "/voicera/auth/me", token=made["key"])
    assert refused["error"]["code"] == "AUTH_004"


async def test_accounts_are_the_same_everywhere(api: Api, dialect: Dialect) -> None:
    await token_for(api, dialect.name, "ann@example.org")
    for other in DIALECTS:
        sent = {name_field(other.name): "ann@example.org", "password": "a long password"}
        response = await api.client.post(f"/{other.name}{LOGIN[other.name]}", json=sent)
        staff_alone = other.name in STAFF and dialect.name not in STAFF
        assert response.status == (403 if staff_alone else 200)


async def test_limits_count_for_whole_windows_and_tell_what_is_left(
    tmp_path: pathlib.Path,
) -> None:
    async with Api(tmp_path, limited=True) as api:
        token = await token_for(api, "voicera", "ann@example.org")
        headers = {"Authorization": f"Bearer {token}"}
        path = "/voicera/auth/me"
        for left in range(9, -1, -1):
            response = await api.client.get(path, headers=headers)
            assert response.status == 200
            assert response.headers["X-RateLimit-Limit"] == "10"
            assert response.headers["X-RateLimit-Remaining"] == str(left)
        refused = await api.client.get(path, headers=headers)
        assert refused.status == 429
        assert (await refused.json())["error"]["code"] == "RATE_001"
        assert refused.headers["Retry-After"] == "60"
        reset = int(refused.headers["X-RateLimit-Reset"])
        assert reset - api.clock.wall() <= 60
        other = await token_for(api, "voicera", "bob@example.org")
        await api.want(200, "GET", path, token=other)
        api.clock.advance(60.0)
        await api.want(200, "GET", path, token=token)


async def test_switched_off_limits_are_told_and_refuse_nobody(api: Api) -> None:
    left = ""
    for _ in range(7):
        response = await api.client.post("/callingplatform/api/v1/auth/login", json={})
        assert response.status == 422
        assert response.headers["X-RateLimit-Limit"] == "5"
        left = response.headers["X-RateLimit-Remaining"]
    assert left == "0"


async def test_pages_of_others_may_ask_where_the_owner_lets_them(tmp_path: pathlib.Path) -> None:
    settings = Settings(http=HttpSettings(cors_origins=("https://app.example",)))
    async with Api(tmp_path, settings) as api:
        response = await api.client.options(
            "/voicera/auth/me",
            headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"},
        )
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
        refused = await api.client.get(
            "/voicera/auth/me", headers={"Origin": "https://app.example"}
        )
        assert refused.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert "X-RateLimit-Limit" in refused.headers["Access-Control-Expose-Headers"]


async def test_the_description_has_every_operation(api: Api, dialect: Dialect) -> None:
    described = await api.want(200, "GET", f"/{dialect.name}/openapi.json")
    validate(described)
    assert described["openapi"] == "3.1.0"
    assert described["servers"] == [{"url": f"/{dialect.name}"}]
    found = {
        (method.upper(), path)
        for path, operations in described["paths"].items()
        for method in operations
    }
    assert found == {(row.method, row.path) for row in dialect.rows if row.documented}


async def test_the_collection_has_every_request(api: Api, dialect: Dialect) -> None:
    found = await api.want(200, "GET", f"/{dialect.name}/postman.json")
    assert found["info"]["schema"].endswith("/v2.1.0/collection.json")
    requests = [item["request"] for folder in found["item"] for item in folder["item"]]
    wanted = [row for row in dialect.rows if row.documented and row.messages is None]
    assert len(requests) == len(wanted)
    base = next(v["value"] for v in found["variable"] if v["key"] == "baseUrl")
    assert base.endswith(f"/{dialect.name}{dialect.base}")
    assert all(request["url"]["raw"].startswith("{{baseUrl}}/") for request in requests)


def test_nothing_is_served_twice(dialect: Dialect) -> None:
    seen = [(row.method, row.path) for row in dialect.rows]
    assert len(seen) == len(set(seen))


def test_every_rate_and_status_is_one_that_there_is(dialect: Dialect) -> None:
    def fits(row: AnyRow) -> bool:
        return not dialect.rates or row.rate is None or row.rate in dialect.rates

    assert [row.path for row in dialect.rows if not fits(row)] == []
