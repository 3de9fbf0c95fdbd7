"""Transcriber by any server with OpenAI's `/audio/transcriptions`. Shell.

The whole turn is sent as one WAV when its utterance ends: there are no interims, and the final
takes a round trip. The agent's phrases go along as the prompt, which biases the spelling.
"""

import asyncio
import contextvars
import io
import random
import wave
from collections.abc import Callable

import msgspec

from ...media.errors import ProviderError
from ...media.speech_ports import (
    AnyTranscriptEvent,
    ListenSettings,
    TranscriberFailed,
    TranscriptFinal,
)
from ..form_data import form_data
from ..openai_client import OpenAIClient, OpenAISettings, Sleep
from ..provider_watch import ProviderWatch, nobody_watches

NAME = "openai-transcriptions"
PATH = "/audio/transcriptions"
FORM = "multipart/form-data"
MAX_TURN_S = 120
"The newest of a turn is kept: 3.8 MB at 16 kHz."
MAX_PROMPT_CHARS = 800
"The interface reads the last 224 tokens."
MAX_ANSWER_BYTES = 1 << 20

Sink = Callable[[AnyTranscriptEvent], None]


class TranscriptionSettings(msgspec.Struct, frozen=True):
    """One server's model."""

    model: str
    server: OpenAISettings = msgspec.field(default_factory=OpenAISettings)


class _Transcript(msgspec.Struct, frozen=True):
    text: str


_TRANSCRIPT = msgspec.json.Decoder(_Transcript)


class OpenAITranscriber:
    """The Transcriber port. `aclose` at the end."""

    name = NAME

    def __init__(
        self,
        settings: TranscriptionSettings,
        rng: random.Random,
        sleep: Sleep = asyncio.sleep,
        watch: ProviderWatch = nobody_watches,
    ) -> None:
        self._settings = settings
        self._client = OpenAIClient(NAME, settings.server, rng, sleep, watch)

    async def open(self, settings: ListenSettings, sink: Sink) -> "OpenAITranscriptionStream":
        """A stream for one call; connects with its first utterance."""
        return OpenAITranscriptionStream(self._client, self._settings.model, settings, sink)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class OpenAITranscriptionStream:
    """One call's recognition (TranscriberStream)."""

    def __init__(
        self, client: OpenAIClient, model: str, settings: ListenSettings, sink: Sink
    ) -> None:
        self._client, self._model, self._settings, self._sink = client, model, settings, sink
        self._turn: int | None = None
        self._audio = bytearray()
        self._sent_bytes = 0
        "Of this turn's audio, in the request before."
        self._requests: set[asyncio.Task[None]] = set()
        # Utterances end within the engine's work, which is no call's: requests are the call's own.
        self._context = contextvars.copy_context()

    def begin(self, turn: int) -> None:
        """An utterance begins; of the same turn, its audio is added to what is there."""
        if turn != self._turn:
            self._forget()
            self._turn = turn

    def push(self, pcm: bytes) -> None:
        """Audio of the utterance."""
        if self._turn is None:
            return
        self._audio += pcm[: len(pcm) & ~1]
        surplus = len(self._audio) - MAX_TURN_S * self._settings.rate_hz * 2
        if surplus > 0:
            del self._audio[:surplus]

    def end(self, turn: int) -> None:
        """The utterance is over: ask, and tell the answer."""
        if turn != self._turn:
            return
        wav = as_wav(bytes(self._audio), self._settings.rate_hz)
        again_s = min(self._sent_bytes, len(self._audio)) / (2 * self._settings.rate_hz)
        self._sent_bytes = len(self._audio)
        request = asyncio.create_task(
            self._ask(turn, wav, again_s), name=f"{NAME} turn {turn}", context=self._context
        )
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)

    def cancel(self, turn: int) -> None:
        """Forget the turn; its requests are aborted."""
        if turn == self._turn:
            self._forget()

    async def aclose(self) -> None:
        """Abort what is under way."""
        requests = tuple(self._requests)
        self._forget()
        await asyncio.gather(*requests, return_exceptions=True)

    def _forget(self) -> None:
        self._turn = None
        self._audio.clear()
        self._sent_bytes = 0
        for request in self._requests:
            request.cancel()

    async def _ask(self, turn: int, wav: bytes, again_s: float) -> None:
        try:
            text = await self._client.call(lambda: self._transcribe(wav))
        except ProviderError as error:
            self._sink(TranscriberFailed(turn, error))
        else:
            self._sink(TranscriptFinal(turn, text, rejected=not text, resent_s=again_s))

    async def _transcribe(self, wav: bytes) -> str:
        fields = {
            "model": self._model,
            "language": self._settings.language.partition("-")[0],  # ISO 639-1: "de" of "de-AT"
            "prompt": ", ".join(self._settings.phrases)[:MAX_PROMPT_CHARS],
            "response_format": "json",
        }
        boundary = self._client.boundary()
        body = form_data(boundary, fields, "file", "turn.wav", "audio/wav", wav)
        async with self._client.post(PATH, body, f"{FORM}; boundary={boundary}") as response:
            answer = bytearray()
            async for data in response.content.iter_any():
                answer += data
                if len(answer) > MAX_ANSWER_BYTES:
                    raise ProviderError(NAME, f"{self._client.settings.base_url} sent too much")
        try:
            return _TRANSCRIPT.decode(answer).text.strip()
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise ProviderError(
                NAME, f"{self._client.settings.base_url} sent no transcript: {exc}"
            ) from exc


def as_wav(pcm: bytes, rate_hz: int) -> bytes:
    """int16 LE mono with a WAV header."""
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(rate_hz)
        wav.writeframes(pcm)
    return file.getvalue()
