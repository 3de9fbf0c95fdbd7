"""`/v1/agents` as a client meets it."""

import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.tests.kit.api import Api


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def test_an_agent_is_made_read_changed_and_deleted(api: Api) -> None:
    made = await api.want(
        201, "POST", "/v1/agents", {"name": "Anna", "voice": {"provider": "acme", "voice": "x"}}
    )
    assert made["voice"]["provider"] == "acme"
    assert made["created_at"] == "2023-11-14T22:13:20Z"
    path = f"/v1/agents/{made['id']}"
    assert await api.want(200, "GET", path) == made
    api.clock.advance(60)
    changed = await api.want(200, "PATCH", path, {"greeting": "Hello", "is_active": False})
    assert changed == made | {
        "greeting": "Hello",
        "is_active": False,
        "updated_at": "2023-11-14T22:14:20Z",
    }
    assert await api.want(200, "PATCH", path, {"greeting": None}) == changed | {"greeting": None}
    await api.want(204, "DELETE", path)
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        problem = await api.want(404, method, path, body)
        assert problem["code"] == "not_found"


async def test_lists_are_filtered_sorted_and_paged(api: Api) -> None:
    for name in ("Carl", "anna", "Bob 50%", "Dora"):
        await api.want(201, "POST", "/v1/agents", {"name": name, "is_active": name != "Bob 50%"})
    page = await api.want(200, "GET", "/v1/agents?limit=3&total=true")
    assert [agent["name"] for agent in page["items"]] == ["Dora", "Bob 50%", "anna"]
    assert page["total"] == 4
    rest = await api.want(200, "GET", f"/v1/agents?limit=3&cursor={page['next']}")
    assert ([agent["name"] for agent in rest["items"]], rest["next"]) == (["Carl"], None)
    for query, names in (
        ("sort=name&is_active=true", ["Carl", "Dora", "anna"]),
        ("search=A", ["Dora", "anna", "Carl"]),
        ("search=0%25", ["Bob 50%"]),
        ("kind=human", []),
    ):
        page = await api.want(200, "GET", f"/v1/agents?{query}")
        assert [agent["name"] for agent in page["items"]] == names


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x", "voice": {"rate": "fast"}}, "voice.rate"),
        ({"name": "x", "nmae": "y"}, "nmae"),
        ({"name": "x", "kind": "robot"}, "kind"),
    ],
)
async def test_a_field_that_does_not_fit_is_named(
    api: Api, body: dict[str, object], field: str
) -> None:
    problem = await api.want(422, "POST", "/v1/agents", body)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=x", "limit"), ("what=1", "what"), ("sort=seq", "sort")],
)
async def test_a_parameter_that_does_not_fit_is_named(api: Api, query: str, field: str) -> None:
    problem = await api.want(400, "GET", f"/v1/agents?{query}")
    assert problem["field"] == field


async def test_a_body_that_is_no_json_or_too_large_is_refused(api: Api) -> None:
    for body, kind, status in (
        (b"{", "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400),
        (b"{}", "text/plain", 415),
        (b" " * 300_000, "application/json", 413),
    ):
        response = await api.client.post(
            "/v1/agents",
            data=body,
            headers={"Authorization": "Bearer a-token-of-tests", "Content-Type": kind},
        )
        assert response.status == status


PATH = "/v1/agents"


async def test_with_an_agent_ends_what_it_was_still_to_do(api: Api) -> None:
    agent = await api.want(201, "POST", PATH, {"name": "Anna"})
    other = await api.want(201, "POST", PATH, {"name": "Otto"})
    calls = [
        await api.want(202, "POST", "/v1/calls", {"to": "+15551234567", "agent_id": one["id"]})
        for one in (agent, other)
    ]
    campaigns = []
    for name, one in (("spring", agent), ("autumn", other)):
        body = {"name": name, "agent_id": one["id"], "numbers": ["+15551230001"]}
        made = await api.want(201, "POST", "/v1/campaigns", body)
        campaigns.append(f"/v1/campaigns/{made['id']}")
        await api.want(200, "POST", f"{campaigns[-1]}/launch")
    await api.want(204, "DELETE", f"{PATH}/{agent['id']}")
    found = [await api.want(200, "GET", f"/v1/calls/{call['id']}") for call in calls]
    assert [call["outcome"] for call in found] == ["cancelled", None]
    status = [(await api.want(200, "GET", path))["status"] for path in campaigns]
    assert status == ["paused", "active"]
    refused = await api.want(409, "POST", f"{campaigns[0]}/launch")
    assert "agent" in refused["detail"]
    await api.want(200, "PATCH", campaigns[0], {"agent_id": other["id"]})
    await api.want(200, "POST", f"{campaigns[0]}/launch")
