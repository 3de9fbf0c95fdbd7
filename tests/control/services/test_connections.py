"""Keys are shown to their providers, and to nobody else. Servers on the loopback stand for them."""

import asyncio
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from offhook.control.configuration.config_connections import ConnectionSettings
from offhook.control.services.connections import NOT_GIVEN, Connection, ConnectionTests

KEY, SID, TOKEN = "sk-good-0123456789", "AC0123456789abcdef", "0123456789abcdef"
STUCK = "sk-stuck"


class Providers:
    """Both of them at one address."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.account = "active"
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/2010-04-01/Accounts/{sid}.json", self._account)
        self.server = TestServer(app)

    async def _models(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        said = request.headers["Authorization"]
        if said == "Bearer sk-elsewhere":
            raise web.HTTPFound("/v1/models")
        if said == f"Bearer {STUCK}":
            await asyncio.Event().wait()
        if said != f"Bearer {KEY}":
            return web.json_response({"error": {"message": f"bad {said}"}}, status=401)
        return web.json_response({"data": [{"id": "gpt-4"}]})

    async def _account(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.headers["Authorization"] != aiohttp.encode_basic_auth(SID, TOKEN):
            return web.json_response({"code": 20003}, status=401)
        return web.json_response({"sid": SID, "status": self.account})


@pytest.fixture
async def providers() -> AsyncIterator[Providers]:
    found = Providers()
    await found.server.start_server()
    yield found
    await found.server.close()


def trying(providers: Providers, timeout_s: float = 5.0) -> ConnectionTests:
    root = str(providers.server.make_url("/")).rstrip("/")
    settings = ConnectionSettings(openai_url=f"{root}/v1", twilio_url=root, timeout_s=timeout_s)
    return ConnectionTests(settings)


async def test_a_good_key_is_connected(providers: Providers) -> None:
    tests = trying(providers)
    assert await tests.openai(KEY) == Connection(True)
    assert await tests.twilio(SID, TOKEN, "+1234567890") == Connection(True)
    assert providers.asked == ["/v1/models", f"/2010-04-01/Accounts/{SID}.json"]


async def test_a_key_that_is_not_taken_says_so_and_is_told_to_nobody(
    providers: Providers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tests = trying(providers)
    wrong = "sk-wrong-0123456789"
    found = await tests.openai(wrong)
    assert not found.connected
    assert found.error == "the key is not taken"
    assert (await tests.twilio(SID, "another")).error == "the key is not taken"
    assert wrong not in caplog.text
    assert "another" not in caplog.text


async def test_a_redirect_is_not_followed(providers: Providers) -> None:
    found = await trying(providers).openai("sk-elsewhere")
    assert found.error == "it answers HTTP 302"
    assert providers.asked == ["/v1/models"]


async def test_an_account_that_is_suspended_is_not_connected(providers: Providers) -> None:
    providers.account = "suspended"
    assert (await trying(providers).twilio(SID, TOKEN)).error == "the account is 'suspended'"


async def test_nobody_waits_longer_than_the_limit(providers: Providers) -> None:
    found = await trying(providers, timeout_s=0.05).openai(STUCK)
    assert found.error == "no answer within 0.05 s"


async def test_where_nobody_listens_it_is_not_connected(providers: Providers) -> None:
    tests = trying(providers)
    await providers.server.close()
    found = await tests.openai(KEY)
    assert found.error is not None
    assert found.error.startswith("it cannot be reached")
    assert KEY not in found.error


@pytest.mark.parametrize(
    ("sid", "token", "number"),
    [("XX1", TOKEN, ""), ("AC../x", TOKEN, ""), (SID, "", ""), (SID, TOKEN, "12"), ("", TOKEN, "")],
)
async def test_what_cannot_be_an_account_is_shown_to_nobody(
    providers: Providers, sid: str, token: str, number: str
) -> None:
    assert not (await trying(providers).twilio(sid, token, number)).connected
    assert not (await trying(providers).openai("two words")).connected
    assert providers.asked == []


async def test_without_a_key_nothing_is_tried(providers: Providers) -> None:
    tests = trying(providers)
    for found in (await tests.openai(""), await tests.twilio("", "")):
        assert found == Connection(False, NOT_GIVEN, tried=False)
    assert providers.asked == []


async def test_without_addresses_only_the_form_is_looked_at() -> None:
    tests = ConnectionTests()
    assert (await tests.openai("sk-1")).connected
    assert not (await tests.openai("pk-1")).connected
    assert (await tests.twilio("AC12", "t")).connected
