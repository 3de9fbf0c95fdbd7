"""An account's own keys of providers: its agents use them, each call counts, nobody reads them."""

import logging
import pathlib
import random
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from offhook.control.agents.agents import AgentRuntime, Agents
from offhook.control.agents.provider_places import OwnKey
from offhook.control.configuration.config import ModelNames, ProviderSettings, Settings
from offhook.control.configuration.config_events import WebhookSettings
from offhook.control.domain.agents import Agent, LanguageModel
from offhook.control.errors import StoreError
from offhook.drivers.errors import KeyRejected
from offhook.drivers.llm.openai_chat import ChatSettings, OpenAIChatResponder
from offhook.drivers.openai_client import OpenAISettings, Secret
from offhook.media.clock import LoopClock
from offhook.media.errors import ProviderError
from offhook.media.speech_ports import ReplyDone, ReplyRequest, ReplyText
from offhook.tests.kit.api import Api
from offhook.tests.kit.openai_server import KEY, Behaviour, OpenAIServer, chat

ASKED = ReplyRequest(history=(), text="Hello?")
HELLO = Behaviour(pieces=(chat("Hello."),))


def configured(base_url: str) -> Settings:
    """A server with a provider that takes one key."""
    far = ProviderSettings("far", base_url, models=ModelNames(chat="m"))
    return Settings(providers=(far,), webhooks=WebhookSettings(allow_private=True))


class Desk:
    """An account with an agent of a provider that takes one key, and it is not the server's."""

    def __init__(self, api: Api, token: str, owner_id: str, base_url: str) -> None:
        self.api = api
        self.token = token
        self.base_url = base_url
        self.agents = Agents(
            configured(base_url),
            LoopClock(),
            random.Random(1),
            take_key=api.services.provider_keys.take_own,
        )
        self.agent = Agent(owner_id=owner_id, name="desk", llm=LanguageModel(provider="far"))

    async def key(self, secret: str, **fields: Any) -> Any:
        """A key of the account's."""
        body = {"provider": "far", "secret": secret, **fields}
        return await self.api.want(201, "POST", "/v1/provider-keys", body, token=self.token)

    async def used(self, key: Any) -> int:
        """How many calls have used it today."""
        path = f"/v1/provider-keys/{key['id']}"
        count: int = (await self.api.want(200, "GET", path, token=self.token))["used_today"]
        return count

    async def call(self) -> AgentRuntime:
        """The agent as one call has it."""
        return await self.agents.keyed(self.agents.runtime(self.agent))


async def said(runtime: AgentRuntime) -> str:
    parts = [part async for part in runtime.responder("1").respond(ASKED)]
    assert isinstance(parts[-1], ReplyDone)
    return "".join(part.text for part in parts if isinstance(part, ReplyText))


@pytest.fixture
async def desk(tmp_path: pathlib.Path) -> AsyncIterator[Desk]:
    async with (
        OpenAIServer().running() as server,
        Api(tmp_path, configured(server.base_url)) as api,
    ):
        server.script.extend([HELLO] * 5)
        token = await api.user("ann@example.org")
        account = await api.services.sign_in.named("ann@example.org")
        assert account is not None
        desk = Desk(api, token, account.id, server.base_url)
        yield desk
        await desk.agents.aclose()


async def test_an_accounts_key_is_used_for_its_agents_and_each_call_counts(desk: Desk) -> None:
    with pytest.raises(KeyRejected):
        await said(await desk.call())
    key = await desk.key(KEY)
    first = await desk.call()
    assert await said(first) == "Hello."
    assert await said(first) == "Hello."
    assert await desk.used(key) == 1
    assert await desk.call() is first, "with the same key it is the same agent"
    assert await desk.used(key) == 2


async def test_anothers_key_is_not_used(desk: Desk) -> None:
    body = {"provider": "far", "secret": KEY}
    await desk.api.want(201, "POST", "/v1/provider-keys", body)
    with pytest.raises(KeyRejected):
        await said(await desk.call())


async def test_beyond_the_limit_of_the_day_the_embedded_part_answers(desk: Desk) -> None:
    key = await desk.key(KEY, daily_limit=1)
    assert (await desk.call()).substitutions == ()
    assert (await desk.call()).substitutions == ("llm far",)
    assert await desk.used(key) == 1
    desk.api.clock.advance(86_400.0)
    assert (await desk.call()).substitutions == ()


async def test_a_key_that_is_switched_off_is_not_used(desk: Desk) -> None:
    key = await desk.key(KEY)
    path = f"/v1/provider-keys/{key['id']}"
    await desk.api.want(200, "PATCH", path, {"is_active": False}, token=desk.token)
    with pytest.raises(KeyRejected):
        await said(await desk.call())
    assert await desk.used(key) == 0


async def test_what_cannot_be_unsealed_does_not_end_the_call(desk: Desk) -> None:
    async def fails(owner_id: str, provider: str) -> OwnKey | None:
        raise StoreError("the box", "cannot be opened")

    desk.agents._take_key = fails
    assert (await desk.call()).substitutions == ("llm far",)


async def test_no_log_and_no_error_has_a_key(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "sk-own-0123456789"
    await desk.key(wrong)
    with pytest.raises(KeyRejected) as caught:
        await said(await desk.call())
    settings = OpenAISettings(key=Secret(wrong))
    assert wrong not in f"{caught.value} {caught.value!r} {settings!r} {caplog.text}"


async def test_an_agent_of_embedded_parts_asks_for_no_key(desk: Desk) -> None:
    async def asked(owner_id: str, provider: str) -> OwnKey | None:
        raise AssertionError(provider)

    desk.agents._take_key = asked
    plain = desk.agents.runtime(Agent(owner_id=desk.agent.owner_id, name="plain"))
    assert await desk.agents.keyed(plain) is plain


async def test_a_provider_that_only_the_key_names_answers(desk: Desk) -> None:
    desk.agent = msgspec.structs.replace(desk.agent, llm=LanguageModel(provider="mine"))
    assert (await desk.call()).substitutions == ("llm mine",)
    own = {"provider": "mine", "base_url": desk.base_url, "models": {"chat": "m"}}
    key = await desk.key(KEY, **own)
    runtime = await desk.call()
    assert runtime.substitutions == ()
    assert await said(runtime) == "Hello."
    assert await desk.used(key) == 1


async def test_a_key_with_an_address_is_sent_to_no_other(desk: Desk) -> None:
    async with OpenAIServer().running() as other:
        other.script.append(Behaviour(pieces=(chat("From there."),)))
        await desk.key(KEY, base_url=other.base_url)
        assert await said(await desk.call()) == "From there."


async def test_an_address_of_this_machine_is_asked_by_no_client_that_may_not(desk: Desk) -> None:
    settings = OpenAISettings(
        base_url=desk.base_url.replace("127.0.0.1", "localhost"), key=Secret(KEY), public_only=True
    )
    chatting = OpenAIChatResponder(ChatSettings("m", "", settings), random.Random(1))
    with pytest.raises(ProviderError, match="private network"):
        await anext(aiter(chatting.respond(ASKED)))
    await chatting.aclose()
