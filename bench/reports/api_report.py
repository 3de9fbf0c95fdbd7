"""What the load on the API has found, as rows of the terminal and as a Document. Pure."""

import msgspec

from ..load.http_load import ApiReport
from ..load.ramp import LATE_LIMIT_MS
from ..speech.waveform import percentile
from .results_file import Curve, Document, Metric, Origin

RATE_GOAL, RATE_GOAL_CALLS = 2000.0, 300
RATE_GOAL_KIND = "get"
"A cheap request: one call, live."
FULL = 0.95
"Of a core: there was no more to be had of it."
WHAT = (
    "Latency counts from the moment a request was due until its answer was whole, so that a stall "
    "is felt by all that wait. Of each kind at most 500 evenly spaced latencies are kept. The mix "
    "is, of 200: 50 GET /health, 50 GET /v1/calls (50 items), 99 GET /v1/calls/{id} and one "
    "POST …/hangup of a live call, which then calls again; agents is GET /v1/agents (50 items), "
    "create is POST /v1/agents. The clock's figures are of the 5 s "
    "before the end of each load. Server and load have a core each."
)


class Load(msgspec.Struct, frozen=True):
    """What is asked."""

    kind: str
    rate: float | None
    "Requests a second; None: as fast as they are answered."

    def __str__(self) -> str:
        return self.kind if self.rate is None else f"{self.kind} at {self.rate:g}/s"


class ApiStep(msgspec.Struct, frozen=True):
    """One load beside so many calls; without a load, the calls alone."""

    calls: int
    load: Load | None
    report: ApiReport | None
    server_busy: float
    "Share of a core, workers included."
    load_core_busy: float
    late_p50_ms: float
    late_p99_ms: float
    late_max_ms: float
    skipped_ticks: int

    @property
    def case(self) -> str:
        """Its name."""
        return f"{self.load or 'no requests'}, {self.calls} calls"


def head() -> str:
    """Above the rows."""
    names = ("req/s", "p50 ms", "p99 ms", "clock p99", "max", "skipped", "server %", "load %")
    return f"{'':24}" + "".join(f"{name:>10}" for name in names)


def row(step: ApiStep) -> str:
    """One step, while others go on."""
    report = step.report
    p50, p99 = (percentile(all_latencies_ms(report), share) or 0.0 for share in (0.5, 0.99))
    cells = f"{report.a_second if report else 0:10.0f}{p50:10.2f}{p99:10.2f}"
    cells += f"{step.late_p99_ms:10.2f}{step.late_max_ms:10.2f}{step.skipped_ticks:10}"
    cells += f"{100 * step.server_busy:10.0f}{100 * step.load_core_busy:10.0f}"
    wrong = [*report.unexpected, *report.faults] if report else []
    return f"{step.case:24}{cells}  {', '.join(wrong)}".rstrip()


def all_latencies_ms(report: ApiReport | None) -> list[float]:
    """Of all kinds of a load, each as often as its share of the answers wants.

    Every kind keeps so many latencies at most, so a kind that was asked often is thinned out: its
    kept ones stand for several.
    """
    if report is None:
        return []
    counts = {kind: sum(each.values()) for kind, each in report.statuses.items()}
    kept = {kind: len(each) for kind, each in report.latencies_ms.items()}
    most = max((counts[kind] / kept[kind] for kind in kept if kept[kind]), default=1.0)
    thinned: list[float] = []
    for kind, values in report.latencies_ms.items():
        wanted = max(1, round(counts[kind] / most))
        last = len(values) - 1
        thinned += [values[round(n * last / max(1, wanted - 1))] for n in range(wanted)]
    return thinned


