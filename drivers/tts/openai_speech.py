"""Synthesizer by any server with OpenAI's `/audio/speech`, streamed PCM. Shell.

The answer is headerless 24 kHz int16, cut anywhere, also inside a sample. There are no word times.
"""

import asyncio
import random
from collections.abc import AsyncIterator

import msgspec
import numpy as np
import soxr  # type: ignore[import-untyped]

from ...media.errors import ProviderError, ProviderRejected
from ...media.speech_ports import AnySpeechPart, SpeechAudio, SpeechRequest
from ..openai_client import OpenAIClient, OpenAISettings, Sleep
from ..provider_watch import ProviderWatch, nobody_watches

NAME = "openai-speech"
PATH = "/audio/speech"
SERVER_HZ = 24000
MAX_TEXT_CHARS = 4096
"The interface's own limit."
NO_PCM = ("text/", "application/json", "audio/mpeg", "audio/wav", "audio/x-wav", "audio/ogg")
"Kinds of content that would be noise if they were played as samples: a page, another format."
NO_VOICE = "en"
"SpeechRequest's default names a language: the settings' voice is meant."


class SpeechSettings(msgspec.Struct, frozen=True):
    """One server's model and voice."""

    model: str
    voice: str
    server: OpenAISettings = msgspec.field(default_factory=OpenAISettings)
    instructions: str = ""


class _Request(msgspec.Struct, frozen=True, omit_defaults=True):
    model: str
    voice: str
    input: str
    response_format: str
    speed: float
    instructions: str = ""


_ENCODER = msgspec.json.Encoder()


class OpenAISpeechSynthesizer:
    """The Synthesizer port. `aclose` at the end."""

    name = NAME

    def __init__(
        self,
        settings: SpeechSettings,
        rng: random.Random,
        sleep: Sleep = asyncio.sleep,
        watch: ProviderWatch = nobody_watches,
    ) -> None:
        self._settings = settings
        self._client = OpenAIClient(NAME, settings.server, rng, sleep, watch)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def synthesize(self, request: SpeechRequest) -> AsyncIterator[AnySpeechPart]:
        """Stream speech; closing the iterator aborts the HTTP request. Raises ProviderError."""
        if len(request.text) > MAX_TEXT_CHARS:
            raise ProviderRejected(NAME, f"{len(request.text)} characters, {MAX_TEXT_CHARS} most")
        chunks = self._client.stream(lambda: self._attempt(request))
        lane = LaneAudio(request.rate_hz)
        try:
            async for chunk in chunks:
                if pcm := lane.push(chunk):
                    yield SpeechAudio(pcm)
        finally:
            await chunks.aclose()  # type: ignore[attr-defined]  # an async generator
        if pcm := lane.finish():
            yield SpeechAudio(pcm)

    async def _attempt(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        settings = self._settings
        asked = _Request(
            settings.model,
            settings.voice if request.voice == NO_VOICE else request.voice,
            request.text,
            "pcm",
            request.speed,
            settings.instructions,
        )
        silent = True
        async with self._client.post(PATH, _ENCODER.encode(asked)) as response:
            kind = response.headers.get("content-type", "")
            if kind.startswith(NO_PCM):
                raise ProviderError(NAME, f"{settings.server.base_url} sent {kind} and no PCM")
            async for chunk in response.content.iter_any():
                silent = False
                yield chunk
        if silent and any(map(str.isalnum, request.text)):
            raise ProviderError(NAME, f"{settings.server.base_url} sent no audio")


class LaneAudio:
    """The server's bytes as the lane's samples."""

    def __init__(self, rate_hz: int) -> None:
        self._resample = soxr.ResampleStream(SERVER_HZ, rate_hz, 1, dtype="int16")
        self._odd = b""

    def push(self, data: bytes) -> bytes:
        """int16 LE at the lane's rate, as far as it is complete."""
        data = self._odd + data
        whole = len(data) & ~1
        self._odd = data[whole:]
        pcm: bytes = self._resample.resample_chunk(np.frombuffer(data[:whole], "<i2")).tobytes()
        return pcm

    def finish(self) -> bytes:
        """What the filter still holds; half a sample is dropped."""
        pcm: bytes = self._resample.resample_chunk(np.empty(0, np.int16), last=True).tobytes()
        return pcm
