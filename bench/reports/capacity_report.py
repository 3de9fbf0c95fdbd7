"""What capacity has found, as rows of the terminal and as a Document. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

import msgspec

from ..load.capacity_engine import Case, Step
from ..load.ramp import LATE_LIMIT_MS, Outcome, Verdict
from .results_file import Better, Curve, Document, Metric, Origin

StepT = TypeVar("StepT")

ENGINE_GOALS = {
    Case("PCMU", vad=True, record=True): 1500.0,
    Case("PCMU", vad=False, record=True): 3000.0,
}
MEMORY_GOAL_KB = 150.0
KERNEL_US = 3.9
"One packet in and one out cost the kernel so much of the server's core, measured in C."
LANES = (
    "Lanes of the engine in a process of their own, without SIP, sessions or speech services; "
    "every lane hears talkspurts and speaks all the time; in cases with P.59 both sides speak as "
    "in a conversation, each for 38.5 % of the time. Server and load have a core each."
)


class Tried(Generic[StepT]):
    """The steps of one case, in the order they were made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps: list[tuple[StepT, Verdict]] = []
        self.held: int | None = None
        "The most that held; of a ramp."
        self.limit: Verdict | None = None
        self.errors: list[str] = []

    def good(self) -> list[StepT]:
        """The steps that tell something of the server."""
        return [step for step, verdict in self.steps if verdict.outcome is not Outcome.VOID]


class Figure(msgspec.Struct, Generic[StepT], frozen=True):
    """One figure that every step has."""

    name: str
    unit: str
    of: Callable[[StepT], float]
    goal: float | None = None
    better: Better = "lower"


ENGINE_FIGURES: tuple[Figure[Step], ...] = (
    Figure("CPU a call", "µs a 20 ms frame", lambda s: s.cost_us),
    Figure("clock lateness p50", "ms", lambda s: s.late_p50_ms),
    Figure("clock lateness p99", "ms", lambda s: s.late_p99_ms, LATE_LIMIT_MS),
    Figure("clock lateness max", "ms", lambda s: s.late_max_ms),
    Figure("frames lost", "frames", lambda s: s.frames_lost, 0.0),
    Figure("packets late", "packets", lambda s: s.packets_late),
    Figure("memory a call, opened", "kB", lambda s: s.kb_a_call_opened),
    Figure("memory a call", "kB", lambda s: s.kb_a_call_full, MEMORY_GOAL_KB),
    Figure("lanes opened", "lanes/s", lambda s: s.lanes_a_second, better="higher"),
    Figure("core taken by others", "%", lambda s: 100 * s.others_share, better="neither"),
    Figure("load lateness p99", "ms", lambda s: s.load.health.late_p99_ms, better="neither"),
    Figure("load busy", "%", lambda s: 100 * s.load.health.busy, better="neither"),
)
CURVES = ("CPU a call", "clock lateness p99", "load lateness p99")


def engine_head() -> str:
    """Above the rows of a ramp."""
    return row_head("calls", "µs/call", "p99 ms", "lost", "kB/call", "lanes/s")


def engine_row(step: Step, verdict: Verdict) -> str:
    """One step, while the ramp goes on."""
    cost = f"{step.cost_us:.1f}", f"{step.late_p99_ms:.2f}", f"{step.frames_lost}"
    return row(
        step.calls, verdict, *cost, f"{step.kb_a_call_full:.0f}", f"{step.lanes_a_second:.0f}"
    )


def row_head(size: str, *names: str) -> str:
    """What `row` stands under."""
    return f"{size:>9}  {'':11}" + "".join(f"{name:>10}" for name in names)


def row(size: int, verdict: Verdict, *cells: str) -> str:
    """A step on one line: how much, whether it held, what it cost, and why it did not hold."""
    told = f"{size:9}  {verdict.outcome.value:11}" + "".join(f"{cell:>10}" for cell in cells)
    return f"{told}  {verdict.reason}".rstrip()


