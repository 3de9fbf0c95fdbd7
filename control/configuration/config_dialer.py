"""The configuration of how calls are placed, a part of config.py."""

from collections.abc import Iterable

import msgspec

from .config_lines import LineSettings, MaxCalls, Rate, TrunkSettings


class DialerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits beside those of the server, of lines, accounts, numbers and campaigns.

    They are counted in memory: where several processes share a database, each has as much.
    """

    max_calls: MaxCalls | None = None
    "Placed calls at once; absent: as many as the server takes."
    calls_per_s: Rate | None = None
    "Of each trunk and account that says nothing itself; absent: as many as come."


def rates_of(
    dialer: DialerSettings, lines: Iterable[LineSettings | TrunkSettings]
) -> dict[str, float]:
    """How many calls a second each line may begin; those without a limit are left out."""
    rates = {line.name: line.calls_per_s or dialer.calls_per_s for line in lines}
    return {name: rate for name, rate in rates.items() if rate is not None}
