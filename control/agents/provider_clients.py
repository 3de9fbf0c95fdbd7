"""SHELL: connections to speech and language services, shared by all agents of the same settings.

A client is closed when nothing uses it any more: agents change, and each change of a prompt is a
client of its own.
"""

import asyncio
import random
import weakref
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ...drivers.llm.openai_chat import ChatSettings, OpenAIChatResponder
from ...drivers.provider_watch import ProviderWatch, nobody_watches
from ...drivers.stt.openai_transcriptions import OpenAITranscriber, TranscriptionSettings
from ...drivers.tts.openai_speech import OpenAISpeechSynthesizer, SpeechSettings

ClientSettings = TranscriptionSettings | SpeechSettings | ChatSettings
Client = OpenAITranscriber | OpenAISpeechSynthesizer | OpenAIChatResponder


class ProviderClients:
    """The clients, by their settings."""

    def __init__(self, rng: random.Random, watch: ProviderWatch = nobody_watches) -> None:
        """`watch` is told of every request."""
        self._rng = rng
        self._watch = watch
        self._clients: dict[ClientSettings, Client] = {}
        self._holders = Counter[ClientSettings]()
        self._finalizers: set[weakref.finalize[Any, object]] = set()
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Clients that are open."""
        return len(self._clients)

    def transcriber(self, settings: TranscriptionSettings) -> OpenAITranscriber:
        """The client of these settings."""
        client = self._clients.get(settings)
        if client is None:
            client = self._clients[settings] = OpenAITranscriber(
                settings, self._rng, watch=self._watch
            )
        assert isinstance(client, OpenAITranscriber), "the key's type is the client's"
        return client

    def synthesizer(self, settings: SpeechSettings) -> OpenAISpeechSynthesizer:
        """The client of these settings."""
        client = self._clients.get(settings)
        if client is None:
            client = self._clients[settings] = OpenAISpeechSynthesizer(
                settings, self._rng, watch=self._watch
            )
        assert isinstance(client, OpenAISpeechSynthesizer), "the key's type is the client's"
        return client

    def responder(self, settings: ChatSettings) -> OpenAIChatResponder:
        """The client of these settings."""
        client = self._clients.get(settings)
        if client is None:
            client = self._clients[settings] = OpenAIChatResponder(
                settings, self._rng, watch=self._watch
            )
        assert isinstance(client, OpenAIChatResponder), "the key's type is the client's"
        return client

    def hold(self, holder: object, used: Sequence[ClientSettings]) -> None:
        """Keep these clients open as long as `holder` is in memory."""
        if not used:
            return
        self._holders.update(used)
        loop = asyncio.get_running_loop()
        # The collector runs in whatever thread allocates: back to the loop's.
        finalizer = weakref.finalize(holder, loop.call_soon_threadsafe, self._let_go, tuple(used))
        finalizer.atexit = False
        self._finalizers = {each for each in self._finalizers if each.alive} | {finalizer}

    async def settled(self) -> None:
        """Wait until what nothing uses any more is closed."""
        await asyncio.sleep(0)  # finalizers have called the loop: it is their turn
        await asyncio.gather(*self._closing)

    async def aclose(self) -> None:
        """Close them all."""
        for finalizer in self._finalizers:
            finalizer.detach()
        clients = list(self._clients.values())
        self._clients.clear()
        await asyncio.gather(*(client.aclose() for client in clients), *self._closing)

    def _let_go(self, used: tuple[ClientSettings, ...]) -> None:
        self._holders.subtract(used)
        for settings in used:
            if self._holders[settings] > 0:
                continue
            del self._holders[settings]
            if (client := self._clients.pop(settings, None)) is not None:
                task = asyncio.create_task(client.aclose(), name="close an unused client")
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
