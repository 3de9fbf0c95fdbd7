"""Aetherium's programs: both SDKs, the WebSocket, and the flow from a session to its results.

All of them talk with a simulated far end that answers, at the same time: it takes a few seconds.
"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from offhook.bench.load.server_process import ServerProcess
from offhook.tests.interop.clients.conftest import (
    PASSWORD,
    Asking,
    last_json,
    run_node,
    run_python,
    websocket_flags,
)

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="session")]

EMAIL, PHONE = "monitor@example.com", "+1234567890"
FAR_ENDS = ("+15551234561", "+15551234562", "+15551234563", "+15551234564")
"They answer; one number is in one call at a time."


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def account(office: ServerProcess) -> AsyncIterator[Asking]:
    """Somebody who registered there and proved their number."""
    async with aiohttp.ClientSession() as http:
        asking = Asking(http, f"{office.http}/aetherium", token="")
        wish = {"email": EMAIL, "password": PASSWORD, "confirm_password": PASSWORD}
        wish["phone_number"] = PHONE
        await asking.want(201, "POST", "/api/auth/register", json=wish)
        operator = Asking(http, office.http)
        outbox = await operator.want(200, "GET", "/v1/outbox", params={"to": PHONE})
        (code,) = re.findall(r"\b\d{6}\b", outbox["items"][0]["body"])
        proof = {"email": EMAIL, "verification_code": code}
        await asking.want(200, "POST", "/api/auth/verify-sms", json=proof)
        login = {"login_identifier": EMAIL, "password": PASSWORD}
        signed_in = await asking.want(200, "POST", "/api/auth/login", json=login)
        asking.token = signed_in["access_token"]
        yield asking


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(account: Asking) -> dict[str, str]:
    """What all of the programs are told."""
    wish = {"name": "Customer Support", "prompt_template": "You are a helpful support agent."}
    workflow = await account.want(201, "POST", "/api/workflows/", json=wish)
    return {
        "BASE_URL": account.base,
        "WS_BASE": account.base.replace("http", "ws", 1),
        "TOKEN": account.token,
        "API_KEY": account.token,
        "WORKFLOW_ID": str(workflow["id"]),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api_key(office: ServerProcess, account: Asking) -> str:
    """A key for programs, of the same account."""
    async with aiohttp.ClientSession() as http:
        native = Asking(http, office.http, token="")
        login = {"name": EMAIL, "password": PASSWORD}
        signed_in = await native.want(200, "POST", "/v1/auth/login", json=login)
        native.token = signed_in["access_token"]
        wish = {"name": "programs", "scopes": ["*"]}
        return str((await native.want(201, "POST", "/v1/api-keys", json=wish))["key"])


class Ran:
    """What each program printed, or how it failed; None: it could not be run here."""

    python_sdk: str | BaseException
    javascript_sdk: str | BaseException | None = None
    flow: str | BaseException | None = None
    websocket: str | BaseException | None = None


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ran(
    account: Asking,
    settings: dict[str, str],
    api_key: str,
    python_site: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Ran:
    """All of them, at once."""
    folder = tmp_path_factory.mktemp("programs")
    told = [settings | {"TO_PHONE": number} for number in FAR_ENDS]
    running: dict[str, Awaitable[str]] = {
        "python_sdk": run_python(
            "aetherium_sdk_stream.py", python_site, folder, **told[0] | {"API_KEY": api_key}
        )
    }
    if shutil.which("npm") is not None:
        project = request.getfixturevalue("node_project")
        running["javascript_sdk"] = run_node("aetherium_sdk_stream.mjs", project, **told[1])
    flags = None if shutil.which("node") is None else websocket_flags()
    if flags is not None:
        running["flow"] = run_node("aetherium_flow.mjs", folder, *flags, **told[2])
        body = {"workflow_id": int(settings["WORKFLOW_ID"]), "phone_number": FAR_ENDS[3]}
        body["session_type"] = "outbound"
        session = await account.want(201, "POST", "/api/sessions/", json=body)
        running["websocket"] = run_node(
            "aetherium_websocket.mjs", folder, *flags, **told[3], SESSION_ID=str(session["id"])
        )
    found = Ran()
    results = await asyncio.gather(*running.values(), return_exceptions=True)
    for name, result in zip(running, results, strict=True):
        setattr(found, name, result)
    return found


def printed(result: str | BaseException | None) -> str:
    """What a program printed; skips, or fails as the program did."""
    if result is None:
        pytest.skip("node is not installed, without npm, or has no WebSocket")
    if isinstance(result, BaseException):
        raise result
    return result


async def test_the_program_with_the_python_sdk(ran: Ran) -> None:
    lines = printed(ran.python_sdk).splitlines()
    assert lines[-1] == "Status: completed"
    assert "Status: active" in lines
    assert set(lines) <= {"Status: pending", "Status: active", "Status: completed"}


async def test_the_program_with_the_javascript_sdk(ran: Ran) -> None:
    told = printed(ran.javascript_sdk)
    kinds = re.findall(r"^  type: '(\w+)'", told, re.MULTILINE)
    assert kinds[-1] == "session_ended"
    # Whoever connects late is told the status instead of the beginning.
    assert {"status_change", "transcript_update"} <= set(kinds)
    assert "status: 'completed'" in told
    assert "durationSeconds: " in told


async def test_the_flow_from_a_session_to_its_results(ran: Ran) -> None:
    answers = msgspec.json.decode(printed(ran.flow).strip())
    session, update, results = answers["session"], answers["update"], answers["results"]
    assert session["status"] == "pending"
    assert update["data"]["status"] == "completed"
    assert results["id"] == session["id"]
    assert results["status"] == "completed"
    assert results["transcript"]
    assert results["duration_seconds"] >= 0


async def test_the_websocket_without_a_token(ran: Ran) -> None:
    updates: list[dict[str, Any]] = [
        msgspec.json.decode(line) for line in printed(ran.websocket).splitlines()
    ]
    assert updates[-1]["type"] == "session_ended"
    assert "error" not in [each["type"] for each in updates]
    said = [each["data"] for each in updates if each["type"] == "transcript_update"]
    assert any("Hello, how can I help you?" in each["content"] for each in said)
    assert all(isinstance(each["data"], dict) for each in updates)


WORK = {
    "workflow": [True, "Sales Assistant", "+5%"],
    "listed": True,
    "metadata": {"orderNumber": 5, "line_items": [1]},
    "updated": ["completed", "Done."],
    "found": True,
    "last": "session_ended",
    "missing": ["NotFound", "RESOURCE_NOT_FOUND", True],
    "unfit": ["ValidationFailed", "VALIDATION_ERROR", True],
    "stranger": ["AuthenticationRequired", "AUTHENTICATION_REQUIRED", True],
}
"What a program does with every verb, and with refusals."


async def test_all_verbs_of_the_python_sdk(
    settings: dict[str, str], python_site: Path, tmp_path: Path
) -> None:
    told = settings | {"TO_PHONE": "+15551234565"}
    answers = await run_python("aetherium_sdk_verbs.py", python_site, tmp_path, **told)
    assert last_json(answers) == WORK


async def test_all_verbs_of_the_javascript_sdk(
    settings: dict[str, str], node_project: Path
) -> None:
    told = settings | {"TO_PHONE": "+15551234566"}
    assert last_json(await run_node("aetherium_sdk_verbs.mjs", node_project, **told)) == WORK
