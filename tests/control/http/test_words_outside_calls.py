"""SMS, contacts, the outbox, notifications, notes and the error log as clients meet them."""

import asyncio
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.accounts import Account, Role, Telegram
from offhook.control.domain.calls import Call, CallStatus, Outcome
from offhook.control.domain.messages import OutboxMessage
from offhook.control.events.event_filter import EventFilter
from offhook.control.messages.outbox_delivery import Answer, NotTaken, Taken
from offhook.control.messages.outbox_sender import OutboxSender
from offhook.control.services.accounts import ACCOUNTS
from offhook.control.services.notifications import ways
from offhook.control.store.calls import CALLS
from offhook.control.store.rows import PageQuery
from offhook.tests.kit.api import Api

NUMBER = "+15551230001"


class Gateway:
    """Implements Sender: a provider of SMS that answers as it is told."""

    def __init__(self) -> None:
        self.sent: list[OutboxMessage] = []
        self.answer: Answer = Taken("sid-1")

    async def send(self, message: OutboxMessage) -> Answer:
        self.sent.append(message)
        return self.answer


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def events(api: Api, type_: str) -> list[dict[str, Any]]:
    page = await api.services.events.page(PageQuery(sort="seq"), EventFilter(types=(type_,)))
    return [event.body for event in page.items]


async def a_call(api: Api, owner_id: str = OPERATOR_ID) -> str:
    call = Call(
        owner_id=owner_id,
        inbound=True,
        from_number=NUMBER,
        to_number="100",
        status=CallStatus.ENDED,
        outcome=Outcome.COMPLETED,
    )
    async with api.database.write() as tx:
        return (await CALLS.add(tx, call)).id


# --- SMS and the outbox ---------------------------------------------------------------------------


async def test_an_sms_without_a_provider_is_kept_and_shown_to_administrators(api: Api) -> None:
    sent = await api.want(
        201, "POST", "/v1/messages", {"to": "+1 (555) 123-0001", "body": "Hello €"}
    )
    assert (sent["to"], sent["status"], sent["direction"]) == (NUMBER, "kept", "outbound")
    assert (sent["encoding"], sent["segments"], sent["sent_at"]) == ("gsm7", 1, None)
    assert await api.want(200, "GET", f"/v1/messages/{sent['id']}") == sent
    page = await api.want(200, "GET", "/v1/outbox?to=%2B15551230001&channel=sms")
    (kept,) = page["items"]
    assert (kept["channel"], kept["body"], kept["status"]) == ("sms", "Hello €", "kept")
    assert kept["created_at"] == "2023-11-14T22:13:20Z"
    assert (await api.want(200, "GET", "/v1/outbox?to=%2B1555123000"))["items"] == []
    (event,) = await events(api, "outbox.kept")
    assert event["outbox_id"] == kept["id"]
    await api.want(409, "POST", f"/v1/outbox/{kept['id']}/retry")
    await api.want(204, "DELETE", f"/v1/outbox/{kept['id']}")
    await api.want(404, "GET", f"/v1/outbox/{kept['id']}")


async def test_on_the_simulated_line_numbers_whose_network_fails_get_no_sms(api: Api) -> None:
    sent = await api.want(201, "POST", "/v1/messages", {"to": "+15551230030", "body": "Hello"})
    assert (sent["status"], sent["error"]) == ("failed", "the network failed")
    (entry,) = (await api.want(200, "GET", "/v1/error-logs"))["items"]
    assert (entry["type"], entry["is_resolved"]) == ("sms_failed", False)
    assert entry["context"]["to"] == "+15551230030"
    (event,) = await events(api, "sms.failed")
    assert event["message_id"] == sent["id"]
    path = f"/v1/error-logs/{entry['id']}"
    resolved = await api.want(200, "POST", f"{path}/resolve", {"resolution": "wrong number"})
    assert (resolved["is_resolved"], resolved["resolution"]) == (True, "wrong number")
    await api.want(409, "POST", f"{path}/resolve", {})
    assert (await api.want(200, "GET", "/v1/error-logs?is_resolved=false"))["items"] == []


