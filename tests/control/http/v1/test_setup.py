"""An installation is set up by whoever comes first, then by who has an account."""

import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.tests.kit.api import Api

WHOLE = {
    "agent": {"name": "Shop", "greeting": "Hello."},
    "people": [{"name": "Ann", "kind": "human", "phone_number": "+15550009"}],
    "knowledge": [{"title": "Hours", "content": "Nine to five."}],
    "keys": [{"provider": "openai", "secret": "sk-0123456789abcdefgh"}],
}


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as found:
        yield found


async def test_it_is_open_once(api: Api) -> None:
    assert await api.want(200, "GET", "/v1/setup") == {"is_open": True}
    response = await api.client.post("/v1/setup", json=WHOLE)
    made = await response.json()
    assert response.status == 201, made
    assert made["agent"]["greeting"] == "Hello."
    assert made["people"][0]["kind"] == "human"
    (document,) = made["document_ids"]
    kept = await api.want(200, "GET", f"/v1/documents/{document}")
    assert kept["agent_id"] == made["agent"]["id"]
    (key,) = made["provider_key_ids"]
    assert (await api.want(200, "GET", f"/v1/provider-keys/{key}"))["hint"] == "efgh"
    assert await api.want(200, "GET", "/v1/setup") == {"is_open": False}
    assert (await api.client.post("/v1/setup", json=WHOLE)).status == 401
    assert (await api.want(201, "POST", "/v1/setup", WHOLE))["agent"]["id"] != made["agent"]["id"]


async def test_a_key_needs_the_scopes_of_all_that_is_made(api: Api) -> None:
    native = await api.user("ann@example.org")
    sent = {"name": "k", "scopes": ["agents:write"]}
    key = (await api.want(201, "POST", "/v1/api-keys", sent, token=native))["key"]
    await api.want(403, "POST", "/v1/setup", WHOLE, token=key)
    made = await api.want(201, "POST", "/v1/setup", {"agent": {"name": "Mine"}}, token=native)
    assert made["agent"]["name"] == "Mine"
    await api.want(401, "POST", "/v1/setup", WHOLE, token="none")
