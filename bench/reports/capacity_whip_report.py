"""What capacity --target has found of an agent behind WHIP: merged, judged, shown. Pure.

As of one called over SIP (capacity_target_report.py), and what WebRTC has of its own: how long
until there is audio, holes in it, and what the load itself can bear, which is little.
"""

from collections.abc import Sequence

from ..load.packet_count import Arrivals
from ..load.ramp import LATE_LIMIT_MS, LOAD_BUSY_LIMIT, LoadHealth, Outcome, Verdict
from ..load.rtp_load import Report
from ..load.sip_load import CallsReport
from ..load.switchboard import Tally
from ..load.talkers import Turns
from ..load.whip_load import WhipCounted
from ..speech.waveform import percentile
from .capacity_report import Figure, Tried, row, row_head
from .capacity_target_report import ForeignStep, document_of, figures_of, judge_foreign
from .results_file import Document, Origin

HOLE_LIMIT_MS = 200.0
"Between two packets of a call: browsers' jitter buffers bridge no more."
HOLES_SHARE = 0.01
"Of the calls that may have one."
READING = (
    "Callers in processes of their own, over WHIP (Opus where the agent takes it), who speak words "
    "of about a second, wait for the answer, pause for 0.7 to 2 s, speak again. Only what a caller "
    "hears is known: calls taken and kept, packets of the agent's that came and frames that it "
    "left out, the longest time without a packet of each call, the gap from the end of the words "
    "to the answer. A step does not hold when calls are refused or end, when more than 1 in 1,000 "
    "packets is missing, when more than 1 % of the calls had 200 ms without a packet, when more "
    "than 1 % of the words are not answered within 5 s, or when half of the answers take twice as "
    "long as in the first step. It is void when a process of the load was late (p99 above 5 ms) or "
    "full."
)


class WhipStep(ForeignStep, frozen=True):
    """How an agent behind WHIP served N callers."""

    processes: int = 1
    "Of the load."
    load_busy: float = 0.0
    "Cores that the load used, all processes together."
    audio_ms: list[float] = []
    "From the offer to the first packet, of each call of which one came."
    gaps_ms: list[float] = []
    "Of each call: the longest time without a packet, while it was measured."

    @property
    def audio_p99_ms(self) -> float:
        """From the offer to the first packet, of 99 in 100 calls at most."""
        return percentile(self.audio_ms, 0.99) or 0.0

    @property
    def longest_gap_ms(self) -> float:
        """Of the worst call."""
        return max(self.gaps_ms, default=0.0)

    @property
    def call_cost(self) -> float:
        """Share of a core that a caller takes of the load."""
        return self.load_busy / max(1, self.calls)

    @property
    def bearable(self) -> float:
        """Callers that the load could bear before its cores are full, by what they cost now."""
        return self.processes * LOAD_BUSY_LIMIT / self.call_cost if self.load_busy else 0.0


def merged(
    calls: int, seconds: float, placed: Sequence[Tally], counted: Sequence[WhipCounted]
) -> WhipStep:
    """The processes of a load as one: its health is that of the worst."""
    reports = [each.report for each in counted]
    healths = [report.rtp.health for report in reports]
    arrivals = [report.rtp.arrivals for report in reports]
    health = LoadHealth(
        max(each.late_p99_ms for each in healths),
        max(each.late_max_ms for each in healths),
        sum(each.send_errors for each in healths),
        max(each.busy for each in healths),
        max(each.waited for each in healths),
    )
    whole = Arrivals(
        **{
            name: sum(getattr(each, name) for each in arrivals)
            for name in Arrivals.__struct_fields__
        }
    )
    turns = [report.turns for report in reports]
    return WhipStep(
        calls=calls,
        seconds=seconds,
        placed=_together(placed),
        report=CallsReport(
            sum(report.live for report in reports),
            _together([report.tally for report in reports]),
            Turns(
                sum(each.answered for each in turns),
                sum(each.unanswered for each in turns),
                [gap for each in turns for gap in each.gaps_ms],
            ),
            Report(sum(report.rtp.sent for report in reports), whole, health),
        ),
        processes=len(counted),
        load_busy=sum(each.busy for each in healths),
        audio_ms=[ms for each in counted for ms in each.audio_ms],
        gaps_ms=[ms for each in counted for ms in each.gaps_ms],
    )


