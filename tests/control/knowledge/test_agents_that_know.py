"""An upload, an agent, a question: what a language model is asked, and what the house says."""

import asyncio
import pathlib
import random
from collections.abc import AsyncIterator

import pytest

from offhook.control.agents.agents import Agents
from offhook.control.auth.principal import OPERATOR
from offhook.control.configuration.config import ModelNames, ProviderSettings, Settings
from offhook.control.domain.agents import Agent, LanguageModel
from offhook.control.errors import StoreError
from offhook.control.knowledge.agent_knowledge import AgentKnowledge
from offhook.control.knowledge.knowledge_room import KnowledgeRoom
from offhook.control.services.documents import NewDocument
from offhook.control.services.knowledge import Found
from offhook.media.speech_ports import AnyReplyPart, ReplyRequest, ReplyText, Sourced
from offhook.tests.kit.api import Api
from offhook.tests.kit.openai_server import KEY, Behaviour, OpenAIServer, chat

TEXT = "# Returns\n\nYou may return a bicycle within thirty days. Bring the receipt."
QUESTION = "Until when may I return the bicycle?"


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def answered(api: Api, settings: Settings, agent: Agent) -> list[AnyReplyPart]:
    """The reply of an agent whose account has the document."""
    agent = await api.services.agents.create(OPERATOR, agent)
    rng = random.Random(1)
    room = KnowledgeRoom(settings, api.services, api.clock, rng)
    agents = Agents(settings, api.clock, rng)
    agents.knowledge = room.of
    room.start()
    said = NewDocument(title="Terms", agent_id=agent.id)
    made = await api.services.documents.create_from_text(OPERATOR, TEXT, said)
    await room.idle.wait()
    assert (await api.services.documents.get(OPERATOR, made.id)).status.value == "ready"
    responder = agents.runtime(agent).responder("")
    parts = [part async for part in responder.respond(ReplyRequest((), QUESTION))]
    await room.aclose()
    await agents.clients.aclose()
    return parts


async def test_a_language_model_is_asked_with_the_passage(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    async with OpenAIServer().running() as server:
        server.script.append(Behaviour(pieces=(chat("Thirty days."),)))
        provider = ProviderSettings(
            "cloud", server.base_url, api_key_env="A_KEY", models=ModelNames(chat="m")
        )
        agent = Agent(
            owner_id="", name="A", system_prompt="Be brief.", llm=LanguageModel(provider="cloud")
        )
        parts = await answered(api, Settings(providers=(provider,)), agent)
        messages = server.requests[0].body["messages"]
    assert [message["role"] for message in messages] == ["system", "system", "user"]
    assert messages[0]["content"] == "Be brief."
    assert "[1] Terms (Returns):\nYou may return a bicycle within" in messages[1]["content"]
    assert messages[2]["content"] == QUESTION
    assert isinstance(parts[0], Sourced)
    assert [source.document for source in parts[0].sources] == ["Terms"]


async def test_the_house_says_the_fitting_sentence(api: Api) -> None:
    parts = await answered(api, Settings(), Agent(owner_id="", name="A"))
    said = "".join(part.text for part in parts if isinstance(part, ReplyText))
    assert said.startswith("You may return a bicycle within thirty days.")
    assert isinstance(parts[0], Sourced)


async def test_a_search_that_takes_too_long_or_fails_is_left_out(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_: object) -> list[Found]:
        await asyncio.Event().wait()
        raise AssertionError("it is cut off before")

    async def fails(*_: object) -> list[Found]:
        raise StoreError("the database", "is gone")

    for find in (hangs, fails):
        monkeypatch.setattr(api.services.knowledge, "find", find)
        knowledge = AgentKnowledge(api.services.knowledge, OPERATOR.account_id, "a", 0.01)
        assert await knowledge.find(QUESTION) == ()
