"""SHELL: the agents that answer calls: their settings, and the services that listen and speak.

Services are shared by all calls and started once; what is one call's own (a responder that knows
the caller's number) is made for it.
"""

import random
from collections.abc import Callable

import msgspec

from ..drivers.llm.house import HouseResponder
from ..drivers.llm.house_default import DEFAULT_AGENT
from ..drivers.llm.house_settings import HouseSettings
from ..drivers.llm.openai_chat import ChatSettings, OpenAIChatResponder
from ..drivers.openai_client import OpenAISettings
from ..drivers.stt.openai_transcriptions import OpenAITranscriber, TranscriptionSettings
from ..drivers.stt.pocketsphinx import PocketsphinxTranscriber
from ..drivers.tts.espeak import EspeakSynthesizer
from ..drivers.tts.openai_speech import OpenAISpeechSynthesizer, SpeechSettings
from ..drivers.worker_process import WorkerProcess
from ..media.clock import Clock
from ..media.conversation.settings import AgentSettings, TurnSettings
from ..media.errors import ProviderError
from ..media.ports import Responder, Synthesizer, Transcriber
from .config import ESPEAK, HOUSE, NO_SECTION, AgentConfig, ProviderSettings, Settings, section
from .config_voices import voice_of
from .errors import StartError
from .routing import BUILT_IN_AGENT

BUILT_IN_NAME = "offhook"
"What records call the agent that needs no configuration."
POCKETSPHINX = "pocketsphinx"
DEFAULT_VOICE = "en"
PARTS = {POCKETSPHINX: "recognition (pocketsphinx)", ESPEAK: "speech (espeak-ng)"}
"As `offhook doctor` calls them."

Service = (
    PocketsphinxTranscriber
    | EspeakSynthesizer
    | OpenAITranscriber
    | OpenAISpeechSynthesizer
    | OpenAIChatResponder
)


class Agent(msgspec.Struct, frozen=True):
    """What a session is made of."""

    settings: AgentSettings
    transcriber: Transcriber
    synthesizer: Synthesizer
    responder: Callable[[str], Responder]
    "Makes the responder for a caller's number."


class Agents:
    """All agents of the configuration, and the built-in one."""

    def __init__(self, settings: Settings, clock: Clock, rng: random.Random) -> None:
        """Raises ConfigError for an agent's own settings."""
        self._clock = clock
        self._rng = rng
        self._providers = {provider.name: provider for provider in settings.providers}
        self._services: dict[tuple[str, str], Service] = {}
        self._agents = {
            config.name: self._configured(index, config)
            for index, config in enumerate(settings.agents)
        }
        if not settings.agents:
            self._agents[BUILT_IN_AGENT] = self._agent(AgentConfig(BUILT_IN_NAME), TurnSettings())

    def get(self, name: str) -> Agent:
        """An agent that Routing names."""
        return self._agents[name]

    async def start(self) -> None:
        """Start the worker processes. Raises StartError, naming the part that cannot."""
        for service in self._services.values():
            if isinstance(service, PocketsphinxTranscriber | EspeakSynthesizer):
                try:
                    await service.start()
                except ProviderError as exc:
                    part = PARTS[service.name]
                    raise StartError(part, f"{exc.what} (`offhook doctor` looks at it)") from exc

    async def aclose(self) -> None:
        """End processes and connections."""
        for service in self._services.values():
            await service.aclose()

    def workers(self) -> list[WorkerProcess]:
        """All worker processes, to be read."""
        return [worker for service in self._services.values() for worker in _workers_of(service)]

    # --- one agent -------------------------------------------------------------------------------

    def _configured(self, index: int, config: AgentConfig) -> Agent:
        key = f"agents[{index}]"
        return self._agent(config, section(config.turn, TurnSettings, f"{key}.turn"), key)

    def _agent(self, config: AgentConfig, turn: TurnSettings, key: str = "") -> Agent:
        settings = AgentSettings(
            name=config.name,
            greeting=config.greeting,
            language=config.language,
            voice=_voice(config),
            turn=turn,
        )
        return Agent(
            settings,
            self._transcriber(config),
            self._synthesizer(config),
            self._responder(config, key),
        )

    def _transcriber(self, config: AgentConfig) -> Transcriber:
        service = self._services.get(("stt", config.stt))
        if service is None:
            if config.stt == POCKETSPHINX:
                service = PocketsphinxTranscriber()
            else:
                provider = self._providers[config.stt]
                model = provider.models.transcription
                options = TranscriptionSettings(model, _server(provider))
                service = OpenAITranscriber(options, self._rng)
            self._services["stt", config.stt] = service
        assert isinstance(service, PocketsphinxTranscriber | OpenAITranscriber), "made above"
        return service

    def _synthesizer(self, config: AgentConfig) -> Synthesizer:
        # A provider's voice is the agent's: one service for each voice.
        name = config.tts if config.tts == ESPEAK else f"{config.tts}/{_voice(config)}"
        service = self._services.get(("tts", name))
        if service is None:
            if config.tts == ESPEAK:
                service = EspeakSynthesizer()
            else:
                provider = self._providers[config.tts]
                options = SpeechSettings(provider.models.speech, _voice(config), _server(provider))
                service = OpenAISpeechSynthesizer(options, self._rng)
            self._services["tts", name] = service
        assert isinstance(service, EspeakSynthesizer | OpenAISpeechSynthesizer), "made above"
        return service

    def _responder(self, config: AgentConfig, key: str) -> Callable[[str], Responder]:
        if config.llm == HOUSE:
            house = DEFAULT_AGENT
            if bytes(config.house) != NO_SECTION:  # a Raw is never equal to bytes
                house = section(config.house, HouseSettings, f"{key}.house")
            return lambda number: HouseResponder(house, self._clock, number)
        provider = self._providers[config.llm]
        options = ChatSettings(
            provider.models.chat,
            config.instructions,
            _server(provider),
            greeting=config.greeting or "",
        )
        chat = OpenAIChatResponder(options, self._rng)
        self._services["llm", config.name] = chat
        return lambda number: chat


def _voice(config: AgentConfig) -> str:
    if config.voice:
        return config.voice
    return (voice_of(config.language) if config.tts == ESPEAK else None) or DEFAULT_VOICE


def _workers_of(service: Service) -> list[WorkerProcess]:
    if isinstance(service, PocketsphinxTranscriber | EspeakSynthesizer):
        return service.workers
    return []


def _server(provider: ProviderSettings) -> OpenAISettings:
    return OpenAISettings(base_url=provider.base_url, key_env=provider.api_key_env)
