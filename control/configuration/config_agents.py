"""The configuration of agents and of the services that they use, a part of config.py."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec

from ...drivers.llm.house_settings import HouseSettings, HouseSettingsError, check as check_house
from ...media.conversation.settings import TurnSettings
from ..domain.analyses import AnalysisSettings
from ..errors import ConfigError
from .config_analysis import wrong_agent_analysis
from .config_lines import Name
from .config_reader import Origin, Reader
from .config_voices import is_voice, voice_of, voices

HOUSE, ESPEAK = "house", "espeak"
"The embedded responder and voice, as `agents[].llm` and `agents[].tts` name them."
NO_SECTION = b"{}"
"A free part that was left out."


class ModelNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of a provider's models do what; empty: the provider is not used for that."""

    chat: str = ""
    speech: str = ""
    transcription: str = ""
    embeddings: str = ""


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service for speech or language that speaks OpenAI's protocol."""

    name: Name
    base_url: Annotated[
        str, msgspec.Meta(pattern=r"^https?://\S+\Z", description="an http(s) address")
    ]
    kind: Literal["openai"] = "openai"
    api_key_env: str = ""
    "Name of the environment variable that holds the key; empty: none is needed."
    models: ModelNames = ModelNames()


class AgentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent: what answers calls."""

    name: Name
    greeting: str | None = None
    "The first words; absent: the responder's own. Empty: the caller speaks first."
    language: str = "en"
    voice: str = ""
    "Empty: espeak's voice of that language; a provider's needs naming."
    stt: str = "pocketsphinx"
    "`pocketsphinx`, or the name of a provider."
    tts: str = ESPEAK
    "`espeak`, or the name of a provider."
    llm: str = HOUSE
    "`house`, or the name of a provider."
    instructions: str = ""
    "What a language model is told about its task."
    house: msgspec.Raw = msgspec.Raw(NO_SECTION)
    "The house responder's settings, in JSON; see `section`."
    turn: msgspec.Raw = msgspec.Raw(NO_SECTION)
    "Turn-taking settings, in JSON; see `section`."
    analysis: msgspec.Raw = msgspec.Raw(NO_SECTION)
    "How its calls are analysed, in JSON; see `section`."


def doubled_names(
    agents: Sequence[AgentConfig], providers: Sequence[ProviderSettings], origin: Origin
) -> Iterable[ConfigError]:
    """Agents and providers are told apart by their names."""
    named_agents = [(f"agents[{i}].name", agent.name) for i, agent in enumerate(agents)]
    named_providers = [(f"providers[{i}].name", entry.name) for i, entry in enumerate(providers)]
    for named in (named_agents, named_providers):
        seen: set[str] = set()
        for key, name in named:
            if name in seen:
                yield origin.error(key, name, "another one has that name already")
            seen.add(name)


def wrong_services(
    agents: Sequence[AgentConfig], providers: Sequence[ProviderSettings], origin: Origin
) -> Iterable[ConfigError]:
    """Who an agent's services are asked of: that it is there, and has a model for it."""
    by_name = {provider.name: provider for provider in providers}
    for index, agent in enumerate(agents):
        parts = (
            ("stt", agent.stt, "pocketsphinx", "transcription"),
            ("tts", agent.tts, ESPEAK, "speech"),
            ("llm", agent.llm, HOUSE, "chat"),
        )
        for part, name, embedded, model in parts:
            key = f"agents[{index}].{part}"
            if name == embedded:
                continue
            if name not in by_name:
                choice = ", ".join([embedded, *by_name])
                yield origin.error(key, name, f"no such provider; there is {choice}")
            elif not getattr(by_name[name].models, model):
                yield origin.error(key, name, f"that provider has no models.{model}")


def unknown_voices(agents: Sequence[AgentConfig], origin: Origin) -> Iterable[ConfigError]:
    """What the embedded voice cannot speak with."""
    for index, agent in enumerate(agents):
        if agent.tts != ESPEAK or not voices():
            continue
        key = f"agents[{index}]"
        if agent.voice and not is_voice(agent.voice):
            expected = "espeak-ng has no such voice; there is de, en-us, fr, en-us+f3 and others"
            yield origin.error(f"{key}.voice", agent.voice, expected)
        elif not agent.voice and voice_of(agent.language) is None:
            expected = "espeak-ng has no voice of this language; name one by voice"
            yield origin.error(f"{key}.language", agent.language, expected)


def wrong_parts(agents: Sequence[AgentConfig], origin: Origin) -> Iterable[ConfigError]:
    """What others define (`section`) is read here as well: mistakes are told with their place."""
    reader = Reader(origin)
    for index, agent in enumerate(agents):
        reader.struct(msgspec.json.decode(agent.turn), TurnSettings, f"agents[{index}].turn")
        wanted = msgspec.json.decode(agent.analysis)
        analysis = reader.struct(wanted, AnalysisSettings, f"agents[{index}].analysis")
        if analysis is not None:
            yield from wrong_agent_analysis(analysis, f"agents[{index}]", origin)
        # A Raw is never equal to bytes.
        if agent.llm != HOUSE or bytes(agent.house) == NO_SECTION:
            continue
        key = f"agents[{index}].house"
        house = reader.struct(msgspec.json.decode(agent.house), HouseSettings, key)
        if house is None:
            continue
        try:
            check_house(house)
        except HouseSettingsError as exc:
            yield origin.error(f"{key}.{exc.key}", None, exc.what)
    yield from reader.errors
