"""Telegram on a wire of this machine: what is sent and tried again; what is told by itself."""

import asyncio
import logging
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.domain.accounts import Account
from offhook.control.domain.calls import Call, CallStatus, Outcome
from offhook.control.domain.messages import OutboxMessage, OutboxStatus
from offhook.control.messages.outbox_delivery import NotTaken, Taken
from offhook.control.messages.outbox_sender import OutboxSender
from offhook.control.messages.telegram_message import MAX_CHARS, body_of
from offhook.control.messages.telegram_room import TelegramRoom
from offhook.control.messages.telegram_sender import TelegramSender
from offhook.control.services.event_log import Work
from offhook.control.services.outbox import OutboxFilter
from offhook.control.services.telegram_reports import TelegramReports
from offhook.control.store.calls import CALLS
from offhook.control.store.rows import PageQuery
from offhook.tests.kit.api import Api
from offhook.tests.kit.telegram_server import SECRET, TelegramServer

MESSAGE = OutboxMessage(channel="telegram", to="4711", body="Grüße & <more>")
DAY_S = 86_400.0


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with asyncio.timeout(30), Api(tmp_path) as api:
        yield api


async def sent(api: Api) -> list[OutboxMessage]:
    page = await api.services.outbox.page(PageQuery(sort="seq"), OutboxFilter(channel="telegram"))
    return list(page.items)


async def test_a_message_is_taken() -> None:
    async with TelegramServer() as server:
        sender = TelegramSender(server.settings())
        assert await sender.send(MESSAGE) == Taken("1")
        await sender.aclose()
    (taken,) = server.taken
    assert (taken["chat_id"], taken["text"]) == ("4711", MESSAGE.body)


@pytest.mark.parametrize(
    ("status", "said", "permanent", "retry_after_s"),
    [
        (403, {"description": "Forbidden: bot was blocked by the user"}, True, None),
        (400, {"description": "Bad Request: chat not found"}, True, None),
        (429, {"description": "Too Many Requests", "parameters": {"retry_after": 35}}, False, 35.0),
        (429, {"parameters": {"retry_after": 1e9}}, False, DAY_S),
        (404, {"description": "Not Found"}, False, None),
        (502, {}, False, None),
    ],
)
async def test_what_a_refusal_means(
    status: int, said: dict[str, object], permanent: bool, retry_after_s: float | None
) -> None:
    async with TelegramServer() as server:
        server.refusals.append((status, said))
        sender = TelegramSender(server.settings())
        answer = await sender.send(MESSAGE)
        await sender.aclose()
    assert isinstance(answer, NotTaken)
    assert (answer.permanent, answer.retry_after_s) == (permanent, retry_after_s)
    assert str(status) in answer.error


async def test_the_token_is_neither_told_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with TelegramServer() as server:
        wrong = TelegramSender(server.settings(token="999:another"))
        refused = await wrong.send(MESSAGE)
        await wrong.aclose()
        nobody = TelegramSender(server.settings())
    unreachable = await nobody.send(MESSAGE)
    await nobody.aclose()
    for text in (caplog.text, str(refused), str(unreachable)):
        assert "999:another" not in text
        assert SECRET not in text
    assert isinstance(refused, NotTaken)
    assert "401" in refused.error


def test_a_long_message_is_cut_where_telegram_ends() -> None:
    long = OutboxMessage(channel="telegram", to="1", body="ü" * 5000)
    assert body_of(long).decode().count("ü") == MAX_CHARS - 1


async def test_the_outbox_waits_as_long_as_it_is_told(api: Api) -> None:
    async with TelegramServer() as server:
        server.refusals.append((429, {"parameters": {"retry_after": 900}}))
        sender = TelegramSender(server.settings())
        api.services.outbox.senders["telegram"] = sender
        async with api.database.write() as tx:
            message = await api.services.outbox.send(tx, "telegram", "4711", "", "Hello.")
        answer = await sender.send(message)
        waiting = await api.services.outbox.finish(message, answer)
        assert waiting is not None
        assert waiting.next_try_wall == api.clock.wall() + 900
        api.clock.advance(900)
        done = asyncio.Event()

        async def told(work: Work, message: OutboxMessage) -> None:
            done.set()

        api.services.outbox.when_finished("telegram", told)
        outgoing = OutboxSender(api.services.outbox, api.clock)
        await outgoing.start()
        await done.wait()
        await outgoing.aclose()
        await sender.aclose()
    assert [each.status for each in await sent(api)] == [OutboxStatus.SENT]
    assert [each["text"] for each in server.taken] == ["Hello."]


