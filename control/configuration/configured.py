"""What the configuration says of agents, numbers and modems, as the store has them. Pure."""

import msgspec

from ..auth.principal import OPERATOR_ID
from ..domain.agents import Agent, LanguageModel, Voice
from ..domain.analyses import AnalysisSettings
from ..domain.numbers import Modem
from .config import AgentConfig, Settings

BUILT_IN_ID = "00000000-0000-4000-8000-000000000001"
"The agent that needs no configuration has the same id everywhere."
BUILT_IN_NAME = "offhook"
"What records call it."

BUILT_IN = Agent(
    id=BUILT_IN_ID,
    owner_id=OPERATOR_ID,
    name=BUILT_IN_NAME,
    description="Demonstrates the embedded parts. It is there without any configuration.",
    from_configuration=True,
)


def agents_of(settings: Settings) -> list[Agent]:
    """The agents of the file. The built-in one is not among them."""
    return [agent_of(config) for config in settings.agents]


def agent_of(config: AgentConfig) -> Agent:
    """One agent of the file."""
    return Agent(
        owner_id=OPERATOR_ID,
        name=config.name,
        greeting=config.greeting,
        system_prompt=config.instructions,
        language=config.language,
        llm=LanguageModel(provider=config.llm),
        stt_provider=config.stt,
        voice=Voice(provider=config.tts, voice=config.voice),
        house=msgspec.json.decode(config.house),
        turn=msgspec.json.decode(config.turn),
        analysis=msgspec.json.decode(config.analysis, type=AnalysisSettings),
        from_configuration=True,
    )


def modems_of(settings: Settings) -> list[Modem]:
    """The modems of the file, or the one that exists without."""
    return [
        Modem(name=modem.name, number=modem.number or None, simulated=modem.simulated)
        for modem in settings.modem_list()
    ]


def default_agent_of(settings: Settings) -> str | None:
    """Who answers what nothing else is set for, by name; None: the built-in one."""
    return settings.default_agent or next((agent.name for agent in settings.agents), None)