async def test_an_sms_follows_its_message_in_the_outbox(api: Api) -> None:
    gateway = Gateway()
    api.services.outbox.senders["sms"] = gateway
    sender = OutboxSender(api.services.outbox, api.clock)
    await sender.start()
    finished = api.services.events.follow(EventFilter(types=("sms.sent", "sms.failed")))
    await anext(finished)
    try:
        async with asyncio.timeout(20):
            sent = await api.want(201, "POST", "/v1/messages", {"to": NUMBER, "body": "One"})
            assert sent["status"] == "queued"
            await anext(finished)
            shown = await api.want(200, "GET", f"/v1/messages/{sent['id']}")
            assert (shown["status"], shown["sent_at"]) == ("sent", "2023-11-14T22:13:20Z")
            gateway.answer = NotTaken("no such number", permanent=True)
            sent = await api.want(201, "POST", "/v1/messages", {"to": NUMBER, "body": "Two"})
            await anext(finished)
            shown = await api.want(200, "GET", f"/v1/messages/{sent['id']}")
            assert (shown["status"], shown["error"]) == ("failed", "no such number")
    finally:
        await sender.aclose()
    assert [message.body for message in gateway.sent] == ["One", "Two"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"to": "anna", "body": "x"}, ["to"]),
        ({"to": NUMBER, "body": ""}, ["body"]),
        ({"to": NUMBER, "body": "   "}, ["body"]),
        ({"to": NUMBER, "body": "a" * 1531}, ["body"]),
        ({"to": NUMBER, "body": "ж" * 671}, ["body"]),
        ({"to": "1", "body": "ж" * 671, "from": "+1999"}, ["to", "body", "from"]),
    ],
)
async def test_an_sms_that_cannot_be_sent_is_refused(
    api: Api, body: dict[str, str], fields: list[str]
) -> None:
    problem = await api.want(422, "POST", "/v1/messages", body)
    assert [error["field"] for error in problem["errors"]] == fields
    assert (await api.want(200, "GET", "/v1/messages"))["items"] == []
    assert (await api.want(200, "GET", "/v1/outbox"))["items"] == []


async def test_a_message_goes_out_from_a_number_of_ones_own(api: Api) -> None:
    await api.want(201, "POST", "/v1/numbers", {"number": "+15559990001"})
    await api.want(201, "POST", "/v1/numbers", {"number": "+15559990002"})
    sent = await api.want(201, "POST", "/v1/messages", {"to": NUMBER, "body": "x"})
    assert sent["from"] == "+15559990001"
    wanted = {"to": NUMBER, "body": "x", "from": "15559990002"}
    assert (await api.want(201, "POST", "/v1/messages", wanted))["from"] == "+15559990002"
    anna = await api.user("anna@example.org")
    await api.want(422, "POST", "/v1/messages", wanted, token=anna)


async def test_an_sms_that_comes_in_makes_a_contact_and_belongs_to_the_numbers_owner(
    api: Api,
) -> None:
    anna = await api.user("anna@example.org")
    await api.want(201, "POST", "/v1/numbers", {"number": "+15559990001"}, token=anna)
    sms = api.services.sms
    first = await sms.receive("1 555 123 0001", "+15559990001", "Hi", "SM1")
    assert await sms.receive("15551230001", "+15559990001", "Hi", "SM1") == first, "told twice"
    await sms.receive("+15551230001", "+15559990001", "Again", "SM2")
    assert (await api.want(200, "GET", "/v1/messages?total=true", token=anna))["total"] == 2
    sent = {"to": NUMBER, "body": "Yes?"}
    await api.want(201, "POST", "/v1/messages", sent, token=anna)
    (contact,) = (await api.want(200, "GET", "/v1/contacts", token=anna))["items"]
    assert (contact["messages_in"], contact["messages_out"]) == (2, 1)
    assert contact["last_seen_at"] == "2023-11-14T22:13:20Z"
    found = await api.want(
        200, "GET", f"/v1/messages?direction=inbound&contact_id={contact['id']}", token=anna
    )
    assert [message["body"] for message in found["items"]] == ["Again", "Hi"]
    for query, count in (("number=15551230001", 3), ("search=again", 1), ("status=kept", 1)):
        page = await api.want(200, "GET", f"/v1/messages?{query}", token=anna)
        assert len(page["items"]) == count, query
    assert [event["body"] for event in await events(api, "sms.received")] == ["Hi", "Again"]
    bob = await api.user("bob@example.org")
    for path in (f"/v1/messages/{first.id}", f"/v1/contacts/{contact['id']}"):
        await api.want(404, "GET", path, token=bob)
    await api.want(403, "GET", "/v1/outbox", token=anna)


# --- contacts -------------------------------------------------------------------------------------