async def linked(api: Api, email: str, **switches: bool) -> Account:
    token = await api.user(email)
    account = await api.services.sign_in.named(email)
    assert account is not None
    who = await api.services.authentication.principal(f"Bearer {token}")
    await api.services.telegram.link(who, account.seq + 4000, "")
    await api.services.telegram.change(who, dict(switches))
    return account


async def test_calls_are_told_to_whoever_wants_it_once(api: Api) -> None:
    ann = await linked(api, "ann@example.org")
    await linked(api, "bob@example.org", notify_calls=False)
    await linked(api, "off@example.org", is_on=False)
    reports = TelegramReports(api.database, api.services.outbox, api.clock)
    assert await reports.follow()
    for email in ("ann", "bob", "off"):
        token = await api.user(f"{email}@example.org")
        made = await api.want(202, "POST", "/v1/calls", {"to": "+15551230000"}, token=token)
        await api.want(202, "DELETE", f"/v1/calls/{made['id']}", token=token)
    while await reports.follow():
        pass
    again = TelegramReports(api.database, api.services.outbox, api.clock)
    while await again.follow():
        pass
    told = await sent(api)
    assert [(each.to, each.body) for each in told] == [
        (str(ann.seq + 4000), "Call 1 to +15551230000: cancelled.")
    ]
    assert told[0].status is OutboxStatus.KEPT


async def test_a_day_is_told_when_it_is_over_once(api: Api) -> None:
    ann = await linked(api, "ann@example.org", daily_reports=True)
    await linked(api, "bob@example.org")
    reports = TelegramReports(api.database, api.services.outbox, api.clock)
    over_wall = await reports.report_day()
    fields: dict[str, Any] = {
        "owner_id": ann.id,
        "inbound": False,
        "from_number": "",
        "to_number": "+15550001",
    }
    async with api.database.write() as tx:
        for outcome in (Outcome.COMPLETED, Outcome.COMPLETED, Outcome.BUSY):
            length = 90.0 if outcome is Outcome.COMPLETED else None
            ended: dict[str, Any] = {
                "status": CallStatus.ENDED,
                "outcome": outcome,
                "duration_s": length,
            }
            await CALLS.add(tx, Call(**fields, **ended, created_wall=api.clock.wall()))
    assert await reports.report_day() == over_wall
    assert await sent(api) == []
    api.clock.advance(over_wall - api.clock.wall())
    for _ in range(2):
        assert await reports.report_day() == over_wall + DAY_S
    assert [each.body for each in await sent(api)] == [
        "2023-11-14: 3 calls (1 busy, 2 completed), 3.0 minutes in all."
    ]
    api.clock.advance(DAY_S)
    await reports.report_day()
    assert [each.body for each in await sent(api)][1:] == ["2023-11-15: no calls."]


async def test_a_days_report_reaches_telegram_at_midnight(api: Api) -> None:
    ann = await linked(api, "ann@example.org", daily_reports=True)
    outbox = api.services.outbox
    async with asyncio.timeout(30), TelegramServer() as server:
        room = TelegramRoom(server.settings(), api.database, outbox, api.bus, api.clock)
        sender = OutboxSender(outbox, api.clock)
        await sender.start()
        room.start()
        await room.idle.wait()
        midnight = (api.clock.wall() // DAY_S + 1) * DAY_S
        api.clock.advance(midnight - api.clock.wall() - 1.0)
        await room.idle.wait()
        assert server.taken == []
        api.clock.advance(1.0)
        await server.took.wait()
        await room.aclose()
        await sender.aclose()
        await room.close_sender()
    assert [(each["chat_id"], each["text"]) for each in server.taken] == [
        (str(ann.seq + 4000), "2023-11-14: no calls.")
    ]
