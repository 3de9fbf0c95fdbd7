import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from offhook.drivers.errors import KeyRejected, ProviderBusy, ProviderUnreachable
from offhook.drivers.llm.openai_chat import ChatSettings, OpenAIChatResponder, messages
from offhook.drivers.openai_client import OpenAISettings
from offhook.media.errors import ProviderError, ProviderRejected, ProviderTimedOut
from offhook.media.speech_ports import (
    AnyReplyPart,
    CollectDigits,
    HangUp,
    Message,
    ReplyDone,
    ReplyRequest,
    ReplyText,
    Transfer,
)
from offhook.tests.kit.openai_server import (
    CUT,
    KEY,
    STALL,
    Behaviour,
    OpenAIServer,
    chat,
    chunk,
    refusal,
    split,
)

ASKED = ReplyRequest(history=(Message("agent", "Hello."),), text="What is the weather?")
QUICK_S = 0.05
"A time limit for servers that stall."


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIServer]:
    monkeypatch.setenv("OFFHOOK_TEST_KEY", KEY)
    async with OpenAIServer().running() as running:
        yield running


@asynccontextmanager
async def responder(
    server: OpenAIServer,
    pauses: list[float] | None = None,
    first_part_s: float = 4.0,
    stall_s: float = 4.0,
) -> AsyncIterator[OpenAIChatResponder]:
    async def sleep(seconds: float) -> None:
        if pauses is not None:
            pauses.append(seconds)

    settings = OpenAISettings(server.base_url, "OFFHOOK_TEST_KEY", first_part_s, stall_s)
    chat_settings = ChatSettings(model="m", prompt="Be short.", server=settings)
    made = OpenAIChatResponder(chat_settings, random.Random(1), sleep)
    try:
        yield made
    finally:
        await made.aclose()


async def parts_of(
    made: OpenAIChatResponder, heard: list[AnyReplyPart] | None = None
) -> list[AnyReplyPart]:
    """The reply; `heard` keeps what came before an error."""
    heard = [] if heard is None else heard
    async for part in made.respond(ASKED):
        heard.append(part)
    return heard


@pytest.mark.parametrize("size", [1, 3, 7, 64, 100_000])
async def test_streams_words_however_the_stream_is_split(server: OpenAIServer, size: int) -> None:
    server.script.append(Behaviour(pieces=split(chat("It is ", "schön — ", "☀."), size)))
    async with responder(server) as made:
        parts = await parts_of(made)
    texts = [part.text for part in parts if isinstance(part, ReplyText)]
    assert "".join(texts) == "It is schön — ☀."
    assert parts[-1] == ReplyDone()


async def test_sends_prompt_history_and_turn(server: OpenAIServer) -> None:
    server.script.append(Behaviour(pieces=(chat("Yes."),)))
    async with responder(server) as made:
        await parts_of(made)
    body = server.requests[0].body
    assert body["stream"] is True
    assert body["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "What is the weather?"},
    ]


def test_what_the_agent_is_to_speak_to_is_the_last_message() -> None:
    told = Message("system", "The shop closes at six.")
    assert messages("p", ReplyRequest((told,), "", prompted=True)) == [
        {"role": "system", "content": "p"},
        {"role": "system", "content": "The shop closes at six."},
    ]


def test_what_is_no_text_is_said_in_brackets() -> None:
    for request, word in (
        (ReplyRequest((), "", digits="12#"), "12#"),
        (ReplyRequest((), "", silence=2), "2 times"),
        (ReplyRequest((), "", rejected=True), "understood"),
    ):
        said = messages("p", request)[-1]["content"]
        assert said.startswith("[")
        assert word in said


async def test_tool_calls_become_acts_also_without_an_index(server: OpenAIServer) -> None:
    hang_up = {"id": "a", "type": "function", "function": {"name": "hang_up", "arguments": ""}}
    first = {
        "index": 0,
        "id": "b",
        "type": "function",
        "function": {"name": "transfer", "arguments": ""},
    }
    rest = [{"index": 0, "function": {"arguments": piece}} for piece in ('{"to": "+4', '930"}')]
    collect = {
        "id": "c",
        "type": "function",
        "function": {"name": "collect_digits", "arguments": '{"max_digits": 4, "terminator": "*"}'},
    }
    body = chunk(content="Bye.") + b"".join(
        chunk(tool_calls=[call]) for call in (hang_up, first, *rest, collect)
    )
    server.script.append(Behaviour(pieces=(body, b"data: [DONE]\n\n")))
    async with responder(server) as made:
        parts = await parts_of(made)
    assert parts == [
        ReplyText("Bye."),
        HangUp(),
        Transfer("+4930"),
        CollectDigits(4, "*"),
        ReplyDone(),
    ]


