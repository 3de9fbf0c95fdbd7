"""The networks that speech goes through, each one step away from a good one. A table.

`axis` and `x` say which curve a case is a point of.
"""

from typing import NamedTuple

from .netem import Jitter, Network

LEAD_S = 2.0
DRIFT_LEAD_S = 120.0
"200 ppm are 24 ms by then: more than a packet."

LOSS = "loss (%)"
BURSTS = "loss in bursts of 3 (%)"


def jitter_axis(law: Jitter) -> str:
    return f"{law.value} jitter (ms)"


class Case(NamedTuple):
    """One network."""

    name: str
    network: Network
    axis: str | None = None
    x: float = 0.0
    lead_s: float = LEAD_S
    "Silence before the speech."


def _losses() -> list[Case]:
    cases = [
        Case(f"loss {percent} %", Network(loss=percent / 100), LOSS, percent)
        for percent in (1, 3, 5, 10, 15, 20)
    ]
    cases += [
        Case(
            f"loss {percent} % in bursts of 3",
            Network(loss=percent / 100, burst_packets=3),
            BURSTS,
            percent,
        )
        for percent in (5, 10, 20)
    ]
    return cases


def _jitters() -> list[Case]:
    sizes = {
        Jitter.UNIFORM: (20, 40, 80, 150),
        Jitter.EXPONENTIAL: (40, 80, 150),
        Jitter.QUEUE: (40, 80, 150),
        Jitter.STALLS: (60, 100, 150),
    }
    return [
        Case(
            f"{law.value} jitter {size} ms",
            Network(jitter_ms=size, law=law),
            jitter_axis(law),
            size,
        )
        for law, each in sizes.items()
        for size in each
    ]


PERFECT = Case("perfect", Network())
ROUGH = Case(
    "rough: 5 % in bursts of 3, exponential 60 ms",
    Network(loss=0.05, burst_packets=3, jitter_ms=60, law=Jitter.EXPONENTIAL),
)
CASES: tuple[Case, ...] = (
    PERFECT,
    *_losses(),
    *_jitters(),
    Case("5 % overtaken by two", Network(reordered=0.05)),
    Case("5 % doubled", Network(doubled=0.05)),
    Case("sender 200 ppm fast", Network(drift_ppm=200), lead_s=DRIFT_LEAD_S),
    Case("sender 200 ppm slow", Network(drift_ppm=-200), lead_s=DRIFT_LEAD_S),
    ROUGH,
)
"""Every curve begins with the perfect network."""
