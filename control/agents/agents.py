"""SHELL: what an agent of the store is made of when it has a call: ears, voice, words, manners.

The embedded services are worker processes that every server has; those of providers are clients,
shared (provider_clients.py). What is one call's own (a responder that knows the caller's number) is
made for it. A provider that an agent names and the configuration lacks is stood in for by the
embedded one, and that is said: an agent that is made by the API answers in any case.

An account's own key of a provider goes before the configuration's (`keyed`), with the address that
it names, for a provider that the configuration lacks as well: each call that uses it counts. When
all of them have reached their limits of the day the embedded parts stand in: nobody else pays for
what the account wanted to be limited.
"""

import logging
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from ...drivers.llm.house import HouseResponder
from ...drivers.llm.informed import InformedResponder
from ...drivers.llm.openai_chat import ChatSettings
from ...drivers.openai_client import OpenAISettings
from ...drivers.provider_watch import ProviderWatch, nobody_watches
from ...drivers.stt.openai_transcriptions import TranscriptionSettings
from ...drivers.stt.pocketsphinx import PocketsphinxTranscriber
from ...drivers.tts.espeak import EspeakSynthesizer
from ...drivers.tts.openai_speech import SpeechSettings
from ...drivers.worker_process import WorkerProcess
from ...media.clock import Clock
from ...media.conversation.records import ServiceUse
from ...media.conversation.settings import AgentSettings
from ...media.errors import ProviderError
from ...media.speech_ports import Knowledge, Responder, Synthesizer, Transcriber
from ..configuration.config import Settings
from ..configuration.config_agents import ESPEAK, HOUSE, ProviderSettings
from ..configuration.config_voices import is_voice, voice_of, voices
from ..domain.agents import Agent, AgentKind
from ..errors import StartError, StoreError, TooManyRequests
from .agent_settings import house_of, turn_of
from .provider_clients import ClientSettings, ProviderClients
from .provider_places import OwnKey

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
    agent: Agent | None = None
    "What it was made of."
    services: ServiceUse = msgspec.field(default_factory=ServiceUse)
    "Who does what in its calls; of nothing has been used anything."


OwnKeys = Mapping[str, OwnKey | None]
"An account's own, by provider; None: it has some, and none of them may be used now."
TakeKey = Callable[[str, str], Awaitable[OwnKey | None]]
"""An account's key of a provider, counted as used; None: it has none.

Raises TooManyRequests when all are used up, and StoreError.
"""
_NO_KEYS: dict[str, OwnKey | None] = {}
_EMBEDDED = frozenset({POCKETSPHINX, ESPEAK, HOUSE})

logger = logging.getLogger(__name__)


async def no_key(owner_id: str, provider: str) -> OwnKey | None:
    """The `TakeKey` of a server whose accounts have none."""
    return None


