"""How ended calls are analysed: its configuration, a part of config.py."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Protocol

import msgspec

from ..analysis.checklist import faults
from ..domain.analyses import AnalysisSettings
from ..errors import ConfigError
from .config_reader import Origin

EMBEDDED = "embedded"


class AnalysisConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is found out about calls after their end. Agents may say otherwise."""

    on: bool = True
    "False: no call is analysed, and no caller's mood is told while a call goes on."
    provider: str = ""
    "`embedded`, or a name of `providers`; empty: whoever speaks for the agent."
    model: str = ""
    "Empty: the provider's `models.chat`."
    timeout_s: Annotated[float, msgspec.Meta(ge=1, le=300)] = 60.0
    "For one answer of a language model."
    at_once: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    "Calls that are analysed at the same time."


class _Provider(Protocol):
    @property
    def name(self) -> str: ...


def wrong_analysis(
    analysis: AnalysisConfig, providers: Sequence[_Provider], origin: Origin
) -> Iterable[ConfigError]:
    """What only shows when all of it is read."""
    names = [EMBEDDED, *(provider.name for provider in providers)]
    if analysis.provider and analysis.provider not in names:
        expected = f"no such provider; there is {', '.join(names)}"
        yield origin.error("analysis.provider", analysis.provider, expected)


def wrong_agent_analysis(
    analysis: AnalysisSettings, key: str, origin: Origin
) -> Iterable[ConfigError]:
    """What of an agent's settings could not be checked in a call."""
    for fault in faults(analysis):
        yield origin.error(f"{key}.{fault.field}", None, fault.message)
