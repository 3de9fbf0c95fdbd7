"""`/v1/tickets` as clients and administrators meet it."""

import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.domain.accounts import Role
from offhook.tests.kit.api import Api

TICKET = {"subject": "No calls", "description": "Nothing goes out.", "category": "technical"}


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def test_a_ticket_is_opened_answered_and_closed(api: Api) -> None:
    ann = await api.user("ann@example.org")
    boss = await api.user("boss@example.org", Role.ADMIN)
    made = await api.want(201, "POST", "/v1/tickets", TICKET, token=ann)
    assert (made["status"], made["priority"], made["seq"]) == ("open", "medium", 1)
    path = f"/v1/tickets/{made['id']}"
    api.clock.advance(60)
    answer = {"text": "Which number?"}
    await api.want(201, "POST", f"{path}/replies", answer, token=boss)
    await api.want(201, "POST", f"{path}/replies", {"text": "All of them."}, token=ann)
    replies = await api.want(200, "GET", f"{path}/replies", token=ann)
    assert [each["text"] for each in replies["items"]] == ["Which number?", "All of them."]
    assert (await api.want(200, "GET", path, token=ann))["status"] == "in_progress"
    await api.want(403, "PATCH", path, {"priority": "urgent"}, token=ann)
    changed = await api.want(200, "PATCH", path, {"status": "resolved"}, token=boss)
    assert changed["status"] == "resolved"
    await api.want(200, "PATCH", path, {"status": "closed"}, token=ann)
    await api.want(409, "POST", f"{path}/replies", answer, token=boss)
    told = await api.want(200, "GET", "/v1/notifications", token=ann)
    assert [each["type"] for each in told["items"]] == ["ticket.status", "ticket.replied"]
    assert told["items"][1]["message"] == "Which number?"


async def test_tickets_are_their_owners_and_filtered(api: Api) -> None:
    ann, bob = await api.user("ann@example.org"), await api.user("bob@example.org")
    boss = await api.user("boss@example.org", Role.ADMIN)
    await api.want(201, "POST", "/v1/tickets", TICKET | {"priority": "high"}, token=ann)
    await api.want(201, "POST", "/v1/tickets", TICKET | {"category": "billing"}, token=bob)
    for token, query, count in (
        (ann, "", 1),
        (boss, "", 2),
        (boss, "?category=billing", 1),
        (boss, "?priority=high&status=open", 1),
        (boss, "?status=closed", 0),
    ):
        page = await api.want(200, "GET", f"/v1/tickets{query}", token=token)
        assert len(page["items"]) == count, query


async def test_the_server_in_numbers(api: Api) -> None:
    before = await api.want(200, "GET", "/v1/system")
    token = await api.user("ann@example.org")
    await api.want(202, "POST", "/v1/calls", {"to": "+15551230000"}, token=token)
    api.clock.advance(90)
    now = await api.want(200, "GET", "/v1/system", token=token)
    assert now["accounts"] == before["accounts"] + 1
    assert (now["active_accounts_today"], now["calls_today"]) == (1, 1)
    assert (now["uptime_s"], now["modems"]) == (90.0, 0)
