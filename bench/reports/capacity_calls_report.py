"""What capacity --whole has found: verdicts, rows of the terminal, a Document. Pure."""

import msgspec

from ..load.ramp import LATE_LIMIT_MS, Outcome, StepFigures, Verdict, judge
from ..load.sip_load import CallsReport
from ..load.switchboard import Tally
from .capacity_report import (
    Figure,
    Tried,
    curves_of,
    limit_metrics,
    row,
    row_head,
    sentence,
    step_metrics,
)
from .results_file import Document, Origin

WHOLE = "whole server, PCMU, VAD, recording, realistic services"
SETUP = "whole server, set-up"
CALLS_GOAL, MEMORY_GOAL_KB = 300.0, 400.0
UNANSWERED_SHARE = 0.01
"More than that of the turns and the step does not hold; the callers are humans to the server."
SETUP_LIMIT_MS = 1000.0
"p99 of the time from INVITE to answer."
CONVERSING = (
    "A server process that is called over SIP (PCMU, VAD on, recording on); every call converses: "
    "recorded words of about a second, scripted transcription (250 ms), chat (375 ms) and speech "
    "(100 ms) by OpenAI's protocols, an answer of one second, a pause of 0.7 to 2 s. A call that "
    "is refused while calls are placed tries again after 2, 4, 8 s, for 30 s after the last. "
    "The server and its workers have one core; callers and services share the other, and their "
    "load is part of `load busy`. That the server conceals nothing of what callers say is not "
    "seen from here."
)


class CallsStep(msgspec.Struct, frozen=True):
    """What N conversing calls cost, and whether they were served."""

    calls: int
    seconds: float
    cpu_share: float
    "Of one core, the server with its workers."
    main_cpu_share: float
    "Of it, the server's main process."
    others_share: float
    "Of the core, that was neither the server's nor the network's."
    late_p50_ms: float
    late_p99_ms: float
    late_max_ms: float
    skipped_ticks: int
    kb_empty: int
    "The server with its workers, before the first call."
    kb_a_call: float
    placed: Tally
    "What became of the calls when they were placed."
    report: CallsReport
    "What was counted afterwards."

    @property
    def cost_us(self) -> float:
        """CPU of one call in one frame of 20 ms, workers included."""
        return self.cpu_share * 20_000 / max(1, self.report.live)

    @property
    def frames_lost(self) -> int:
        """Of what the server sent, or should have."""
        return self.report.packets_missing(self.calls)

    @property
    def calls_missing(self) -> int:
        """Not up at the end, or ended by the server while it was measured."""
        return self.report.calls_missing(self.calls)


class SetupStep(msgspec.Struct, frozen=True):
    """What so many calls a second cost, and whether they were taken."""

    pace: int
    cpu_ms_a_call: float
    "All of the server's and its workers', one second of audio included."
    others_share: float
    "Of the core, that was neither the server's nor the network's."
    late_p99_ms: float
    late_max_ms: float
    placed: Tally
    report: CallsReport


def judge_calls(step: CallsStep) -> Verdict:
    """Does it hold?"""
    turns = step.report.turns
    allowed = int(UNANSWERED_SHARE * (turns.answered + turns.unanswered))
    return judge(
        StepFigures(
            step.late_p99_ms,
            step.report.rtp.health,
            step.others_share,
            lost=step.frames_lost,
            refused=step.calls_missing,
            unanswered=turns.unanswered if turns.unanswered > allowed else 0,
        )
    )


def judge_setup(step: SetupStep) -> Verdict:
    """Does it hold? Late is, too, a server that answers late."""
    load, refused = step.report.rtp.health, step.placed.refusals
    verdict = judge(StepFigures(step.late_p99_ms, load, step.others_share, refused=refused))
    if verdict.outcome is Outcome.HELD and step.placed.setup_p99_ms > SETUP_LIMIT_MS:
        return Verdict(Outcome.LATE, f"INVITE to answer p99 {step.placed.setup_p99_ms:.0f} ms")
    return verdict


