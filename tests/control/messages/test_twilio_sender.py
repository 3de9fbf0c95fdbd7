"""SMS by Twilio on a wire of this machine: what is sent, what is tried again, what is given up."""

import asyncio
import logging
import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.configuration.config import load
from offhook.control.domain.messages import OutboxMessage, OutboxStatus, SmsStatus
from offhook.control.errors import ConfigError
from offhook.control.messages.outbox_delivery import NotTaken
from offhook.control.messages.outbox_sender import OutboxSender
from offhook.control.messages.twilio_http import TwilioHttp
from offhook.control.messages.twilio_sender import TwilioSender
from offhook.control.services.error_logs import ErrorLogFilter
from offhook.control.services.sms import NewSms
from offhook.control.store.rows import PageQuery
from offhook.media.clock import VirtualClock
from offhook.tests.kit.api import Api
from offhook.tests.kit.twilio_server import FROM, SECRET, SID, Refusal, TwilioServer

MESSAGE = OutboxMessage(channel="sms", to="+15551230001", body="Grüße & <more>")


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with asyncio.timeout(30), Api(tmp_path) as api:
        yield api


async def test_a_message_is_posted_as_a_form_and_taken() -> None:
    async with TwilioServer() as server:
        sender = TwilioSender(TwilioHttp(server.settings(), VirtualClock()))
        answer = await sender.send(MESSAGE)
        await sender.aclose()
    (taken,) = server.taken
    assert taken == {
        "To": MESSAGE.to,
        "From": FROM,
        "Body": MESSAGE.body,
        "sid": getattr(answer, "reference", ""),
    }


async def test_the_secret_is_neither_told_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with TwilioServer() as server:
        sender = TwilioSender(
            TwilioHttp(server.settings(auth_token="another secret"), VirtualClock())
        )
        answer = await sender.send(MESSAGE)
        await sender.aclose()
        nobody = TwilioSender(TwilioHttp(server.settings(), VirtualClock()))
    unreachable = await nobody.send(MESSAGE)
    await nobody.aclose()
    assert answer == NotTaken("Twilio answers 401, error 20003: Authenticate")
    assert isinstance(unreachable, NotTaken)
    assert not unreachable.permanent
    for text in (caplog.text, str(answer), str(unreachable)):
        assert "another secret" not in text
        assert SECRET not in text


async def test_an_sms_is_tried_again_until_twilio_takes_it_and_has_its_id(api: Api) -> None:
    services = api.services
    async with TwilioServer() as server:
        sender = TwilioSender(TwilioHttp(server.settings(), VirtualClock()))
        services.outbox.senders["sms"] = sender
        server.refusals += [Refusal(429, 20429, "Too Many Requests"), Refusal(503, 20503, "Later")]
        posting = OutboxSender(services.outbox, api.clock)
        await posting.start()
        sms = await services.sms.send(OPERATOR, NewSms(to=MESSAGE.to, body=MESSAGE.body))
        assert sms.status is SmsStatus.QUEUED
        while (tried := await services.outbox.get(sms.id)).status is OutboxStatus.WAITING:
            if tried.attempts and tried.next_try_wall is not None:
                api.clock.advance(max(0.0, tried.next_try_wall - api.clock.wall()))
        found = await services.sms.get(OPERATOR, sms.id)
        await posting.aclose()
        await sender.aclose()
    assert (found.status, found.provider_sid) == (SmsStatus.SENT, server.taken[0]["sid"])
    assert (tried.attempts, server.asked) == (3, 3)


async def test_what_became_of_an_sms_is_told_by_twilio_afterwards(api: Api) -> None:
    services = api.services
    async with TwilioServer() as server:
        sender = TwilioSender(
            TwilioHttp(server.settings(status_callback="https://me.example/status"), VirtualClock())
        )
        services.outbox.senders["sms"] = sender
        posting = OutboxSender(services.outbox, api.clock)
        await posting.start()
        sms = await services.sms.send(OPERATOR, NewSms(to=MESSAGE.to, body="Hello."))
        while (await services.outbox.get(sms.id)).status is OutboxStatus.WAITING:
            pass
        await posting.aclose()
        await sender.aclose()
    (taken,) = server.taken
    assert taken["StatusCallback"] == "https://me.example/status"
    path = "/v1/messages/twilio/status"
    for told in ("sent", "undelivered"):
        form = {"MessageSid": taken["sid"], "MessageStatus": told, "ErrorCode": "30003"}
        assert (await api.client.post(path, data=form)).status == 204
    found = await services.sms.get(OPERATOR, sms.id)
    assert (found.status, found.error) == (SmsStatus.FAILED, "Twilio's error 30003")
    unknown = {"MessageSid": "SM0", "MessageStatus": "delivered"}
    assert (await api.client.post(path, data=unknown)).status == 204
    services.inbound_sms.auth_token = "the secret"
    assert (await api.client.post(path, data=unknown)).status == 403


async def test_what_twilio_refuses_for_good_fails_at_once_and_is_told(api: Api) -> None:
    services = api.services
    async with TwilioServer() as server:
        sender = TwilioSender(TwilioHttp(server.settings(), VirtualClock()))
        services.outbox.senders["sms"] = sender
        server.refusals.append(Refusal(400, 21211, "Invalid 'To' Phone Number"))
        posting = OutboxSender(services.outbox, api.clock)
        await posting.start()
        sms = await services.sms.send(OPERATOR, NewSms(to=MESSAGE.to, body="Hello."))
        while (await services.outbox.get(sms.id)).status is OutboxStatus.WAITING:
            pass
        failed = await services.sms.get(OPERATOR, sms.id)
        await posting.aclose()
        await sender.aclose()
    assert failed.status is SmsStatus.FAILED
    assert "21211" in failed.error
    (entry,) = (await services.error_logs.page(OPERATOR, PageQuery(), ErrorLogFilter())).items
    assert (entry.type, entry.phone_number) == ("sms_failed", MESSAGE.to)
    assert entry.owner_id == OPERATOR_ID


def test_twilio_is_configured_as_a_whole_and_its_secret_is_one(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "offhook.toml"
    file.write_text(f'[twilio]\naccount_sid = "{SID}"\nfrom_number = "{FROM}"\n')
    with pytest.raises(ConfigError) as caught:
        load({}, str(file))
    assert caught.value.key == "twilio.auth_token"
    settings = load({"OFFHOOK_TWILIO_AUTH_TOKEN": SECRET}, str(file))
    assert SECRET in settings.secrets_of()
    assert settings.sms.quotas["free"] == 60
