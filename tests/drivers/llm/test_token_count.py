"""What a reply takes is told as the provider tells it, else as a guess that says so."""

import random
from collections.abc import AsyncIterator

import msgspec
import pytest

from offhook.drivers.llm.openai_chat import ChatSettings, OpenAIChatResponder, tokens_of
from offhook.drivers.openai_client import OpenAISettings
from offhook.media.errors import ProviderError
from offhook.media.speech_ports import Message, ReplyRequest, TokensUsed
from offhook.tests.kit.openai_server import (
    CUT,
    KEY,
    STALL,
    Behaviour,
    OpenAIServer,
    chat,
    chunk,
    refusal,
)

PROMPT = "Be short."
CHARS_IN = len(PROMPT) + len("Hello.") + len("What is the weather?")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIServer]:
    monkeypatch.setenv("OFFHOOK_TEST_KEY", KEY)
    async with OpenAIServer().running() as running:
        yield running


def request(told: list[TokensUsed]) -> ReplyRequest:
    history = (Message("agent", "Hello."),)
    return ReplyRequest(history=history, text="What is the weather?", count=told.append)


def responder(server: OpenAIServer, *, usage: bool = True) -> OpenAIChatResponder:
    settings = OpenAISettings(server.base_url, "OFFHOOK_TEST_KEY", retries=0)
    chat_settings = ChatSettings(model="m", prompt=PROMPT, server=settings, usage=usage)
    return OpenAIChatResponder(chat_settings, random.Random(1))


def usage(tokens_in: int, tokens_out: int) -> bytes:
    told = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}
    return b"data: " + msgspec.json.encode({"choices": [], "usage": told}) + b"\n\n"


async def all_of(made: OpenAIChatResponder, asked: ReplyRequest) -> None:
    try:
        async for _ in made.respond(asked):
            pass
    finally:
        await made.aclose()


async def test_tokens_are_those_that_the_provider_tells(server: OpenAIServer) -> None:
    body = chunk(content="It rains.") + usage(3, 1) + usage(321, 45) + b"data: [DONE]\n\n"
    server.script.append(Behaviour(pieces=(body,)))
    told: list[TokensUsed] = []
    await all_of(responder(server), request(told))
    assert told == [TokensUsed(321, 45)]
    assert server.requests[0].body["stream_options"] == {"include_usage": True}


async def test_what_is_not_told_is_guessed_by_characters(server: OpenAIServer) -> None:
    body = chunk(content="It ") + chunk(content="rains.") + b"data: [DONE]\n\n"
    server.script.append(Behaviour(pieces=(body,)))
    told: list[TokensUsed] = []
    await all_of(responder(server, usage=False), request(told))
    assert told == [TokensUsed(tokens_of(CHARS_IN), tokens_of(9), estimated=True)]
    assert told == [TokensUsed(9, 3, estimated=True)]  # 35 and 9 characters, 4 a token
    assert "stream_options" not in server.requests[0].body


async def test_a_reply_that_is_given_up_has_taken_what_came_of_it(server: OpenAIServer) -> None:
    server.script.append(Behaviour(pieces=(chunk(content="It rains."), STALL)))
    told: list[TokensUsed] = []
    made = responder(server)
    parts = made.respond(request(told))
    await anext(parts)
    assert told == []
    await parts.aclose()  # type: ignore[attr-defined]
    assert told == [TokensUsed(9, 3, estimated=True)]
    await made.aclose()


async def test_a_broken_reply_counts_and_a_refused_one_does_not(server: OpenAIServer) -> None:
    told: list[TokensUsed] = []
    server.script.append(Behaviour(pieces=(chunk(content="It rains."), CUT)))
    with pytest.raises(ProviderError):
        await all_of(responder(server), request(told))
    assert told == [TokensUsed(9, 3, estimated=True)]
    server.script.append(refusal(400, "bad"))
    with pytest.raises(ProviderError):
        await all_of(responder(server), request(told))
    assert len(told) == 1


async def test_nobody_has_to_count(server: OpenAIServer) -> None:
    server.script.append(Behaviour(pieces=(chat("Fine."),)))
    await all_of(responder(server), ReplyRequest(history=(), text="How are you?"))
