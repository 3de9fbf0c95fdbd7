"""SHELL: what an agent of the store is made of when it has a call: ears, voice, words, manners.

The embedded services are worker processes that every server has; those of providers are clients,
shared (provider_clients.py). What is one call's own (a responder that knows the caller's number) is
made for it. A provider that an agent names and the configuration lacks is stood in for by the
embedded one, and that is said: an agent that is made by the API answers in any case.
"""

import random
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from ...drivers.llm.house import HouseResponder
from ...drivers.llm.openai_chat import ChatSettings
from ...drivers.openai_client import OpenAISettings
from ...drivers.provider_watch import ProviderWatch, nobody_watches
from ...drivers.stt.openai_transcriptions import TranscriptionSettings
from ...drivers.stt.pocketsphinx import PocketsphinxTranscriber
from ...drivers.tts.espeak import EspeakSynthesizer
from ...drivers.tts.openai_speech import SpeechSettings
from ...drivers.worker_process import WorkerProcess
from ...media.clock import Clock
from ...media.conversation.settings import AgentSettings
from ...media.errors import ProviderError
from ...media.ports import Responder, Synthesizer, Transcriber
from ..configuration.config import ESPEAK, HOUSE, ProviderSettings, Settings
from ..configuration.config_voices import is_voice, voice_of, voices
from ..domain.agents import Agent, AgentKind
from ..errors import StartError
from .agent_settings import house_of, turn_of
from .provider_clients import ClientSettings, ProviderClients

POCKETSPHINX = "pocketsphinx"
DEFAULT_VOICE = "en"
MAX_TOKENS = 300
"Of one reply, where the agent names no limit."
SPEEDS = (0.5, 2.0)
MAX_RUNTIMES = 256
"Agents that are kept ready; the one that had no call for longest is made anew for its next."
PARTS = {POCKETSPHINX: "recognition (pocketsphinx)", ESPEAK: "speech (espeak-ng)"}
"As `offhook doctor` calls them."


class AgentRuntime(msgspec.Struct, frozen=True, weakref=True):
    """What a session is made of. Hold it as long as the call lasts: its clients live with it."""

    settings: AgentSettings
    transcriber: Transcriber
    synthesizer: Synthesizer
    responder: Callable[[str], Responder]
    "Makes the responder for a caller's number."
    substitutions: tuple[str, ...] = ()
    "What the agent asked for and does not get, such as `llm acme`: embedded parts stand in."


class Agents:
    """Makes agents of the store ready for calls."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rng: random.Random,
        watch: ProviderWatch = nobody_watches,
    ) -> None:
        """`watch` is told of every request to a provider."""
        self._clock = clock
        self._providers = {provider.name: provider for provider in settings.providers}
        self._ears = PocketsphinxTranscriber()
        self.voice = EspeakSynthesizer()
        "The embedded one, which others may speak with as well."
        self.clients = ProviderClients(rng, watch)
        self._runtimes: OrderedDict[tuple[str, float], AgentRuntime] = OrderedDict()

    def runtime(self, agent: Agent) -> AgentRuntime:
        """An agent, ready for a call; the same one for each as long as it is not changed.

        Raises Unprocessable when its settings are such as this version does not take.
        """
        assert agent.kind is AgentKind.AI, "people are called, not run"
        key = (agent.id, agent.updated_wall)
        runtime = self._runtimes.get(key)
        if runtime is None:
            runtime = self._runtimes[key] = self._make(agent)
            if len(self._runtimes) > MAX_RUNTIMES:
                self._runtimes.popitem(last=False)
        self._runtimes.move_to_end(key)
        return runtime

    async def start(self) -> None:
        """Start the worker processes. Raises StartError, naming the part that cannot."""
        for service in (self._ears, self.voice):
            try:
                await service.start()
            except ProviderError as exc:
                part = PARTS[service.name]
                raise StartError(part, f"{exc.what} (`offhook doctor` looks at it)") from exc

    async def aclose(self) -> None:
        """End processes and connections."""
        self._runtimes.clear()
        await self.clients.aclose()
        await self._ears.aclose()
        await self.voice.aclose()

    def workers(self) -> list[WorkerProcess]:
        """All worker processes, to be read."""
        return [*self._ears.workers, *self.voice.workers]

    # --- one agent -------------------------------------------------------------------------------

    def _make(self, agent: Agent) -> AgentRuntime:
        missing: list[str] = []
        used: list[ClientSettings] = []
        transcriber = self._transcriber(agent, used, missing)
        synthesizer, voice = self._synthesizer(agent, used, missing)
        responder = self._responder(agent, used, missing)
        settings = AgentSettings(
            name=agent.name,
            greeting=agent.greeting,
            language=agent.language,
            voice=voice,
            speed=_speed(agent),
            turn=turn_of(agent.turn),
        )
        runtime = AgentRuntime(settings, transcriber, synthesizer, responder, tuple(missing))
        self.clients.hold(runtime, used)
        return runtime

    def _transcriber(
        self, agent: Agent, used: list[ClientSettings], missing: list[str]
    ) -> Transcriber:
        if agent.stt_provider == POCKETSPHINX:
            return self._ears
        provider = self._providers.get(agent.stt_provider)
        if provider is None or not provider.models.transcription:
            missing.append(f"stt {agent.stt_provider}")
            return self._ears
        settings = TranscriptionSettings(provider.models.transcription, _server(provider))
        used.append(settings)
        return self.clients.transcriber(settings)

    def _synthesizer(
        self, agent: Agent, used: list[ClientSettings], missing: list[str]
    ) -> tuple[Synthesizer, str]:
        """The service, and the voice that it is asked for."""
        wanted = agent.voice
        own = voice_of(agent.language) or DEFAULT_VOICE
        if wanted.provider == ESPEAK:
            if not wanted.voice or is_voice(wanted.voice) or not voices():
                return self.voice, wanted.voice or own
            missing.append(f"voice {wanted.voice}")
            return self.voice, own
        provider = self._providers.get(wanted.provider)
        if provider is None or not provider.models.speech:
            missing.append(f"tts {wanted.provider}")
            return self.voice, own
        voice = wanted.voice or DEFAULT_VOICE
        settings = SpeechSettings(provider.models.speech, voice, _server(provider))
        used.append(settings)
        return self.clients.synthesizer(settings), voice

    def _responder(
        self, agent: Agent, used: list[ClientSettings], missing: list[str]
    ) -> Callable[[str], Responder]:
        wanted = agent.llm
        provider = self._providers.get(wanted.provider)
        model = "" if provider is None else wanted.model or provider.models.chat
        if wanted.provider == HOUSE or provider is None or not model:
            if wanted.provider != HOUSE:
                missing.append(f"llm {wanted.provider}")
            house = house_of(agent.house)
            return lambda number: HouseResponder(house, self._clock, number)
        settings = ChatSettings(
            model,
            agent.system_prompt,
            _server(provider),
            greeting=agent.greeting or "",
            temperature=wanted.temperature,
            max_tokens=wanted.max_tokens or MAX_TOKENS,
        )
        used.append(settings)
        chat = self.clients.responder(settings)
        return lambda number: chat


def _speed(agent: Agent) -> float:
    slowest, fastest = SPEEDS
    return min(fastest, max(slowest, agent.voice.speed or agent.voice.rate or 1.0))


def _server(provider: ProviderSettings) -> OpenAISettings:
    return OpenAISettings(
        base_url=provider.base_url, provider=provider.name, key_env=provider.api_key_env
    )