def engine_document(where: Origin, tried: Mapping[Case, Tried[Step]]) -> Document:
    """All cases of the engine."""
    metrics: list[Metric] = []
    reading = [LANES]
    for case, each in tried.items():
        metrics += limit_metrics(each, ENGINE_GOALS.get(case), lambda s: s.calls)
        if best := max(each.good(), key=lambda s: s.calls, default=None):
            by_cost = best.calls_a_core
            metrics.append(Metric("calls a core by cost", each.name, "calls", [by_cost], "higher"))
        metrics += step_metrics(each, ENGINE_FIGURES, lambda s: s.calls)
        reading.append(sentence(each, lambda s: s.calls, lambda s: s.cost_us, "calls"))
    detail = {
        str(case): [{"verdict": str(verdict), "step": step} for step, verdict in each.steps]
        for case, each in tried.items()
    }
    everything = list(tried.values())
    curves = curves_of(everything, ENGINE_FIGURES, CURVES, lambda s: s.calls, "calls")
    return Document(where, "capacity", metrics, curves, detail=detail, reading=reading)


def limit_metrics(
    tried: Tried[StepT], goal: float | None, size: Callable[[StepT], int], unit: str = "calls"
) -> list[Metric]:
    """The most that held; nothing when no step did."""
    most = most_held(tried, size)
    if most is None:
        return []
    return [Metric(f"{unit} that hold", tried.name, unit, [float(most)], "higher", goal)]


def most_held(tried: Tried[StepT], size: Callable[[StepT], int]) -> int | None:
    """Of a ramp, or of the steps that were asked for; None: no step held."""
    held = [size(step) for step, verdict in tried.steps if verdict.outcome is Outcome.HELD]
    return tried.held if tried.held is not None else max(held, default=None)


def step_metrics(
    tried: Tried[StepT],
    figures: Iterable[Figure[StepT]],
    size: Callable[[StepT], int],
    unit: str = "calls",
) -> list[Metric]:
    """Every figure of every step that is not void; a step that was tried twice has two values."""
    by_size: dict[int, list[StepT]] = {}
    for step in tried.good():
        by_size.setdefault(size(step), []).append(step)
    return [
        Metric(
            figure.name,
            f"{tried.name}, {n} {unit}",
            figure.unit,
            [round(float(figure.of(step)), 3) for step in steps],
            figure.better,
            figure.goal,
        )
        for figure in figures
        for n, steps in sorted(by_size.items())
    ]


def curves_of(
    tried: Iterable[Tried[StepT]],
    figures: Iterable[Figure[StepT]],
    names: Iterable[str],
    size: Callable[[StepT], int],
    x_name: str,
) -> list[Curve]:
    """How figures change with the size of a step, a line a case."""
    chosen = [figure for figure in figures if figure.name in names]
    cases = [each for each in tried if each.good()]
    return [
        Curve(
            figure.name,
            x_name,
            f"{figure.name} ({figure.unit})",
            {
                each.name: sorted((float(size(s)), float(figure.of(s))) for s in each.good())
                for each in cases
            },
        )
        for figure in chosen
        if cases
    ]


def sentence(
    tried: Tried[StepT],
    size: Callable[[StepT], int],
    cost_us: Callable[[StepT], float],
    unit: str,
) -> str:
    """What limits, and how cost grows."""
    held = most_held(tried, size)
    words = [f"{tried.name}: {'nothing' if held is None else f'{held} {unit}'} held."]
    if tried.limit is not None:
        ours = tried.limit.outcome is Outcome.VOID
        side = "Above it the bench limits, not the server" if ours else "Above it"
        words.append(f"{side}: {tried.limit}.")
    void = len(tried.steps) - len(tried.good())
    if void:
        words.append(f"{void} of {len(tried.steps)} steps were void, not the server's fault.")
    steps = sorted(tried.good(), key=size)
    if steps:
        least, most = cost_us(steps[0]), cost_us(steps[-1])
        words.append(
            f"A call costs {least:.1f} µs a frame at {size(steps[0])} {unit} and {most:.1f} µs at "
            f"{size(steps[-1])} ({most / least:.2f} times); the kernel's part is {KERNEL_US} µs."
        )
    return " ".join([*words, *tried.errors])
