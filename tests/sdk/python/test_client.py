"""Requests of the Python SDK, and what it makes of answers."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from aetherium_sdk import (
    AetheriumClient,
    ApiError,
    AuthenticationRequired,
    ConnectionFailed,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerFailed,
    UnreadableAnswer,
    ValidationFailed,
)

from offhook.tests.kit.scripted_aetherium import KEY, SESSION, ScriptedAetherium


async def blocking(verb: Callable[[], Any]) -> Any:
    """In a thread, while the server answers in this one."""
    return await asyncio.to_thread(verb)


@pytest.fixture
def client(aetherium: ScriptedAetherium) -> AetheriumClient:
    return AetheriumClient(base_url=aetherium.url + "/", api_key=KEY)


async def test_a_session_is_created_below_the_mount_with_the_key(
    aetherium: ScriptedAetherium, client: AetheriumClient
) -> None:
    made = await blocking(
        lambda: client.sessions.create(
            workflow_id=1, phone_number="+1555123456", session_type="outbound"
        )
    )
    assert (made.id, made.status, made.phone_number) == (7, "pending", "+1555123456")
    (asked,) = aetherium.asked
    assert (asked.method, asked.path) == ("POST", "/mounted/api/sessions/")
    assert asked.body == {
        "workflow_id": 1,
        "phone_number": "+1555123456",
        "session_type": "outbound",
    }
    assert asked.key == f"Bearer {KEY}"


async def test_only_what_is_given_is_changed(
    aetherium: ScriptedAetherium, client: AetheriumClient
) -> None:
    await blocking(lambda: client.sessions.update(7, ai_response="Done."))
    (asked,) = aetherium.asked
    assert (asked.method, asked.path) == ("PUT", "/mounted/api/sessions/7")
    assert asked.body == {"ai_response": "Done."}


async def test_a_page_of_sessions_is_asked_for_and_read(
    aetherium: ScriptedAetherium, client: AetheriumClient
) -> None:
    page = {"sessions": [SESSION, {**SESSION, "id": 8}], "total": 30, "limit": 2, "offset": 4}
    aetherium.answers.append((200, page, {}))
    found = await blocking(
        lambda: client.sessions.list(
            limit=2, offset=4, sort="-created_at", filter={"status": "completed"}
        )
    )
    assert [one.id for one in found] == [7, 8]
    assert (len(found), found.total, found.limit, found.offset) == (2, 30, 2, 4)
    query = aetherium.asked[0].path.partition("?")[2]
    assert query == (
        "limit=2&offset=4&sort=-created_at&filter=%7B%22status%22%3A+%22completed%22%7D"
    )


async def test_fields_of_a_newer_server_are_kept_aside(
    aetherium: ScriptedAetherium, client: AetheriumClient
) -> None:
    aetherium.answers.append((200, {**SESSION, "mood": "good"}, {}))
    session = await blocking(lambda: client.sessions.get(7))
    assert session.raw["mood"] == "good"


async def test_workflows_are_made_changed_listed_and_removed(
    aetherium: ScriptedAetherium, client: AetheriumClient
) -> None:
    workflow = {"id": 3, "name": "Sales", "is_active": True}
    aetherium.answers += [(201, workflow, {}), (200, workflow, {}), (200, [workflow], {})]
    aetherium.answers.append((200, {"message": "gone"}, {}))
    made = await blocking(lambda: client.workflows.create("Sales", "You sell."))
    await blocking(lambda: client.workflows.update(made.id, is_active=False))
    listed = await blocking(client.workflows.list)
    await blocking(lambda: client.workflows.delete(made.id))
    assert [one.name for one in listed] == ["Sales"]
    assert [(a.method, a.path.removeprefix("/mounted/api"), a.body) for a in aetherium.asked] == [
        ("POST", "/workflows/", {"name": "Sales", "prompt_template": "You sell."}),
        ("PUT", "/workflows/3", {"is_active": False}),
        ("GET", "/workflows/", None),
        ("DELETE", "/workflows/3", None),
    ]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ValidationFailed),
        (401, AuthenticationRequired),
        (403, PermissionDenied),
        (404, NotFound),
        (409, ApiError),
        (429, RateLimited),
        (500, ServerFailed),
        (503, ServerFailed),
    ],
)
async def test_a_refusal_is_an_error_of_its_kind_with_the_servers_words(
    aetherium: ScriptedAetherium, client: AetheriumClient, status: int, kind: type[ApiError]
) -> None:
    aetherium.refuse(status, "SOME_CODE", **{"Retry-After": "12"})
    with pytest.raises(ApiError) as caught:
        await blocking(lambda: client.sessions.get(7))
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.error_code, error.request_id) == (status, "SOME_CODE", "req_1")
    assert (error.detail, error.retry_after_s) == ("no: SOME_CODE", 12.0)
    assert str(error) == f"{status} SOME_CODE: no: SOME_CODE (request req_1)"


async def test_a_refusal_of_something_else_than_the_api_is_an_error_too(
    aetherium: ScriptedAetherium, client: AetheriumClient
) -> None:
    aetherium.answers.append((502, b"<html>Bad gateway", {"x-request-id": "proxy-9"}))
    with pytest.raises(ServerFailed) as caught:
        await blocking(lambda: client.sessions.get(7))
    assert (caught.value.error_code, caught.value.request_id) == (None, "proxy-9")


async def test_the_key_does_not_follow_a_redirect(
    aetherium: ScriptedAetherium, client: AetheriumClient
) -> None:
    aetherium.answers.append((302, {}, {"Location": f"{aetherium.url}/elsewhere"}))
    with pytest.raises(ApiError, match="302"):
        await blocking(lambda: client.sessions.get(7))
    assert len(aetherium.asked) == 1


@pytest.mark.parametrize("told", [b"no JSON", [], {"status": "pending"}, b"null"])
async def test_what_is_no_session_is_told(
    aetherium: ScriptedAetherium, client: AetheriumClient, told: Any
) -> None:
    aetherium.answers.append((200, told, {}))
    with pytest.raises(UnreadableAnswer):
        await blocking(lambda: client.sessions.get(7))


def test_nobody_there_is_told() -> None:
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        client = AetheriumClient(f"http://127.0.0.1:{bound.getsockname()[1]}", KEY)
        with pytest.raises(ConnectionFailed):
            client.sessions.get(7)


@pytest.mark.parametrize(
    "base_url", ["localhost:8000", "file:///etc/passwd", "http://", "http://a?b"]
)
def test_an_address_that_is_none_is_told_at_once(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        AetheriumClient(base_url, KEY)


@pytest.mark.parametrize("key", ["", "a\r\nb", "schlüssel"])
def test_a_key_that_can_be_none_is_told_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="api_key"):
        AetheriumClient("http://127.0.0.1", key)
