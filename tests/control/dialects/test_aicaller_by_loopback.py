"""The AI Caller document's examples in order, and a call from its beginning to its export.

On a real server with the loopback line, whose far ends answer, speak, and hang up within 10 s.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from offhook.bench.load.server_process import ServerProcess

EMAIL, PASSWORD = "user@example.com", "password"
CALLED, HUMAN = "+15551230001", "+15557770001"
SETTINGS = {
    "ADMIN_EMAIL": EMAIL,
    "ADMIN_PASSWORD": PASSWORD,
    "LIMITS_MAX_LATENESS_MS": "100000",
    # Nothing leaves this machine.
    "CONNECTIONS_OPENAI_URL": "",
    "CONNECTIONS_TWILIO_URL": "",
}
IN_ORDER = [
    "call.started",
    "call.updated",
    "interaction.added",
    "escalation.triggered",
    "notification.created",
]
AT_THE_END = {"escalation.completed", "call.ended"}
"In the order in which both sides leave."
TOGETHER_S = 12.0
LIMIT_S = 90.0


class Client:
    """One account's, and what it is told."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self.http = http
        self.base = base
        self.token = ""
        self.socket: aiohttp.ClientWebSocketResponse
        self.told: list[dict[str, Any]] = []

    async def want(self, status: int, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"{self.base}/api/v1{path}"
        async with self.http.request(method, url, json=body, headers=headers) as response:
            data = await response.read()
            assert response.status == status, f"{method} {path}: {response.status} {data[:500]!r}"
            return json.loads(data) if response.content_type == "application/json" else data

    async def happens(self, name: str, **data: Any) -> dict[str, Any]:
        """The first message of this name with this data, come or to come."""
        seen = 0
        while True:
            for message in self.told[seen:]:
                if message["event"] == name and data.items() <= message["data"].items():
                    return message
            seen = len(self.told)
            self.told.append(await self.socket.receive_json())


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with (
        asyncio.timeout(LIMIT_S),
        ServerProcess(tmp_path / "data", tmp_path / "log", **SETTINGS) as server,
        aiohttp.ClientSession() as http,
    ):
        yield Client(http, f"{server.http}/aicaller")


async def replay(client: Client) -> str:
    """The document's examples up to the calls; returns the configuration that was set up."""
    login = {"email": EMAIL, "password": PASSWORD}
    client.token = (await client.want(200, "POST", "/auth/login", login))["access_token"]
    await client.want(200, "POST", "/auth/forgot-password", {"email": "nobody@example.com"})
    unknown = {"token": "reset-token", "new_password": "newpassword"}
    await client.want(400, "POST", "/auth/reset-password", unknown)
    keys = {
        "openai_api_key": "sk-...",
        "twilio_account_sid": "AC0123",
        "twilio_auth_token": "...",
        "twilio_phone_number": "+1234567890",
    }
    tried = await client.want(200, "POST", "/config/test-connection", keys)
    assert tried == {
        "openai": {"connected": True, "error": None},
        "twilio": {"connected": True, "error": None},
        "success": True,
    }
    business = {"name": "Business Name", "type": "customer_support", "config_data": {}}
    whole = {
        "business_config": business,
        "agents": [],
        "knowledge_base": [],
        "api_config": {},
    }
    made = await client.want(200, "POST", "/setup/complete", whole)
    shown = made["business_config"]
    assert {name: shown[name] for name in business} == business
    assert shown in await client.want(200, "GET", "/config/business")
    return str(shown["id"])


async def test_a_call_is_placed_followed_escalated_noted_and_counted(client: Client) -> None:
    business = await replay(client)
    jane = {"name": "Jane Doe", "email": "jane@example.com", "phone_number": HUMAN}
    person = (await client.want(201, "POST", "/agents", jane))["id"]
    async with client.http.ws_connect(f"{client.base}/ws/calls?token={client.token}") as socket:
        client.socket = socket
        await socket.send_json({"event": "subscribe", "data": {"type": "all_calls"}})
        assert (await socket.receive_json())["event"] == "subscribed"
        wish = {"to_number": CALLED, "business_id": business}
        call = (await client.want(201, "POST", "/calls/initiate", wish))["id"]
        path = f"/calls/{call}"
        started = await client.happens("call.started", id=call)
        assert started["data"]["business_id"] == business
        await client.happens("call.updated", id=call, status="in_progress")
        said = await client.happens("interaction.added", call_id=call)
        assert said["data"]["interaction"]["speaker"] in ("ai", "customer")
        reason = {"reason": "Customer asked for a human", "agent_id": person}
        escalated = await client.want(200, "POST", f"{path}/escalate", reason)
        assert (escalated["status"], escalated["is_escalated"]) == ("escalated", True)
        assert escalated["escalation"]["reason"] == reason["reason"]
        await client.happens("escalation.triggered", call_id=call)
        await client.happens("notification.created", call_id=call, type="escalation.opened")
        bridged = await client.happens("call.updated", id=call, agent_id=person)
        assert bridged["data"]["status"] == "escalated"
        usage = await client.want(200, "GET", f"/agents/{person}/usage")
        assert (usage["is_in_use"], usage["active_escalations"]) == (True, 1)
        refused = await client.want(400, "DELETE", f"/agents/{person}")
        assert refused["error"]["code"] == "AGENT_IN_USE"
        completed = await client.happens("escalation.completed", call_id=call)
        escalation = completed["data"]["escalation"]
        assert (escalation["status"], escalation["agent_id"]) == ("completed", person)
        ended = await client.happens("call.ended", id=call)
        assert ended["data"]["status"] == "completed"
        assert ended["data"]["duration_seconds"] >= 1
        left_wall, closed_wall = await history(client, call)
        assert abs(closed_wall - left_wall) < TOGETHER_S
        names = [message["event"] for message in client.told]
        assert {*IN_ORDER, *AT_THE_END} <= set(names)
        first = [names.index(name) for name in IN_ORDER]
        assert first == sorted(first)
        scored = await client.happens("qa.score.updated", call_id=call)
    sent = {"note": "Note text", "category": "Follow-up", "tags": ["important"]}
    note = await client.want(201, "POST", f"{path}/notes", sent)
    assert await client.want(200, "GET", f"{path}/notes") == [note]
    shown = await client.want(200, "GET", path)
    assert shown["escalation"]["completed_at"] is not None
    assert shown["qa_score"] == scored["data"]["qa_score"]
    wav = await client.want(200, "GET", shown["recording_url"].split("/api/v1")[1])
    assert wav.startswith(b"RIFF")
    dashboard = await client.want(200, "GET", "/analytics/dashboard")
    assert (dashboard["total_calls"], dashboard["escalated_calls"]) == (1, 1)
    assert dashboard["unread_notifications"] == 1
    export = (await client.want(200, "GET", "/analytics/export")).decode()
    assert export.splitlines()[0].startswith("date,")
    await client.want(200, "DELETE", f"/agents/{person}")
    await client.want(200, "DELETE", f"/config/business/{business}")


async def history(client: Client, call: str) -> tuple[float, float]:
    """When the person had gone, and when the escalation was closed, as our own log has it."""
    native = client.base.removesuffix("/aicaller")
    login = {"name": EMAIL, "password": PASSWORD}
    async with client.http.post(f"{native}/v1/auth/login", json=login) as response:
        token = (await response.json())["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{native}/v1/events/log?call={call}&limit=100&sort=seq"
    async with client.http.get(url, headers=headers) as response:
        events = [each["event"] for each in (await response.json())["items"]]
    # Who leaves first takes the other along: then the call's end is the person's.
    left = [
        event["at_wall"]
        for event in events
        if event["type"] == "call.ended" or event.get("state") == "ended"
    ]
    closed = [event["at_wall"] for event in events if event["type"] == "escalation.closed"]
    return left[0], closed[0]
