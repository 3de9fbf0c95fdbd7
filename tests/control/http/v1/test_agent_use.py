"""What an agent is used for is told before it is deleted."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.calls import Call, CallStatus, Escalation, Outcome
from offhook.control.store import schema
from offhook.control.store.calls import CALLS
from offhook.control.store.rows import Rows
from offhook.tests.kit.api import Api

ESCALATIONS = Rows(schema.ESCALATIONS, Escalation)
DAILY = {"pattern": "daily", "time": "10:00", "timezone": "UTC"}


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as found:
        yield found


async def add_call(api: Api, status: CallStatus, **fields: Any) -> str:
    call = Call(
        owner_id=OPERATOR_ID,
        inbound=False,
        from_number="",
        to_number="+15550001",
        status=status,
        outcome=Outcome.COMPLETED if status is CallStatus.ENDED else None,
        **fields,
    )
    async with api.database.write() as tx:
        return (await CALLS.add(tx, call)).id


async def test_a_new_agent_is_not_in_use(api: Api) -> None:
    id_ = (await api.want(201, "POST", "/v1/agents", {"name": "Anna"}))["id"]
    use = await api.want(200, "GET", f"/v1/agents/{id_}/usage")
    assert use.pop("agent_id") == id_
    assert use.pop("is_in_use") is False
    assert set(use.values()) == {0}
    await api.want(204, "DELETE", f"/v1/agents/{id_}?if_unused=true")


async def test_calls_numbers_schedules_and_campaigns_are_counted(api: Api) -> None:
    id_ = (await api.want(201, "POST", "/v1/agents", {"name": "Anna"}))["id"]
    other = (await api.want(201, "POST", "/v1/agents", {"name": "Bob"}))["id"]
    number = {"number": "+15550002", "agent_id": other, "closed_agent_id": id_}
    await api.want(201, "POST", "/v1/numbers", number)
    await api.want(
        201, "POST", "/v1/schedules", {"to": "+15550001", "recurrence": DAILY, "agent_id": id_}
    )
    campaign = {"name": "Spring", "numbers": ["+15550003"], "agent_id": id_}
    made = await api.want(201, "POST", "/v1/campaigns", campaign)
    await api.want(200, "POST", f"/v1/campaigns/{made['id']}/launch")
    await add_call(api, CallStatus.ENDED, agent_id=id_)
    await add_call(api, CallStatus.QUEUED, agent_id=id_)
    use = await api.want(200, "GET", f"/v1/agents/{id_}/usage")
    assert (use["active_calls"], use["total_calls"]) == (1, 2)
    assert (use["numbers"], use["campaigns"], use["schedules"]) == (1, 1, 1)
    refused = await api.want(409, "DELETE", f"/v1/agents/{id_}?if_unused=true")
    assert refused["code"] == "agent_in_use"
    await api.want(200, "GET", f"/v1/agents/{id_}")


async def test_a_person_is_in_use_until_the_call_that_was_handed_over_ends(api: Api) -> None:
    person = {"name": "Ann", "kind": "human", "phone_number": "+15550009"}
    id_ = (await api.want(201, "POST", "/v1/agents", person))["id"]
    going_on = await add_call(api, CallStatus.LIVE)
    ended = await add_call(api, CallStatus.ENDED)
    async with api.database.write() as tx:
        for call_id in (going_on, ended):
            told = Escalation(owner_id=OPERATOR_ID, call_id=call_id, human_agent_id=id_)
            await ESCALATIONS.add(tx, told)
    use = await api.want(200, "GET", f"/v1/agents/{id_}/usage")
    assert (use["active_escalations"], use["total_escalations"], use["is_in_use"]) == (1, 2, True)
    await api.want(409, "DELETE", f"/v1/agents/{id_}?if_unused=true")
    async with api.database.write() as tx:
        call = await CALLS.get(tx, going_on, None)
        assert call is not None
        await CALLS.update(tx, call, status=CallStatus.ENDED, outcome=Outcome.COMPLETED)
    assert not (await api.want(200, "GET", f"/v1/agents/{id_}/usage"))["is_in_use"]
    await api.want(204, "DELETE", f"/v1/agents/{id_}?if_unused=true")


async def test_keys_are_tried_and_not_kept(api: Api) -> None:
    sent = {"openai_api_key": "sk-1", "twilio_account_sid": "AC12", "twilio_auth_token": "t"}
    tried = await api.want(200, "POST", "/v1/provider-keys/test", sent)
    assert tried["success"] is True
    assert tried["openai"] == {"connected": True, "error": None}
    some = await api.want(200, "POST", "/v1/provider-keys/test", {"openai_api_key": "sk-1"})
    assert (some["success"], some["twilio"]["connected"]) == (True, False)
    wrong = await api.want(200, "POST", "/v1/provider-keys/test", {"openai_api_key": "x"})
    assert wrong["success"] is False
    none = await api.want(200, "POST", "/v1/provider-keys/test", {})
    assert none["success"] is False
    assert (await api.want(200, "GET", "/v1/provider-keys"))["items"] == []
