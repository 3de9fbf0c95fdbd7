"""`/v1/api-keys` as a client meets it."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.domain.accounts import Role
from offhook.tests.kit.api import Api

ANN, BOB = "ann@example.org", "bob@example.org"
PATH = "/v1/api-keys"


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def make(api: Api, token: str, *scopes: str, **more: Any) -> Any:
    body = {"name": "robot", "scopes": list(scopes or ("*",)), **more}
    return await api.want(201, "POST", PATH, body, token=token)


async def test_a_key_is_shown_once_and_opens_what_it_is_for(api: Api) -> None:
    ann = await api.user(ANN)
    made = await make(api, ann, "agents:read", "calls:read", "agents:read")
    key = made.pop("key")
    assert key.startswith(f"ohk_{made['key_id']}_")
    assert made["scopes"] == ["agents:read", "calls:read"]
    assert await api.want(200, "GET", f"{PATH}/{made['id']}", token=ann) == made
    assert (await api.want(200, "GET", PATH, token=ann))["items"] == [made]
    await api.want(200, "GET", "/v1/agents", token=key)
    problem = await api.want(403, "POST", "/v1/agents", {"name": "x"}, token=key)
    assert "agents:write" in problem["detail"]


async def test_a_revoked_key_opens_nothing_and_stays_in_the_list(api: Api) -> None:
    ann = await api.user(ANN)
    made = await make(api, ann)
    await api.want(200, "GET", "/v1/me", token=made["key"])
    await api.want(204, "DELETE", f"{PATH}/{made['id']}", token=ann)
    problem = await api.want(401, "GET", "/v1/me", token=made["key"])
    assert problem["code"] == "token_revoked"
    await api.want(204, "DELETE", f"{PATH}/{made['id']}", token=ann)
    (shown,) = (await api.want(200, "GET", f"{PATH}?is_revoked=true", token=ann))["items"]
    assert shown["revoked_at"] == "2023-11-14T22:13:20Z"
    assert (await api.want(200, "GET", f"{PATH}?is_revoked=false", token=ann))["items"] == []


async def test_a_key_cannot_make_one_that_may_more(api: Api) -> None:
    ann = await api.user(ANN)
    narrow = (await make(api, ann, "keys:write", "calls:read"))["key"]
    for scopes in (["*"], ["calls:write"], ["calls:read", "agents:read"]):
        await api.want(403, "POST", PATH, {"name": "x", "scopes": scopes}, token=narrow)
    await make(api, narrow, "calls:read")


async def test_keys_of_others_are_not_there(api: Api) -> None:
    ann, bob = await api.user(ANN), await api.user(BOB)
    admin = await api.user("root@example.org", Role.ADMIN)
    made = await make(api, ann)
    owner = made["owner_id"]
    path = f"{PATH}/{made['id']}"
    await api.want(404, "GET", path, token=bob)
    await api.want(404, "DELETE", path, token=bob)
    assert (await api.want(200, "GET", f"{PATH}?owner_id={owner}", token=bob))["items"] == []
    body = {"name": "x", "scopes": ["*"], "owner_id": owner}
    await api.want(404, "POST", PATH, body, token=bob)
    hers = await make(api, admin, owner_id=owner)
    assert (await api.want(200, "GET", "/v1/me", token=hers["key"]))["email"] == ANN
    await api.want(404, "POST", PATH, body | {"owner_id": "nobody"}, token=admin)
    await api.want(204, "DELETE", path, token=admin)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"expires_at": "2023-11-14T22:13:20Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"name": ""}, "name"),
    ],
)
async def test_what_cannot_be_a_key_is_named(api: Api, body: Any, field: str) -> None:
    problem = await api.want(422, "POST", PATH, {"name": "x", "scopes": ["*"]} | body)
    assert problem["errors"][0]["field"] == field


async def test_an_account_has_a_limit_of_keys(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offhook.control.services.api_keys.MAX_KEYS", 2)
    ann = await api.user(ANN)
    first, _ = await make(api, ann), await make(api, ann)
    await api.want(409, "POST", PATH, {"name": "x", "scopes": ["*"]}, token=ann)
    await api.want(204, "DELETE", f"{PATH}/{first['id']}", token=ann)
    await make(api, ann)
