"""What callingplatform tells of things that cannot be: under the names that its clients know."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from offhook.control.configuration.config import Settings
from offhook.control.configuration.config_messaging import ExotelSettings
from offhook.tests.kit.api import Api
from offhook.tests.kit.dialects import token_for

BASE = "/callingplatform/api/v1"
NATIVE = "00000000-0000-4000-8000-00000000dead"
CSV = """phoneNumber,agentId
12,{agent}
+15550001234,agent_none
5550001234,{agent}
+15550001234,
+15550001234,{agent}
"""


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


@pytest.fixture
async def token(api: Api) -> str:
    return await token_for(api, "callingplatform", "ann@example.org")


async def agent_of(api: Api, token: str) -> str:
    sent = {"name": "Anna", "systemPrompt": "You help."}
    made = await api.want(201, "POST", f"{BASE}/agents", sent, token=token)
    return str(made["data"]["_id"])


async def sent(
    api: Api, token: str, csv: str, path: str = "bulk/import/validate"
) -> tuple[int, Any]:
    form = aiohttp.FormData()
    form.add_field("file", csv.encode(), filename="calls.csv", content_type="text/csv")
    headers = {"Authorization": f"Bearer {token}"}
    async with api.client.post(f"{BASE}/{path}", data=form, headers=headers) as response:
        return response.status, await response.json()


async def test_a_call_that_is_being_tried_is_named_as_its_clients_name_it(
    api: Api, token: str
) -> None:
    call = {"toPhone": "+15550001234", "agentId": await agent_of(api, token)}
    made = await api.want(201, "POST", f"{BASE}/calls/outbound", call, token=token)
    id_ = made["data"]["_id"]
    refused = await api.want(409, "POST", f"{BASE}/retry/manual/{id_}", token=token)
    assert refused["message"] == f"it is being tried already, by call {id_}"
    assert refused["error"] == {"code": "VALIDATION_ERROR", "details": refused["message"]}


async def test_what_is_not_there_is_named_as_it_was_asked_for(api: Api, token: str) -> None:
    id_ = f"agent_{NATIVE.replace('-', '')}"
    refused = await api.want(404, "GET", f"{BASE}/agents/{id_}", token=token)
    assert refused["error"] == {"code": "NOT_FOUND", "details": f"no agent '{id_}'"}


async def test_too_many_steps_are_a_fault_of_how_they_are_grouped(api: Api, token: str) -> None:
    dates = "startDate=2015-01-01&endDate=2026-01-01"
    refused = await api.want(400, "GET", f"{BASE}/analytics/calls?{dates}", token=token)
    assert refused["error"]["details"].startswith("groupBy: ")
    path = f"{BASE}/analytics/calls?{dates}&groupBy=month"
    assert await api.want(200, "GET", path, token=token)


async def test_bad_rows_are_told_in_the_documents_words(api: Api, token: str) -> None:
    status, found = await sent(api, token, CSV.format(agent=await agent_of(api, token)))
    assert (status, found["data"]["validRows"]) == (200, 1)
    assert found["data"]["errors"] == [
        {"row": 1, "error": "Invalid phone number"},
        {"row": 2, "error": "agentId: there is no such agent"},
        {"row": 3, "error": "Invalid phone number"},
        {"row": 4, "error": "agentId: is missing"},
    ]


@pytest.mark.parametrize("path", ["bulk/import/validate", "bulk/import"])
async def test_a_file_without_a_column_of_agents_is_refused(
    api: Api, token: str, path: str
) -> None:
    csv = "phoneNumber,timezone\n+15550001234,UTC\n"
    status, refused = await sent(api, token, csv, path)
    assert (status, refused["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert refused["error"]["details"] == "file: the file has no column agentId"


async def test_a_hook_that_names_no_call_is_a_bad_request(api: Api) -> None:
    refused = await api.want(400, "POST", f"{BASE}/exotel/webhook/incoming", {"To": "+15550001234"})
    assert refused["error"] == {"code": "VALIDATION_ERROR", "details": "CallSid: required"}


async def test_a_hook_shows_the_token_that_the_operator_gave_the_carrier(
    tmp_path: pathlib.Path,
) -> None:
    hook = {"CallSid": "call-1", "To": "+15550001234"}
    path = f"{BASE}/exotel/webhook/incoming"
    told = "CallSid=call-1&To=%2B15550001234"
    async with Api(tmp_path, settings=Settings(exotel=ExotelSettings("s3cret"))) as api:
        for shown in ("", "?token=", "?token=S3cret", "?token=%C3%A9", "?token=%FF"):
            refused = await api.want(403, "POST", f"{path}{shown}", hook, token="")
            assert refused["success"] is False
        in_body = hook | {"token": "s3cret"}
        await api.want(403, "POST", path, in_body, token="")
        await api.want(403, "GET", f"{path}?{told}&token=s3cre", token="")
        await api.want(200, "POST", f"{path}?token=s3cret", hook, token="")
        await api.want(200, "GET", f"{path}?{told}&token=s3cret", token="")