async def test_a_tool_that_does_not_exist_is_the_providers_error(server: OpenAIServer) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "dance", "arguments": "{}"}}
    body = chunk(content="Look.") + chunk(tool_calls=[call]) + b"data: [DONE]\n\n"
    server.script.append(Behaviour(pieces=(body,)))
    async with responder(server) as made:
        with pytest.raises(ProviderError, match="dance"):
            await parts_of(made)


async def test_wrong_key_names_server_and_variable_but_never_the_key(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFHOOK_TEST_KEY", "sk-wrong-secret")
    pauses: list[float] = []
    async with responder(server, pauses) as made:
        with pytest.raises(KeyRejected) as caught:
            await parts_of(made)
    said = str(caught.value)
    assert server.base_url in said
    assert "OFFHOOK_TEST_KEY" in said
    assert "secret" not in said
    assert not caught.value.retryable
    assert len(server.requests) == 1
    assert pauses == []


async def test_missing_key_is_a_rejected_key(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OFFHOOK_TEST_KEY")
    async with responder(server) as made:
        with pytest.raises(KeyRejected, match="OFFHOOK_TEST_KEY"):
            await parts_of(made)


async def test_waits_as_long_as_retry_after_says(server: OpenAIServer) -> None:
    server.script += [
        refusal(429, "rate_limit_exceeded", retry_after="2"),
        refusal(429, "rate_limit_exceeded", retry_after_ms="300"),
        Behaviour(pieces=(chat("Yes."),)),
    ]
    pauses: list[float] = []
    async with responder(server, pauses) as made:
        parts = await parts_of(made)
    assert pauses == [2.0, 0.3]
    assert ReplyText("Yes.") in parts


async def test_gives_up_when_asked_for_too_much_patience(server: OpenAIServer) -> None:
    server.script.append(refusal(429, "rate_limit_exceeded", retry_after="60"))
    async with responder(server) as made:
        with pytest.raises(ProviderBusy) as caught:
            await parts_of(made)
    assert caught.value.retry_after_s == 60.0
    assert len(server.requests) == 1


async def test_an_empty_account_is_not_asked_again(server: OpenAIServer) -> None:
    server.script.append(refusal(429, "insufficient_quota"))
    async with responder(server) as made:
        with pytest.raises(ProviderRejected, match="429"):
            await parts_of(made)
    assert len(server.requests) == 1


async def test_retries_a_broken_server_with_growing_pauses_then_gives_up(
    server: OpenAIServer,
) -> None:
    server.script += [refusal(500, "server_error")] * 3
    pauses: list[float] = []
    async with responder(server, pauses) as made:
        with pytest.raises(ProviderError, match="500"):
            await parts_of(made)
    assert len(server.requests) == 3
    assert 0.18 < pauses[0] <= 0.25
    assert 0.37 < pauses[1] <= 0.5


async def test_bad_request_is_not_retried(server: OpenAIServer) -> None:
    server.script.append(refusal(400, "model_not_found", "no such model"))
    async with responder(server) as made:
        with pytest.raises(ProviderRejected, match="no such model"):
            await parts_of(made)
    assert len(server.requests) == 1


async def test_a_server_that_never_begins_is_tried_again(server: OpenAIServer) -> None:
    server.script += [Behaviour(pieces=(STALL,)), Behaviour(pieces=(chat("Yes."),))]
    async with responder(server, [], first_part_s=0.3) as made:
        parts = await parts_of(made)
    assert ReplyText("Yes.") in parts
    assert len(server.requests) == 2


async def test_a_stall_after_the_first_words_is_told_and_not_retried(server: OpenAIServer) -> None:
    server.script.append(Behaviour(pieces=(chunk(content="It"), STALL)))
    heard: list[AnyReplyPart] = []
    async with responder(server, stall_s=QUICK_S) as made:
        with pytest.raises(ProviderTimedOut, match="without more"):
            await parts_of(made, heard)
        await server.client_left.wait()
    assert heard == [ReplyText("It")]
    assert len(server.requests) == 1


async def test_a_disconnect_in_mid_stream_is_told(server: OpenAIServer) -> None:
    server.script.append(Behaviour(pieces=(chunk(content="It"), CUT)))
    heard: list[AnyReplyPart] = []
    async with responder(server) as made:
        with pytest.raises(ProviderUnreachable):
            await parts_of(made, heard)
    assert heard == [ReplyText("It")]


async def test_an_error_inside_the_stream_is_told(server: OpenAIServer) -> None:
    body = chunk(content="It") + b'data: {"error":{"message":"overloaded","code":"x"}}\n\n'
    server.script.append(Behaviour(pieces=(body,)))
    async with responder(server) as made:
        with pytest.raises(ProviderError, match="overloaded"):
            await parts_of(made)


async def test_nonsense_in_the_stream_is_told(server: OpenAIServer) -> None:
    server.script += [Behaviour(pieces=(b"data: {nonsense\n\n",))] * 3
    async with responder(server, []) as made:
        with pytest.raises(ProviderError, match="nonsense"):
            await parts_of(made)


EVENTS = [b"[1]", b"5", b'{"choices":"abc"}', b'{"choices":[{"delta":{"content":5}}]}', b"\xff"]


@pytest.mark.parametrize("event", EVENTS)
async def test_an_event_of_another_shape_is_the_providers_error(
    server: OpenAIServer, event: bytes
) -> None:
    server.script += [Behaviour(pieces=(b"data: " + event + b"\n\n",))] * 3
    async with responder(server, []) as made:
        with pytest.raises(ProviderError, match="nonsense"):
            await parts_of(made)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Welcome</html>", b'{"error":{"message":"x"}}', b"data: [DONE]\n\n", chat()],
)
async def test_an_answer_without_a_word_is_asked_for_again_and_then_told(
    server: OpenAIServer, body: bytes
) -> None:
    wordless = Behaviour(pieces=(body,), headers={"Content-Type": "text/html"})
    server.script += [wordless, Behaviour(pieces=(chat("Yes."),)), *[wordless] * 3]
    async with responder(server, []) as made:
        assert ReplyText("Yes.") in await parts_of(made)
        with pytest.raises(ProviderError, match="text/html without a word"):
            await parts_of(made)
    assert len(server.requests) == 5


async def test_a_tool_alone_is_an_answer(server: OpenAIServer) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "hang_up", "arguments": "{}"}}
    server.script.append(Behaviour(pieces=(chunk(tool_calls=[call]) + b"data: [DONE]\n\n",)))
    async with responder(server) as made:
        assert await parts_of(made) == [HangUp(), ReplyDone()]


