"""Retries, numbers that are not called, quiet hours and stops, as a client meets them."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.accounts import Role
from offhook.control.domain.calls import Call, CallStatus, LineAttempt, Outcome
from offhook.control.store.calls import CALLS
from offhook.media.ports import HangUpCause
from offhook.tests.kit.api import Api

TO = "+49301234"


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def failed_call(api: Api, **changes: Any) -> Call:
    """A call that found its number busy, and is to be tried again in ten minutes."""
    now = api.clock.wall()
    fields: dict[str, Any] = {
        "owner_id": OPERATOR_ID,
        "inbound": False,
        "from_number": "",
        "to_number": TO,
        "line": "a",
        "status": CallStatus.ENDED,
        "outcome": Outcome.BUSY,
        "cause": HangUpCause.BUSY,
        "sip_status": 486,
        "q850": 17,
        "failure_reason": "the far end is busy",
        "started_wall": now - 5,
        "ended_wall": now,
        "next_retry_wall": now + 600,
        "attempts": (
            LineAttempt(line="b", at_wall=now - 6, cause=HangUpCause.OVERLOADED, sip_status=503),
        ),
        "created_wall": now,
        "updated_wall": now,
    }
    async with api.database.write() as tx:
        return await CALLS.add(tx, Call(**(fields | changes)))


async def retries_of(api: Api) -> list[str]:
    page = await api.want(200, "GET", "/v1/retries")
    return [item["call_id"] for item in page["items"]]


async def test_an_agents_rules_are_those_by_default_until_some_are_changed(api: Api) -> None:
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"})
    path = f"/v1/agents/{agent['id']}/retries"
    policy = await api.want(200, "GET", path)
    found = {
        name: (rule["max_attempts"], rule["initial_delay_s"], rule["factor"])
        for name, rule in policy.items()
    }
    assert found == {
        "no_answer": (3, 300.0, 2.0),
        "busy": (2, 600.0, 1.5),
        "failed": (2, 900.0, 1.5),
    }
    changes = {"no_answer": {"max_attempts": 5, "initial_delay_s": 600}}
    changed = await api.want(200, "PATCH", path, changes)
    assert changed["no_answer"] == policy["no_answer"] | changes["no_answer"]
    assert (changed["busy"], changed["failed"]) == (policy["busy"], policy["failed"])
    assert await api.want(200, "GET", path) == changed
    other = await api.user("ann@example.com")
    await api.want(404, "GET", path, token=other)
    await api.want(404, "PATCH", path, {}, token=other)


@pytest.mark.parametrize(
    "body",
    [
        {"no_answer": {"max_attempts": -1}},
        {"busy": {"initial_delay_s": -5}},
        {"failed": {"factor": 0.5}},
        {"failed": {"backoff": "sometimes"}},
        {"failed": {"max_attempts": "many"}},
        {"voicemail": {"max_attempts": 1}},
    ],
)
async def test_rules_that_make_no_sense_are_refused(api: Api, body: dict[str, Any]) -> None:
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"})
    problem = await api.want(422, "PATCH", f"/v1/agents/{agent['id']}/retries", body)
    assert problem["errors"]


async def test_what_is_to_be_tried_again_is_listed_and_can_be_tried_now(api: Api) -> None:
    first = await failed_call(api)
    page = await api.want(200, "GET", "/v1/retries")
    (item,) = page["items"]
    assert (item["call_id"], item["to"], item["retry_attempt"]) == (first.id, TO, 0)
    assert (item["reason"], item["next_retry_at"]) == ("busy", "2023-11-14T22:23:20Z")
    retry = await api.want(202, "POST", f"/v1/calls/{first.id}/retry")
    assert (retry["status"], retry["retry_attempt"]) == ("queued", 1)
    assert (retry["original_call_id"], retry["to"], retry["line"]) == (first.id, TO, "")
    assert await retries_of(api) == []
    problem = await api.want(409, "POST", f"/v1/calls/{first.id}/retry")
    assert retry["id"] in problem["detail"]
    for id_ in (first.id, retry["id"]):
        tries = (await api.want(200, "GET", f"/v1/calls/{id_}/attempts"))["items"]
        assert [(each["call_id"], each["status"]) for each in tries] == [
            (first.id, "ended"),
            (retry["id"], "queued"),
        ]
        assert (tries[0]["sip_status"], tries[0]["q850"], tries[0]["cause"]) == (486, 17, "busy")
        assert tries[0]["lines_tried"][0]["sip_status"] == 503


async def test_a_call_of_a_campaign_that_is_over_is_tried_again_by_hand_on_its_own(
    api: Api,
) -> None:
    campaign = await api.want(201, "POST", "/v1/campaigns", {"name": "Spring", "numbers": [TO]})
    path = f"/v1/campaigns/{campaign['id']}"
    await api.want(200, "POST", f"{path}/launch")
    going_on = await failed_call(api, campaign_id=campaign["id"], next_retry_wall=None)
    retry = await api.want(202, "POST", f"/v1/calls/{going_on.id}/retry")
    assert retry["campaign_id"] == campaign["id"]
    await api.want(200, "POST", f"{path}/stop")
    first = await failed_call(api, campaign_id=campaign["id"], next_retry_wall=None)
    retry = await api.want(202, "POST", f"/v1/calls/{first.id}/retry")
    # As a call of the campaign it would be cancelled; so it counts for it as it ended.
    assert (retry["campaign_id"], retry["original_call_id"]) == (None, first.id)
    assert (await api.want(200, "GET", path))["progress"]["busy"] == 1


async def test_no_other_account_sees_or_tries_a_call(api: Api) -> None:
    first = await failed_call(api)
    other = await api.user("ann@example.com")
    assert (await api.want(200, "GET", "/v1/retries", token=other))["items"] == []
    await api.want(404, "POST", f"/v1/calls/{first.id}/retry", token=other)
    await api.want(404, "DELETE", f"/v1/retries/{first.id}", token=other)
    await api.want(404, "GET", f"/v1/calls/{first.id}/attempts", token=other)


@pytest.mark.parametrize("path", ["/v1/retries/{}", "/v1/calls/{}"])
async def test_who_cancels_a_call_that_has_failed_has_no_further_try(api: Api, path: str) -> None:
    first = await failed_call(api)
    response = await api.ask("DELETE", path.format(first.id))
    assert response.status in (202, 204)
    assert await retries_of(api) == []
    await api.want(409, "DELETE", path.format(first.id))
    call = await api.want(200, "GET", f"/v1/calls/{first.id}")
    assert (call["outcome"], call["next_retry_at"]) == ("busy", None)


async def test_who_cancels_the_original_cancels_its_try_that_waits(api: Api) -> None:
    first = await failed_call(api)
    retry = await api.want(202, "POST", f"/v1/calls/{first.id}/retry")
    await api.want(204, "DELETE", f"/v1/retries/{first.id}")
    call = await api.want(200, "GET", f"/v1/calls/{retry['id']}")
    assert (call["status"], call["outcome"]) == ("ended", "cancelled")


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": Outcome.COMPLETED, "next_retry_wall": None},
        {"outcome": Outcome.CANCELLED, "next_retry_wall": None},
        {"inbound": True, "next_retry_wall": None},
        {"status": CallStatus.LIVE, "outcome": None, "next_retry_wall": None},
    ],
)
async def test_only_what_has_failed_is_tried_again(api: Api, changes: dict[str, Any]) -> None:
    call = await failed_call(api, **changes)
    await api.want(409, "POST", f"/v1/calls/{call.id}/retry")


async def test_a_number_that_is_not_to_be_called_is_not_whatever_waited(api: Api) -> None:
    first = await failed_call(api)
    later = {"scheduled_for": "2023-12-24T18:00:00Z"}
    waiting = await api.want(202, "POST", "/v1/calls", {"to": "4930 1234", **later})
    other = await api.want(202, "POST", "/v1/calls", {"to": "+4930999", **later})
    body = {"number": "0049 30 12-34", "reason": "they asked"}
    entry = await api.want(201, "POST", "/v1/do-not-call", body)
    assert (entry["number"], entry["reason"]) == ("0049301234", "they asked")
    assert await retries_of(api) == []
    call = await api.want(200, "GET", f"/v1/calls/{waiting['id']}")
    assert (call["outcome"], call["failure_reason"]) == (
        "cancelled",
        "the number is on the do-not-call list",
    )
    assert (await api.want(200, "GET", f"/v1/calls/{other['id']}"))["status"] == "scheduled"
    for spelling in (TO, "49301234", "sip:+49301234@carrier.example", "tel:+49-30-1234"):
        problem = await api.want(422, "POST", "/v1/calls", {"to": spelling, **later})
        assert problem["errors"][0]["field"] == "to"
    await api.want(422, "POST", f"/v1/calls/{first.id}/retry")
    await api.want(409, "POST", "/v1/do-not-call", {"number": "+49 30 1234"})
    page = await api.want(200, "GET", "/v1/do-not-call?number=tel:%2B49-30-1234")
    assert [item["id"] for item in page["items"]] == [entry["id"]]
    await api.want(204, "DELETE", f"/v1/do-not-call/{entry['id']}")
    await api.want(404, "DELETE", f"/v1/do-not-call/{entry['id']}")
    await api.want(202, "POST", "/v1/calls", {"to": TO, **later})


async def test_what_one_account_does_not_call_another_may_unless_nobody_may(api: Api) -> None:
    ann, bob = await api.user("ann@example.com"), await api.user("bob@example.com")
    entry = await api.want(201, "POST", "/v1/do-not-call", {"number": TO}, token=ann)
    later = {"scheduled_for": "2023-12-24T18:00:00Z", "to": TO}
    await api.want(422, "POST", "/v1/calls", later, token=ann)
    placed = await api.want(202, "POST", "/v1/calls", later, token=bob)
    assert (await api.want(200, "GET", "/v1/do-not-call", token=bob))["items"] == []
    await api.want(404, "DELETE", f"/v1/do-not-call/{entry['id']}", token=bob)
    everyone = {"number": TO, "everyone": True}
    await api.want(403, "POST", "/v1/do-not-call", everyone, token=bob)
    await api.want(201, "POST", "/v1/do-not-call", everyone)
    await api.want(409, "POST", "/v1/do-not-call", everyone)
    call = await api.want(200, "GET", f"/v1/calls/{placed['id']}", token=bob)
    assert call["outcome"] == "cancelled"
    await api.want(422, "POST", "/v1/calls", later, token=bob)


@pytest.mark.parametrize("body", [{"number": "alice"}, {"number": ""}, {}])
async def test_what_is_no_number_is_not_listed(api: Api, body: dict[str, str]) -> None:
    await api.want(422, "POST", "/v1/do-not-call", body)


async def test_an_account_is_stopped_and_goes_on(api: Api) -> None:
    token = await api.user("ann@example.com")
    before = await api.want(200, "GET", "/v1/dialing", token=token)
    assert (before["stopped"], before["quiet_hours"], before["timezone"]) == (False, None, "UTC")
    woken: list[int] = []
    api.services.dialing.on_change = lambda: woken.append(1)
    body = {"stopped": True, "stop_reason": "wrong list"}
    stopped = await api.want(200, "PATCH", "/v1/dialing", body, token=token)
    assert (stopped["stopped"], stopped["stopped_at"]) == (True, "2023-11-14T22:13:20Z")
    api.clock.advance(60)
    again = await api.want(200, "PATCH", "/v1/dialing", {"stopped": True}, token=token)
    assert again == stopped, "since it was stopped"
    going = await api.want(200, "PATCH", "/v1/dialing", {"stopped": False}, token=token)
    assert (going["stopped"], going["stopped_at"], going["stop_reason"]) == (False, None, "")
    assert len(woken) == 3


async def test_everybody_is_stopped_by_administrators_alone(api: Api) -> None:
    ann, admin = await api.user("ann@example.com"), await api.user("root@x.org", Role.ADMIN)
    for method in ("GET", "PATCH"):
        await api.want(403, method, "/v1/dialing/everyone", {}, token=ann)
    account = (await api.want(200, "GET", "/v1/me", token=ann))["id"]
    await api.want(404, "GET", f"/v1/accounts/{OPERATOR_ID}/dialing", token=ann)
    await api.want(404, "GET", "/v1/accounts/nobody/dialing", token=admin)
    for path in ("/v1/dialing/everyone", f"/v1/accounts/{account}/dialing"):
        await api.want(200, "PATCH", path, {"stopped": True}, token=admin)
        assert (await api.want(200, "GET", "/v1/dialing", token=ann))["stopped"] is True
        await api.want(200, "PATCH", path, {"stopped": False}, token=admin)
        assert (await api.want(200, "GET", "/v1/dialing", token=ann))["stopped"] is False


async def test_quiet_hours_of_all_count_where_an_account_has_none(api: Api) -> None:
    token = await api.user("ann@example.com")
    # The test's clock shows 22:13 in UTC.
    body = {"quiet_hours": {"begins": "22:00", "ends": "07:30"}, "timezone": "Europe/London"}
    await api.want(200, "PATCH", "/v1/dialing/everyone", body)
    quiet = await api.want(200, "GET", "/v1/dialing", token=token)
    assert (quiet["timezone"], quiet["quiet_until"]) == ("Europe/London", "2023-11-15T07:30:00Z")
    own = {"quiet_hours": {"begins": "01:00", "ends": "06:00"}, "timezone": "Asia/Tokyo"}
    loud = await api.want(200, "PATCH", "/v1/dialing", own, token=token)
    assert (loud["quiet_until"], loud["quiet_hours"]["begins"]) == (None, "01:00")
    await api.want(200, "PATCH", "/v1/dialing", {"quiet_hours": None}, token=token)
    again = await api.want(200, "GET", "/v1/dialing", token=token)
    assert (again["quiet_hours"]["begins"], again["quiet_until"]) == (
        "22:00",
        "2023-11-14T22:30:00Z",
    ), "half past seven in Tokyo"


@pytest.mark.parametrize(
    "body",
    [
        {"timezone": "Mars/Olympus"},
        {"quiet_hours": {"begins": "25:00"}},
        {"quiet_hours": {"days": [1, 2, 3, 4, 5, 6, 7]}},
        {"stopped": "yes"},
    ],
)
async def test_settings_that_make_no_sense_are_refused(api: Api, body: dict[str, Any]) -> None:
    await api.want(422, "PATCH", "/v1/dialing", body)
