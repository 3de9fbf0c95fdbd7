"""Who answers: by the dialled number, by the line, by default. A table, no state."""

from .config import Settings

BUILT_IN_AGENT = ""
"The name of the agent that answers when none is configured."


class Routing:
    """Finds the agent for a call that comes in."""

    def __init__(self, settings: Settings) -> None:
        self._numbers = settings.numbers
        self._lines = {line.name: line.agent for line in settings.lines if line.agent}
        self._lines |= {trunk.name: trunk.agent for trunk in settings.trunks if trunk.agent}
        first = settings.agents[0].name if settings.agents else BUILT_IN_AGENT
        self._default = settings.default_agent or first

    def agent_for(self, line: str, number: str) -> str:
        """The agent's name; BUILT_IN_AGENT for the one that needs no configuration."""
        return self._numbers.get(number) or self._lines.get(line) or self._default
