"""One answer by a schema: what is sent, what comes back, and every way in which it does not."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from offhook.drivers.errors import KeyRejected, ProviderBusy, ProviderUnreachable
from offhook.drivers.llm.openai_answers import (
    MAX_ANSWER_BYTES,
    AnswerUnusable,
    OpenAIAnswers,
    Question,
)
from offhook.drivers.openai_client import OpenAISettings
from offhook.media.errors import ProviderRejected, ProviderTimedOut
from offhook.media.speech_ports import TokensUsed
from offhook.tests.kit.openai_server import (
    CUT,
    KEY,
    STALL,
    Behaviour,
    OpenAIServer,
    completion,
    refusal,
    split,
)

SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
QUESTION = Question(
    model="m", instructions="Be exact.", text="Who?", schema_name="person", schema=SCHEMA
)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIServer]:
    monkeypatch.setenv("OFFHOOK_TEST_KEY", KEY)
    async with OpenAIServer().running() as running:
        yield running


@asynccontextmanager
async def answers(server: OpenAIServer, first_part_s: float = 4.0) -> AsyncIterator[OpenAIAnswers]:
    settings = OpenAISettings(server.base_url, "OFFHOOK_TEST_KEY", first_part_s, retries=0)
    made = OpenAIAnswers(settings, random.Random(1))
    try:
        yield made
    finally:
        await made.aclose()


def ok(**message: Any) -> Behaviour:
    return Behaviour(pieces=(completion(**message),))


@pytest.mark.parametrize("size", [1, 100, 100_000])
async def test_the_answer_is_what_the_model_says(server: OpenAIServer, size: int) -> None:
    body = completion(content='{"name": "Ännchen"}')
    server.script.append(Behaviour(pieces=split(body, size)))
    async with answers(server) as made:
        used: list[TokensUsed] = []
        assert await made.ask(QUESTION, used.append) == '{"name": "Ännchen"}'.encode()
    assert used == [TokensUsed(1, 1)]
    sent = server.requests[0].body
    assert sent["model"] == "m"
    assert sent["messages"][1] == {"role": "user", "content": "Who?"}
    assert "stream" not in sent
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "person", "strict": True, "schema": SCHEMA},
    }


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (ok(content=None, refusal="I cannot help with that."), "refuses: I cannot help"),
        (ok(content='{"na', finish_reason="length"), "too long"),
        (ok(content=""), "without words"),
        (ok(content=None, finish_reason="content_filter"), "content_filter"),
        (Behaviour(pieces=(b'{"choices": []}',)), "no answer"),
        (Behaviour(pieces=(b"<html>",)), "nonsense"),
        (Behaviour(pieces=(b"\xff\xfe",)), "nonsense"),
        (Behaviour(pieces=(b'{"choices": [7]}',)), "nonsense"),
        (Behaviour(pieces=(b"x" * (MAX_ANSWER_BYTES + 1),)), "more than"),
    ],
)
async def test_what_is_no_answer_is_told(
    server: OpenAIServer, behaviour: Behaviour, said: str
) -> None:
    server.script.append(behaviour)
    async with answers(server) as made:
        with pytest.raises(AnswerUnusable, match=said):
            await made.ask(QUESTION)


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (refusal(400, "invalid_schema"), ProviderRejected),
        (refusal(401, "invalid_api_key"), KeyRejected),
        (refusal(429, "rate_limit_exceeded", retry_after="7"), ProviderBusy),
        (refusal(503, "overloaded"), ProviderBusy),
        (Behaviour(pieces=(b"{", CUT)), ProviderUnreachable),
    ],
)
async def test_who_refuses_is_not_asked_again_here(
    server: OpenAIServer, behaviour: Behaviour, error: type[Exception]
) -> None:
    server.script.append(behaviour)
    async with answers(server) as made:
        with pytest.raises(error) as caught:
            await made.ask(QUESTION)
    assert len(server.requests) == 1
    if behaviour.status == 429:
        assert isinstance(caught.value, ProviderBusy)
        assert caught.value.retry_after_s == 7.0


async def test_a_server_that_stalls_is_given_up(server: OpenAIServer) -> None:
    server.script.append(Behaviour(pieces=(b"{", STALL)))
    async with answers(server, first_part_s=0.05) as made:
        with pytest.raises(ProviderTimedOut):
            await made.ask(QUESTION)
    await server.client_left.wait()


async def test_what_an_answer_took_is_counted_when_it_is_no_use_and_guessed_when_not_told(
    server: OpenAIServer,
) -> None:
    told = completion(content="{", finish_reason="length")
    untold = msgspec.json.encode({**msgspec.json.decode(told), "usage": None})
    server.script += [Behaviour(pieces=(body,)) for body in (told, untold)]
    used: list[TokensUsed] = []
    async with answers(server) as made:
        for _ in range(2):
            with pytest.raises(AnswerUnusable):
                await made.ask(QUESTION, used.append)
    # "Be exact." and "Who?" are 13 characters, four a token.
    assert used == [TokensUsed(1, 1), TokensUsed(4, 1, estimated=True)]
