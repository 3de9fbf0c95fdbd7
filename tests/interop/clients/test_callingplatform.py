"""The calling platform's programs: in JavaScript, Python and cURL, and its Postman collection."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from offhook.bench.load.server_process import ServerProcess
from offhook.tests.interop.clients.conftest import (
    ANSWERING,
    BUSY,
    PASSWORD,
    Asking,
    last_json,
    run,
    run_node,
    run_python,
)
from offhook.tests.interop.clients.postman import PostmanRunner
from offhook.tests.kit.api_client import ApiClient

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="session")]

LATER = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
CSV = (
    "phoneNumber,agentId,userId,scheduledFor,timezone,priority\n"
    "+919876543210,{agent},,{later},Asia/Kolkata,high\n"
).replace("{later}", LATER)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def account(office: ServerProcess) -> AsyncIterator[Asking]:
    """Somebody who registered there."""
    async with aiohttp.ClientSession() as http:
        asking = Asking(http, f"{office.http}/callingplatform/api/v1", token="")
        wish = {"email": "user@example.com", "password": PASSWORD, "name": "John Doe"}
        told = await asking.want(201, "POST", "/auth/register", json=wish)
        asking.token = told["data"]["token"]
        yield asking


def settings(account: Asking) -> dict[str, str]:
    return {"API_BASE": account.base, "TOKEN": account.token, "TO_PHONE": BUSY}


async def check_agent_and_call(account: Asking, agent: Any, call: Any) -> None:
    """Both are as they were wished for, and are there."""
    assert agent["success"] is True
    assert agent["data"]["name"] == "Customer Support Agent"
    assert agent["data"]["voice"] == "Rachel"
    assert agent["data"]["isActive"] is True
    assert call["success"] is True
    assert call["data"]["toPhone"] == BUSY
    assert call["data"]["agentId"] == agent["data"]["_id"]
    assert call["data"]["priority"] == "high"
    assert call["data"]["status"] == "scheduled"
    found = await account.want(200, "GET", f"/calls/outbound/{call['data']['_id']}")
    assert found["data"]["agentId"] == agent["data"]["_id"]


async def test_the_program_with_axios(account: Asking, node_modules: Path, tmp_path: Path) -> None:
    told = await run_node("callingplatform_axios.cjs", tmp_path, **settings(account))
    answers = last_json(told)
    await check_agent_and_call(account, answers["agent"], answers["call"])


async def test_the_program_with_requests(account: Asking, tmp_path: Path) -> None:
    told = await run_python("callingplatform_requests.py", None, tmp_path, **settings(account))
    answers = last_json(told)
    await check_agent_and_call(account, answers["agent"], answers["call"])


@pytest.mark.usefixtures("needs_curl")
async def test_the_commands_with_curl(account: Asking, tmp_path: Path) -> None:
    program = Path(__file__).parent / "programs" / "callingplatform_curl.sh"
    told = await run("sh", program, cwd=tmp_path, **settings(account))
    agent, call, import_ = (msgspec.json.decode(line) for line in told.splitlines() if line)
    await check_agent_and_call(account, agent, call)
    assert import_["message"] == "CSV import started"
    assert import_["data"]["totalRows"] == 1
    path = f"/bulk/import/{import_['data']['importId']}/status"
    status = await account.want(200, "GET", path)
    assert status["data"]["failedRows"] == 0


async def test_the_postman_collection(office: ServerProcess) -> None:
    async with aiohttp.ClientSession() as http, ApiClient(office.http) as events:

        async def a_call_that_failed() -> None:
            base, token = runner.variables["baseUrl"], runner.variables["token"]
            asking = Asking(http, base, token)
            wish = {"toPhone": BUSY, "agentId": runner.ids["agent"]}
            call = await asking.want(201, "POST", "/calls/outbound", json=wish)
            runner.ids["retry"] = call["data"]["_id"]
            while call["data"]["status"] != "failed":
                await events.event("call.status", status="ended")
                path = f"/calls/outbound/{runner.ids['retry']}"
                call = await asking.want(200, "GET", path)

        async with http.get(f"{office.http}/callingplatform/postman.json") as served:
            collection = await served.json()
        assert collection["info"]["schema"].endswith("/collection/v2.1.0/collection.json")
        runner = PostmanRunner(
            http,
            collection,
            ids={
                "agent": "agent_",
                "number": "phone_",
                "call": "call_",
                "schedule": "schedule_",
                "import": "import_",
                "document": "doc_",
            },
            fields={
                "Initiate call": {"scheduledFor": LATER},
                "Upload document": {"agentId": "{agent}"},
                "Exotel incoming call webhook": {
                    "CallSid": "exotel_call_sid",
                    "From": ANSWERING,
                    "To": "+919876543210",
                    "CallStatus": "in-progress",
                    "Direction": "inbound",
                },
            },
            files={
                "Validate CSV": ("contacts.csv", CSV),
                "Import CSV": ("contacts.csv", CSV),
                "Upload document": ("manual.pdf", "%PDF-1.4 nothing to read"),
            },
            queries={"startDate": "2025-11-01T00:00:00Z", "endDate": "2025-11-30T23:59:59Z"},
            before={"Manual retry": a_call_that_failed},
        )
        assert runner.variables["baseUrl"] == f"{office.http}/callingplatform/api/v1"
        answered = await runner.run()
    assert len(answered) == 34
    assert {each.name for each in answered if each.told["success"] is not True} == set()
