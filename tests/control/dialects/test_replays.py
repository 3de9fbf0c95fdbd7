"""The documents' examples replayed in order, as a client would, on a server with the loopback line.

Numbers that end in 0010 are busy: their calls are over at once.
"""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from offhook.control.wiring import Server
from offhook.tests.kit.whole_server import on_free_ports, started

TOKEN = "the operators token of this test"
OWN = {
    "API_TOKEN": TOKEN,
    "RATE_LIMITS": "false",
    "DIALECTS_VOICERA_PORT": "0",
    "DIALECTS_CALLINGPLATFORM_PORT": "0",
}
BUSY, OTHER_BUSY = "+15551230010", "+15551240010"
CSV = "phoneNumber,agentId,userId,scheduledFor,timezone,priority\n{},{},user_123,,UTC,normal\n"


class Client:
    """A client of one dialect, at the root of its own port."""

    def __init__(self, http: aiohttp.ClientSession, server: Server, name: str) -> None:
        words = dict(word.split("=", 1) for word in server.ready_line().split()[1:])
        self.native = words["http"]
        self.base = words[name]
        self.http = http
        self.token = ""

    async def want(self, status: int, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.http.request(method, self.base + path, headers=headers, **more) as response:
            text = await response.text()
            assert response.status == status, f"{method} {path}: {response.status} {text}"
            return json.loads(text) if text else None

    @contextlib.asynccontextmanager
    async def ended(self, count: int) -> AsyncIterator[None]:
        """Left when so many more calls have ended."""
        url = f"{self.native}/v1/events?types=call.*&token={TOKEN}"
        async with self.http.ws_connect(url) as socket:
            await socket.receive_json()
            yield
            while count:
                event = (await socket.receive_json()).get("event", {})
                count -= event.get("type") == "call.status" and event.get("status") == "ended"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with started(on_free_ports(tmp_path, **OWN)) as found:
        yield found


async def test_a_client_of_callingplatform_does_its_work(server: Server) -> None:
    async with aiohttp.ClientSession() as http:
        client = Client(http, server, "callingplatform")
        client.base += "/api/v1"
        who = {"email": "user@example.com", "password": "SecurePassword123!"}
        await client.want(201, "POST", "/auth/register", json=who | {"name": "John Doe"})
        client.token = (await client.want(200, "POST", "/auth/login", json=who))["data"]["token"]
        sent = {
            "name": "Customer Support Agent",
            "systemPrompt": "You are a helpful customer support agent...",
            "voice": "Rachel",
            "isActive": True,
        }
        agent = (await client.want(201, "POST", "/agents", json=sent))["data"]["_id"]
        wish = {"toPhone": BUSY, "agentId": agent, "priority": "high"}
        async with client.ended(1):
            placed = await client.want(201, "POST", "/calls/outbound", json=wish)
        call = placed["data"]["_id"]
        found = await client.want(200, "GET", f"/calls/outbound/{call}")
        assert found["data"]["status"] == "failed"
        (pending,) = (await client.want(200, "GET", "/retry/pending"))["data"]
        assert (pending["_id"], pending["retryAttempt"]) == (call, 0)
        async with client.ended(1):
            retried = await client.want(200, "POST", f"/retry/manual/{call}")
        assert retried["data"]["originalCallId"] == call
        assert retried["data"]["retryAttempt"] == 1
        form = aiohttp.FormData({"skipHeader": "true"})
        form.add_field("file", CSV.format(OTHER_BUSY, agent), filename="contacts.csv")
        async with client.ended(1):
            job = await client.want(202, "POST", "/bulk/import", data=form)
        assert job["data"]["totalRows"] == 1
        status = await client.want(200, "GET", f"/bulk/import/{job['data']['importId']}/status")
        assert status["data"]["successfulRows"] == 1
        sent = {"phoneNumber": "+919876543211", "agentId": agent}
        await client.want(201, "POST", "/phones", json=sent)
        hook = {"CallSid": "exotel_call_sid", "From": "+919876543210", "To": "+919876543211"}
        for state in ("in-progress", "completed", "in-progress"):
            await client.want(
                200, "POST", "/exotel/webhook/incoming", json=hook | {"CallStatus": state}
            )
        stats = (await client.want(200, "GET", "/stats"))["data"]
        assert stats["calls"]["inbound"] == 1
        assert stats["calls"]["total"] == 4
        assert stats["calls"]["successRate"] == 25
        dates = "startDate=2020-01-01&endDate=2039-12-31&groupBy=month"
        figures = (await client.want(200, "GET", f"/analytics/calls?{dates}"))["data"]
        assert figures["byStatus"] == {"completed": 1, "no_answer": 0, "busy": 3, "failed": 0}
        assert figures["summary"]["totalCalls"] == 4
        later = wish | {"scheduledFor": "2026-01-01T00:00:00", "timezone": "Asia/Kolkata"}
        async with client.ended(1):
            past = await client.want(201, "POST", "/calls/outbound", json=later)
        assert past["data"]["scheduledFor"] == "2025-12-31T18:30:00Z"


async def test_a_client_of_voicera_does_its_work(server: Server) -> None:
    async with aiohttp.ClientSession() as http:
        client = Client(http, server, "voicera")
        who = {"email": "user@example.com", "password": "SecurePass123!"}
        names = {"first_name": "John", "last_name": "Doe"}
        await client.want(201, "POST", "/auth/register", json=who | names)
        client.token = (await client.want(200, "POST", "/auth/login", json=who))["token"]
        sent = {"name": "Support Agent", "system_prompt": "You are a helpful support agent."}
        agent = (await client.want(201, "POST", "/agents", json=sent))["id"]
        campaign = {
            "name": "Q2 Marketing Campaign",
            "agent_id": agent,
            "phone_numbers": [BUSY, OTHER_BUSY],
            "start_time": "2024-04-01T00:00:00Z",
            "max_concurrent_calls": 50,
        }
        made = await client.want(201, "POST", "/campaigns", json=campaign)
        async with client.ended(2):
            await client.want(200, "POST", f"/campaigns/{made['id']}/launch")
        logs = await client.want(200, "GET", f"/call-logs?campaign_id={made['id']}")
        assert logs["total"] == 2
        assert {log["status"] for log in logs["items"]} == {"busy"}
        failed = await client.want(
            200, "GET", "/call-logs?status=failed&phone_number=%2B15551230010"
        )
        assert [log["phone_number"] for log in failed["items"]] == [BUSY]
        figures = await client.want(200, "GET", f"/analytics/calls?campaign_id={made['id']}&days=1")
        assert (figures["total_calls"], figures["failed_calls"]) == (2, 2)
        refused = await client.want(404, "GET", f"/call-recordings/{logs['items'][0]['id']}")
        assert refused["error"]["code"] == "CALL_001"
        await client.want(204, "DELETE", f"/agents/{agent}")
        # Their retries are called off with their agent.
        async with http.get(
            f"{client.native}/v1/retries", headers={"Authorization": f"Bearer {TOKEN}"}
        ) as response:
            assert (await response.json())["items"] == []
