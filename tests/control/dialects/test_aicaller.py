"""What the AI Caller API does beyond its shapes: configurations, people, set-up, passwords."""

import pathlib
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.agents import Agent
from offhook.control.domain.calls import Call, CallStatus, Escalation, EscalationStatus, Outcome
from offhook.control.store import schema
from offhook.control.store.calls import CALLS
from offhook.control.store.rows import Rows
from offhook.tests.kit.api import Api
from offhook.tests.kit.dialects import token_for

BASE = "/aicaller/api/v1"
ANN = "ann@example.org"
SETUP = {"business_config": {"name": "Shop", "config_data": {"greeting": "Hello."}}}
ESCALATIONS = Rows(schema.ESCALATIONS, Escalation)


class Client:
    """One account's."""

    def __init__(self, api: Api, token: str) -> None:
        self.api = api
        self.token = token

    async def want(self, status: int, method: str, path: str, json: Any = None) -> Any:
        return await self.api.want(status, method, BASE + path, json, token=self.token)

    async def refused(self, method: str, path: str, json: Any = None, status: int = 400) -> Any:
        return (await self.want(status, method, path, json))["error"]


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as found:
        yield found


@pytest.fixture
async def client(api: Api) -> Client:
    return Client(api, await token_for(api, "aicaller", ANN))


async def add_call(api: Api, owner_id: str, status: CallStatus, **fields: Any) -> str:
    outcome = Outcome.COMPLETED if status is CallStatus.ENDED else None
    given: dict[str, Any] = {
        "inbound": False,
        "from_number": "",
        "to_number": "+15550001",
        "outcome": outcome,
    }
    call = Call(owner_id=owner_id, status=status, **(given | fields))
    async with api.database.write() as tx:
        return (await CALLS.add(tx, call)).id


async def owner(api: Api) -> str:
    account = await api.services.sign_in.named(ANN)
    assert account is not None
    return account.id


# --- business configurations ----------------------------------------------------------------------


async def test_free_data_comes_back_as_it_was_sent(client: Client) -> None:
    data = {"hours": {"mon": [9, 17]}, "system_prompt": "Be kind.", "temperature": "warm", "n": 1}
    sent = {"name": "Shop", "config_data": data}
    made = await client.want(201, "POST", "/config/business", sent)
    assert (made["type"], made["config_data"]) == ("customer_support", data)
    empty = await client.want(201, "POST", "/config/business", {"name": "Empty"})
    assert empty["config_data"] == {}


async def test_what_is_known_of_it_is_what_the_agent_goes_by(api: Api, client: Client) -> None:
    data = {
        "system_prompt": "Be kind.",
        "description": "A shop",
        "greeting": "Hello.",
        "language": "de",
        "model": "gpt-4o",
        "temperature": 0.5,
        "max_tokens": 200,
        "voice": "alloy",
    }
    made = await client.want(
        201, "POST", "/config/business", {"name": "Shop", "type": "shop", "config_data": data}
    )
    async with api.database.read() as tx:
        agent = await Rows(schema.AGENTS, Agent).get(tx, made["id"], None)
    assert agent is not None
    assert (agent.type, agent.system_prompt, agent.language) == ("shop", "Be kind.", "de")
    assert (agent.llm.provider, agent.llm.model) == ("openai", "gpt-4o")
    assert (agent.llm.max_tokens, agent.voice.voice) == (200, "alloy")
    native = await api.user(ANN)
    changes = {"system_prompt": "Be brief.", "greeting": "Yes?"}
    await api.want(200, "PATCH", f"/v1/agents/{agent.id}", changes, token=native)
    shown = await client.want(200, "GET", f"/config/business/{agent.id}")
    assert shown["config_data"] == data | changes


async def test_a_change_leaves_what_it_does_not_name(client: Client) -> None:
    sent = {"name": "Shop", "config_data": {"system_prompt": "Be kind.", "a": 1}}
    id_ = (await client.want(201, "POST", "/config/business", sent))["id"]
    changed = await client.want(200, "PUT", f"/config/business/{id_}", {"type": "shop"})
    assert (changed["name"], changed["config_data"]) == ("Shop", sent["config_data"])
    changed = await client.want(200, "PUT", f"/config/business/{id_}", {"config_data": {"b": 2}})
    assert changed["type"] == "shop"
    assert changed["config_data"]["b"] == 2
    assert "a" not in changed["config_data"]


