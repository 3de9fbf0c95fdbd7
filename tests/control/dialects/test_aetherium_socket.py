"""Sessions as they are followed: who may, what is told, and a whole call on the loopback line."""

import json
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import WSMsgType

from offhook.control.configuration.config import Settings
from offhook.control.configuration.config_dialects import DialectsSettings
from offhook.control.wiring import Server
from offhook.tests.kit.api import Api
from offhook.tests.kit.dialects import token_for
from offhook.tests.kit.whole_server import on_free_ports, started

PATH = "/aetherium/api"
TOKEN = "the operators token of this test"
OWN = {"API_TOKEN": TOKEN, "RATE_LIMITS": "false", "DIALECTS_AETHERIUM_PORT": "0"}


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def session_of(api: Api, token: str, type_: str = "outbound") -> int:
    sent: dict[str, Any] = {"name": "Sales", "prompt_template": "You sell."}
    workflow = await api.want(201, "POST", f"{PATH}/workflows/", sent, token=token)
    sent = {
        "workflow_id": workflow["id"],
        "phone_number": "+1555123456",
        "session_type": type_,
    }
    made = await api.want(201, "POST", f"{PATH}/sessions/", sent, token=token)
    return int(made["id"])


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Its code, after whatever is told before."""
    async for _ in socket:
        pass
    return socket.close_code


async def kinds(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[tuple[str, str]]:
    """The next frames, by type and status."""
    frames = [await socket.receive_json(timeout=5) for _ in range(count)]
    return [(frame["type"], frame["status"]) for frame in frames]


async def test_a_session_is_told_from_how_it_stands_to_its_end(api: Api) -> None:
    token = await token_for(api, "aetherium", "ann@example.org")
    id_ = await session_of(api, token, "inbound")
    path = f"{PATH}/sessions/{id_}"
    async with api.client.ws_connect(f"/aetherium/ws/session/{id_}") as socket:
        first = await socket.receive_json(timeout=5)
        assert (first["type"], first["session_id"]) == ("status_change", id_)
        assert first["data"]["status"] == first["status"] == "pending"
        assert first["timestamp"] == "2023-11-14T22:13:20Z"
        await api.want(200, "PUT", path, {"status": "active"}, token=token)
        assert await kinds(socket, 2) == [
            ("session_started", "active"),
            ("status_change", "active"),
        ]
        await api.want(200, "PUT", path, {"transcript": "Customer: Hello..."}, token=token)
        words = await socket.receive_json(timeout=5)
        assert (words["type"], words["data"]["transcript"]) == (
            "transcript_update",
            "Customer: Hello...",
        )
        await api.want(200, "PUT", path, {"status": "completed"}, token=token)
        assert await kinds(socket, 1) == [("status_change", "completed")]
        last = await socket.receive_json(timeout=5)
        assert (last["type"], last["data"]["transcript"]) == (
            "session_ended",
            "Customer: Hello...",
        )
        assert await closed(socket) == 1000
    async with api.client.ws_connect(f"/aetherium/ws/session/{id_}") as late:
        assert await kinds(late, 2) == [
            ("status_change", "completed"),
            ("session_ended", "completed"),
        ]
        assert await closed(late) == 1000


async def test_a_session_that_is_called_off_ends_for_who_follows_it(api: Api) -> None:
    token = await token_for(api, "aetherium", "ann@example.org")
    id_ = await session_of(api, token)
    async with api.client.ws_connect(f"/aetherium/ws/session/{id_}/") as socket:
        assert await kinds(socket, 1) == [("status_change", "pending")]
        await api.want(200, "PUT", f"{PATH}/sessions/{id_}", {"status": "failed"}, token=token)
        assert await kinds(socket, 2) == [("status_change", "failed"), ("session_ended", "failed")]
        assert await closed(socket) == 1000


async def test_what_means_nothing_is_told_and_all_goes_on(api: Api) -> None:
    token = await token_for(api, "aetherium", "ann@example.org")
    id_ = await session_of(api, token, "inbound")
    await api.want(200, "PUT", f"{PATH}/sessions/{id_}", {"status": "active"}, token=token)
    async with api.client.ws_connect(f"/aetherium/ws/session/{id_}") as socket:
        assert await kinds(socket, 1) == [("status_change", "active")]
        wrong = [
            "{",
            "[]",
            '{"type": "user_message"}',
            '{"type": "x", "content": "y"}',
            '{"type": "user_message", "content": " "}',
            '{"type": "user_message", "content": 3}',
        ]
        for text in wrong:
            await socket.send_str(text)
            frame = await socket.receive_json(timeout=5)
            assert (frame["type"], frame["data"]["error_code"]) == ("error", "VALIDATION_ERROR")
        # Nobody speaks in a call that is none of ours.
        await socket.send_json({"type": "user_message", "content": "Hello."})
        assert (await socket.receive_json(timeout=5))["type"] == "error"
        await api.want(200, "PUT", f"{PATH}/sessions/{id_}", {"status": "completed"}, token=token)
        assert await kinds(socket, 1) == [("status_change", "completed")]


async def test_words_that_come_too_early_wait_in_bounds(api: Api) -> None:
    token = await token_for(api, "aetherium", "ann@example.org")
    id_ = await session_of(api, token)
    async with api.client.ws_connect(f"/aetherium/ws/session/{id_}") as socket:
        assert await kinds(socket, 1) == [("status_change", "pending")]
        for _ in range(17):
            await socket.send_json({"type": "user_message", "content": "Hello."})
        frame = await socket.receive_json(timeout=5)
        assert "too many" in frame["data"]["detail"]


async def test_a_token_is_checked_where_one_is_shown(api: Api) -> None:
    ann = await token_for(api, "aetherium", "ann@example.org")
    bob = await token_for(api, "aetherium", "bob@example.org")
    id_ = await session_of(api, ann)
    path = f"/aetherium/ws/session/{id_}"
    ways: list[tuple[str, dict[str, Any]]] = [
        (f"{path}?token={ann}", {}),
        (path, {"headers": {"Authorization": f"Bearer {ann}"}}),
        (path, {"protocols": ("bearer", ann)}),
    ]
    for address, more in ways:
        async with api.client.ws_connect(address, **more) as socket:
            assert await kinds(socket, 1) == [("status_change", "pending")]
    for token, code, said in (
        ("none", 4401, "AUTHENTICATION_REQUIRED"),
        (await api.user("ann@example.org"), 4401, "AUTHENTICATION_REQUIRED"),
        (bob, 4404, "RESOURCE_NOT_FOUND"),
    ):
        async with api.client.ws_connect(f"{path}?token={token}") as socket:
            frame = await socket.receive_json(timeout=5)
            assert (frame["type"], frame["data"]["error_code"]) == ("error", said)
            assert await closed(socket) == code
    for nowhere in ("4711", "x", "0", "9" * 30):
        async with api.client.ws_connect(f"/aetherium/ws/session/{nowhere}") as socket:
            frame = await socket.receive_json(timeout=5)
            assert frame["data"]["error_code"] == "RESOURCE_NOT_FOUND"
            assert await closed(socket) == 4404


async def test_without_a_token_nobody_follows_calls_of_other_apis(api: Api) -> None:
    native = await api.user("ann@example.org")
    ann = await token_for(api, "aetherium", "ann@example.org")
    session = await session_of(api, ann)
    changed = {"metadata": {"a": 1}}
    shown = await api.want(200, "PUT", f"{PATH}/sessions/{session}", changed, token=ann)
    assert shown["metadata"] == {"a": 1}
    call = await api.want(202, "POST", "/v1/calls", {"to": "+15550001234"})
    own = await api.want(202, "POST", "/v1/calls", {"to": "+15550001234"}, token=native)
    for seq in (call["seq"], own["seq"]):
        async with api.client.ws_connect(f"/aetherium/ws/session/{seq}") as socket:
            frame = await socket.receive_json(timeout=5)
            assert frame["data"]["error_code"] == "RESOURCE_NOT_FOUND"
            assert await closed(socket) == 4404
    async with api.client.ws_connect(f"/aetherium/ws/session/{session}") as socket:
        assert await kinds(socket, 1) == [("status_change", "pending")]
    async with api.client.ws_connect(f"/aetherium/ws/session/{own['seq']}?token={ann}") as socket:
        assert await kinds(socket, 1) == [("status_change", "pending")]


async def test_who_asks_for_no_socket_is_told_so(api: Api) -> None:
    refused = await api.want(400, "GET", "/aetherium/ws/session/1")
    assert refused["error_code"] == "VALIDATION_ERROR"


async def test_it_ends_with_the_credential_that_opened_it(api: Api) -> None:
    ann = await token_for(api, "aetherium", "ann@example.org")
    id_ = await session_of(api, ann)
    async with api.client.ws_connect(f"/aetherium/ws/session/{id_}?token={ann}") as socket:
        assert await kinds(socket, 1) == [("status_change", "pending")]
        account = await api.services.sign_in.named("ann@example.org")
        assert account is not None
        await api.want(200, "PATCH", f"/v1/accounts/{account.id}", {"is_active": False})
        assert await closed(socket) == 4401


async def test_a_setting_makes_tokens_mandatory(tmp_path: pathlib.Path) -> None:
    settings = Settings(dialects=DialectsSettings(session_token="required"))
    async with Api(tmp_path, settings) as api:
        ann = await token_for(api, "aetherium", "ann@example.org")
        id_ = await session_of(api, ann)
        async with api.client.ws_connect(f"/aetherium/ws/session/{id_}") as socket:
            assert await closed(socket) == 4401
        async with api.client.ws_connect(f"/aetherium/ws/session/{id_}?token={ann}") as socket:
            assert await kinds(socket, 1) == [("status_change", "pending")]


@pytest.fixture
async def server(tmp_path: pathlib.Path) -> AsyncIterator[Server]:
    async with started(on_free_ports(tmp_path, **OWN)) as found:
        yield found


async def test_a_user_registers_calls_somebody_and_hears_of_it_to_the_end(server: Server) -> None:
    """The document's examples in their order, at the root of a port, and its complete flow."""
    words = dict(word.split("=", 1) for word in server.ready_line().split()[1:])
    base, native = words["aetherium"], words["http"]
    operator = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession() as http:

        async def want(
            status: int, method: str, path: str, body: Any = None, token: str = ""
        ) -> Any:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with http.request(method, base + path, json=body, headers=headers) as response:
                text = await response.text()
                assert response.status == status, f"{method} {path}: {response.status} {text}"
                return json.loads(text)

        new = {"email": "user@example.com", "password": "secure_password"}
        number = {"phone_number": "+1234567890"}
        sent = {**new, "confirm_password": "secure_password", **number}
        user = (await want(201, "POST", "/api/auth/register", sent))["user_id"]
        async with http.get(f"{native}/v1/outbox?to=%2B1234567890", headers=operator) as response:
            code = (await response.json())["items"][0]["body"][:6]
        sent = {"email": new["email"], "verification_code": code}
        await want(200, "POST", "/api/auth/verify-sms", sent)
        sent = {"login_identifier": new["email"], "password": new["password"]}
        token = (await want(200, "POST", "/api/auth/login", sent))["access_token"]
        token = (await want(200, "POST", "/api/auth/refresh", None, token))["access_token"]
        workflow = {
            "name": "Sales Assistant",
            "description": "Handle sales inquiries and lead qualification",
            "prompt_template": "You are a knowledgeable sales representative...",
            "voice_settings": {"voice": "en-US-DavisNeural", "rate": "+5%", "pitch": "+2Hz"},
        }
        workflow_id = (await want(201, "POST", "/api/workflows/", workflow, token))["id"]
        sent = {
            "workflow_id": workflow_id,
            "phone_number": "+1555123456",
            "session_type": "outbound",
        }
        session = await want(201, "POST", "/api/sessions/", sent, token)
        id_ = session["id"]
        told: list[dict[str, Any]] = []
        async with http.ws_connect(f"{base}/ws/session/{id_}") as socket:
            message = {"type": "user_message", "content": "Hello, how can I help you?"}
            await socket.send_json(message)
            async for frame in socket:
                assert frame.type is WSMsgType.TEXT
                told.append(msgspec.json.decode(frame.data))
            assert socket.close_code == 1000
        types = [frame["type"] for frame in told]
        assert types[0] == "status_change"
        assert types[-2:] == ["status_change", "session_ended"]
        began = types.index("session_started")
        assert types[began + 1] == "status_change"
        said = [frame["data"] for frame in told if frame["type"] == "transcript_update"]
        assert {each["role"] for each in said} == {"customer", "ai"}
        assert "Hello, how can I help you?" in [each["content"] for each in said]
        assert all(types.index("transcript_update") > began for _ in said)
        final = await want(200, "GET", f"/api/sessions/{id_}", None, token)
        assert (final["status"], told[-1]["data"]["status"]) == ("completed", "completed")
        assert final["transcript"].count("Customer: ") >= 1
        assert final["transcript"].count("AI: ") >= 1
        assert final["ai_response"]
        assert final["duration_seconds"] > 0
        system = await want(200, "GET", "/api/statistics/system", None, token)
        assert system["modem_status"] == {"total": 1, "active": 1, "inactive": 0}
        figures = await want(200, "GET", f"/api/statistics/user/{user}?period=day", None, token)
        assert (figures["total_sessions"], figures["success_rate"]) == (1, 100.0)
