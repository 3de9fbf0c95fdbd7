"""AI Caller's subscriptions, by the client of Socket.IO that the document's code is written for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from offhook.bench.load.server_process import ServerProcess
from offhook.tests.interop.clients.conftest import BUSY, PASSWORD, PATIENCE_S, Asking, started

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="session")]

EMAIL = "events@example.com"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def account(office: ServerProcess) -> AsyncIterator[Asking]:
    """Somebody who was given an account, and signed in there."""
    async with aiohttp.ClientSession() as http:
        wish = {"email": EMAIL, "password": PASSWORD}
        await Asking(http, office.http).want(201, "POST", "/v1/accounts", json=wish)
        asking = Asking(http, f"{office.http}/aicaller/api/v1", token="")
        asking.token = (await asking.want(200, "POST", "/auth/login", json=wish))["access_token"]
        yield asking


async def test_subscriptions_by_socket_io_take_effect(
    office: ServerProcess, account: Asking, node_modules: Path, tmp_path: Path
) -> None:
    wish = {"to_number": BUSY}
    before = await account.want(201, "POST", "/calls/initiate", json=wish)
    settings = {
        "HOST": office.http,
        "SOCKET_PATH": "/aicaller/ws/calls",
        "TOKEN": account.token,
        "CALL_ID": before["id"],
        "NODE_PATH": str(node_modules),
    }
    async with started("aicaller_subscribe.cjs", tmp_path, **settings) as program:
        async with asyncio.timeout(PATIENCE_S):
            told = await read(program, lambda told: names(told).count("subscribed") == 2)
            made = await account.want(201, "POST", "/calls/initiate", json=wish)
            events = await read(program, lambda told: "call.ended" in names(told, made["id"]))
            assert program.stdin is not None, "asked for"
            program.stdin.close()
            assert await program.wait() == 0
    wishes = [each["data"] for each in told if each["event"] == "subscribed"]
    assert [each["type"] for each in wishes] == ["all_calls", "call"]
    assert wishes[1]["call_id"] == before["id"]
    assert names(told + events, made["id"])[0] == "call.started"


async def read(
    program: asyncio.subprocess.Process, enough: Callable[[list[Any]], bool]
) -> list[Any]:
    """What it prints until there is enough of it."""
    told: list[Any] = []
    assert program.stdout is not None, "asked for"
    while not enough(told):
        told.append(msgspec.json.decode(await program.stdout.readline()))
    return told


def names(told: list[dict[str, Any]], call: str | None = None) -> list[str]:
    """Of events; of one call's, where it is given."""
    return [each["event"] for each in told if call in (None, call_of(each))]


def call_of(message: dict[str, Any]) -> Any:
    """The call that an event is of."""
    data = message["data"]
    inner = data.get("data", data)
    return inner.get("id", inner.get("call_id"))