async def test_a_contact_is_found_by_its_number_however_it_is_written(api: Api) -> None:
    made = await api.want(
        201, "POST", "/v1/contacts", {"phone_number": "+1 555 123 0001", "full_name": "Anna"}
    )
    assert made["phone_number"] == NUMBER
    for key in (made["id"], "%2B15551230001", "+15551230001", "15551230001"):
        assert (await api.want(200, "GET", f"/v1/contacts/{key}"))["id"] == made["id"], key
    await api.want(409, "POST", "/v1/contacts", {"phone_number": "15551230001"})
    anna = await api.user("anna@example.org")
    theirs = await api.want(201, "POST", "/v1/contacts", {"phone_number": NUMBER}, token=anna)
    assert (await api.want(200, "GET", f"/v1/contacts/{NUMBER}"))["id"] == made["id"]
    assert (await api.want(200, "GET", f"/v1/contacts/{NUMBER}", token=anna))["id"] == theirs["id"]
    await api.want(204, "DELETE", f"/v1/contacts/{NUMBER}", token=anna)
    await api.want(404, "GET", f"/v1/contacts/{NUMBER}", token=anna)
    await api.want(200, "GET", f"/v1/contacts/{NUMBER}")


async def test_a_contacts_tiers_are_remembered(api: Api) -> None:
    await api.want(201, "POST", "/v1/contacts", {"phone_number": NUMBER})
    path = f"/v1/contacts/{NUMBER}"
    await api.want(200, "PATCH", path, {"tier": "premium", "tier_reason": "paid"})
    api.clock.advance(60)
    await api.want(200, "PATCH", path, {"full_name": "Anna", "tier": "premium"})
    contact = await api.want(200, "PATCH", path, {"tier": "free"})
    assert contact["full_name"] == "Anna"
    assert contact["tier_history"] == [
        {"tier": "premium", "previous": "free", "at": "2023-11-14T22:13:20Z", "reason": "paid"},
        {"tier": "free", "previous": "premium", "at": "2023-11-14T22:14:20Z", "reason": ""},
    ]


async def test_contacts_are_searched_and_paged(api: Api) -> None:
    for number, name, tier in (
        ("101", "Anna", "free"),
        ("102", "Bob", "gold"),
        ("203", "", "gold"),
    ):
        body = {"phone_number": number, "full_name": name, "tier": tier}
        await api.want(201, "POST", "/v1/contacts", body)
    for query, numbers in (
        ("search=ann", ["101"]),
        ("search=10", ["102", "101"]),
        ("tier=gold&sort=phone_number", ["102", "203"]),
        ("is_active=false", []),
    ):
        page = await api.want(200, "GET", f"/v1/contacts?{query}")
        assert [contact["phone_number"] for contact in page["items"]] == numbers, query
    page = await api.want(200, "GET", "/v1/contacts?limit=2")
    page = await api.want(200, "GET", f"/v1/contacts?limit=2&cursor={page['next']}")
    assert [contact["phone_number"] for contact in page["items"]] == ["101"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["phone_number"]),
        ({"phone_number": "anna"}, ["phone_number"]),
        ({"phone_number": "101", "timezone": "Mars/Base"}, ["timezone"]),
        ({"phone_number": "101", "preferences": {"x": "y" * 20_000}}, ["preferences"]),
    ],
)
async def test_a_contact_that_does_not_fit_is_refused(
    api: Api, body: dict[str, Any], fields: list[str]
) -> None:
    problem = await api.want(422, "POST", "/v1/contacts", body)
    assert [error["field"] for error in problem["errors"]] == fields


# --- notifications --------------------------------------------------------------------------------


async def test_notifications_are_counted_read_and_deleted_by_whom_they_are_for(api: Api) -> None:
    anna = await api.user("anna@example.org", Role.ADMIN)
    async with api.services.events.writing() as work:
        for title in ("One", "Two", "Three"):
            await api.services.notifications.notify(work, OPERATOR_ID, "call.missed", title)
    assert await api.want(200, "GET", "/v1/notifications/unread-count") == {"unread": 3}
    page = await api.want(200, "GET", "/v1/notifications")
    assert [item["title"] for item in page["items"]] == ["Three", "Two", "One"]
    path = f"/v1/notifications/{page['items'][0]['id']}"
    read = await api.want(200, "POST", f"{path}/read")
    assert (read["is_read"], read["read_at"]) == (True, "2023-11-14T22:13:20Z")
    api.clock.advance(60)
    assert await api.want(200, "POST", f"{path}/read") == read, "it was read before"
    unread = await api.want(200, "GET", "/v1/notifications?is_read=false")
    assert [item["title"] for item in unread["items"]] == ["Two", "One"]
    for method, rest in (("POST", "/read"), ("DELETE", "")):
        await api.want(404, method, f"{path}{rest}", token=anna)
    assert (await api.want(200, "GET", "/v1/notifications", token=anna))["items"] == []
    assert await api.want(200, "POST", "/v1/notifications/read-all") == {"marked": 2}
    assert await api.want(200, "GET", "/v1/notifications/unread-count") == {"unread": 0}
    await api.want(204, "DELETE", path)
    assert len(await events(api, "notification.created")) == 3