CALLS_FIGURES: tuple[Figure[CallsStep], ...] = (
    Figure("CPU a call", "µs a 20 ms frame", lambda s: s.cost_us),
    Figure("clock lateness p50", "ms", lambda s: s.late_p50_ms),
    Figure("clock lateness p99", "ms", lambda s: s.late_p99_ms, LATE_LIMIT_MS),
    Figure("clock lateness max", "ms", lambda s: s.late_max_ms),
    Figure("frames lost", "frames", lambda s: s.frames_lost, 0.0),
    Figure("refusals while placing", "refusals", lambda s: s.placed.refusals),
    Figure("calls not up, or ended", "calls", lambda s: s.calls_missing, 0.0),
    Figure("turns answered", "turns", lambda s: s.report.turns.answered, better="higher"),
    Figure("turns unanswered", "turns", lambda s: s.report.turns.unanswered, 0.0),
    Figure("reply gap p50", "ms", lambda s: s.report.turns.gap_p50_ms),
    Figure("reply gap p95", "ms", lambda s: s.report.turns.gap_p95_ms),
    Figure("memory a call, all in", "kB", lambda s: s.kb_a_call, MEMORY_GOAL_KB),
    Figure("load lateness p99", "ms", lambda s: s.report.rtp.health.late_p99_ms, None, "neither"),
    Figure("load busy", "%", lambda s: 100 * s.report.rtp.health.busy, None, "neither"),
)
SETUP_FIGURES: tuple[Figure[SetupStep], ...] = (
    Figure("INVITE to answer p50", "ms", lambda s: s.placed.setup_p50_ms),
    Figure("INVITE to answer p99", "ms", lambda s: s.placed.setup_p99_ms),
    Figure("calls refused", "calls", lambda s: s.placed.refusals, 0.0),
    Figure("clock lateness p99", "ms", lambda s: s.late_p99_ms, LATE_LIMIT_MS),
    Figure("CPU of a call of 1 s", "ms", lambda s: s.cpu_ms_a_call),
)
CURVES = ("CPU a call", "clock lateness p99", "reply gap p50", "reply gap p95")


def calls_head() -> str:
    """Above the rows of the calls' ramp."""
    return row_head("calls", "µs/call", "p99 ms", "lost", "kB/call", "gap ms")


def calls_row(step: CallsStep, verdict: Verdict) -> str:
    """One step, while the ramp goes on."""
    cost = f"{step.cost_us:.1f}", f"{step.late_p99_ms:.2f}", f"{step.frames_lost}"
    gap = f"{step.report.turns.gap_p50_ms:.0f}"
    return row(step.calls, verdict, *cost, f"{step.kb_a_call:.0f}", gap)


def setup_head() -> str:
    """Above the rows of the set-up ramp."""
    return row_head("calls/s", "ms a call", "p99 ms", "refused", "answer ms")


def setup_row(step: SetupStep, verdict: Verdict) -> str:
    """One step, while the ramp goes on."""
    cost = f"{step.cpu_ms_a_call:.1f}", f"{step.late_p99_ms:.2f}", f"{step.placed.refusals}"
    return row(step.pace, verdict, *cost, f"{step.placed.setup_p50_ms:.1f}")


def document(where: Origin, calls: Tried[CallsStep], setup: Tried[SetupStep]) -> Document:
    """Both ramps."""
    metrics = limit_metrics(calls, CALLS_GOAL, lambda s: s.calls)
    metrics += step_metrics(calls, CALLS_FIGURES, lambda s: s.calls)
    metrics += limit_metrics(setup, None, lambda s: s.pace, "calls/s")
    metrics += step_metrics(setup, SETUP_FIGURES, lambda s: s.pace, "calls/s")
    reading = [CONVERSING]
    if calls.steps or calls.errors:
        reading.append(sentence(calls, lambda s: s.calls, lambda s: s.cost_us, "calls"))
    if setup.steps or setup.errors:
        reading.append(_setup_sentence(setup))
    detail = {
        each.name: [{"verdict": str(verdict), "step": step} for step, verdict in each.steps]
        for each in (calls, setup)
    }
    curves = curves_of([calls], CALLS_FIGURES, CURVES, lambda s: s.calls, "calls")
    return Document(where, "capacity", metrics, curves, detail=detail, reading=reading)


def _setup_sentence(setup: Tried[SetupStep]) -> str:
    held = "no pace" if setup.held is None else f"{setup.held} calls a second"
    limit = "" if setup.limit is None else f" Above it: {setup.limit}."
    return " ".join([f"{setup.name}: {held} held.{limit}", *setup.errors])