async def test_one_that_is_in_use_is_not_deleted_and_says_why(api: Api, client: Client) -> None:
    id_ = (await client.want(201, "POST", "/config/business", {"name": "Shop"}))["id"]
    wish = {"phone_number": "+15550001", "business_id": id_}
    call = await client.want(201, "POST", "/calls/initiate", wish)
    assert call["business_id"] == id_
    refused = await client.refused("DELETE", f"/config/business/{id_}")
    assert refused["code"] == "BUSINESS_IN_USE"
    usage = await client.want(200, "GET", f"/config/business/{id_}/usage")
    assert (
        refused["details"]
        == usage
        == {"business_id": id_, "is_in_use": True, "active_calls": 1, "total_calls": 1}
    )
    await client.want(200, "POST", f"/calls/{call['id']}/end")
    await client.want(200, "DELETE", f"/config/business/{id_}")
    await client.want(404, "GET", f"/config/business/{id_}")


async def test_people_are_no_configurations_and_these_are_no_people(client: Client) -> None:
    person = (await client.want(201, "POST", "/agents", {"name": "Jane"}))["id"]
    shop = (await client.want(201, "POST", "/config/business", {"name": "Shop"}))["id"]
    for method, body in (("GET", None), ("PUT", {"name": "X"}), ("DELETE", None)):
        await client.want(404, method, f"/agents/{shop}", body)
        await client.want(404, method, f"/config/business/{person}", body)
    assert [each["id"] for each in await client.want(200, "GET", "/agents")] == [person]
    assert [each["id"] for each in await client.want(200, "GET", "/config/business")] == [shop]


async def test_data_without_end_is_refused(client: Client) -> None:
    sent = {"name": "Shop", "config_data": {"x": "y" * 20_000}}
    refused = await client.refused("POST", "/config/business", sent)
    assert refused["code"] == "VALIDATION_ERROR"
    assert "config_data" in refused["details"]["fields"]
    await client.refused("POST", "/agents", {"name": "Jane", "x": "y" * 20_000})


# --- people ---------------------------------------------------------------------------------------


async def test_other_fields_of_a_person_are_kept_and_shown(client: Client) -> None:
    sent = {"name": "Jane", "skills": ["billing"], "department": "Sales", "desk": {"floor": 3}}
    made = await client.want(201, "POST", "/agents", sent)
    assert {name: made[name] for name in sent} == sent
    changed = await client.want(200, "PUT", f"/agents/{made['id']}", {"phone_number": "+15550009"})
    assert changed["desk"] == {"floor": 3}
    assert changed["phone_number"] == "+15550009"
    cleared = await client.want(200, "PUT", f"/agents/{made['id']}", {"phone_number": None})
    assert cleared["phone_number"] is None


async def test_who_is_in_a_call_stays_so_whatever_is_put_back(api: Api, client: Client) -> None:
    made = await client.want(201, "POST", "/agents", {"name": "Jane", "is_available": True})
    native = await api.user(ANN)
    path = f"/v1/agents/{made['id']}"
    await api.want(200, "PATCH", path, {"availability": "busy"}, token=native)
    shown = await client.want(200, "GET", f"/agents/{made['id']}")
    assert shown["is_available"] is False
    await client.want(200, "PUT", f"/agents/{made['id']}", shown)
    assert (await api.want(200, "GET", path, token=native))["availability"] == "busy"
    await client.want(200, "PUT", f"/agents/{made['id']}", {"is_available": True})
    await client.want(200, "PUT", f"/agents/{made['id']}", {"is_available": False})
    assert (await api.want(200, "GET", path, token=native))["availability"] == "offline"


async def test_a_person_in_an_escalated_call_is_in_use(api: Api, client: Client) -> None:
    person = (await client.want(201, "POST", "/agents", {"name": "Jane"}))["id"]
    fresh = await client.want(200, "GET", f"/agents/{person}/usage")
    assert fresh == {
        "agent_id": person,
        "is_in_use": False,
        "active_escalations": 0,
        "active_calls": 0,
        "total_escalations": 0,
        "total_calls": 0,
    }
    call = await add_call(api, await owner(api), CallStatus.LIVE)
    async with api.database.write() as tx:
        told = Escalation(owner_id=await owner(api), call_id=call, human_agent_id=person)
        await ESCALATIONS.add(tx, told)
    refused = await client.refused("DELETE", f"/agents/{person}")
    assert refused["code"] == "AGENT_IN_USE"
    assert refused["details"]["active_escalations"] == 1
    assert refused["details"] == await client.want(200, "GET", f"/agents/{person}/usage")


