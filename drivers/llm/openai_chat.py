"""Responder by any OpenAI-compatible chat completions server, streamed. Shell.

Hanging up, handing over and asking for keys are tools that the model may call. Providers differ:
tool calls without `index` (Gemini) are told apart by `id`, and the end of a reply is the end of the
stream, whatever `finish_reason` says.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import aiohttp
import msgspec

from ...media.errors import ProviderError
from ...media.speech_ports import (
    AnyReplyPart,
    CollectDigits,
    HangUp,
    Message,
    ReplyDone,
    ReplyRequest,
    ReplyText,
    TokensUsed,
    Transfer,
)
from ..event_stream import EventStream, EventTooLong
from ..openai_client import OpenAIClient, OpenAISettings, Sleep
from ..openai_refusals import read_error
from ..provider_watch import ProviderWatch, nobody_watches

NAME = "openai-chat"
PATH = "/chat/completions"
END = b"[DONE]"
"The data of a stream's last event."
ROLES = {"caller": "user", "agent": "assistant", "system": "system"}
NOT_UNDERSTOOD = "[The caller said something that could not be understood.]"
MAX_ARGUMENT_CHARS = 4000
MAX_NAME_CHARS = 64
MAX_CALLS = 16
"Of tools, in one reply."
CHARS_A_TOKEN = 4
"Of English, as a rule of thumb; for what a provider does not tell."
MAX_DIGITS = 15
"Keys to gather where the model names no sensible number."
KEYS = frozenset("0123456789*#")


class ChatSettings(msgspec.Struct, frozen=True):
    """One agent's model and words."""

    model: str
    prompt: str
    server: OpenAISettings = msgspec.field(default_factory=OpenAISettings)
    greeting: str = ""
    phrases: tuple[str, ...] = ()
    temperature: float | None = None
    max_tokens: int = 300
    usage: bool = True
    "Ask how many tokens were used; off for servers that refuse to be asked."
    tools: bool = True
    "Offer hang_up, transfer and collect_digits; off for servers that know no tools."


class CollectArguments(msgspec.Struct, frozen=True):
    max_digits: int = MAX_DIGITS
    terminator: str = "#"


class TransferArguments(msgspec.Struct, frozen=True):
    to: str


# What is asked, and what is read of a streamed chunk.


class _Request(msgspec.Struct, frozen=True, omit_defaults=True):
    model: str
    messages: list[dict[str, str]]
    max_completion_tokens: int
    stream: bool
    stream_options: dict[str, bool] | msgspec.UnsetType = msgspec.UNSET
    tools: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    temperature: float | None = None


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _Fragment(msgspec.Struct, frozen=True):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None
    tool_calls: list[_Fragment] | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(msgspec.Struct, frozen=True):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: msgspec.Raw = msgspec.Raw(b"null")


class _Meter:
    """What one request takes: as the provider tells, else by a guess when it has ended."""

    def __init__(self, request: ReplyRequest, prompt_chars: int) -> None:
        self._count = request.count
        self._chars_in, self._chars_out = prompt_chars, 0
        self._told: _Usage | None = None

    def read(self, chunk: _Chunk) -> None:
        """Some providers tell it with every chunk, growing: the last one counts."""
        self._told = chunk.usage or self._told

    def wrote(self, text: str) -> None:
        """More of the answer."""
        self._chars_out += len(text)

    def end(self) -> None:
        """The request is over, or is given up."""
        told = self._told
        if self._count is None:
            return
        if told is None:
            guess = TokensUsed(
                tokens_of(self._chars_in), tokens_of(self._chars_out), estimated=True
            )
            self._count(guess)
        else:
            self._count(TokensUsed(told.prompt_tokens, told.completion_tokens))


_ENCODER = msgspec.json.Encoder()
_CHUNK = msgspec.json.Decoder(_Chunk)


class _ToolCall:
    """One call of a tool, gathered from its fragments."""

    def __init__(self) -> None:
        self.name = ""
        self.arguments = ""