def _together(tallies: Sequence[Tally]) -> Tally:
    refused: dict[str, int] = {}
    for tally in tallies:
        for reason, count in tally.refused.items():
            refused[reason] = refused.get(reason, 0) + count
    return Tally(
        placed=sum(each.placed for each in tallies),
        answered=sum(each.answered for each in tallies),
        refused=refused,
        ended_by_far_end=sum(each.ended_by_far_end for each in tallies),
        setup_ms=[ms for each in tallies for ms in each.setup_ms],
    )


def judge_whip(step: WhipStep, first: ForeignStep | None) -> Verdict:
    """As over SIP, and whether audio stood still."""
    verdict = judge_foreign(step, first)
    holes = [ms for ms in step.gaps_ms if ms > HOLE_LIMIT_MS]
    if verdict.outcome is Outcome.HELD and len(holes) > HOLES_SHARE * len(step.gaps_ms):
        load = step.report.rtp.health
        if load.late_max_ms > HOLE_LIMIT_MS / 2:
            stood = f"the load stood still for {load.late_max_ms:.0f} ms: so did audio"
            return Verdict(Outcome.VOID, stood)
        return Verdict(
            Outcome.LATE, f"up to {max(holes):.0f} ms without a packet in {len(holes)} calls"
        )
    return verdict


FIGURES: tuple[Figure[WhipStep], ...] = (
    *figures_of(WhipStep),
    Figure("longest time without a packet", "ms", lambda s: s.longest_gap_ms, HOLE_LIMIT_MS),
    Figure("frames left out", "frames", lambda s: s.report.rtp.arrivals.skipped, 0.0),
    Figure("offer to answer p99", "ms", lambda s: s.placed.setup_p99_ms),
    Figure("offer to first packet p99", "ms", lambda s: s.audio_p99_ms),
    Figure(
        "load lateness p99",
        "ms",
        lambda s: s.report.rtp.health.late_p99_ms,
        LATE_LIMIT_MS,
        "neither",
    ),
    Figure("load, a caller", "% of a core", lambda s: 100 * s.call_cost, None, "neither"),
    Figure("load could bear", "callers", lambda s: s.bearable, None, "neither"),
)
CURVES = ("reply gap p50", "reply gap p95", "longest time without a packet")


def head() -> str:
    """Above the rows."""
    return row_head(
        "calls", "gap ms", "p95 ms", "missing", "hole ms", "refused", "audio ms", "load %"
    )


def line(step: WhipStep, verdict: Verdict) -> str:
    """One step, while the ramp goes on."""
    return row(
        step.calls,
        verdict,
        f"{step.report.turns.gap_p50_ms:.0f}",
        f"{step.report.turns.gap_p95_ms:.0f}",
        f"{step.packets_missing}",
        f"{step.longest_gap_ms:.0f}",
        f"{step.placed.refusals}",
        f"{step.audio_p99_ms:.0f}",
        f"{100 * step.report.rtp.health.busy:.0f}",
    )


def bears(steps: Sequence[WhipStep], *, here: bool) -> str:
    """What the load itself can bear on this machine; empty when no step was made."""
    if not steps:
        return ""
    in_time = [step.calls for step in steps if step.report.rtp.health.late_p99_ms <= LATE_LIMIT_MS]
    most = max(steps, key=lambda step: step.calls)
    words = (
        f"The load on this machine: {most.processes} process"
        f"{'es' if most.processes > 1 else ''}, a caller takes {100 * most.call_cost:.1f} % of a "
        f"core, so that their cores are full with about {most.bearable:.0f}. "
    )
    if in_time:
        words += f"It was in time with up to {max(in_time)}. "
    else:
        words += "It was late in every step: nothing is known of the agent. "
    if here:
        words += "The agent is on this machine and takes of the same cores. "
    return words.strip()


def document(where: Origin, tried: Tried[WhipStep], *, here: bool) -> Document:
    """The ramp. `here`: the agent shares this machine with the load."""
    load = bears([step for step, _ in tried.steps], here=here)
    return document_of(where, tried, FIGURES, CURVES, [READING, load])
