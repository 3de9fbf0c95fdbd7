"""Calls that are handed to people: real legs in a real call, the API, and what is kept and told."""

import asyncio
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.calls.calls import LiveCall
from offhook.control.domain.calls import Call, CallStatus
from offhook.control.events.event_filter import EventFilter
from offhook.control.store.rows import PageQuery
from offhook.media.ports import HangUpCause
from offhook.tests.kit.api import Api
from offhook.tests.kit.joined_call import AGENT_HZ, JoinedCall, Phone

CALLER, ANNA, BOB = 400, 700, 1000
RING_S = 20.0
CALLER_NUMBER = "+15550001"
NOBODY_CAME = "Nobody is available.\nReason given: wants a refund"


class Desk:
    """A live call of the operator's, and people who can be called."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.call = JoinedCall()
        self.phones: dict[str, Phone] = {}
        self.people: dict[str, str] = {}
        self.live: LiveCall | None = None

    async def answer(self) -> None:
        """The caller talks to the agent."""
        record = self.call.record
        call = Call(
            id=record.id,
            owner_id=OPERATOR_ID,
            inbound=True,
            from_number=record.from_number,
            to_number=record.to_number,
            status=CallStatus.RINGING,
        )
        self.live = self.api.calls.add(call, record, self.call.session.hang_up)
        self.live.session, self.live.bridging = self.call.session, self.call.bridging
        await self.call.answer()
        await self.api.calls.settled()

    async def add(self, name: str, number: str, hz: int) -> Phone:
        """A person, and their telephone."""
        body = {"name": name, "kind": "human", "phone_number": number}
        made = await self.api.want(201, "POST", "/v1/agents", body)
        self.people[name] = made["id"]
        phone = self.phones[name] = self.call.add(number, hz)
        return phone

    async def escalate(self, status: int = 201, **body: Any) -> Any:
        """Ask for a person."""
        return await self.api.want(
            status, "POST", f"/v1/calls/{self.call.record.id}/escalate", body
        )

    async def becomes(self, id_: str, status: str, name: str | None = None) -> dict[str, Any]:
        """Wait for what is kept; `name`: who rings, or has joined."""
        while True:
            shown = await self.api.want(200, "GET", f"/v1/escalations/{id_}")
            person = None if name is None else self.people[name]
            if shown["status"] == status and person in (None, shown["human_agent_id"]):
                return dict(shown)

    async def rings(self, number: str) -> None:
        """Wait until it is called."""
        while number not in [to for to, _ in self.call.dialled]:
            await self.api.want(200, "GET", "/v1/escalations")

    async def availability(self, name: str) -> str:
        agent = await self.api.want(200, "GET", f"/v1/agents/{self.people[name]}")
        return str(agent["availability"])

    async def end(self) -> None:
        """The call is over, as holding.py ends one."""
        assert self.live is not None
        if not self.api.calls.is_live(self.live.id):
            return
        self.call.caller.leg.end()
        self.live.let_go()
        await self.call.finish()
        self.api.calls.remove(self.live.id)

    async def told(self, type_: str) -> list[dict[str, Any]]:
        page = await self.api.services.events.page(
            PageQuery(sort="seq"), EventFilter(types=(type_,))
        )
        return [event.body for event in page.items]


@pytest.fixture
async def desk(tmp_path: pathlib.Path) -> AsyncIterator[Desk]:
    async with Api(tmp_path) as api, asyncio.timeout(60):
        desk = Desk(api)
        await desk.answer()
        yield desk
        await desk.end()
        await api.services.escalations.hand_overs.settled()
        await api.services.escalations.aclose()


async def test_a_person_takes_the_call_and_is_busy_as_long(desk: Desk) -> None:
    anna = await desk.add("Anna", "101", ANNA)
    opened = await desk.escalate(reason="angry")
    assert (opened["status"], opened["reason"]) == ("open", "angry")
    ringing = await desk.becomes(opened["id"], "ringing")
    assert (ringing["human_agent_id"], ringing["target"]) == (desk.people["Anna"], "101")
    await desk.rings("101")
    assert await desk.availability("Anna") == "available"
    anna.leg.answer()
    bridged = await desk.becomes(opened["id"], "bridged")
    assert bridged["bridged_at"] is not None
    assert await desk.call.heard_by(desk.call.caller, anna) == [{ANNA}, {CALLER}]
    assert await desk.availability("Anna") == "busy"
    call = await desk.api.want(200, "GET", f"/v1/calls/{desk.call.record.id}")
    assert call["human_agent_id"] == desk.people["Anna"]
    assert "already" in (await desk.escalate(409))["detail"]
    desk.api.clock.advance(5)
    anna.leg.end()
    closed = await desk.becomes(opened["id"], "closed")
    assert closed["closed_at"] == "2023-11-14T22:13:25Z"
    assert desk.call.caller.leg.ended is not None, "the call is over with it"
    assert await desk.availability("Anna") == "available"
    events = [await desk.told(f"escalation.{what}") for what in ("opened", "bridged", "closed")]
    assert [len(each) for each in events] == [1, 1, 1]
    page = await desk.api.want(200, "GET", "/v1/notifications?type=escalation.opened")
    assert [(item["title"], item["message"]) for item in page["items"]] == [
        (f"A person is wanted in the call from {CALLER_NUMBER}", "angry")
    ]


async def test_the_agent_has_the_caller_again_where_it_is_wanted(desk: Desk) -> None:
    anna = await desk.add("Anna", "101", ANNA)
    opened = await desk.escalate(return_to_agent=True)
    await desk.rings("101")
    anna.leg.answer()
    await desk.becomes(opened["id"], "bridged")
    anna.leg.end()
    await desk.becomes(opened["id"], "closed")
    assert desk.call.caller.leg.ended is None
    desk.call.agent_sounds()
    assert await desk.call.heard_by(desk.call.caller) == [{AGENT_HZ}]


async def test_whoever_does_not_answer_is_followed_by_the_next_one(desk: Desk) -> None:
    anna = await desk.add("Anna", "101", ANNA)
    bob = await desk.add("Bob", "102", BOB)
    opened = await desk.escalate()
    await desk.rings("101")
    desk.api.clock.advance(RING_S - 1)
    assert anna.leg.ended is None
    desk.api.clock.advance(1)
    await desk.rings("102")
    assert anna.leg.ended is not None
    assert anna.leg.ended.by_us
    bob.leg.answer()
    bridged = await desk.becomes(opened["id"], "bridged", "Bob")
    assert bridged["tried"] == ["Anna: no answer"]
    assert await desk.availability("Anna") == "available"


async def test_when_all_are_busy_it_has_failed_and_the_agent_goes_on(desk: Desk) -> None:
    anna = await desk.add("Anna", "101", ANNA)
    bob = await desk.add("Bob", "102", BOB)
    opened = await desk.escalate()
    await desk.rings("101")
    anna.leg.end(HangUpCause.BUSY)
    await desk.rings("102")
    bob.leg.end(HangUpCause.DECLINED)
    failed = await desk.becomes(opened["id"], "failed")
    assert failed["tried"] == ["Anna: busy", "Bob: declined"]
    assert failed["failure_reason"] == "nobody is available"
    assert await desk.call.heard_by(desk.call.caller) == [{AGENT_HZ}]
    page = await desk.api.want(200, "GET", "/v1/notifications?type=escalation.failed")
    (item,) = page["items"]
    assert item["message"] == "Anna: busy; Bob: declined."


async def test_when_nobody_can_be_rung_the_answer_says_so_and_why(desk: Desk) -> None:
    await desk.add("Anna", "101", ANNA)
    path = f"/v1/agents/{desk.people['Anna']}"
    await desk.api.want(200, "PATCH", path, {"availability": "offline"})
    failed = await desk.escalate(reason="wants a refund")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "nobody is available")
    assert failed["closed_at"] == failed["created_at"]
    named = await desk.escalate(human_agent_id=desk.people["Anna"])
    assert (named["status"], named["failure_reason"]) == ("failed", "Anna is offline")
    assert await desk.becomes(named["id"], "failed") == named
    assert desk.call.dialled == []
    told = [await desk.told(f"escalation.{what}") for what in ("opened", "closed")]
    assert [[body["status"] for body in each] for each in told] == [
        ["open", "open"],
        ["failed", "failed"],
    ]
    page = await desk.api.want(200, "GET", "/v1/notifications?sort=created_at")
    assert [(item["title"], item["message"]) for item in page["items"]] == [
        (f"Nobody took the call from {CALLER_NUMBER}", NOBODY_CAME),
        (f"Nobody took the call from {CALLER_NUMBER}", "Anna is offline."),
    ]
    problem = await desk.escalate(422, human_agent_id="nobody")
    assert problem["errors"][0]["field"] == "human_agent_id"


async def test_a_person_who_rings_for_one_call_is_not_asked_for_another(desk: Desk) -> None:
    await desk.add("Anna", "101", ANNA)
    await desk.escalate(human_agent_id=desk.people["Anna"], mode="listen")
    await desk.rings("101")
    again = await desk.escalate(human_agent_id=desk.people["Anna"])
    assert again["failure_reason"] == "Anna is being asked to take another call"


async def test_an_agent_has_its_caller_again_where_there_is_nobody(desk: Desk) -> None:
    desk.call.record.transferred_to = "human"
    assert desk.live is not None
    desk.api.services.escalations.transfer(desk.live, desk.call.bridging, "human")
    while desk.call.record.transferred_to is not None:
        await desk.api.want(200, "GET", "/v1/escalations")
    (shown,) = (await desk.api.want(200, "GET", "/v1/escalations"))["items"]
    assert shown["status"] == "failed"


async def test_a_supervisor_listens_then_takes_part_then_is_sent_away(desk: Desk) -> None:
    await desk.add("Anna", "101", ANNA)
    bob = await desk.add("Bob", "102", BOB)
    opened = await desk.escalate(human_agent_id=desk.people["Bob"], mode="listen")
    await desk.rings("102")
    bob.leg.answer()
    await desk.becomes(opened["id"], "bridged", "Bob")
    assert await desk.call.heard_by(desk.call.caller, bob) == [{AGENT_HZ}, {CALLER, AGENT_HZ}]
    path = f"/v1/escalations/{opened['id']}"
    assert (await desk.api.want(200, "PATCH", path, {"mode": "barge"}))["mode"] == "barge"
    assert await desk.call.heard_by(desk.call.caller) == [{AGENT_HZ, BOB}]
    await desk.api.want(422, "PATCH", path, {"mode": "shout"})
    await desk.api.want(202, "DELETE", path)
    await desk.becomes(opened["id"], "closed")
    assert bob.leg.ended is not None
    assert desk.call.caller.leg.ended is None
    assert await desk.availability("Bob") == "available"
    await desk.api.want(409, "DELETE", path)
    await desk.api.want(409, "PATCH", path, {"mode": "talk"})


async def test_it_is_called_off_while_somebody_rings(desk: Desk) -> None:
    anna = await desk.add("Anna", "101", ANNA)
    opened = await desk.escalate()
    await desk.rings("101")
    await desk.api.want(202, "DELETE", f"/v1/escalations/{opened['id']}")
    failed = await desk.becomes(opened["id"], "failed")
    assert failed["failure_reason"] == "it was called off"
    assert anna.leg.ended is not None
    assert desk.call.caller.leg.ended is None


async def test_a_caller_who_leaves_ends_it(desk: Desk) -> None:
    anna = await desk.add("Anna", "101", ANNA)
    opened = await desk.escalate()
    await desk.rings("101")
    await desk.end()
    failed = await desk.becomes(opened["id"], "failed")
    assert failed["failure_reason"] == "the caller has hung up"
    assert anna.leg.ended is not None
    await desk.escalate(409)


async def test_the_agent_hands_its_caller_to_a_person_by_name_and_hears_when_nobody_comes(
    desk: Desk,
) -> None:
    anna = await desk.add("Anna", "101", ANNA)
    desk.call.record.transferred_to = "Anna"
    assert desk.live is not None
    desk.api.services.escalations.transfer(desk.live, desk.call.bridging, "Anna")
    await desk.rings("101")
    anna.leg.end(HangUpCause.BUSY)
    while desk.call.record.transferred_to is not None:
        await desk.api.want(200, "GET", "/v1/escalations")
    (shown,) = (await desk.api.want(200, "GET", "/v1/escalations"))["items"]
    assert (await desk.becomes(shown["id"], "failed"))["failure_reason"] == "Anna: busy"


async def test_a_transfer_to_any_person_or_to_a_number(desk: Desk) -> None:
    anna = await desk.add("Anna", "101", ANNA)
    elsewhere = desk.call.add("555", BOB)
    assert desk.live is not None
    desk.api.services.escalations.transfer(desk.live, desk.call.bridging, "human")
    await desk.rings("101")
    anna.leg.answer()
    page = await desk.api.want(200, "GET", "/v1/escalations")
    await desk.becomes(page["items"][0]["id"], "bridged", "Anna")
    desk.api.services.escalations.transfer(desk.live, desk.call.bridging, "555")
    await desk.rings("555")
    elsewhere.leg.answer()
    page = await desk.api.want(200, "GET", "/v1/escalations")
    assert len(page["items"]) == 1, "a number is nobody of ours"


async def test_after_a_crash_nobody_is_busy_and_nothing_goes_on(desk: Desk) -> None:
    anna = await desk.add("Anna", "101", ANNA)
    await desk.add("Bob", "102", BOB)
    first = await desk.escalate(human_agent_id=desk.people["Anna"])
    await desk.rings("101")
    anna.leg.answer()
    await desk.becomes(first["id"], "bridged")
    second = await desk.escalate(human_agent_id=desk.people["Bob"], mode="listen")
    await desk.becomes(second["id"], "ringing")
    assert await desk.api.services.escalations.recover() == 2
    assert (await desk.becomes(first["id"], "closed"))["failure_reason"] == ""
    cut = await desk.becomes(second["id"], "failed")
    assert cut["failure_reason"] == "the server was cut off"
    assert await desk.availability("Anna") == "available"
    assert await desk.api.services.escalations.recover() == 0


async def test_escalations_are_for_whom_the_call_is(desk: Desk) -> None:
    opened = await desk.escalate()
    anna = await desk.api.user("anna@example.org")
    path = f"/v1/escalations/{opened['id']}"
    for method, body in (("GET", None), ("PATCH", {"mode": "talk"}), ("DELETE", None)):
        await desk.api.want(404, method, path, body, token=anna)
    escalate = f"/v1/calls/{desk.call.record.id}/escalate"
    await desk.api.want(404, "POST", escalate, {}, token=anna)
    assert (await desk.api.want(200, "GET", "/v1/escalations", token=anna))["items"] == []
