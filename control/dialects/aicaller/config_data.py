"""A business configuration's free data, and the settings of an agent that some of it is. Pure.

All of it is kept and shown as it was sent; what is known here is what the agent goes by, too, and
is shown as it is now, whoever has changed it.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from ...domain.agents import Agent

PROVIDER = "openai"
"Whose models are named, where nobody says."

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?\Z")


class Setting(NamedTuple):
    """One name in the data."""

    fits: Callable[[Any], bool]
    "Values that an agent can go by; others are only kept."
    of: Callable[[Agent], Any]
    "What the agent has; None: nothing that need be shown."
    to: Callable[[Agent, Any], Agent]
    always: bool = False
    "It is shown where it was not sent as well, if the agent has it."


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_language(value: Any) -> bool:
    return isinstance(value, str) and _LANGUAGE.match(value) is not None


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 1_000_000


def _plain(name: str, *, always: bool = False) -> Setting:
    return Setting(
        _is_language if name == "language" else _is_text,
        lambda agent: getattr(agent, name) or None,
        lambda agent, value: msgspec.structs.replace(agent, **{name: value}),
        always,
    )


def _llm(name: str, fits: Callable[[Any], bool]) -> Setting:
    def to(agent: Agent, value: Any) -> Agent:
        llm = msgspec.structs.replace(agent.llm, provider=PROVIDER, **{name: value})
        return msgspec.structs.replace(agent, llm=llm)

    return Setting(fits, lambda agent: getattr(agent.llm, name) or None, to)


def _to_voice(agent: Agent, value: Any) -> Agent:
    voice = msgspec.structs.replace(agent.voice, voice=value)
    return msgspec.structs.replace(agent, voice=voice)


SETTINGS: dict[str, Setting] = {
    "description": _plain("description", always=True),
    "system_prompt": _plain("system_prompt", always=True),
    "greeting": _plain("greeting", always=True),
    "language": _plain("language"),
    "model": _llm("model", _is_text),
    "temperature": _llm("temperature", _is_share),
    "max_tokens": _llm("max_tokens", _is_count),
    "voice": Setting(_is_text, lambda agent: agent.voice.voice or None, _to_voice),
}


def with_data(agent: Agent, data: dict[str, Any]) -> Agent:
    """The agent as the data has it; what is not in there stays."""
    agent = msgspec.structs.replace(agent, config_data=data)
    for name, setting in SETTINGS.items():
        if name in data and setting.fits(data[name]):
            agent = setting.to(agent, data[name])
    return agent


def data_of(agent: Agent) -> dict[str, Any]:
    """Back."""
    data = dict(agent.config_data)
    for name, setting in SETTINGS.items():
        has = setting.of(agent)
        goes_by_it = name in data and setting.fits(data[name])
        if has is not None and (goes_by_it or (setting.always and name not in data)):
            data[name] = has
    return data