def _tool(name: str, description: str, **properties: dict[str, str]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


_TOOLS = [
    _tool("hang_up", "End the call after these words, when the conversation is over."),
    _tool(
        "transfer",
        "Hand the caller over to another number after these words.",
        to={"type": "string", "description": "The number or SIP address."},
    ),
    _tool(
        "collect_digits",
        "After these words, gather a number that the caller enters on the keypad.",
        max_digits={"type": "integer"},
        terminator={"type": "string", "description": "The key that ends it, usually #."},
    ),
]
TOOLS = msgspec.Raw(msgspec.json.encode(_TOOLS))
"The same with every request: encoded once."


class OpenAIChatResponder:
    """The Responder port. `aclose` at the end."""

    name = NAME

    def __init__(
        self,
        settings: ChatSettings,
        rng: random.Random,
        sleep: Sleep = asyncio.sleep,
        watch: ProviderWatch = nobody_watches,
    ) -> None:
        self._settings = settings
        self._client = OpenAIClient(NAME, settings.server, rng, sleep, watch)

    def phrases(self) -> tuple[str, ...]:
        """What callers are expected to say; empty: anything."""
        return self._settings.phrases

    def greeting(self) -> str:
        """The first words."""
        return self._settings.greeting

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def respond(self, request: ReplyRequest) -> AsyncIterator[AnyReplyPart]:
        """Stream the reply; closing the iterator aborts the HTTP request. Raises ProviderError."""
        parts = self._client.stream(lambda: self._attempt(request))
        try:
            async for part in parts:
                yield part
        finally:
            await parts.aclose()  # type: ignore[attr-defined]  # an async generator

    async def _attempt(self, request: ReplyRequest) -> AsyncIterator[AnyReplyPart]:
        calls: dict[object, _ToolCall] = {}
        silent = True
        asked = messages(self._settings.prompt, request)
        meter = _Meter(request, sum(len(message["content"]) for message in asked))
        async with self._client.post(PATH, self._body(asked)) as response:
            kind = response.headers.get("content-type", "nothing")
            try:
                async with contextlib.aclosing(self._deltas(response, meter)) as deltas:
                    async for delta in deltas:
                        if delta.content:
                            silent = False
                            meter.wrote(delta.content)
                            yield ReplyText(delta.content)
                        _gather(calls, delta.tool_calls or [])
            finally:
                meter.end()
        if silent and not calls:
            # A page instead of a stream, or a model that has thought until its tokens were used up.
            raise ProviderError(NAME, f"{self._where} sent {kind} without a word")
        for call in calls.values():
            yield _part(call)
        yield ReplyDone()

    async def _deltas(
        self, response: aiohttp.ClientResponse, meter: _Meter
    ) -> AsyncGenerator[_Delta, None]:
        events = EventStream()
        try:
            async for data in response.content.iter_any():
                for event in events.push(data):
                    if event.startswith(END):
                        return
                    yield self._delta(event, meter)
        except EventTooLong as exc:
            raise ProviderError(NAME, f"{self._where} sent an event without an end") from exc

    def _delta(self, event: bytes, meter: _Meter) -> _Delta:
        try:
            chunk = _CHUNK.decode(event)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise ProviderError(NAME, f"{self._where} sent nonsense: {exc}") from exc
        if bytes(chunk.error) != b"null":
            raise ProviderError(NAME, f"{self._where}: {read_error(chunk.error).message}")
        meter.read(chunk)
        return chunk.choices[0].delta or _Delta() if chunk.choices else _Delta()

    def _body(self, conversation: list[dict[str, str]]) -> bytes:
        settings = self._settings
        asked = _Request(
            settings.model,
            conversation,
            settings.max_tokens,
            stream=True,
            stream_options={"include_usage": True} if settings.usage else msgspec.UNSET,
            tools=TOOLS if settings.tools else msgspec.UNSET,
            temperature=settings.temperature,
        )
        return _ENCODER.encode(asked)

    @property
    def _where(self) -> str:
        return self._settings.server.base_url


def tokens_of(chars: int) -> int:
    """About how many tokens so many characters are."""
    return -(-chars // CHARS_A_TOKEN)


def messages(prompt: str, request: ReplyRequest) -> list[dict[str, str]]:
    """The conversation as the interface wants it, the newest turn last."""
    history = [_message(message) for message in request.history]
    conversation = [{"role": "system", "content": prompt}, *history]
    if request.prompted:  # the history ends with what is to be spoken to
        return conversation
    return [*conversation, {"role": "user", "content": _said(request)}]


def _message(message: Message) -> dict[str, str]:
    return {"role": ROLES.get(message.role, "user"), "content": message.text}


def _said(request: ReplyRequest) -> str:
    if request.silence:
        return f"[The caller has said nothing for a while, {request.silence} times in a row.]"
    if request.digits:
        return f"[The caller pressed the keys {request.digits}]"
    return NOT_UNDERSTOOD if request.rejected else request.text


def _gather(calls: dict[object, _ToolCall], fragments: list[_Fragment]) -> None:
    """Join the fragments of each call: by index, or by id where there is none."""
    for fragment in fragments:
        key = fragment.index if fragment.index is not None else fragment.id
        if key not in calls and len(calls) >= MAX_CALLS:
            raise ProviderError(NAME, f"the model calls more than {MAX_CALLS} tools")
        call = calls.setdefault(key, _ToolCall())
        if fragment.function is not None:
            call.name = (fragment.function.name or call.name)[:MAX_NAME_CHARS]
            call.arguments += fragment.function.arguments or ""
            if len(call.arguments) > MAX_ARGUMENT_CHARS:
                raise ProviderError(NAME, f"the arguments of {call.name} do not end")


def _part(call: _ToolCall) -> AnyReplyPart:
    arguments = call.arguments or "{}"
    try:
        if call.name == "hang_up":
            return HangUp()
        if call.name == "transfer":
            return Transfer(msgspec.json.decode(arguments, type=TransferArguments).to)
        if call.name == "collect_digits":
            wanted = msgspec.json.decode(arguments, type=CollectArguments)
            return CollectDigits(
                wanted.max_digits if wanted.max_digits > 0 else MAX_DIGITS,
                wanted.terminator if wanted.terminator in KEYS else "",
            )
    except msgspec.MsgspecError as exc:
        raise ProviderError(NAME, f"{call.name} with arguments {arguments!r}: {exc}") from exc
    raise ProviderError(NAME, f"the model calls a tool that does not exist: {call.name!r}")
