"""Calls that a carrier reports, and the end of agents."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import Principal
from offhook.control.domain.calls import CallStatus, Outcome
from offhook.control.errors import NotFound
from offhook.control.store.calls import CallFilter
from offhook.control.store.rows import PageQuery
from offhook.tests.kit.api import Api

NUMBER, CALLER = "+919876543211", "+919876543210"


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as found:
        yield found


async def who_of(api: Api, token: str) -> Principal:
    return await api.services.authentication.principal(f"Bearer {token}")


async def report(api: Api, status: CallStatus, outcome: Outcome | None = None, **more: Any) -> Any:
    fields = {"wire_id": "sid", "from_number": CALLER, "to_number": NUMBER} | more
    return await api.services.reported_calls.report(
        "exotel", status=status, outcome=outcome, **fields
    )


async def test_a_report_is_one_call_of_the_numbers_owner(api: Api) -> None:
    token = await api.user("ann@example.com")
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"}, token=token)
    await api.want(
        201, "POST", "/v1/numbers", {"number": NUMBER, "agent_id": agent["id"]}, token=token
    )
    first = await report(api, CallStatus.LIVE)
    api.clock.advance(30.0)
    last = await report(api, CallStatus.ENDED, Outcome.COMPLETED, to_number=NUMBER[1:])
    assert last.id == first.id
    assert (last.agent_name, last.duration_s, last.outcome) == ("Anna", 30.0, Outcome.COMPLETED)
    again = await report(api, CallStatus.LIVE)
    assert (again.id, again.status) == (first.id, CallStatus.ENDED)
    who = await who_of(api, token)
    page = await api.services.calls.page(who, PageQuery(total=True), CallFilter(inbound=True))
    assert page.total == 1


async def test_a_number_that_is_none_of_ours_is_no_call(api: Api) -> None:
    assert await report(api, CallStatus.LIVE) is None
    token = await api.user("ann@example.com")
    sent = {"number": NUMBER, "is_active": False}
    await api.want(201, "POST", "/v1/numbers", sent, token=token)
    assert await report(api, CallStatus.LIVE) is None


async def test_with_its_agent_what_was_still_to_be_done_is_called_off(api: Api) -> None:
    token = await api.user("ann@example.com")
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"}, token=token)
    other = await api.want(201, "POST", "/v1/agents", {"name": "Otto"}, token=token)
    calls = [
        await api.want(202, "POST", "/v1/calls", {"to": CALLER, "agent_id": id_}, token=token)
        for id_ in (agent["id"], agent["id"], other["id"])
    ]
    recurrence = {"pattern": "daily", "time": "10:00"}
    schedule = await api.want(
        201,
        "POST",
        "/v1/schedules",
        {"to": CALLER, "agent_id": agent["id"], "recurrence": recurrence},
        token=token,
    )
    await api.services.agent_removal.remove(await who_of(api, token), agent["id"])
    found = [
        (await api.want(200, "GET", f"/v1/calls/{call['id']}", token=token))["outcome"]
        for call in calls
    ]
    assert found == ["cancelled", "cancelled", None]
    paused = await api.want(200, "GET", f"/v1/schedules/{schedule['id']}", token=token)
    assert (paused["is_active"], paused["next_run_at"]) == (False, None)
    await api.want(404, "GET", f"/v1/agents/{agent['id']}", token=token)


async def test_somebody_elses_agent_is_not_there(api: Api) -> None:
    ann, bob = await api.user("ann@example.com"), await api.user("bob@example.com")
    agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"}, token=ann)
    wish = {"to": CALLER, "agent_id": agent["id"]}
    call = await api.want(202, "POST", "/v1/calls", wish, token=ann)
    with pytest.raises(NotFound):
        await api.services.agent_removal.remove(await who_of(api, bob), agent["id"])
    assert (await api.want(200, "GET", f"/v1/calls/{call['id']}", token=ann))["outcome"] is None
