"""What is asked here of a call that another node carries: it is named, and nothing is done."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from offhook.control.domain.calls import CallStatus, Escalation, EscalationStatus
from offhook.control.services.escalations import ESCALATIONS
from offhook.control.store import schema
from offhook.tests.kit.api import Api

NODE = "berlin-2"


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def elsewhere(api: Api, status: CallStatus = CallStatus.LIVE) -> Any:
    """A call that another node carries."""
    call = await api.want(202, "POST", "/v1/calls", {"to": "+15551234567"})
    calls = schema.CALLS
    async with api.database.write() as tx:
        carried = update(calls).where(calls.c.id == call["id"])
        await tx.execute(carried.values(status=status.value, node=NODE))
    return call


@pytest.mark.parametrize(
    ("method", "verb", "body"),
    [
        ("POST", "/say", {"text": "Hello."}),
        ("POST", "/digits", {"digits": "1"}),
        ("POST", "/mute", {"agent": True}),
        ("POST", "/record", {"on": False}),
        ("POST", "/message", {"text": "Hello?"}),
        ("POST", "/context", {"text": "He is in a hurry."}),
        ("POST", "/transfer", {"to": "+15551230001"}),
        ("POST", "/bridge", {"to": "+15551230001"}),
        ("PATCH", "/bridge", {"mode": "barge"}),
        ("DELETE", "/bridge", None),
        ("POST", "/escalate", {}),
        ("POST", "/hangup", None),
        ("DELETE", "", None),
    ],
)
async def test_a_verb_is_refused_and_the_node_named(
    api: Api, method: str, verb: str, body: Any
) -> None:
    call = await elsewhere(api)
    problem = await api.want(409, method, f"/v1/calls/{call['id']}{verb}", body)
    assert (problem["code"], NODE in problem["detail"]) == ("on_other_node", True)


async def test_its_escalation_is_changed_and_ended_there_alone(api: Api) -> None:
    call = await elsewhere(api)
    asked = Escalation(
        owner_id=call["owner_id"],
        call_id=call["id"],
        status=EscalationStatus.BRIDGED,
    )
    async with api.database.write() as tx:
        asked = await ESCALATIONS.add(tx, asked)
    path = f"/v1/escalations/{asked.id}"
    for method, body in (("PATCH", {"mode": "listen"}), ("DELETE", None)):
        problem = await api.want(409, method, path, body)
        assert (problem["code"], NODE in problem["detail"]) == ("on_other_node", True)


async def test_it_is_nobody_elses_to_know_of(api: Api) -> None:
    call = await elsewhere(api)
    ann = await api.user("ann@example.org")
    await api.want(404, "POST", f"/v1/calls/{call['id']}/say", {"text": "Hello."}, token=ann)


async def test_one_that_has_ended_there_has_ended(api: Api) -> None:
    call = await elsewhere(api, CallStatus.ENDED)
    problem = await api.want(409, "POST", f"/v1/calls/{call['id']}/say", {"text": "Hello."})
    assert problem["code"] == "conflict"
