"""A call over the loopback line is handed to people there: a real server, a real engine."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from offhook.bench.load.server_process import TOKEN, ServerProcess

LIMIT_S = 90.0
CALLED, BUSY, HUMAN = "+15551230001", "+15557770010", "+15557770001"


class Client:
    """The API, and everything that happens."""

    def __init__(self, session: aiohttp.ClientSession, events: aiohttp.ClientWebSocketResponse):
        self._session = session
        self._events = events
        self.told: list[dict[str, Any]] = []

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self._session.request(method, path, json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def happens(self, type_: str, call_id: str, **fields: Any) -> dict[str, Any]:
        """Wait for an event of a call."""
        wanted = fields | {"type": type_, "call_id": call_id}
        # Not in the fixture: a test is no part of the task in which its fixture waits.
        async with asyncio.timeout(LIMIT_S):
            while True:
                for event in self.told:
                    if wanted.items() <= event.items():
                        return event
                message = await self._events.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, message
                event = json.loads(message.data).get("event")
                if event is not None:
                    self.told.append(event)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    lenient = {"LIMITS_MAX_LATENESS_MS": "100000"}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        ServerProcess(tmp_path / "data", tmp_path / "log", **lenient) as server,
        aiohttp.ClientSession(server.http, headers=headers) as session,
        session.ws_connect("/v1/events") as events,
    ):
        yield Client(session, events)


async def people(client: Client) -> list[str]:
    """The first one's line is busy, the second one answers and hangs up within 10 s."""
    made = []
    for name, number in (("Anna", BUSY), ("Bob", HUMAN)):
        body = {"name": name, "kind": "human", "phone_number": number}
        made.append((await client.ask("POST", "/v1/agents", body))["id"])
    return made


async def test_a_live_call_is_taken_by_the_first_person_who_answers(client: Client) -> None:
    anna, bob = await people(client)
    call = (await client.ask("POST", "/v1/calls", {"to": CALLED}))["id"]
    await client.happens("call.answered", call)
    opened = await client.ask("POST", f"/v1/calls/{call}/escalate", {"reason": "a person, please"})
    bridged = await client.happens("escalation.bridged", call)
    assert bridged["human_agent_id"] == bob
    shown = await client.ask("GET", f"/v1/escalations/{opened['id']}")
    assert shown["tried"] == ["Anna: the far end is busy"]
    assert (await client.ask("GET", f"/v1/agents/{bob}"))["availability"] == "busy"
    # One of the two far ends leaves by itself, and with it the other.
    closed = await client.happens("escalation.closed", call)
    ended = await client.happens("call.ended", call)
    assert abs(closed["at_wall"] - ended["at_wall"]) < 12.0
    assert (await client.ask("GET", f"/v1/escalations/{opened['id']}"))["status"] == "closed"
    kept = await client.ask("GET", f"/v1/calls/{call}")
    assert kept["human_agent_id"] == bob
    assert [leg["to"] for leg in kept["legs"]] == [BUSY, HUMAN]
    for person in (anna, bob):
        assert (await client.ask("GET", f"/v1/agents/{person}"))["availability"] == "available"


async def test_an_agent_hands_its_caller_to_whoever_is_there(client: Client) -> None:
    _, bob = await people(client)
    answer = {
        "name": "hours",
        "phrases": ["tell me about your opening hours please"],
        "say": "One moment, please.",
        "transfer": "human",
    }
    # How well a made voice is recognised is not what is tested: a miss is handed over as well.
    house = {"greeting": "", "answers": [answer], "human": "human", "tries": 0}
    agent = await client.ask("POST", "/v1/agents", {"name": "House", "house": house})
    wanted = {"to": CALLED, "agent_id": agent["id"]}
    call = (await client.ask("POST", "/v1/calls", wanted))["id"]
    bridged = await client.happens("escalation.bridged", call)
    assert bridged["human_agent_id"] == bob
    await client.happens("escalation.closed", call, status="closed")
    assert (await client.ask("GET", f"/v1/calls/{call}"))["transferred_to"] == "human"