def document(where: Origin, steps: list[ApiStep], errors: list[str]) -> Document:
    """All of it."""
    each = [metric for step in steps for metric in _metrics(step)]
    names = list(dict.fromkeys(metric.name for metric in each))
    metrics = sorted(each, key=lambda metric: names.index(metric.name))
    reading = [WHAT, *(_sentence(step) for step in steps if _limited(step)), *errors]
    wrong = {
        step.case: {"unexpected": step.report.unexpected, "faults": step.report.faults}
        for step in steps
        if step.report is not None and (step.report.unexpected or step.report.faults)
    }
    reading += [f"{case}: answered wrongly: {what}" for case, what in wrong.items()]
    detail = {"steps": [_brief(step) for step in steps], "wrong": wrong, "errors": errors}
    return Document(where, "api", metrics, _curves(steps), detail=detail, reading=reading)


def sound(document_: Document) -> bool:
    """Nothing failed, and nothing was answered wrongly."""
    detail = document_.detail
    return bool(document_.metrics) and not detail["wrong"] and not detail["errors"]


def _brief(step: ApiStep) -> ApiStep:
    """Without the latencies, which are among the metrics."""
    report = step.report
    brief = None if report is None else msgspec.structs.replace(report, latencies_ms={})
    return msgspec.structs.replace(step, report=brief)


def _metrics(step: ApiStep) -> list[Metric]:
    late = [
        Metric("clock lateness p99", step.case, "ms", [step.late_p99_ms], goal=LATE_LIMIT_MS),
        Metric("clock lateness max", step.case, "ms", [step.late_max_ms], goal=_late_goal(step)),
        Metric("ticks skipped", step.case, "ticks", [float(step.skipped_ticks)], goal=0.0),
        Metric("server busy", step.case, "%", [100 * step.server_busy]),
        Metric("load core busy", step.case, "%", [100 * step.load_core_busy], "neither"),
    ]
    report, load = step.report, step.load
    if report is None or load is None:
        return late
    measured = step.calls == RATE_GOAL_CALLS and load.kind == RATE_GOAL_KIND
    goal = RATE_GOAL if measured and load.rate is None else None
    rate = Metric("requests", step.case, "requests/s", [report.a_second], "higher", goal)
    each = [
        Metric("request latency", f"{kind} in {step.case}", "ms", values, goal_at="p99")
        for kind, values in sorted(report.latencies_ms.items())
        if values
    ]
    wrong = float(sum(report.unexpected.values()) + len(report.faults))
    return [rate, *each, Metric("wrong answers", step.case, "answers", [wrong], goal=0.0), *late]


def _late_goal(step: ApiStep) -> float | None:
    """No tick late by more than that while 300 calls are live and 2000 requests a second come."""
    wanted = Load(RATE_GOAL_KIND, RATE_GOAL)
    return LATE_LIMIT_MS if step.load == wanted and step.calls == RATE_GOAL_CALLS else None


def _limited(step: ApiStep) -> bool:
    return step.report is not None and step.load_core_busy > FULL


def _sentence(step: ApiStep) -> str:
    busy, server = 100 * step.load_core_busy, 100 * step.server_busy
    both = f"the load's core was {busy:.0f} % busy, the server's {server:.0f} %"
    if step.server_busy > FULL:
        return f"{step.case}: {both}: both limit."
    return f"{step.case}: the load side limits ({both}): the server could have answered more."


def _curves(steps: list[ApiStep]) -> list[Curve]:
    requests: dict[str, list[tuple[float, float]]] = {}
    late: dict[str, list[tuple[float, float]]] = {}
    for step in sorted(steps, key=lambda step: step.calls):
        name = str(step.load or "no requests")
        late.setdefault(name, []).append((float(step.calls), step.late_p99_ms))
        if step.report is not None:
            point = float(step.calls), round(step.report.a_second, 1)
            requests.setdefault(name, []).append(point)
    drawn = (
        Curve("API throughput", "live calls", "requests a second", requests),
        Curve("clock beside API load", "live calls", "clock lateness p99 (ms)", late),
    )
    return [curve for curve in drawn if curve.series]