# --- calls ----------------------------------------------------------------------------------------


async def test_an_escalated_call_is_shown_listed_and_filtered_so(api: Api, client: Client) -> None:
    mine = await owner(api)
    plain = await add_call(api, mine, CallStatus.LIVE)
    escalated = await add_call(api, mine, CallStatus.LIVE)
    over = await add_call(api, mine, CallStatus.LIVE)
    async with api.database.write() as tx:
        for call_id, stands in (
            (escalated, EscalationStatus.FAILED),
            (escalated, EscalationStatus.RINGING),
            (over, EscalationStatus.FAILED),
        ):
            told = Escalation(owner_id=mine, call_id=call_id, status=stands, reason="asked")
            await ESCALATIONS.add(tx, told)
    shown = await client.want(200, "GET", f"/calls/{escalated}")
    assert (shown["status"], shown["is_escalated"]) == ("escalated", True)
    assert (shown["escalation"]["status"], shown["escalation"]["reason"]) == ("pending", "asked")
    failed = await client.want(200, "GET", f"/calls/{over}")
    assert (failed["status"], failed["escalation"]["status"]) == ("in_progress", "failed")
    for status, ids in (("escalated", {escalated}), ("in_progress", {plain, over})):
        found = await client.want(200, "GET", f"/calls?status={status}")
        assert {each["id"] for each in found["items"]} == ids
        assert found["total"] == len(ids)


async def test_calls_come_in_pages(api: Api, client: Client) -> None:
    mine = await owner(api)
    for number in range(3):
        await add_call(api, mine, CallStatus.ENDED, created_wall=float(number))
    first = await client.want(200, "GET", "/calls?page=1&limit=2")
    assert (first["total"], first["page"], first["limit"], first["pages"]) == (3, 1, 2, 2)
    second = await client.want(200, "GET", "/calls?page=2&limit=2")
    assert len(first["items"]) == 2
    assert len(second["items"]) == 1
    for query in ("page=0", "limit=x", "from_date=yesterday", "status=lost", "direction=up"):
        refused = await client.refused("GET", f"/calls?{query}")
        assert refused["code"] == "VALIDATION_ERROR"


async def test_the_first_configuration_speaks_where_none_is_named(client: Client) -> None:
    first = (await client.want(201, "POST", "/config/business", {"name": "First"}))["id"]
    await client.want(201, "POST", "/config/business", {"name": "Second"})
    for name in ("to_number", "phone_number", "to", "toPhone"):
        call = await client.want(201, "POST", "/calls/initiate", {name: "+1555123456"})
        assert (call["business_id"], call["to_number"]) == (first, "+1555123456")
        assert (call["direction"], call["status"]) == ("outbound", "queued")


async def test_a_call_may_be_a_persons_from_the_beginning(client: Client) -> None:
    person = (await client.want(201, "POST", "/agents", {"name": "Jane"}))["id"]
    wish = {"to_number": "+1555123456", "agent_id": person}
    assert (await client.want(201, "POST", "/calls/initiate", wish))["agent_id"] == person
    assert (await client.want(200, "GET", f"/agents/{person}/usage"))["active_calls"] == 1


@pytest.mark.parametrize("name", ["agent_id", "business_id"])
async def test_what_is_no_id_is_told_by_the_name_that_it_was_sent_with(
    client: Client, name: str
) -> None:
    wish = {"to_number": "+1555123456", name: 5}
    refused = await client.refused("POST", "/calls/initiate", wish, 404)
    assert list(refused["details"]["fields"]) == [name]


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({}, 400, "VALIDATION_ERROR"),
        ({"to_number": "12"}, 400, "VALIDATION_ERROR"),
        ({"to_number": "+1555123456", "business_id": "none"}, 404, "NOT_FOUND"),
        ({"to_number": "+1555123456", "agent_id": "none"}, 404, "NOT_FOUND"),
    ],
)
async def test_a_call_that_cannot_be_is_refused(
    client: Client, wish: dict[str, str], status: int, code: str
) -> None:
    refused = await client.refused("POST", "/calls/initiate", wish, status)
    assert refused["code"] == code


