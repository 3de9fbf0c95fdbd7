"""U+0000 in what is sent is refused, and the field is named."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.http.null_characters import MAX_NAMED_BYTES, nul_in_json
from offhook.tests.kit.api import TOKEN, Api
from offhook.tests.kit.dialects import token_for

NUL = r"\u0000"
ESCAPED = r"\\u0000"
"A backslash, and the five characters `u0000`."


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def sent(
    api: Api, method: str, path: str, data: Any = None, token: str = TOKEN, **headers: str
) -> tuple[int, Any]:
    shown = {"Authorization": f"Bearer {token}"} | headers
    async with api.client.request(method, path, data=data, headers=shown) as response:
        return response.status, await response.json(content_type=None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (r'{"name": "a\u0000b"}', "name"),
        (r'{"name": "\\\u0000"}', "name"),
        (r'{"list": ["a", {"deep": "\u0000"}]}', "list[1].deep"),
        (r'{"map": {"\u0000": 1}}', "map"),
        (r'["a", "\u0000"]', "[1]"),
    ],
)
def test_the_field_that_holds_one_is_found(body: str, field: str) -> None:
    error = nul_in_json(body.encode())
    assert error is not None
    assert error.field == field


@pytest.mark.parametrize(
    "body", [r'{"name": "\\u0000"}', r'{"name": "\\\\u0000"}', r'{"name": "\u0001 0000"}', ""]
)
def test_a_backslash_before_the_same_characters_is_no_nul(body: str) -> None:
    assert nul_in_json(body.encode()) is None


def test_one_in_a_large_body_is_refused_without_the_fields_name() -> None:
    body = '{"text": "' + "x" * MAX_NAMED_BYTES + NUL + '"}'
    error = nul_in_json(body.encode())
    assert error is not None
    assert error.field == ""


def test_many_backslashes_cost_no_more_than_their_number() -> None:
    assert nul_in_json(b'{"text": "' + b"\\" * 2_000_000 + b'"}') is None


async def test_a_body_of_the_api(api: Api) -> None:
    json = {"Content-Type": "application/json"}
    status, answer = await sent(api, "POST", "/v1/agents", f'{{"name": "A{NUL}"}}', **json)
    assert status == 422
    assert answer["errors"] == [{"field": "name", "message": "holds a NUL character (U+0000)"}]
    status, answer = await sent(api, "POST", "/v1/agents", f'{{"name": "A{ESCAPED}"}}', **json)
    assert status == 201
    assert answer["name"] == r"A\u0000"


async def test_parameters_and_paths_of_the_api(api: Api) -> None:
    status, answer = await sent(api, "GET", "/v1/outbox?to=a%00b")
    assert (status, answer["field"]) == (400, "to")
    status, _ = await sent(api, "GET", "/v1/agents/a%00b")
    assert status == 404


@pytest.mark.parametrize(
    ("zone", "name", "field"),
    [("UTC\0", 'filename="calls.csv"', "timezone"), ("UTC", "filename*=UTF-8''a%00.csv", "file")],
)
async def test_a_form_beside_a_file_and_the_files_name(
    api: Api, zone: str, name: str, field: str
) -> None:
    head = "--x\r\nContent-Disposition: form-data; name="
    form = f'{head}"timezone"\r\n\r\n{zone}\r\n{head}"file"; {name}\r\n\r\nphone\r\n--x--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    status, answer = await sent(api, "POST", "/v1/imports", form, **kind)
    assert (status, answer["field"]) == (400, field)


async def test_a_dialect_says_so_in_its_own_form(api: Api) -> None:
    token = await token_for(api, "callingplatform", "ann@example.org")
    base = "/callingplatform/api/v1"
    body = f'{{"name": "Anna{NUL}", "systemPrompt": "You help."}}'
    status, answer = await sent(api, "POST", f"{base}/agents", body, token)
    assert status in (400, 422)
    assert "NUL" in str(answer)
    assert answer["success"] is False
    status, answer = await sent(api, "GET", f"{base}/agents?search=%00", None, token)
    assert status in (400, 422)
    status, answer = await sent(api, "GET", f"{base}/exotel/webhook/incoming?CallSid=a%00b")
    assert status == 400
