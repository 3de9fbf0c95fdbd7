"""What an account has nobody else finds, changes or uses: every route is walked."""

import io
import pathlib
import wave
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from offhook.control.auth.scopes import SCOPES
from offhook.control.http.route import AnyRoute
from offhook.control.http.server import ROUTES
from offhook.tests.kit.api import Api
from offhook.tests.kit.tenant import MAKERS, Tenant

# The latter by a signature: test_recordings.py.
OPEN_TO_ALL = ("/docs/{file}", "/v1/recordings/{id}/download")
WITH_IDS = [route for route in ROUTES if "{" in route.path and route.path not in OPEN_TO_ALL]
WITHOUT_IDS = [
    route
    for route in ROUTES
    if route.method == "GET"
    and "{" not in route.path
    and route.scope is not None
    and route.messages is None
]
(CALLS,) = (route for route in WITHOUT_IDS if route.path == "/v1/calls")
IN_PROGRESS = (CALLS, "/v1/calls?status=live")
LIVE = [route for route in WITH_IDS if route.path.startswith("/v1/calls/{id}")]
# Bodies that are right: a wrong one is refused before anybody looks whose the thing is.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/calls/{id}/say"): {"text": "Hello."},
    ("POST", "/v1/calls/{id}/digits"): {"digits": "1"},
    ("POST", "/v1/calls/{id}/context"): {"text": "They are in a hurry."},
    ("POST", "/v1/calls/{id}/message"): {"text": "Hello?"},
    ("POST", "/v1/calls/{id}/record"): {"on": False},
    ("POST", "/v1/calls/{id}/transfer"): {"to": "+15550001"},
    ("POST", "/v1/calls/{id}/bridge"): {"to": "+15550001"},
    ("PATCH", "/v1/calls/{id}/bridge"): {"mode": "listen"},
    ("PATCH", "/v1/escalations/{id}"): {"mode": "listen"},
    ("POST", "/v1/recordings/{id}/links"): {},
    ("POST", "/v1/calls/{id}/notes"): {"text": "Mine now."},
    ("POST", "/v1/campaigns/{id}/numbers"): {"numbers": ["+15550001"]},
    ("POST", "/v1/modems/{id}/assign"): {"account_id": None},
    ("POST", "/v1/payments/{id}/verify"): {"card_number": "1" * 16, "cardholder": "B"},
    ("POST", "/v1/payments/{id}/decide"): {"accepted": True},
    ("PATCH", "/v1/tickets/{id}"): {"status": "closed"},
    ("POST", "/v1/tickets/{id}/replies"): {"text": "Mine now."},
}
# Things of A that B might name in a wish of its own: by a field of the body.
REFERENCES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("POST", "/v1/calls", {"to": "+15550001"}, "agent_id=/v1/agents/{id}"),
    ("POST", "/v1/numbers", {"number": "+15550009"}, "agent_id=/v1/agents/{id}"),
    ("POST", "/v1/numbers", {"number": "+15550009"}, "closed_agent_id=/v1/agents/{id}"),
    (
        "POST",
        "/v1/schedules",
        {
            "to": "+15550001",
            "recurrence": {"pattern": "daily", "time": "10:00", "timezone": "UTC"},
        },
        "agent_id=/v1/agents/{id}",
    ),
    (
        "POST",
        "/v1/api-keys",
        {"name": "theirs", "scopes": ["calls:read"]},
        "owner_id=/v1/accounts/{id}",
    ),
    ("POST", "/v1/numbers", {"number": "+15550009"}, "account_id=/v1/accounts/{id}"),
    (
        "POST",
        "/v1/campaigns",
        {"name": "Summer", "numbers": ["+15550001"]},
        "agent_id=/v1/agents/{id}",
    ),
    (
        "POST",
        "/v1/sms-tasks",
        {"number": "+15550001", "body": "Hello?"},
        "agent_id=/v1/agents/{id}",
    ),
    ("POST", "/v1/knowledge/search", {"query": "When?"}, "agent_id=/v1/agents/{id}"),
)


