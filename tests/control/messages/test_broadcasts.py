"""Broadcasts: to whom they go, how fast, and what is counted, whenever the server ends."""

import asyncio
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR
from offhook.control.domain.broadcasts import BroadcastStatus, RecipientStatus
from offhook.control.domain.messages import SmsStatus
from offhook.control.messages.broadcast_runner import BATCH, BroadcastRunner
from offhook.control.messages.twilio_http import TwilioHttp
from offhook.control.messages.twilio_sender import TwilioSender
from offhook.control.services.broadcasts import BECOMES
from offhook.control.services.error_logs import ErrorLogFilter
from offhook.control.store.rows import PageQuery
from offhook.media.clock import VirtualClock
from offhook.tests.kit.texting import Texting
from offhook.tests.kit.twilio_server import Refusal, TwilioServer

HELLO = {"message": "We are closed tomorrow."}


@pytest.fixture
async def texting(tmp_path: pathlib.Path) -> AsyncIterator[Texting]:
    async with asyncio.timeout(30), Texting(tmp_path) as texting:
        yield texting


async def known(texting: Texting, *people: tuple[str, str], **more: Any) -> None:
    for number, tier in people:
        sent = {"phone_number": number, "tier": tier, **more}
        await texting.api.want(201, "POST", "/v1/contacts", sent)


async def broadcast(texting: Texting, **more: Any) -> Any:
    return await texting.api.want(201, "POST", "/v1/broadcasts", HELLO | more)


async def shown(texting: Texting, made: Any) -> Any:
    return await texting.api.want(200, "GET", f"/v1/broadcasts/{made['id']}")


async def test_it_goes_to_active_contacts_of_its_tiers_and_failures_are_counted(
    texting: Texting,
) -> None:
    await known(texting, ("+15551230001", "free"), ("+15551230002", "premium"))
    await known(texting, ("+15551230030", "enterprise"))
    await known(texting, ("+15551230003", "premium"), is_active=False)
    made = await broadcast(texting, tiers=["premium", "enterprise"])
    assert (made["status"], made["recipients"]) == ("queued", 2)
    texting.broadcasts.start()
    await texting.broadcasts.idle.wait()
    done = await shown(texting, made)
    assert (done["status"], done["sent"], done["failed"]) == ("completed", 1, 1)
    assert done["finished_at"]
    assert [len(await texting.outbox(f"+1555123000{n}")) for n in (1, 2, 3)] == [0, 1, 0]
    logs = texting.api.services.error_logs
    (entry,) = (await logs.page(OPERATOR, PageQuery(), ErrorLogFilter())).items
    assert (entry.type, entry.phone_number) == ("sms_failed", "+15551230030")


async def test_nobody_is_reached_by_what_is_for_nobody(texting: Texting) -> None:
    made = await broadcast(texting, tiers=["gold"])
    texting.broadcasts.start()
    await texting.broadcasts.idle.wait()
    done = await shown(texting, made)
    assert (done["status"], done["recipients"], done["sent"]) == ("completed", 0, 0)


async def test_it_goes_no_faster_than_is_configured(texting: Texting) -> None:
    await known(texting, *((f"+1555123{n:04}", "free") for n in range(1000, 1000 + BATCH + 1)))
    made = await broadcast(texting)
    texting.broadcasts.start()
    await texting.broadcasts.idle.wait()
    half = await shown(texting, made)
    assert (half["status"], half["sent"], half["finished_at"]) == ("sending", BATCH, None)
    texting.broadcasts.wake()
    await texting.broadcasts.idle.wait()
    assert (await shown(texting, made))["sent"] == BATCH
    texting.api.clock.advance(1.0)
    await texting.broadcasts.idle.wait()
    assert (await shown(texting, made))["status"] == "completed"


async def test_a_restart_sends_to_nobody_twice_and_leaves_nobody_out(texting: Texting) -> None:
    people = [f"+1555123{n:04}" for n in range(1000, 1000 + BATCH + 5)]
    await known(texting, *((number, "free") for number in people))
    made = await broadcast(texting)
    texting.broadcasts.start()
    await texting.broadcasts.idle.wait()
    await texting.broadcasts.aclose()
    texting.broadcasts = BroadcastRunner(texting.api.services.broadcasts, texting.api.clock)
    texting.broadcasts.start()
    await texting.broadcasts.idle.wait()
    assert (await shown(texting, made))["status"] == "completed"
    assert [len(await texting.outbox(number)) for number in people] == [1] * len(people)


async def test_it_is_over_when_the_provider_has_answered_for_all(texting: Texting) -> None:
    await known(texting, ("+15551230001", "free"), ("+15551230002", "free"))
    async with TwilioServer() as server:
        sender = TwilioSender(TwilioHttp(server.settings(), VirtualClock()))
        texting.api.services.outbox.senders["sms"] = sender
        server.refusals.append(Refusal(400, 21610, "unsubscribed"))
        made = await broadcast(texting)
        texting.broadcasts.start()
        await texting.broadcasts.idle.wait()
        waiting = await shown(texting, made)
        assert (waiting["status"], waiting["sent"], waiting["failed"]) == ("sending", 0, 0)
        await texting.posting.start()
        while (done := await shown(texting, made))["status"] != "completed":
            pass
        await texting.posting.aclose()
        await sender.aclose()
    assert (done["sent"], done["failed"]) == (1, 1)


async def test_each_day_counts_its_own(texting: Texting) -> None:
    service = texting.api.services.broadcasts
    first, second = [await service.create(OPERATOR, "Hello.") for _ in range(2)]
    texting.api.clock.advance(86_400)
    third = await service.create(OPERATOR, "Hello.")
    assert (first.number, second.number, third.number) == (1, 2, 1)
    assert third.day > first.day
    assert (await service.of_day(OPERATOR, third.day, 1)).id == third.id
    assert third.status is BroadcastStatus.QUEUED


async def test_what_cannot_be_a_text_is_refused(texting: Texting) -> None:
    refused = await texting.api.want(422, "POST", "/v1/broadcasts", {"message": " "})
    assert refused["errors"][0]["field"] == "message"
    await texting.api.want(422, "POST", "/v1/broadcasts", {"message": "漢" * 700})


async def test_there_is_a_limit_to_whom_one_text_may_go(
    texting: Texting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.control.services.broadcasts.MAX_RECIPIENTS", 1)
    await known(texting, ("+15551230001", "free"), ("+15551230002", "free"))
    refused = await texting.api.want(422, "POST", "/v1/broadcasts", HELLO)
    assert refused["errors"][0]["field"] == "tiers"
    assert (await texting.api.want(200, "GET", "/v1/broadcasts"))["items"] == []


def test_every_end_of_an_sms_is_one_of_a_recipient() -> None:
    assert set(BECOMES) == set(SmsStatus)
    assert RecipientStatus.WAITING not in BECOMES.values()
