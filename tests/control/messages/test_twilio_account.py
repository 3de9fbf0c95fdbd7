"""What is known of our account at Twilio, asked of a server of this machine."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from offhook.control.domain.messages import OutboxMessage
from offhook.control.messages.twilio_account import FRESH_S, KEPT_S, TwilioAccount
from offhook.control.messages.twilio_balance import Balance
from offhook.control.messages.twilio_http import TwilioHttp
from offhook.control.messages.twilio_sender import TwilioSender
from offhook.media.clock import VirtualClock
from offhook.tests.kit.twilio_server import TwilioServer


class Known:
    """An account, and the server that tells of it."""

    def __init__(self, server: TwilioServer, **more: str) -> None:
        self.server, self.clock = server, VirtualClock()
        self.http = TwilioHttp(server.settings(**more), self.clock)
        self.account = TwilioAccount(self.http, self.clock)

    def balance(self) -> str:
        """As it is known now."""
        balance = self.account.standing().balance
        return "" if balance is None else str(balance.amount)

    async def aclose(self) -> None:
        await self.account.aclose()
        await self.http.aclose()


@pytest.fixture
async def known() -> AsyncIterator[Known]:
    async with asyncio.timeout(30), TwilioServer() as server:
        known = Known(server)
        yield known
        await known.aclose()


async def test_the_balance_is_asked_for_beside_whoever_wants_to_know(known: Known) -> None:
    assert known.balance() == ""
    await known.account.settled()
    standing = known.account.standing()
    assert isinstance(standing.balance, Balance)
    assert (str(standing.balance.amount), standing.balance.currency) == ("45.67", "USD")
    assert (standing.response_s, standing.error) == (0.0, "")


async def test_nobody_waits_for_an_answer_that_does_not_come(known: Known) -> None:
    known.server.hold = asyncio.Event()
    for _ in range(100):
        assert known.balance() == ""
    await asyncio.sleep(0)
    known.server.hold.set()
    await known.account.settled()
    assert (known.balance(), known.server.balance_asked) == ("45.67", 1)


async def test_it_is_asked_for_once_a_minute_at_most(known: Known) -> None:
    known.balance()
    await known.account.settled()
    known.server.balance = "12.00"
    known.clock.advance(FRESH_S - 1)
    known.balance()
    await known.account.settled()
    assert (known.balance(), known.server.balance_asked) == ("45.67", 1)
    known.clock.advance(1)
    assert known.balance() == "45.67"
    await known.account.settled()
    assert (known.balance(), known.server.balance_asked) == ("12.00", 2)


async def test_what_was_told_long_ago_is_told_no_more(known: Known) -> None:
    known.balance()
    await known.account.settled()
    known.clock.advance(KEPT_S + 1)
    assert known.balance() == ""
    await known.account.settled()
    assert known.balance() == "45.67"


async def test_a_wrong_secret_is_told_until_it_is_taken() -> None:
    async with TwilioServer() as server:
        known = Known(server, auth_token="another secret")
        known.account.standing()
        await known.account.settled()
        standing = known.account.standing()
        await known.aclose()
    assert (standing.balance, standing.error) == (None, "Twilio answers 401")


async def test_a_server_that_is_away_is_told_without_the_secret() -> None:
    async with TwilioServer() as server:
        known = Known(server)
    known.account.standing()
    await known.account.settled()
    assert known.account.standing().error.startswith("Twilio cannot be reached: Client")
    assert known.account.standing().response_s is None
    await known.aclose()


async def test_texts_that_are_sent_tell_how_fast_it_answers(known: Known) -> None:
    sender = TwilioSender(known.http)
    await sender.send(OutboxMessage(channel="sms", to="+15551230001", body="Hello."))
    assert known.http.contact.response_s == 0.0
    assert known.server.balance_asked == 0
