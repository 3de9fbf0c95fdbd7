"""Who answers a call."""

import pytest

from offhook.control.config import AgentConfig, LineSettings, Settings, TrunkSettings
from offhook.control.routing import BUILT_IN_AGENT, Routing

SETTINGS = Settings(
    default_agent="night",
    agents=tuple(AgentConfig(name) for name in ("desk", "night", "shop", "vip")),
    lines=(
        LineSettings("office", "sip:registrar.example", "office", agent="desk"),
        LineSettings("spare", "sip:registrar.example", "spare"),
    ),
    trunks=(TrunkSettings("carrier", addresses=("192.0.2.0/24",), agent="shop"),),
    numbers={"100": "vip"},
)


@pytest.mark.parametrize(
    ("line", "number", "agent"),
    [
        ("office", "100", "vip"),
        ("office", "101", "desk"),
        ("carrier", "101", "shop"),
        ("spare", "101", "night"),
        ("local", "", "night"),
    ],
    ids=["the number first", "then the line", "or the trunk", "then the default", "a stranger"],
)
def test_the_number_goes_before_the_line_and_the_line_before_the_default(
    line: str, number: str, agent: str
) -> None:
    assert Routing(SETTINGS).agent_for(line, number) == agent


def test_without_a_default_the_first_agent_answers() -> None:
    settings = Settings(agents=(AgentConfig("desk"), AgentConfig("night")))
    assert Routing(settings).agent_for("local", "1") == "desk"


def test_without_agents_the_built_in_one_answers() -> None:
    assert Routing(Settings()).agent_for("local", "1") == BUILT_IN_AGENT