class Agents:
    """Makes agents of the store ready for calls."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rng: random.Random,
        watch: ProviderWatch = nobody_watches,
        take_key: TakeKey = no_key,
    ) -> None:
        """`watch` is told of every request to a provider; `take_key` has accounts' own keys."""
        self._take_key = take_key
        self._clock = clock
        self._told = settings.knowledge
        self.knowledge: Callable[[Agent], Knowledge] | None = None
        "What an agent's documents say; None: nobody has any."
        self._providers = {provider.name: provider for provider in settings.providers}
        self._ears = PocketsphinxTranscriber()
        self.voice = EspeakSynthesizer()
        "The embedded one, which others may speak with as well."
        self.clients = ProviderClients(rng, watch)
        self._runtimes: OrderedDict[tuple[object, ...], AgentRuntime] = OrderedDict()

    async def keyed(self, runtime: AgentRuntime) -> AgentRuntime:
        """The same for one call, which uses its account's own keys of providers, if it has any."""
        agent = runtime.agent
        if agent is None:
            return runtime
        keys: dict[str, OwnKey | None] = {}
        named = {agent.stt_provider, agent.voice.provider, agent.llm.provider}
        for provider in sorted(named - _EMBEDDED):
            try:
                key = await self._take_key(agent.owner_id, provider)
            except (TooManyRequests, StoreError) as exc:
                logger.warning("agent %s goes without %s: %s", agent.id, provider, exc)
                keys[provider] = None
                continue
            if key is not None:
                keys[provider] = key
        return self.runtime(agent, keys) if keys else runtime

    def runtime(self, agent: Agent, keys: OwnKeys = _NO_KEYS) -> AgentRuntime:
        """An agent, ready for a call; the same one for each as long as it is not changed.

        Raises Unprocessable when its settings are such as this version does not take.
        """
        assert agent.kind is AgentKind.AI, "people are called, not run"
        key = (agent.id, agent.updated_wall, *keys.items())
        runtime = self._runtimes.get(key)
        if runtime is None:
            runtime = self._runtimes[key] = self._make(agent, keys)
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

    def _make(self, agent: Agent, keys: OwnKeys) -> AgentRuntime:
        missing: list[str] = []
        used: list[ClientSettings] = []
        transcriber = self._transcriber(agent, keys, used, missing)
        synthesizer, voice = self._synthesizer(agent, keys, used, missing)
        responder = self._responder(agent, keys, used, missing)
        settings = AgentSettings(
            name=agent.name,
            greeting=agent.greeting,
            language=agent.language,
            voice=voice,
            speed=_speed(agent),
            turn=turn_of(agent.turn),
        )
        runtime = AgentRuntime(settings, transcriber, synthesizer, responder, tuple(missing), agent)
        runtime = msgspec.structs.replace(runtime, services=_services(agent, missing))
        self.clients.hold(runtime, used)
        return runtime

    def _provider(self, name: str, keys: OwnKeys) -> ProviderSettings | None:
        """None: nobody knows it, or this call must not use it."""
        if name not in keys:
            return self._providers.get(name)
        own = keys[name]
        return None if own is None else own.server

    def _transcriber(
        self, agent: Agent, keys: OwnKeys, used: list[ClientSettings], missing: list[str]
    ) -> Transcriber:
        if agent.stt_provider == POCKETSPHINX:
            return self._ears
        provider = self._provider(agent.stt_provider, keys)
        if provider is None or not provider.models.transcription:
            missing.append(f"stt {agent.stt_provider}")
            return self._ears
        settings = TranscriptionSettings(provider.models.transcription, _server(provider, keys))
        used.append(settings)
        return self.clients.transcriber(settings)

    def _synthesizer(
        self, agent: Agent, keys: OwnKeys, used: list[ClientSettings], missing: list[str]
    ) -> tuple[Synthesizer, str]:
        """The service, and the voice that it is asked for."""
        wanted = agent.voice
        own = voice_of(agent.language) or DEFAULT_VOICE
        if wanted.provider == ESPEAK:
            if not wanted.voice or is_voice(wanted.voice) or not voices():
                return self.voice, wanted.voice or own
            missing.append(f"voice {wanted.voice}")
            return self.voice, own
        provider = self._provider(wanted.provider, keys)
        if provider is None or not provider.models.speech:
            missing.append(f"tts {wanted.provider}")
            return self.voice, own
        voice = wanted.voice or DEFAULT_VOICE
        settings = SpeechSettings(provider.models.speech, voice, _server(provider, keys))
        used.append(settings)
        return self.clients.synthesizer(settings), voice

    def _responder(
        self, agent: Agent, keys: OwnKeys, used: list[ClientSettings], missing: list[str]
    ) -> Callable[[str], Responder]:
        wanted = agent.llm
        provider = self._provider(wanted.provider, keys)
        model = "" if provider is None else wanted.model or provider.models.chat
        if wanted.provider == HOUSE or provider is None or not model:
            if wanted.provider != HOUSE:
                missing.append(f"llm {wanted.provider}")
            house = house_of(agent.house)
            known = None if self.knowledge is None else self.knowledge(agent)
            return lambda number: HouseResponder(house, self._clock, number, known)
        settings = ChatSettings(
            model,
            agent.system_prompt,
            _server(provider, keys),
            greeting=agent.greeting or "",
            temperature=wanted.temperature,
            max_tokens=wanted.max_tokens or MAX_TOKENS,
        )
        used.append(settings)
        chat: Responder = self.clients.responder(settings)
        if self.knowledge is not None and self._told.passages:
            told = self._told
            chat = InformedResponder(chat, self.knowledge(agent), told.passages, told.min_score)
        return lambda number: chat


def _services(agent: Agent, missing: list[str]) -> ServiceUse:
    """Who does what; of `missing` the embedded parts."""
    absent = {kind for kind, _, _ in (what.partition(" ") for what in missing)}
    return ServiceUse(
        stt_provider=POCKETSPHINX if "stt" in absent else agent.stt_provider,
        llm_provider=HOUSE if "llm" in absent else agent.llm.provider,
        tts_provider=ESPEAK if "tts" in absent else agent.voice.provider,
    )


def _speed(agent: Agent) -> float:
    slowest, fastest = SPEEDS
    return min(fastest, max(slowest, agent.voice.speed or agent.voice.rate or 1.0))


def _server(provider: ProviderSettings, keys: OwnKeys) -> OpenAISettings:
    own = keys.get(provider.name)
    return OpenAISettings(
        base_url=provider.base_url,
        provider=provider.name,
        key_env=provider.api_key_env,
        key=None if own is None else own.secret,
        public_only=own is not None and own.public_only,
    )
