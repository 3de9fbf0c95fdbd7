"""One answer in JSON of any OpenAI-compatible chat completions server, by a schema. Shell.

Structured outputs: `response_format` of the type `json_schema`, strict. Not streamed, and nobody
waits on a telephone line for it: no tries here, whoever asks decides on them.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from ...media.errors import ProviderError
from ...media.speech_ports import TokensUsed
from ..openai_client import OpenAIClient, OpenAISettings, Sleep
from ..provider_watch import ProviderWatch, nobody_watches
from .openai_chat import tokens_of

NAME = "openai-answers"
PATH = "/chat/completions"
MAX_ANSWER_BYTES = 256 * 1024
MAX_REFUSAL_CHARS = 300


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked."""

    model: str
    instructions: str
    text: str
    schema_name: str
    schema: dict[str, Any]
    "JSON schema of the answer, within what strict structured outputs take."
    max_tokens: int = 4000


class AnswerUnusable(ProviderError):
    """The model refuses, or what it says is no answer to the question."""

    code = "provider_answer_unusable"


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []
    usage: _Usage | None = None


Count = Callable[[TokensUsed], None]
"Told what an answer took, of one that cannot be used as well: it is paid for."


def nobody_counts(used: TokensUsed) -> None:
    """Nobody pays."""


_ENCODER = msgspec.json.Encoder()
_COMPLETION = msgspec.json.Decoder(_Completion)


class OpenAIAnswers:
    """One server. `aclose` at the end."""

    name = NAME

    def __init__(
        self,
        server: OpenAISettings,
        rng: random.Random,
        sleep: Sleep = asyncio.sleep,
        watch: ProviderWatch = nobody_watches,
    ) -> None:
        self._where = server.base_url
        self._client = OpenAIClient(NAME, server, rng, sleep, watch)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(self, question: Question, count: Count = nobody_counts) -> bytes:
        """The answer's JSON, as the model gave it. Raises ProviderError."""
        body = _ENCODER.encode(_body(question))
        chars_in = len(question.instructions) + len(question.text)
        return await self._client.call(lambda: self._attempt(body, chars_in, count))

    async def _attempt(self, body: bytes, chars_in: int, count: Count) -> bytes:
        async with self._client.post(PATH, body) as response:
            return self._content(await _read(response, self._where), chars_in, count)

    def _content(self, body: bytes, chars_in: int, count: Count) -> bytes:
        try:
            completion = _COMPLETION.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise AnswerUnusable(NAME, f"{self._where} sent nonsense: {exc}") from exc
        if not completion.choices:
            raise AnswerUnusable(NAME, f"{self._where} sent no answer")
        choice = completion.choices[0]
        count(_used(completion, chars_in))
        if choice.message.refusal:
            said = choice.message.refusal[:MAX_REFUSAL_CHARS]
            raise AnswerUnusable(NAME, f"{self._where}: the model refuses: {said}")
        if choice.finish_reason == "length":
            raise AnswerUnusable(NAME, f"{self._where}: the answer was too long, and is cut off")
        if not choice.message.content:
            why = choice.finish_reason or "nothing"
            raise AnswerUnusable(NAME, f"{self._where} sent an answer without words ({why})")
        return choice.message.content.encode()


def _used(completion: _Completion, chars_in: int) -> TokensUsed:
    """What the server tells; else a guess by characters."""
    told = completion.usage
    if told is not None:
        return TokensUsed(told.prompt_tokens, told.completion_tokens)
    chars_out = len(completion.choices[0].message.content or "")
    return TokensUsed(tokens_of(chars_in), tokens_of(chars_out), estimated=True)


async def _read(response: aiohttp.ClientResponse, where: str) -> bytes:
    body = bytearray()
    async for data in response.content.iter_any():
        body += data
        if len(body) > MAX_ANSWER_BYTES:
            raise AnswerUnusable(NAME, f"{where} sent more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _body(question: Question) -> dict[str, Any]:
    schema = {"name": question.schema_name, "strict": True, "schema": question.schema}
    return {
        "model": question.model,
        "messages": [
            {"role": "system", "content": question.instructions},
            {"role": "user", "content": question.text},
        ],
        "max_completion_tokens": question.max_tokens,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
