"""The configuration of what services and lines cost, a part of config.py."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from ..errors import ConfigError
from .config_lines import Name
from .config_reader import Origin

Price = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class ProviderCosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a provider takes; what it does not do costs nothing."""

    name: Name
    "As in `[[providers]]`; `pocketsphinx`, `espeak` and `house` are the embedded ones."
    stt_per_minute: Price = 0.0
    llm_per_1000_tokens_in: Price = 0.0
    llm_per_1000_tokens_out: Price = 0.0
    tts_per_1000_chars: Price = 0.0


class LineCosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a line takes."""

    name: Name
    per_minute: Price = 0.0
    "Of calls that go out, others that are joined to a call included."
    inbound_per_minute: Price = 0.0
    rounding: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[1-9][0-9]{0,3}/[1-9][0-9]{0,3}\Z",
            description="the first and each further step in seconds, as 60/60, 30/6 or 1/1",
        ),
    ] = "60/60"

    def steps_s(self) -> tuple[int, int]:
        """The first step that is charged, and each one after it."""
        first, _, further = self.rounding.partition("/")
        return int(first), int(further)


class CostSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices, all in one currency; whoever is not named here is free."""

    currency: Annotated[
        str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z", description="three letters, as USD")
    ] = "USD"
    "ISO 4217."
    providers: tuple[ProviderCosts, ...] = ()
    lines: tuple[LineCosts, ...] = ()


def wrong_costs(
    costs: CostSettings, line_names: Sequence[str], origin: Origin
) -> Iterable[ConfigError]:
    """What only shows when all of it is read."""
    tables: dict[str, Sequence[ProviderCosts | LineCosts]] = {
        "providers": costs.providers,
        "lines": costs.lines,
    }
    for kind, entries in tables.items():
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            key = f"costs.{kind}[{index}].name"
            if entry.name in seen:
                yield origin.error(key, entry.name, "its costs are given already")
            seen.add(entry.name)
            if kind == "lines" and entry.name not in line_names:
                known = ", ".join(line_names)
                yield origin.error(key, entry.name, f"no such line; there is {known}")
