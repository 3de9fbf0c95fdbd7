"""Campaigns as their owners see them. How they go on: tests/control/test_campaign_runner.py."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.tests.kit.api import Api

NUMBERS = ["+1 (555) 000-1", "+15550001", "+15550002", "sip:ann@example.com"]


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def make(api: Api, **body: Any) -> Any:
    body = {"name": "Spring", "numbers": NUMBERS} | body
    return await api.want(201, "POST", "/v1/campaigns", body)


async def test_a_campaign_is_made_read_changed_and_deleted(api: Api) -> None:
    window = {"opens": "09:00", "closes": "17:00", "days": [1, 2], "timezone": "Europe/Berlin"}
    made = await make(api, window=window | {"start_at": "2023-12-01T00:00:00"}, max_concurrent=5)
    assert (made["status"], made["max_concurrent"], made["from"]) == ("draft", 5, None)
    assert made["progress"] | {"numbers": 3, "waiting": 3} == made["progress"]
    assert made["window"]["start_at"] == "2023-12-01T00:00:00+01:00"
    path = f"/v1/campaigns/{made['id']}"
    assert await api.want(200, "GET", path) == made | {"seq": made["seq"]}
    changed = await api.want(200, "PATCH", path, {"name": "Summer", "from": "+4930 1"})
    assert (changed["name"], changed["from"]) == ("Summer", "+49301")
    assert changed["window"] == made["window"]
    await api.want(204, "DELETE", path)
    await api.want(404, "GET", path)


async def test_numbers_are_bare_unique_and_listed_in_their_order(api: Api) -> None:
    made = await make(api)
    path = f"/v1/campaigns/{made['id']}/numbers"
    more = {"numbers": ["+15550002", "+15550003", "+1-555-0003"]}
    added = await api.want(200, "POST", path, more)
    assert added == {"added": 1, "duplicates": 2, "numbers": 4}
    first = await api.want(200, "GET", f"{path}?limit=3&total=true")
    second = await api.want(200, "GET", f"{path}?limit=3&cursor={first['next']}")
    listed = [*first["items"], *second["items"]]
    assert [item["number"] for item in listed] == [
        "+15550001",
        "+15550002",
        "sip:ann@example.com",
        "+15550003",
    ]
    assert listed[0] == {"number": "+15550001", "status": "waiting", "call_id": None}
    assert first["total"] == 4
    assert (await api.want(200, "GET", f"{path}?status=called"))["items"] == []


async def test_verbs_move_it_by_the_table_and_anything_else_is_a_conflict(api: Api) -> None:
    made = await make(api)
    path = f"/v1/campaigns/{made['id']}"
    await api.want(409, "POST", f"{path}/pause")
    await api.want(409, "POST", f"{path}/stop")
    launched = await api.want(200, "POST", f"{path}/launch")
    assert (launched["status"], launched["launched_at"]) == ("active", "2023-11-14T22:13:20Z")
    await api.want(409, "POST", f"{path}/launch")
    await api.want(409, "DELETE", path)
    paused = await api.want(200, "POST", f"{path}/pause")
    assert (paused["status"], paused["paused_at"]) == ("paused", "2023-11-14T22:13:20Z")
    await api.want(200, "POST", f"{path}/launch")
    stopped = await api.want(200, "POST", f"{path}/stop")
    assert (stopped["status"], stopped["completed_at"]) == ("completed", "2023-11-14T22:13:20Z")
    for verb in ("launch", "pause", "stop"):
        problem = await api.want(409, "POST", f"{path}/{verb}")
        assert problem["code"] == "conflict"
    await api.want(409, "POST", f"{path}/numbers", {"numbers": ["+15550009"]})
    await api.want(409, "PATCH", path, {"max_concurrent": 3})
    assert (await api.want(200, "PATCH", path, {"name": "Done"}))["name"] == "Done"


async def test_one_without_numbers_is_not_launched(api: Api) -> None:
    made = await make(api, numbers=[])
    await api.want(409, "POST", f"/v1/campaigns/{made['id']}/launch")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": ""}, ["name"]),
        ({"max_concurrent": 0}, ["max_concurrent"]),
        ({"max_concurrent": 1001}, ["max_concurrent"]),
        ({"window": {"timezone": "Mars"}}, ["window.timezone"]),
        ({"window": {"days": []}}, ["window.days"]),
        ({"window": {"open": "9"}}, ["window.open"]),
        ({"agent_id": "nobody"}, ["agent_id"]),
        ({"from": "me"}, ["from"]),
        ({"ring_limit_s": 0}, ["ring_limit_s"]),
        ({"context": {"a": "x" * 20_000}}, ["context"]),
        ({"numbers": ["+15550001", "12", "x"]}, ["numbers[1]", "numbers[2]"]),
        ({"numbers": ["?"] * 50, "from": "?"}, 21),
        ({"numbers": ["+15550001"] * 10_001}, ["numbers"]),
    ],
)
async def test_all_that_is_wrong_is_named(api: Api, body: dict[str, Any], fields: Any) -> None:
    problem = await api.want(422, "POST", "/v1/campaigns", {"name": "Spring"} | body)
    found = [error["field"] for error in problem["errors"]]
    assert found == fields or len(found) == fields
    assert (await api.want(200, "GET", "/v1/campaigns"))["items"] == []


async def test_lists_are_filtered(api: Api) -> None:
    spring = await make(api)
    autumn = await make(api, name="Autumn")
    await api.want(200, "POST", f"/v1/campaigns/{autumn['id']}/launch")
    for query, found in (
        ("", ["Autumn", "Spring"]),
        ("status=active", ["Autumn"]),
        ("status=draft", ["Spring"]),
        ("search=spr", ["Spring"]),
        ("agent_id=x", []),
        ("sort=-name", ["Spring", "Autumn"]),
    ):
        page = await api.want(200, "GET", f"/v1/campaigns?{query}")
        assert [item["name"] for item in page["items"]] == found, query
        assert all(item["progress"]["waiting"] == 3 for item in page["items"])
    assert spring["progress"]["waiting"] == 3


async def test_nobody_sees_or_moves_anothers(api: Api) -> None:
    ann, bob = await api.user("ann@example.com"), await api.user("bob@example.com")
    body = {"name": "Hers", "numbers": ["+15550001"]}
    made = await api.want(201, "POST", "/v1/campaigns", body, token=ann)
    path = f"/v1/campaigns/{made['id']}"
    for method, suffix, sent in (
        ("GET", "", None),
        ("PATCH", "", {"name": "mine"}),
        ("DELETE", "", None),
        ("POST", "/launch", None),
        ("POST", "/pause", None),
        ("POST", "/stop", None),
        ("GET", "/numbers", None),
        ("POST", "/numbers", {"numbers": ["+15550002"]}),
    ):
        await api.want(404, method, f"{path}{suffix}", sent, token=bob)
    assert (await api.want(200, "GET", "/v1/campaigns", token=bob))["items"] == []
    assert (await api.want(200, "GET", path, token=ann))["status"] == "draft"


async def test_a_status_is_told(api: Api) -> None:
    made = await make(api)
    await api.want(200, "POST", f"/v1/campaigns/{made['id']}/launch")
    log = await api.want(200, "GET", "/v1/events/log?types=campaign.*")
    (event,) = log["items"]
    assert event["type"] == "campaign.status"
    assert event["event"]["status"] == "active"
    assert event["event"]["campaign_id"] == made["id"]
