"""A whole server: a call of the loopback line is analysed in the process that is for it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from offhook.tests.kit.whole_server import on_free_ports, started

TOKEN = "a token of the test"
ANALYSED_WITHIN_S = 60.0
"Of the call's creation."


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    async with started(on_free_ports(tmp_path, API_TOKEN=TOKEN)) as server:
        base = server.ready_line().split("http=")[1].split()[0]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with aiohttp.ClientSession(base, headers=headers) as client:
            yield client


async def wait_for(events: aiohttp.ClientWebSocketResponse, type_: str) -> dict[str, Any]:
    """The next event of that type."""
    while True:
        event: dict[str, Any] = (await events.receive_json()).get("event") or {}
        if event.get("type") == type_:
            return event


async def test_an_answered_call_is_analysed_within_a_minute(
    client: aiohttp.ClientSession,
) -> None:
    async with asyncio.timeout(ANALYSED_WITHIN_S):
        async with client.ws_connect("/v1/events") as events:
            response = await client.post("/v1/calls", json={"to": "+15551234567"})
            assert response.status == 202, await response.text()
            call = f"/v1/calls/{(await response.json())['id']}"
            await wait_for(events, "turn.added")
            await client.post(f"{call}/hangup")  # enough was said
            told = await wait_for(events, "call.analysed")
        analysis = await (await client.get(f"{call}/analysis")).json()
    assert told["status"] == analysis["status"] == "done"
    assert (analysis["provider"], analysis["outcome"]) == ("embedded", "completed")
    assert analysis["checklist"][0]["passed"] is True  # the built-in agent greets
    shown = await (await client.get(call)).json()
    assert shown["analysis"]["qa_score"] == analysis["qa_score"] == shown["qa_score"]
