"""`/v1/numbers`, `/v1/lines` and `/v1/modems` as a client meets them."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.configuration.config import AgentConfig, LineSettings, Settings, TrunkSettings
from offhook.control.services.mirroring import mirror
from offhook.tests.kit.api import Api
from offhook.tests.kit.fake_calls import FakeLoopbackCalls, FakeSipCalls

SETTINGS = Settings(
    agents=(AgentConfig("desk"),),
    numbers={"100": "desk"},
    lines=(LineSettings("office", "sip:pbx.example", "1001", "secret-word", max_calls=2),),
    trunks=(TrunkSettings("carrier", host="carrier.example", username="us", password="word-2"),),
)


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path, SETTINGS) as api:
        api.lines.sip, api.lines.loopback = FakeSipCalls(), FakeLoopbackCalls()
        await mirror(SETTINGS, api.database, api.clock)
        yield api


async def test_a_number_is_added_read_changed_and_deleted(api: Api) -> None:
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"})
    hours = {"timezone": "Europe/Berlin", "days": [1, 2], "opens": "08:00", "closes": "12:00"}
    made = await api.want(
        201,
        "POST",
        "/v1/numbers",
        {"number": "+49 (30) 123-4", "agent_id": agent["id"], "open_hours": hours},
    )
    assert (made["number"], made["open_hours"]) == ("+49301234", hours)
    assert made["owner_id"] == OPERATOR_ID
    assert made["created_at"] == "2023-11-14T22:13:20Z"
    path = f"/v1/numbers/{made['id']}"
    assert await api.want(200, "GET", path) == made
    api.clock.advance(60)
    body = {"label": "Main", "open_hours": None, "line": "office", "max_live_calls": 2}
    changed = await api.want(200, "PATCH", path, body)
    assert changed == made | body | {"updated_at": "2023-11-14T22:14:20Z"}
    await api.want(204, "DELETE", path)
    await api.want(404, "GET", path)


async def test_numbers_are_filtered_sorted_and_paged(api: Api) -> None:
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"})
    for number, more in (
        ("+15550101", {"label": "Sales", "line": "office"}),
        ("+15550102", {"is_active": False}),
        ("201", {"agent_id": agent["id"]}),
    ):
        await api.want(201, "POST", "/v1/numbers", {"number": number, **more})

    async def found(query: str) -> list[str]:
        page = await api.want(200, "GET", f"/v1/numbers?{query}")
        return [item["number"] for item in page["items"]]

    assert await found("sort=number") == ["+15550101", "+15550102", "100", "201"]
    assert await found("is_active=false") == ["+15550102"]
    assert await found("line=office") == ["+15550101"]
    assert await found(f"agent_id={agent['id']}") == ["201"]
    assert await found("search=%2B1%20555") == ["+15550102", "+15550101"]
    assert await found("search=sales") == ["+15550101"]
    page = await api.want(200, "GET", "/v1/numbers?limit=3&total=true")
    assert (len(page["items"]), page["total"]) == (3, 4)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["number"]),
        ({"number": ""}, ["number"]),
        ({"number": "1\n2"}, ["number"]),
        ({"number": "1" * 70}, ["number"]),
        ({"number": "1", "agent_id": "nobody"}, ["agent_id"]),
        ({"number": "1", "max_live_calls": 0}, ["max_live_calls"]),
        (
            {"number": "1", "line": "x", "open_hours": {"timezone": "Mars/Base", "days": [9]}},
            ["line", "open_hours.timezone", "open_hours.days"],
        ),
    ],
)
async def test_what_does_not_fit_is_named(
    api: Api, body: dict[str, Any], fields: list[str]
) -> None:
    problem = await api.want(422, "POST", "/v1/numbers", body)
    assert [error["field"] for error in problem["errors"]] == fields


async def test_numbers_are_there_once_and_those_of_the_file_stay(api: Api) -> None:
    problem = await api.want(409, "POST", "/v1/numbers", {"number": "100"})
    assert problem["field"] == "number"
    page = await api.want(200, "GET", "/v1/numbers")
    path = f"/v1/numbers/{page['items'][0]['id']}"
    for method, body in (("PATCH", {"label": "x"}), ("DELETE", None)):
        assert "configuration" in (await api.want(409, method, path, body))["detail"]


async def test_lines_show_state_and_limits_and_no_password(api: Api) -> None:
    page = await api.want(200, "GET", "/v1/lines")
    assert [line["name"] for line in page["items"]] == [
        "carrier",
        "office",
        "simulated-1",
        "loopback",
    ]
    office = await api.want(200, "GET", "/v1/lines/office")
    assert office == {
        "name": "office",
        "kind": "sip_account",
        "state": "unregistered",
        "reason": "it has not registered yet",
        "max_calls": 2,
        "in_use": 0,
        "can_call_out": True,
        "simulated": False,
        "number": "",
        "address": "sip:pbx.example",
    }
    api.lines.call("office", "1")
    assert (await api.want(200, "GET", "/v1/lines/office"))["in_use"] == 1
    text = await (await api.ask("GET", "/v1/lines")).text()
    assert "word" not in text
    await api.want(404, "GET", "/v1/lines/nothing")


async def test_a_modem_is_there_and_can_be_assigned(api: Api) -> None:
    (modem,) = (await api.want(200, "GET", "/v1/modems"))["items"]
    assert (modem["name"], modem["state"], modem["simulated"]) == ("simulated-1", "idle", True)
    path = f"/v1/modems/{modem['id']}"
    given = await api.want(200, "POST", f"{path}/assign", {"account_id": OPERATOR_ID})
    assert given["assigned_account_id"] == OPERATOR_ID
    assert await api.want(200, "GET", path) == given
    await api.want(422, "POST", f"{path}/assign", {"account_id": "nobody"})
    await api.want(422, "POST", f"{path}/assign", {})
    back = await api.want(200, "POST", f"{path}/assign", {"account_id": None})
    assert back["assigned_account_id"] is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"house": {"greeting": 1, "answers": []}}, ["house.greeting"]),
        (
            {"turn": {"fade_ms": -1, "min_words": 10**9}},
            ["turn.min_words", "turn.fade_ms"],
        ),
        ({"turn": {"min_endpointing_ms": 2000}}, ["turn"]),
        ({"turn": {"nothing": 1}}, ["turn.nothing"]),
        (
            {"house": {"greeting": "Hi {who}.", "answers": []}, "address": "over there"},
            ["house.greeting", "address"],
        ),
        ({"open_hours": {"opens": "9"}}, ["open_hours.opens"]),
        ({"house": {"greeting": "", "answers": [{"name": "a"}]}}, ["house.answers[0].say"]),
    ],
)
async def test_an_agents_settings_are_checked_when_they_are_written(
    api: Api, body: dict[str, Any], fields: list[str]
) -> None:
    problem = await api.want(422, "POST", "/v1/agents", {"name": "x", **body})
    assert sorted(error["field"] for error in problem["errors"]) == sorted(fields)
    made = await api.want(201, "POST", "/v1/agents", {"name": "x"})
    await api.want(422, "PATCH", f"/v1/agents/{made['id']}", body)
    assert await api.want(200, "GET", f"/v1/agents/{made['id']}") == made


async def test_more_phrases_than_recognition_bears_are_refused(api: Api) -> None:
    phrases = [f"phrase {number}" for number in range(1001)]
    house = {"greeting": "Hi.", "answers": [{"name": "a", "say": "A.", "phrases": phrases}]}
    problem = await api.want(422, "POST", "/v1/agents", {"name": "x", "house": house})
    assert problem["errors"][0]["field"] == "house.answers"