async def test_only_live_calls_are_escalated_and_to_people_alone(api: Api, client: Client) -> None:
    call = await add_call(api, await owner(api), CallStatus.ENDED)
    refused = await client.refused("POST", f"/calls/{call}/escalate")
    assert refused["code"] == "VALIDATION_ERROR"
    shop = (await client.want(201, "POST", "/config/business", {"name": "Shop"}))["id"]
    for id_ in (shop, "none"):
        await client.want(404, "POST", f"/calls/{call}/escalate", {"agent_id": id_})


async def test_to_end_an_ended_call_leaves_it_as_it_is(api: Api, client: Client) -> None:
    call = await add_call(api, await owner(api), CallStatus.ENDED, ended_wall=1_700_000_000.0)
    before = await client.want(200, "GET", f"/calls/{call}")
    for _ in range(2):
        assert await client.want(200, "POST", f"/calls/{call}/end") == before


# --- notes, notifications -------------------------------------------------------------------------


async def test_a_note_is_changed_in_part(api: Api, client: Client) -> None:
    call = await add_call(api, await owner(api), CallStatus.ENDED)
    path = f"/calls/{call}/notes"
    sent = {"note": "Note text", "category": "Follow-up", "tags": ["important"]}
    note = await client.want(201, "POST", path, sent)
    assert note["created_by"] == await owner(api)
    changed = await client.want(200, "PUT", f"{path}/{note['id']}", {"note": "Updated"})
    assert (changed["note"], changed["category"], changed["tags"]) == (
        "Updated",
        "Follow-up",
        ["important"],
    )
    cleared = await client.want(200, "PUT", f"{path}/{note['id']}", {"category": None, "tags": []})
    assert (cleared["category"], cleared["tags"]) == (None, [])
    await client.refused("POST", path, {"note": ""})
    await client.want(200, "DELETE", f"{path}/{note['id']}")
    assert await client.want(200, "GET", path) == []


async def test_notifications_are_counted_until_they_are_read(api: Api, client: Client) -> None:
    mine = await owner(api)
    async with api.services.events.writing() as work:
        for type_ in ("escalation.opened", "escalation.failed", "system"):
            await api.services.notifications.notify(work, mine, type_, "Title", "Message")
    assert await client.want(200, "GET", "/notifications/unread-count") == {
        "unread_count": 3,
        "count": 3,
    }
    newest, *_ = found = await client.want(200, "GET", "/notifications")
    assert [each["type"] for each in found] == ["system", "escalation.failed", "escalation.opened"]
    assert len(await client.want(200, "GET", "/notifications?type=escalation")) == 2
    assert len(await client.want(200, "GET", "/notifications?type=system")) == 1
    for _ in range(2):
        read = await client.want(200, "PATCH", f"/notifications/{newest['id']}/read")
        assert read["is_read"]
    assert len(await client.want(200, "GET", "/notifications?unread_only=true")) == 2
    all_read = await client.want(200, "PATCH", "/notifications/read-all")
    assert all_read == {"success": True, "updated": 2, "unread_count": 0}


# --- set-up, passwords ----------------------------------------------------------------------------


async def test_setting_up_needs_no_token_until_it_was_done(api: Api) -> None:
    path = f"{BASE}/setup/complete"
    whole = SETUP | {
        "agents": [{"name": "Jane", "phone_number": "+15550009", "desk": 3}],
        "knowledge_base": [{"title": "Hours", "content": "Nine to five."}],
        "api_config": {"openai_api_key": "sk-0123456789abcdefgh"},
    }
    tried = await api.client.post(f"{BASE}/config/test-connection", json={"openai_api_key": "sk-1"})
    assert (await tried.json())["success"] is True
    response = await api.client.post(path, json=whole)
    made = await response.json()
    assert response.status == 200, made
    assert made["agents"][0]["desk"] == 3
    assert made["knowledge_base"][0]["title"] == "Hours"
    agent = made["business_config"]["id"]
    (found,) = (await api.want(200, "GET", f"/v1/documents?agent_id={agent}"))["items"]
    assert found["title"] == "Hours"
    (key,) = (await api.want(200, "GET", "/v1/provider-keys"))["items"]
    assert (key["provider"], key["hint"], key["owner_id"]) == ("openai", "efgh", OPERATOR_ID)
    for again in (path, f"{BASE}/config/test-connection"):
        response = await api.client.post(again, json=whole)
        assert response.status == 401