def a_wav() -> bytes:
    """A tenth of a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(bytes(1600))
    return file.getvalue()


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def ask(api: Api, route: AnyRoute, path: str, token: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"}
    more: dict[str, Any] = {}
    if route.takes_body:
        more["json"] = BODIES.get((route.method, route.path), {})
    elif route.raw_body is not None:
        more["data"], headers["Content-Type"] = a_wav(), route.raw_body
    async with api.client.request(route.method, path, headers=headers, **more) as response:
        return response.status, await response.text(errors="replace")


def named(route: AnyRoute) -> str:
    return f"{route.method} {route.path}"


def test_every_part_of_a_path_has_a_maker() -> None:
    parts = set()
    for route in WITH_IDS:
        before = ""
        for part in route.path.strip("/").split("/"):
            before += f"/{part}"
            if part.startswith("{"):
                parts.add(before)
    assert parts == set(MAKERS), "tests/kit/tenant.py makes one of everything"


async def test_nothing_of_another_account_is_found(api: Api) -> None:
    tenant = await Tenant(api).settle()
    other = await api.user("other@example.com")
    found = []
    for route in WITH_IDS:
        status, text = await ask(api, route, tenant.path_of(route.path), other)
        if status not in (403, 404):
            found.append(f"{named(route)}: {status} {text[:200]}")
    for route in LIVE:
        path = tenant.path_of(route.path).replace(tenant.ids["/v1/calls/{id}"], tenant.live_call_id)
        status, text = await ask(api, route, path, other)
        if status not in (403, 404):
            found.append(f"{named(route)} of a live call: {status} {text[:200]}")
    assert found == []


async def test_and_it_is_all_still_there_for_its_owner(api: Api) -> None:
    tenant = await Tenant(api).settle()
    other = await api.user("other@example.com")
    for route in WITH_IDS:
        await ask(api, route, tenant.path_of(route.path), other)
    missing = []
    for route in WITH_IDS:
        if route.method != "GET" or route.admin:
            continue
        status, text = await ask(api, route, tenant.path_of(route.path), tenant.token)
        if status != 200:
            missing.append(f"{named(route)}: {status} {text[:200]}")
    assert missing == []


async def test_lists_have_nothing_of_another_account(api: Api) -> None:
    tenant = await Tenant(api).settle()
    other = await api.user("other@example.com")
    secret = {*tenant.ids.values(), tenant.live_call_id, tenant.email}
    told, seen, own = [], set(), ""
    # Calls in progress are listed from memory.
    for route, path in [(route, route.path) for route in WITHOUT_IDS] + [IN_PROGRESS]:
        status, text = await ask(api, route, path, other)
        assert status in (200, 403), f"{named(route)}: {status} {text[:200]}"
        told += [f"{named(route)} tells of {id_}" for id_ in secret if id_ in text]
        _, own = await ask(api, route, path, tenant.token)
        seen |= {id_ for id_ in secret if id_ in own}
    assert tenant.live_call_id in own, "the last one: calls in progress"
    assert told == []
    # Else the test above could not fail. Administrators alone see outbox and error log.
    hidden = {tenant.ids[path] for path in ("/v1/outbox/{id}", "/v1/error-logs/{id}")}
    nested = {tenant.ids["/v1/calls/{id}/notes/{note}"]}
    nested.add(tenant.ids["/v1/webhooks/{id}/deliveries/{delivery}"])
    assert secret - seen <= hidden | nested


@pytest.mark.parametrize(
    ("method", "path", "body", "reference"),
    REFERENCES,
    ids=lambda value: value.partition("=")[0] if isinstance(value, str) else None,
)
async def test_nothing_of_another_account_can_be_used(
    api: Api, method: str, path: str, body: dict[str, Any], reference: str
) -> None:
    tenant = await Tenant(api).settle()
    other = await api.user("other@example.com")
    field, _, named_by = reference.partition("=")
    response = await api.ask(method, path, body | {field: tenant.ids[named_by]}, token=other)
    assert response.status in (403, 404, 422), await response.text()
    mine = await api.ask(method, path, body | {field: tenant.ids[named_by]}, token=tenant.token)
    assert mine.status in (200, 201, 202, 403), await mine.text()


def test_all_that_a_body_refers_to_is_tried() -> None:
    named = {
        (method, path, reference.partition("=")[0]) for method, path, _, reference in REFERENCES
    }
    assert named == {
        (route.method, route.path, field.encode_name)
        for route in ROUTES
        if route.takes_body and "{" not in route.path and not route.admin
        for field in msgspec.structs.fields(route.body)
        if field.encode_name.endswith("_id")
    }


async def test_a_person_of_another_account_is_not_called_into_a_call(api: Api) -> None:
    tenant = await Tenant(api).settle()
    other = await api.user("other@example.com")
    person = {"name": "Bob", "kind": "human", "phone_number": "+15550001"}
    theirs = await api.want(201, "POST", "/v1/agents", person, token=other)
    mine = await api.want(201, "POST", "/v1/agents", person, token=tenant.token)
    path = f"/v1/calls/{tenant.live_call_id}/bridge"
    body = {"human_agent_id": theirs["id"]}
    problem = await api.want(422, "POST", path, body, token=tenant.token)
    assert [error["field"] for error in problem["errors"]] == ["human_agent_id"]
    # The call has no audio here: that is found out last.
    await api.want(409, "POST", path, {"human_agent_id": mine["id"]}, token=tenant.token)


async def test_without_a_credential_there_is_nothing(api: Api) -> None:
    tenant = await Tenant(api).settle()
    for route in WITH_IDS:
        status, _ = await ask(api, route, tenant.path_of(route.path), "none")
        assert status == 401, named(route)


async def test_a_key_opens_what_its_scopes_say_and_nothing_else(api: Api) -> None:
    tenant = await Tenant(api).settle()
    for scope in ("calls:read", "agents:write"):
        made = await tenant.post("/v1/api-keys", {"name": scope, "scopes": [scope]})
        for route in WITH_IDS:
            if route.method != "GET" or route.admin:
                continue
            status, _ = await ask(api, route, tenant.path_of(route.path), made["key"])
            assert status == (200 if route.scope == scope else 403), named(route)


def test_every_scope_that_a_route_asks_for_exists() -> None:
    assert {route.scope for route in ROUTES if route.scope is not None} <= SCOPES