async def test_keys_that_cannot_be_gathered_so_are_gathered_sensibly(server: OpenAIServer) -> None:
    arguments = '{"max_digits": 0, "terminator": "none"}'
    call = {"index": 0, "id": "a", "function": {"name": "collect_digits", "arguments": arguments}}
    server.script.append(Behaviour(pieces=(chunk(tool_calls=[call]) + b"data: [DONE]\n\n",)))
    async with responder(server) as made:
        assert await parts_of(made) == [CollectDigits(15, ""), ReplyDone()]


@pytest.mark.parametrize(("key", "sent"), [(f" {KEY}\n", True), ("sk-geh\u00e4im", False)])
async def test_a_key_with_a_stray_line_end_is_used_and_one_that_fits_no_header_is_wrong(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, key: str, sent: bool
) -> None:
    monkeypatch.setenv("OFFHOOK_TEST_KEY", key)
    server.script.append(Behaviour(pieces=(chat("Yes."),)))
    async with responder(server, []) as made:
        if sent:
            assert ReplyText("Yes.") in await parts_of(made)
        else:
            with pytest.raises(KeyRejected, match="OFFHOOK_TEST_KEY"):
                await parts_of(made)


async def test_closing_the_iterator_aborts_the_request(server: OpenAIServer) -> None:
    server.script.append(Behaviour(pieces=(chunk(content="It"), STALL)))
    async with responder(server) as made:
        parts = made.respond(ASKED)
        assert await anext(parts) == ReplyText("It")
        await parts.aclose()  # type: ignore[attr-defined]
        await server.client_left.wait()


async def test_nobody_listening_is_unreachable() -> None:
    async with OpenAIServer().running() as gone:
        pass
    async with responder(gone, []) as made:
        with pytest.raises(ProviderUnreachable, match="127.0.0.1"):
            await parts_of(made)


async def test_a_model_that_calls_tools_without_end_is_stopped(server: OpenAIServer) -> None:
    call = {"function": {"name": "hang_up", "arguments": "{}"}}
    calls = b"".join(chunk(tool_calls=[{"index": at, "id": "a", **call}]) for at in range(17))
    server.script.append(Behaviour(pieces=(chat("Yes.").partition(b"data: [DONE]")[0] + calls,)))
    async with responder(server, []) as made:
        with pytest.raises(ProviderError, match="calls more than 16 tools"):
            await parts_of(made)


async def test_the_name_of_a_tool_is_told_in_bounds(server: OpenAIServer) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "\\" * 100_000, "arguments": "{}"}}
    wrong = Behaviour(pieces=(chunk(tool_calls=[call]) + b"data: [DONE]\n\n",))
    server.script += [wrong] * 3  # it is asked again
    async with responder(server, []) as made:
        with pytest.raises(ProviderError, match="a tool that does not exist") as told:
            await parts_of(made)
    assert len(str(told.value)) < 300
