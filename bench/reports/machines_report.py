"""What became of labelled calls: confusion, delays, messages left too early. Pure."""

import collections
from typing import NamedTuple

from ...media.conversation.machine_detection import Verdict
from ...media.conversation.records import AnsweredBy
from ..speech.answered_calls import AnsweredCall
from .results_file import Metric

RATE_HZ = 8000
"Of verdicts' samples."
ORDER = [by.value for by in AnsweredBy]


class Outcome(NamedTuple):
    """What became of a call."""

    call: AnsweredCall
    verdicts: list[Verdict]
    message_at_s: float | None
    "When an agent that leaves messages would have begun."


def metrics_of(case: str, judged: list[Outcome]) -> list[Metric]:
    """One condition's figures."""
    metrics: list[Metric] = []
    by_class: dict[str, list[Outcome]] = collections.defaultdict(list)
    for outcome in judged:
        by = outcome.call.answered_by
        by_class["music" if by is None else by.value].append(outcome)
    for name, some in by_class.items():
        if name == "music":
            continue
        right = [100.0 * (_last(outcome) == name) for outcome in some]
        metrics.append(Metric("right in the end", f"{name}, {case}", "%", right, "higher"))
        told = [_told_s(outcome, name) for outcome in some]
        delays = [round(at, 3) for at in told if at is not None]
        metrics.append(Metric("told after the answer", f"{name}, {case}", "s", delays, "neither"))
    people = by_class["human"]
    wrong = [100.0 * _was(outcome, AnsweredBy.MACHINE) for outcome in people]
    metrics.append(Metric("people taken for machines", case, "%", wrong, goal=1.0, goal_at="mean"))
    beeps = [outcome for outcome in by_class["machine"] if outcome.call.beep_ended_s is not None]
    late = [_after_beep_s(outcome) for outcome in beeps]
    waits = [round(at, 3) for at in late if at is not None and at >= 0]
    early = [100.0 * (at is not None and at < 0) for at in late]
    missed = [100.0 * (at is None) for at in late]
    metrics.append(Metric("message after the beep", case, "s", waits, goal=0.6, goal_at="p95"))
    metrics.append(Metric("message before the beep's end", case, "%", early))
    metrics.append(Metric("no message", case, "%", missed))
    return metrics


def confusion(judged: list[Outcome]) -> dict[str, dict[str, int]]:
    """How it was made: last verdict: how many calls."""
    table: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for outcome in judged:
        by = outcome.call.answered_by
        label = "-" if by is None else by.value
        table[f"{label}: {outcome.call.kind}"][_last(outcome)] += 1
    return {kind: dict(counts) for kind, counts in sorted(table.items())}


def _last(outcome: Outcome) -> str:
    return outcome.verdicts[-1].answered_by.value if outcome.verdicts else "unknown"


def _was(outcome: Outcome, by: AnsweredBy) -> bool:
    """At any time: an agent may have hung up by then."""
    return any(verdict.answered_by is by for verdict in outcome.verdicts)


def _told_s(outcome: Outcome, name: str) -> float | None:
    """When the right verdict was first told."""
    for verdict in outcome.verdicts:
        if verdict.answered_by.value == name and verdict.after_samples is not None:
            return verdict.after_samples / RATE_HZ
    return None


def _after_beep_s(outcome: Outcome) -> float | None:
    ended_s = outcome.call.beep_ended_s
    if outcome.message_at_s is None or ended_s is None:
        return None
    return outcome.message_at_s - ended_s


def shown(table: dict[str, dict[str, int]]) -> str:
    """The confusion table as lines."""
    head = f"{'made as':42}" + "".join(f"{name:>9}" for name in ORDER)
    return "\n".join(
        [
            head,
            *(
                f"{kind:42}" + "".join(f"{counts.get(name, 0) or '.':>9}" for name in ORDER)
                for kind, counts in table.items()
            ),
        ]
    )


READING = [
    "Calls are made: prompts of Debian's Asterisk packages (one speaker a language) put together as"
    " voicemail does it, and espeak-ng's voices for people's greetings and personal mailboxes."
    " Noise is white, at a ratio to the mean level while there is sound; the line is mu-law at 8"
    " kHz. Real people on real lines are more varied than both.",
    "The last verdict is compared with the label; people count as taken for machines whenever that"
    " was said at any time, as an agent may have hung up by then. Music has no label: only what is"
    " made of it is shown.",
    "With words: each utterance's text reaches the detector 0.7 s after its end, 15 % of its words"
    " lost. The texts are the prompts' own or were written for this measurement, by whoever wrote"
    " the table of phrases: a real transcriber's of real machines will say less.",
    "The agent itself is silent in these calls. In a conversation people answer what it says, and"
    " it falls silent when a machine talks over it; its echo is told apart by the turn taker.",
]
