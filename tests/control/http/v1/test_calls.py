"""Calls as a client places, finds, changes and reads them. Who dials them: test_dispatch.py."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from offhook.control.auth.principal import Principal
from offhook.control.auth.scopes import EVERYTHING
from offhook.control.domain.accounts import Account, Role as AccountRole
from offhook.control.errors import NotFound, Unprocessable
from offhook.control.services.accounts import ACCOUNTS
from offhook.control.services.calls import NewCall
from offhook.control.store.calls import CALLS, CallFilter
from offhook.control.store.rows import PageQuery
from offhook.media.conversation.records import CallStatus, Role
from offhook.tests.kit.api import Api
from offhook.tests.kit.call_records import agent_turn, call_of, call_record, started, turn_added


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def place(api: Api, **body: Any) -> Any:
    return await api.want(202, "POST", "/v1/calls", {"to": "+15550001"} | body)


async def test_a_call_is_placed_read_changed_and_cancelled(api: Api) -> None:
    woken: list[bool] = []
    api.services.calls.on_pending = lambda: woken.append(True)
    made = await place(
        api,
        to="+49 (30) 12-34",
        context={"name": "Ann"},
        metadata={"campaign": "spring"},
        priority="high",
        scheduled_for="2023-11-15T00:00:00+01:00",
        timezone="Europe/Berlin",
    )
    assert (made["status"], made["to"], made["direction"]) == ("scheduled", "+49301234", "outbound")
    assert made["scheduled_for"] == "2023-11-14T23:00:00Z"
    assert (made["outcome"], made["started_at"], made["turns"]) == (None, None, [])
    path = f"/v1/calls/{made['id']}"
    assert await api.want(200, "GET", path) == made
    changed = await api.want(
        200, "PATCH", path, {"scheduled_for": None, "priority": "low", "metadata": {"a": 1}}
    )
    assert (changed["status"], changed["priority"]) == ("queued", "low")
    assert (changed["metadata"], changed["context"]) == ({"a": 1}, {"name": "Ann"})
    gone = await api.want(202, "DELETE", path)
    assert (gone["status"], gone["outcome"]) == ("ended", "cancelled")
    assert len(woken) == 3
    for method, suffix, body in (("DELETE", "", None), ("POST", "/hangup", None)):
        problem = await api.want(409, method, f"{path}{suffix}", body)
        assert problem["code"] == "conflict"
    await api.want(409, "PATCH", path, {"priority": "high"})
    assert (await api.want(200, "PATCH", path, {"metadata": {}}))["metadata"] == {}


async def test_a_moment_without_a_zone_is_one_of_the_calls_own(api: Api) -> None:
    berlin = await place(api, scheduled_for="2023-11-15T00:00:00", timezone="Europe/Berlin")
    assert berlin["scheduled_for"] == "2023-11-14T23:00:00Z"
    past = await place(api, scheduled_for="2023-11-14T00:00:00")
    assert past["status"] == "queued"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"to": "12"}, ["to"]),
        ({"to": "+1234567890123456"}, ["to"]),
        ({"to": "call me"}, ["to"]),
        ({"to": "sip:"}, ["to"]),
        ({"to": "+15550001", "from": "me"}, ["from"]),
        ({"to": "+15550001", "timezone": "Europe/Atlantis"}, ["timezone"]),
        ({"to": "+15550001", "timezone": "../etc/passwd"}, ["timezone"]),
        ({"to": "+15550001", "ring_limit_s": 4}, ["ring_limit_s"]),
        ({"to": "+15550001", "ring_limit_s": 1e9}, ["ring_limit_s"]),
        ({"to": "+15550001", "context": {"a": "x" * 20_000}}, ["context"]),
        ({"to": "+15550001", "scheduled_for": "2033-01-01T00:00:00Z"}, ["scheduled_for"]),
        ({"to": "+15550001", "agent_id": "nobody"}, ["agent_id"]),
        ({"to": "1", "agent_id": "nobody", "from": "x"}, ["to", "from", "agent_id"]),
        ({}, ["to"]),
        ({"to": "+15550001", "when": "now"}, ["when"]),
        ({"to": "+15550001", "priority": "huge"}, ["priority"]),
    ],
)
async def test_all_that_is_wrong_with_a_wish_is_named(
    api: Api, body: dict[str, Any], fields: list[str]
) -> None:
    problem = await api.want(422, "POST", "/v1/calls", body)
    assert [error["field"] for error in problem["errors"]] == fields
    assert (await api.want(200, "GET", "/v1/calls"))["items"] == []


async def test_only_an_active_agent_can_be_named(api: Api) -> None:
    person = await api.want(201, "POST", "/v1/agents", {"name": "Bob", "kind": "human"})
    idle = await api.want(201, "POST", "/v1/agents", {"name": "Carl", "is_active": False})
    good = await api.want(201, "POST", "/v1/agents", {"name": "Anna"})
    for agent in (person, idle):
        body = {"to": "+15550001", "agent_id": agent["id"]}
        problem = await api.want(422, "POST", "/v1/calls", body)
        assert problem["field"] == "agent_id"
    made = await place(api, agent_id=good["id"])
    assert (made["agent"], made["agent_id"]) == ("Anna", good["id"])


async def test_lists_are_filtered_whatever_is_in_memory(api: Api) -> None:
    record = call_record(1, agent="Anna", from_number="+15559999")
    api.calls.add(call_of(record), record, lambda: None)
    await api.calls.settled()
    record.status = CallStatus.RINGING  # in memory, and not stored
    queued = await place(api)
    for query, found in (
        ("", [queued["id"], "call-1"]),
        ("status=ringing", ["call-1"]),
        ("status=live", []),
        ("status=ringing,queued", [queued["id"]]),
        ("status=live,queued", [queued["id"]]),
        ("status=live,ended", []),
        ("direction=inbound", ["call-1"]),
        ("number=%2B15550001", [queued["id"]]),
        ("search=anna", ["call-1"]),
        ("line=office", ["call-1"]),
        ("outcome=busy", []),
        ("created_after=2023-11-14T22:13:21Z", ["call-1"]),
        ("sort=started_at", ["call-1"]),
    ):
        page = await api.want(200, "GET", f"/v1/calls?{query}")
        ids = {item["id"] for item in page["items"]}
        assert ids == set(found), query
    page = await api.want(200, "GET", "/v1/calls?total=true&limit=1")
    assert (page["total"], len(page["items"])) == (2, 1)
    for query, field in (("status=live,dead", "status"), ("sort=to", "sort")):
        assert (await api.want(400, "GET", f"/v1/calls?{query}"))["field"] == field


async def test_a_page_is_not_short_because_calls_have_moved_on(api: Api) -> None:
    records = [call_record(number) for number in range(1, 6)]
    for record in records:
        api.calls.add(call_of(record), record, lambda: None)
    waiting = await place(api)
    await api.calls.settled()
    for record in records[1:]:
        record.status = CallStatus.ENDED  # in memory, and not stored
    for limit, found in ((1, ["call-1"]), (2, ["call-1", waiting["id"]])):
        page = await api.want(200, "GET", f"/v1/calls?status=live,queued&limit={limit}&total=true")
        assert [item["id"] for item in page["items"]] == found
    oldest = "sort=created_at&status=live,queued&limit=2"
    page = await api.want(200, "GET", f"/v1/calls?{oldest}")
    assert [item["id"] for item in page["items"]] == [waiting["id"], "call-1"]


async def test_turns_and_transcript_of_a_call_live_and_ended(api: Api) -> None:
    record = call_record(1)
    api.calls.add(call_of(record), record, lambda: None)
    for index, (role, text) in enumerate(
        ((Role.AGENT, "Hi."), (Role.CALLER, "Hello."), (Role.AGENT, "Bye."))
    ):
        turn = agent_turn(index, text)
        record.turns.append(type(turn)(**{**_fields(turn), "role": role}))
        api.calls.tell(turn_added(record, record.turns[-1]))
    for ended in (False, True):
        if ended:
            record.status = CallStatus.ENDED
            api.calls.remove("call-1")
        await api.calls.settled()
        page = await api.want(200, "GET", "/v1/calls/call-1/turns?limit=2")
        assert ([turn["text"] for turn in page["items"]], page["next"]) == (["Hi.", "Hello."], 1)
        rest = await api.want(200, "GET", "/v1/calls/call-1/turns?after=1")
        assert ([turn["text"] for turn in rest["items"]], rest["next"]) == (["Bye."], None)
        transcript = await api.want(200, "GET", "/v1/calls/call-1/transcript")
        assert transcript["text"] == "Agent: Hi.\nCaller: Hello.\nAgent: Bye."
        plain = await api.ask("GET", "/v1/calls/call-1/transcript?format=text")
        assert (plain.content_type, await plain.text()) == (
            "text/plain",
            "Agent: Hi.\nCaller: Hello.\nAgent: Bye.\n",
        )
    waiting = await place(api)
    assert (await api.want(200, "GET", f"/v1/calls/{waiting['id']}/turns"))["items"] == []


def _fields(turn: Any) -> dict[str, Any]:
    return {name: getattr(turn, name) for name in turn.__struct_fields__}


async def test_data_of_a_live_call_is_changed_where_it_is_read(api: Api) -> None:
    record = call_record(1)
    api.calls.add(call_of(record), record, lambda: None)
    api.calls.tell(started(record))
    await api.calls.settled()
    changed = await api.want(200, "PATCH", "/v1/calls/call-1", {"metadata": {"a": 1}})
    assert (changed["status"], changed["metadata"]) == ("live", {"a": 1})
    assert (await api.want(200, "GET", "/v1/calls/call-1"))["metadata"] == {"a": 1}
    await api.want(409, "PATCH", "/v1/calls/call-1", {"priority": "high"})


async def test_another_accounts_calls_are_not_there(api: Api) -> None:
    """The operator sees all; what an account sees is asked of the service."""
    ann = Account(email="ann@example.org")
    async with api.database.write() as tx:
        await ACCOUNTS.add(tx, ann)
    who = Principal(ann.id, AccountRole.USER, EVERYTHING, "access")
    made = await place(api)
    record = call_record(1)
    api.calls.add(call_of(record), record, lambda: None)
    await api.calls.settled()
    calls = api.services.calls
    for id_ in (made["id"], "call-1"):
        for asked in (
            calls.get(who, id_),
            calls.change(who, id_, {"metadata": {}}),
            calls.end(who, id_),
            calls.turns(who, id_, -1, 10),
            calls.recording_path(who, id_),
            api.services.control.say(who, id_, "x", False),
        ):
            with pytest.raises(NotFound):
                await asked
    for wanted in (CallFilter(), CallFilter(statuses=(call_of(record).status,))):
        page = await calls.page(who, PageQuery(sort="-created_wall"), wanted)
        assert page.items == ()
    async with api.database.write() as tx:
        await CALLS.add(tx, call_of(call_record(2), owner_id=ann.id))
    assert (await calls.get(who, "call-2")).owner_id == ann.id


async def test_a_call_is_not_made_in_the_name_of_another_accounts_person(api: Api) -> None:
    person = {"name": "Bob", "kind": "human", "phone_number": "+15550001"}
    token = await api.user("ann@example.org")
    bob = await api.want(201, "POST", "/v1/agents", person, token=token)
    account = await api.services.sign_in.named("ann@example.org")
    assert account is not None
    ann = Principal(account.id, AccountRole.USER, EVERYTHING, "access")
    other = msgspec.structs.replace(ann, account_id="somebody-else")
    wanted = NewCall(to="+15550002", human_agent_id=bob["id"])
    with pytest.raises(Unprocessable) as refused:
        await api.services.calls.place(other, wanted)
    assert [error.field for error in refused.value.errors] == ["human_agent_id"]
    assert (await api.services.calls.place(ann, wanted)).human_agent_id == bob["id"]