async def test_a_notification_goes_by_the_channels_that_its_account_wants(api: Api) -> None:
    link = Telegram(user_id=4711, notify_payments=False)
    account = Account(
        email="anna@example.org",
        phone_number=NUMBER,
        notify_by=("in_app", "sms", "email", "telegram"),
        telegram=link,
    )
    async with api.services.events.writing() as work:
        await ACCOUNTS.add(work.tx, account)
        notify = api.services.notifications.notify
        await notify(work, account.id, "call.negative", "Missed", "A call at noon")
        await notify(work, account.id, "payment.received", "Paid")
    page = await api.want(200, "GET", "/v1/outbox")
    found = [(item["channel"], item["to"], item["subject"]) for item in page["items"]]
    assert sorted(found) == [
        ("email", "anna@example.org", "Missed"),
        ("email", "anna@example.org", "Paid"),
        ("sms", NUMBER, "Missed"),
        ("sms", NUMBER, "Paid"),
        ("telegram", "4711", "Missed"),
    ]
    (telegram,) = (await api.want(200, "GET", "/v1/outbox?to=4711"))["items"]
    assert telegram["body"] == "Missed\n\nA call at noon"


def test_an_account_is_told_nowhere_that_it_has_not_named() -> None:
    account = Account(email="anna@example.org", notify_by=("in_app", "sms", "telegram"))
    assert ways(account, "call.missed") == []
    quiet = Telegram(user_id=1, notify_calls=False, notify_system=False)
    linked = msgspec.structs.replace(account, telegram=quiet)
    assert ways(linked, "escalation.opened") == []
    assert ways(linked, "update.planned") == []
    assert ways(linked, "payment.failed") == [("telegram", "1")]
    calls = msgspec.structs.replace(linked, telegram=Telegram(user_id=1))
    assert ways(calls, "call.negative") == [("telegram", "1")]
    assert ways(calls, "call.missed") == [], "each call that ends is told there as it is"


# --- notes ----------------------------------------------------------------------------------------


async def test_a_note_is_written_changed_and_deleted(api: Api) -> None:
    call_id = await a_call(api)
    notes = f"/v1/calls/{call_id}/notes"
    made = await api.want(
        201, "POST", notes, {"text": "Call back", "category": "todo", "tags": ["a", "b"]}
    )
    assert (made["call_id"], made["author_id"]) == (call_id, OPERATOR_ID)
    await api.want(201, "POST", notes, {"text": "Angry"})
    page = await api.want(200, "GET", f"{notes}?category=todo")
    assert page["items"] == [made]
    api.clock.advance(60)
    changed = await api.want(200, "PATCH", f"{notes}/{made['id']}", {"tags": []})
    assert changed == made | {"tags": [], "updated_at": "2023-11-14T22:14:20Z"}
    assert await api.want(200, "GET", f"{notes}/{made['id']}") == changed
    await api.want(204, "DELETE", f"{notes}/{made['id']}")
    await api.want(404, "GET", f"{notes}/{made['id']}")
    assert [event["text"] for event in await events(api, "note.added")] == ["Call back", "Angry"]
    assert len(await events(api, "call.updated")) == 2


async def test_notes_are_for_whom_the_call_is(api: Api) -> None:
    anna = await api.user("anna@example.org")
    account_id = (await api.want(200, "GET", "/v1/me", token=anna))["id"]
    mine, theirs = await a_call(api, account_id), await a_call(api)
    await api.want(404, "POST", f"/v1/calls/{theirs}/notes", {"text": "x"}, token=anna)
    await api.want(404, "GET", f"/v1/calls/{theirs}/notes", token=anna)
    note = await api.want(201, "POST", f"/v1/calls/{mine}/notes", {"text": "by the operator"})
    page = await api.want(200, "GET", f"/v1/calls/{mine}/notes", token=anna)
    assert page["items"] == [note]
    await api.want(404, "GET", f"/v1/calls/{theirs}/notes/{note['id']}")
    await api.want(422, "POST", f"/v1/calls/{mine}/notes", {"text": ""}, token=anna)
