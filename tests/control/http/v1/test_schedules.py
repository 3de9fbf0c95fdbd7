"""Schedules as their owners see them. When they run: tests/control/test_scheduler.py."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.tests.kit.api import Api

DAILY = {"pattern": "daily", "time": "10:00", "timezone": "Asia/Kolkata"}
# The kit's clock begins at 2023-11-14T22:13:20Z, a Tuesday.


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def make(api: Api, **body: Any) -> Any:
    body = {"to": "+91 98765-43210", "recurrence": DAILY} | body
    return await api.want(201, "POST", "/v1/schedules", body)


async def test_a_schedule_is_made_read_changed_and_deleted(api: Api) -> None:
    woken: list[bool] = []
    api.services.schedules.on_change = lambda: woken.append(True)
    made = await make(api, name="Morning", context={"room": 5}, priority="high")
    assert (made["to"], made["from"], made["is_active"]) == ("+919876543210", None, True)
    assert made["next_run_at"] == "2023-11-15T04:30:00Z"
    assert made["recurrence"]["start_date"] == "2023-11-15"  # it is the 15th there
    assert (made["runs"], made["missed"], made["last_run_at"]) == (0, 0, None)
    path = f"/v1/schedules/{made['id']}"
    assert await api.want(200, "GET", path) == made
    weekly = {"pattern": "weekly", "time": "08:00", "days": [5], "timezone": "Europe/Berlin"}
    changed = await api.want(200, "PATCH", path, {"recurrence": weekly, "from": "+4930123"})
    assert changed["next_run_at"] == "2023-11-17T07:00:00Z"
    assert (changed["from"], changed["name"]) == ("+4930123", "Morning")
    assert (await api.want(200, "PATCH", path, {"from": None}))["from"] is None
    await api.want(204, "DELETE", path)
    await api.want(404, "GET", path)
    assert len(woken) == 4


async def test_a_paused_schedule_has_no_next_moment_until_it_is_resumed(api: Api) -> None:
    made = await make(api)
    path = f"/v1/schedules/{made['id']}"
    for _ in range(2):
        paused = await api.want(200, "POST", f"{path}/pause")
        assert (paused["is_active"], paused["next_run_at"]) == (False, None)
    api.clock.advance(86_400)
    resumed = await api.want(200, "POST", f"{path}/resume")
    assert resumed["next_run_at"] == "2023-11-16T04:30:00Z"
    again = await api.want(200, "PATCH", path, {"is_active": False})
    assert again["next_run_at"] is None


async def test_a_schedule_that_is_over_is_taken_and_never_runs(api: Api) -> None:
    past = DAILY | {"start_date": "2020-01-01", "end_date": "2020-02-01"}
    assert (await make(api, recurrence=past))["next_run_at"] is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"to": "12"}, ["to"]),
        ({"from": "me"}, ["from"]),
        ({"recurrence": DAILY | {"timezone": "Mars/Olympus"}}, ["recurrence.timezone"]),
        ({"recurrence": DAILY | {"time": "24:00"}}, ["recurrence.time"]),
        ({"recurrence": DAILY | {"pattern": "hourly"}}, ["recurrence.pattern"]),
        ({"recurrence": DAILY | {"start_date": "2023-02-30"}}, ["recurrence.start_date"]),
        ({"recurrence": DAILY | {"every": 2}}, ["recurrence.every"]),
        ({"recurrence": {"pattern": "daily"}}, ["recurrence.time"]),
        ({"grace_s": -1}, ["grace_s"]),
        ({"ring_limit_s": 1}, ["ring_limit_s"]),
        ({"agent_id": "nobody"}, ["agent_id"]),
        ({"context": {"a": "x" * 20_000}}, ["context"]),
        ({"to": "1", "agent_id": "x", "recurrence": DAILY | {"time": "9"}}, 3),
    ],
)
async def test_all_that_is_wrong_is_named(api: Api, body: dict[str, Any], fields: Any) -> None:
    wish = {"to": "+15550001", "recurrence": DAILY} | body
    problem = await api.want(422, "POST", "/v1/schedules", wish)
    found = [error["field"] for error in problem["errors"]]
    assert found == fields or len(found) == fields
    made = await make(api)
    await api.want(422, "PATCH", f"/v1/schedules/{made['id']}", body)
    assert await api.want(200, "GET", f"/v1/schedules/{made['id']}") == made


async def test_lists_are_filtered_and_sorted_by_what_comes_next(api: Api) -> None:
    late = await make(api, name="Late", recurrence=DAILY | {"time": "23:00"})
    soon = await make(api, name="Soon", recurrence=DAILY | {"pattern": "weekly"})
    over = await make(api, name="Over", recurrence=DAILY | {"end_date": "2023-01-01"} | START)
    paused = await make(api, name="Paused", is_active=False)
    for query, found in (
        ("", [paused, over, soon, late]),
        ("is_active=false", [paused]),
        ("pattern=weekly", [soon]),
        ("search=ov", [over]),
        ("search=98765", [paused, over, soon, late]),
        ("agent_id=x", []),
        ("sort=next_run_at", [soon, late]),
        ("sort=-next_run_at", [late, soon]),
    ):
        page = await api.want(200, "GET", f"/v1/schedules?{query}")
        assert [x["name"] for x in page["items"]] == [x["name"] for x in found], query
    first = await api.want(200, "GET", "/v1/schedules?sort=next_run_at&limit=1&total=true")
    assert first["total"] == 2
    second = await api.want(
        200, "GET", f"/v1/schedules?sort=next_run_at&limit=1&cursor={first['next']}"
    )
    assert [x["name"] for x in second["items"]] == ["Late"]


START = {"start_date": "2022-01-01"}


async def test_nobody_sees_or_changes_anothers(api: Api) -> None:
    ann, bob = await api.user("ann@example.com"), await api.user("bob@example.com")
    body = {"to": "+15550001", "recurrence": DAILY}
    made = await api.want(201, "POST", "/v1/schedules", body, token=ann)
    path = f"/v1/schedules/{made['id']}"
    for method, suffix, sent in (
        ("GET", "", None),
        ("PATCH", "", {"name": "mine"}),
        ("DELETE", "", None),
        ("POST", "/pause", None),
        ("POST", "/resume", None),
    ):
        await api.want(404, method, f"{path}{suffix}", sent, token=bob)
    assert (await api.want(200, "GET", "/v1/schedules", token=bob))["items"] == []
    assert await api.want(200, "GET", path, token=ann) == made


async def test_anothers_agent_cannot_speak(api: Api) -> None:
    ann, bob = await api.user("ann@example.com"), await api.user("bob@example.com")
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"}, token=ann)
    body = {"to": "+15550001", "recurrence": DAILY, "agent_id": agent["id"]}
    assert (await api.want(422, "POST", "/v1/schedules", body, token=bob))["field"] == "agent_id"
    await api.want(201, "POST", "/v1/schedules", body, token=ann)
