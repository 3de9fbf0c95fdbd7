"""How what the server works with stands, by what was really seen of it."""

import asyncio
import pathlib
from collections.abc import AsyncIterator

import pytest

from offhook.control.configuration.config import Settings
from offhook.control.configuration.config_agents import ModelNames, ProviderSettings
from offhook.control.domain.accounts import Role
from offhook.control.domain.server_parts import PartState
from offhook.control.messages.twilio_account import TwilioAccount
from offhook.control.messages.twilio_http import TwilioHttp
from offhook.control.services.server_parts import FRESH_S, NOT_CONNECTED
from offhook.drivers.openai_limits import RequestLimit
from offhook.tests.kit.api import Api
from offhook.tests.kit.openai_server import KEY, OpenAIServer
from offhook.tests.kit.twilio_server import TwilioServer

CHAT = "openai-chat"


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with asyncio.timeout(30), Api(tmp_path) as api:
        yield api


@pytest.fixture
async def openai(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIServer]:
    monkeypatch.setenv("OFFHOOK_TEST_KEY", KEY)
    async with OpenAIServer().running() as running:
        yield running


def asking(openai: OpenAIServer, key: str = "OFFHOOK_TEST_KEY") -> Settings:
    """A server that has one provider."""
    models = ModelNames(chat="m")
    return Settings(
        providers=(ProviderSettings("cloud", openai.base_url, api_key_env=key, models=models),)
    )


async def test_the_bus_is_tried_by_an_event_that_nobody_else_hears(api: Api) -> None:
    heard = api.bus.subscribe()
    await anext(heard)
    part = await api.services.server_parts.bus()
    assert (part.state, part.response_s) == (PartState.WELL, 0.0)
    assert (heard.waiting, len(api.bus)) == (0, 1)


async def test_without_a_provider_the_room_for_texts_is_what_remains(api: Api) -> None:
    parts = api.services.server_parts
    parts.room = lambda: 3
    part = await parts.model()
    assert (part.state, part.provider, part.remaining) == (PartState.WELL, "", 3)


async def test_what_the_newest_answer_said_is_told(api: Api) -> None:
    parts = api.services.server_parts
    parts.standings.answered("cloud", CHAT, 0.4)
    parts.standings.allowed("cloud", CHAT, RequestLimit(59, 60, 6.0))
    part = await parts.model()
    assert (part.provider, part.response_s, part.remaining) == ("cloud", 0.4, 59)


async def test_a_refused_request_impairs_what_answers(api: Api) -> None:
    parts = api.services.server_parts
    parts.standings.failed("cloud", CHAT, "provider_busy")
    part = await parts.model()
    assert (part.state, part.error) == (PartState.IMPAIRED, "provider_busy")


async def test_a_provider_that_nobody_asks_is_looked_for_once_a_minute(
    tmp_path: pathlib.Path, openai: OpenAIServer
) -> None:
    async with Api(tmp_path, asking(openai)) as api:
        parts = api.services.server_parts
        assert (await parts.model()).provider == ""
        await parts.settled()
        part = await parts.model()
        assert (part.state, part.provider) == (PartState.WELL, "cloud")
        await parts.settled()
        assert openai.models_asked == 1
        api.clock.advance(FRESH_S)
        await parts.model()
        await parts.settled()
        assert openai.models_asked == 2


async def test_a_provider_that_is_asked_anyway_is_not_looked_for(
    tmp_path: pathlib.Path, openai: OpenAIServer
) -> None:
    async with Api(tmp_path, asking(openai)) as api:
        parts = api.services.server_parts
        parts.standings.answered("cloud", CHAT, 0.4)
        await parts.model()
        await parts.settled()
        assert openai.models_asked == 0


async def test_a_provider_that_takes_no_key_of_ours_is_down(
    tmp_path: pathlib.Path, openai: OpenAIServer
) -> None:
    async with Api(tmp_path, asking(openai, key="OFFHOOK_TEST_NO_KEY")) as api:
        parts = api.services.server_parts
        await parts.model()
        await parts.settled()
        part = await parts.model()
        assert (part.state, part.error) == (PartState.DOWN, NOT_CONNECTED)


async def test_without_twilio_nothing_is_known_of_a_balance(api: Api) -> None:
    part = await api.services.server_parts.texting()
    assert (part.state, part.balance, part.response_s) == (PartState.ABSENT, None, None)


async def test_administrators_are_told_of_all_parts(api: Api) -> None:
    boss = await api.user("boss@example.org", Role.ADMIN)
    ann = await api.user("ann@example.org")
    async with TwilioServer() as server:
        http = TwilioHttp(server.settings(), api.clock)
        api.services.server_parts.twilio = account = TwilioAccount(http, api.clock)
        await api.want(403, "GET", "/v1/system/parts", token=ann)
        before = await api.want(200, "GET", "/v1/system/parts", token=boss)
        await account.settled()
        after = await api.want(200, "GET", "/v1/system/parts", token=boss)
        health = await api.want(200, "GET", "/smsagent/api/health/")
        of_others = [
            await api.want(200, "GET", "/smsagent/api/health/", token=token)
            for token in ("", "nobody's token", ann)
        ]
        await account.aclose()
        await http.aclose()
    assert before["texting"]["balance"] is None
    assert after["texting"] == {
        "state": "well",
        "response_s": 0.0,
        "balance": "45.67",
        "currency": "USD",
        "error": None,
    }
    assert health["services"]["twilio"] == {
        "status": "healthy",
        "response_time": 0.0,
        "account_balance": "$45.67",
    }
    assert {told["services"]["twilio"]["account_balance"] for told in of_others} == {"withheld"}


async def test_a_client_of_the_sms_agent_is_told_that_nothing_is_configured(api: Api) -> None:
    health = await api.want(200, "GET", "/smsagent/api/health/")
    assert health["status"] == "healthy"
    assert health["services"]["twilio"]["status"] == "degraded"
    assert health["services"]["twilio"]["account_balance"] == "not configured"


async def test_a_client_of_the_sms_agent_is_told_what_the_model_still_takes(api: Api) -> None:
    standings = api.services.server_parts.standings
    standings.answered("cloud", CHAT, 1.234)
    standings.allowed("cloud", CHAT, RequestLimit(4500))
    health = await api.want(200, "GET", "/smsagent/api/health/")
    assert health["services"]["openai"] == {
        "status": "healthy",
        "response_time": 1.234,
        "rate_limit_remaining": 4500,
    }