async def test_with_a_token_it_is_done_again_for_its_account(api: Api, client: Client) -> None:
    for count in (1, 2):
        await client.want(200, "POST", "/setup/complete", SETUP)
        assert len(await client.want(200, "GET", "/config/business")) == count
    wrong = await api.client.post(
        f"{BASE}/setup/complete", json=SETUP, headers={"Authorization": "Bearer none"}
    )
    assert wrong.status == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "business_config"),
        ({"business_config": {}}, "business_config.name"),
        (SETUP | {"agents": [{"name": "Jane"}, {}]}, "agents[1].name"),
        (SETUP | {"knowledge_base": [{"title": "x"}]}, "knowledge_base[0].content"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_made(
    client: Client, body: Any, field: str
) -> None:
    refused = await client.refused("POST", "/setup/complete", body)
    assert refused["code"] == "VALIDATION_ERROR"
    assert field in refused["details"]["fields"]
    assert await client.want(200, "GET", "/config/business") == []
    assert await client.want(200, "GET", "/agents") == []


async def test_a_forgotten_password_is_set_anew_by_what_was_sent(api: Api) -> None:
    await api.user(ANN)
    nobody = Client(api, "")
    known = await nobody.want(200, "POST", "/auth/forgot-password", {"email": ANN})
    assert known == await nobody.want(
        200, "POST", "/auth/forgot-password", {"email": "x@example.org"}
    )
    sent = await api.want(200, "GET", f"/v1/outbox?to={ANN}")
    found = re.search(r"token=(\S+)", sent["items"][0]["body"])
    assert found is not None
    wish = {"token": found[1], "new_password": "newpassword"}
    await nobody.want(200, "POST", "/auth/reset-password", wish)
    again = await nobody.refused("POST", "/auth/reset-password", wish)
    assert again["code"] == "VALIDATION_ERROR"
    login = {"email": ANN, "password": "newpassword"}
    tokens = await nobody.want(200, "POST", "/auth/login", login)
    assert tokens["token_type"] == "bearer"
    wrong = await nobody.refused("POST", "/auth/login", login | {"password": "other"}, 401)
    assert wrong["code"] == "INVALID_CREDENTIALS"
    assert wrong["details"] == {}


# --- figures --------------------------------------------------------------------------------------


async def test_figures_agree_with_the_list(api: Api, client: Client) -> None:
    mine = await owner(api)
    shop = (await client.want(201, "POST", "/config/business", {"name": "Shop"}))["id"]
    await add_call(api, mine, CallStatus.ENDED, created_wall=api.clock.wall(), agent_id=shop)
    await add_call(api, mine, CallStatus.ENDED, created_wall=api.clock.wall(), outcome=Outcome.BUSY)
    await client.want(201, "POST", "/calls/initiate", {"to_number": "+1555123456"})
    await api.services.analytics.rebuild()
    while await api.services.analytics.follow():
        pass
    dashboard = await client.want(200, "GET", "/analytics/dashboard")
    assert dashboard["total_calls"] == (await client.want(200, "GET", "/calls"))["total"] == 3
    assert (dashboard["active_calls"], dashboard["completed_calls"]) == (1, 1)
    assert (dashboard["failed_calls"], dashboard["success_rate"]) == (1, 50.0)
    assert dashboard["calls_today"] == 3
    volume = await client.want(200, "GET", "/analytics/call-volume?group_by=hour")
    assert volume["total"] == sum(each["total"] for each in volume["data"]) == 3
    shops = await client.want(200, "GET", f"/analytics/dashboard?business_id={shop}")
    assert shops["completed_calls"] == 1
    assert shops["failed_calls"] == 0


async def test_figures_come_as_files_too(api: Api, client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.token}"}
    for query, content, begins in (
        ("", "text/csv", b"date,"),
        ("format=pdf", "application/pdf", b"%PDF"),
    ):
        response = await api.client.get(f"{BASE}/analytics/export?{query}", headers=headers)
        assert response.status == 200
        assert response.content_type == content
        assert "attachment" in response.headers["Content-Disposition"]
        assert (await response.read()).startswith(begins)
    refused = await client.refused("GET", "/analytics/export?format=doc")
    assert refused["code"] == "VALIDATION_ERROR"
