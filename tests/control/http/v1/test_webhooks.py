"""`/v1/webhooks` as a client meets it."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.domain.events import AgentChanged
from offhook.control.services.webhook_follower import WebhookFollower
from offhook.tests.kit.api import Api

URL = "https://example.org/hook"


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def made(api: Api, **body: Any) -> Any:
    return await api.want(201, "POST", "/v1/webhooks", {"url": URL} | body)


async def test_a_webhook_shows_its_secret_once(api: Api) -> None:
    hook = await made(api, events=["call.*", "sms.received"], description="ours")
    secret = hook.pop("secret")
    assert secret.startswith("whsec_")
    assert len(secret) == len("whsec_") + 32
    path = f"/v1/webhooks/{hook['id']}"
    assert await api.want(200, "GET", path) == hook
    page = await api.want(200, "GET", "/v1/webhooks")
    assert page["items"] == [hook]
    async with api.database.read() as tx:
        rows = (await tx.exec_driver_sql("SELECT secret FROM webhooks")).scalars().all()
    assert secret not in rows
    renewed = await api.want(200, "POST", f"{path}/secret")
    assert renewed["secret"] != secret
    assert "secret" not in await api.want(200, "GET", path)


async def test_a_webhook_is_changed_switched_off_and_deleted(api: Api) -> None:
    hook = await made(api)
    path = f"/v1/webhooks/{hook['id']}"
    changed = await api.want(200, "PATCH", path, {"events": ["note.added"], "is_active": False})
    assert (changed["events"], changed["is_active"]) == (["note.added"], False)
    assert changed["url"] == URL
    assert (await api.want(409, "POST", f"{path}/test"))["code"] == "conflict"
    await api.want(204, "DELETE", path)
    for method, end in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test")):
        await api.want(404, method, path + end, {} if method == "PATCH" else None)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "url"),
        ({"url": "http://example.org/"}, 422, "url"),
        ({"url": "https://127.0.0.1/"}, 422, "url"),
        ({"url": "https://[::1]:8000/"}, 422, "url"),
        ({"url": URL, "events": ["call.nothing"]}, 400, "events"),
        ({"url": URL, "events": ["nothing.*"]}, 400, "events"),
        ({"url": URL, "secret": "mine"}, 422, "secret"),
    ],
)
async def test_what_does_not_fit_is_named(
    api: Api, body: dict[str, Any], status: int, field: str
) -> None:
    problem = await api.want(status, "POST", "/v1/webhooks", body)
    assert problem["field"] == field


async def test_a_changed_address_is_looked_at_as_well(api: Api) -> None:
    hook = await made(api)
    problem = await api.want(
        422, "PATCH", f"/v1/webhooks/{hook['id']}", {"url": "https://10.0.0.1/"}
    )
    assert problem["field"] == "url"


async def test_an_account_has_twenty_at_most(api: Api) -> None:
    for _ in range(20):
        await made(api)
    problem = await api.want(409, "POST", "/v1/webhooks", {"url": URL})
    assert "20" in problem["detail"]


async def test_a_test_event_is_for_that_webhook_only(api: Api) -> None:
    first, second = await made(api), await made(api, events=["call.*"])
    delivery = await api.want(202, "POST", f"/v1/webhooks/{second['id']}/test")
    assert (delivery["status"], delivery["attempts"]) == ("waiting", 0)
    assert delivery["next_try_at"] == "2023-11-14T22:13:20Z"
    follower = WebhookFollower(api.database, api.clock)
    assert await follower.follow()
    lists = [
        (await api.want(200, "GET", f"/v1/webhooks/{hook['id']}/deliveries"))["items"]
        for hook in (first, second)
    ]
    assert lists == [[], [delivery]]
    log = await api.want(200, "GET", "/v1/events/log")
    assert [event["id"] for event in log["items"]] == [delivery["event_id"]]
    assert log["items"][0]["type"] == "webhook.test"


async def test_deliveries_are_listed_and_made_once_more(api: Api) -> None:
    hook = await made(api)
    path = f"/v1/webhooks/{hook['id']}/deliveries"
    async with api.services.events.writing() as work:
        for number in range(3):
            event = AgentChanged(at_wall=api.clock.wall(), agent_id=f"{number}", change="created")
            work.tell(hook["owner_id"], event)
    follower = WebhookFollower(api.database, api.clock)
    assert await follower.follow()
    assert not await follower.follow()
    page = await api.want(200, "GET", f"{path}?limit=2&total=true")
    assert (len(page["items"]), page["total"]) == (2, 3)
    assert [one["next_try_at"] for one in page["items"]] == [None, None]
    oldest = (await api.want(200, "GET", f"{path}?sort=created_at&limit=1"))["items"][0]
    assert oldest["next_try_at"] is not None
    again = await api.want(202, "POST", f"{path}/{oldest['id']}/redeliver")
    assert again["event_id"] == oldest["event_id"]
    assert again["id"] != oldest["id"]
    await api.want(404, "POST", f"{path}/none/redeliver")
    await api.want(200, "PATCH", f"/v1/webhooks/{hook['id']}", {"is_active": False})
    given_up = await api.want(200, "GET", f"{path}?status=failed&total=true")
    assert given_up["total"] == 4
    assert {one["error"] for one in given_up["items"]} == {"the webhook was switched off"}
    await api.want(409, "POST", f"{path}/{oldest['id']}/redeliver")
