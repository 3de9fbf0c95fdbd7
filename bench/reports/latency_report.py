"""What the latency of answered turns amounts to: figures, the worst turn to listen to.

Pure but for the clip's file. Not here: how the turns came about (turns.py, latency.py).
"""

from pathlib import Path
from typing import Any

import msgspec

from ..load.scripted_providers import Latencies
from ..phones.clips import stereo, write_clip
from ..phones.line import Line
from ..phones.turns import Missed, Turn
from .results_file import Clip, Mark, Metric

STAGES = ("transcript", "decided", "first_text", "first_speech")
CLIP_BEFORE_S, CLIP_AFTER_S = 1.5, 1.0
GAP = "reply gap"
ADDED_P50_GOAL_MS, ADDED_P99_GOAL_MS = 25.0, 45.0


class Conversation(msgspec.Struct, frozen=True):
    """One call: its line, its turns, and what the server tells of it."""

    line: Line
    turns: list[Turn | Missed]
    view: dict[str, Any] | None = None
    "Of our own server: the call as its API shows it."


class Case(msgspec.Struct, frozen=True):
    """One way to call: the conversations that were held so."""

    name: str
    "Such as `instant, 20 calls, noise`."
    conversations: list[Conversation]
    latencies: Latencies | None = None
    "Of the providers, when the server is ours."
    endpointing_ms: int = 0
    clock_p99_ms: float | None = None

    def answered(self) -> list[Turn]:
        """Turns with figures."""
        return [t for c in self.conversations for t in c.turns if isinstance(t, Turn)]

    def missed(self, kind: Missed) -> int:
        """Turns without, for that reason."""
        return sum(turn is kind for c in self.conversations for turn in c.turns)


def metrics(case: Case) -> list[Metric]:
    """All figures of a case, as single values."""
    turns = case.answered()
    all_turns = [turn for c in case.conversations for turn in c.turns]
    found = [Metric(GAP, case.name, "ms", [turn.gap_ms for turn in turns])]
    if case.latencies is not None:
        found += _of_our_server(case, case.latencies, turns)
    found.append(
        Metric(
            "turns without a figure",
            case.name,
            "%",
            [0.0 if isinstance(turn, Turn) else 100.0 for turn in all_turns],
            goal=0.0,
            goal_at="mean",
        )
    )
    return found


def _of_our_server(case: Case, latencies: Latencies, turns: list[Turn]) -> list[Metric]:
    added = [turn.wire_ms - case.endpointing_ms for turn in turns]
    found: list[Metric] = []
    if latencies.sum_ms == 0:
        found += [
            Metric("added", case.name, "ms", added, goal=ADDED_P50_GOAL_MS),
            Metric("added, tail", case.name, "ms", added, goal=ADDED_P99_GOAL_MS, goal_at="p99"),
        ]
    else:
        beyond = [turn.gap_ms - latencies.sum_ms for turn in turns]
        found.append(Metric("beyond the providers", case.name, "ms", beyond))
    for stage, values in stages(case.conversations).items():
        found.append(Metric(f"until {stage}", case.name, "ms", values, "neither"))
    holes = [float(turn.holes) for turn in turns]
    found.append(Metric("holes", case.name, "a reply", holes, goal=0.0, goal_at="max"))
    if case.clock_p99_ms is not None:
        found.append(Metric("clock lateness p99", case.name, "ms", [case.clock_p99_ms]))
    return found


def stages(conversations: list[Conversation]) -> dict[str, list[float]]:
    """From the departure of the caller's last sample to each stage of the reply, ms.

    The server counts from where it takes the caller's speech to have ended, on its sample axis.
    Both axes meet where the reply's first packet leaves: so much later than the caller's last one
    by the wire, so much later than the speech's end by the server.
    """
    found: dict[str, list[float]] = {}
    for each in conversations:
        turns = [turn for turn in each.turns if isinstance(turn, Turn)]
        told = [t["latency"] for t in (each.view or {}).get("turns", ()) if t["latency"]]
        told = [t for t in told if t["first_sample_ms"] is not None]
        if len(told) != len(turns) or Missed.OVERLAPPED in each.turns:
            continue  # which is which, nobody knows
        for turn, latency in zip(turns, told, strict=True):
            ended_ms = turn.wire_ms - latency["first_sample_ms"]
            found.setdefault("end of speech as the server sees it", []).append(ended_ms)
            for stage in STAGES:
                if (ms := latency[f"{stage}_ms"]) is not None:
                    found.setdefault(stage.replace("_", " "), []).append(ended_ms + ms)
            found.setdefault("first sample", []).append(turn.wire_ms)
    return found


def worst_turn(cases: list[Case], path: Path) -> list[Clip]:
    """The turn with the longest gap of all, written to `path`; none when none was answered."""
    every = [
        (turn.gap_ms, case.name, c.line, turn)
        for case in cases
        for c in case.conversations
        for turn in c.turns
        if isinstance(turn, Turn)
    ]
    if not every:
        return []
    gap_ms, name, line, turn = max(every, key=lambda each: each[0])
    both = stereo(line, turn.last, turn.reply, CLIP_BEFORE_S, CLIP_AFTER_S)
    marks = [
        Mark(CLIP_BEFORE_S, "caller's last sample"),
        Mark(CLIP_BEFORE_S + gap_ms / 1000, f"reply heard, {gap_ms:.0f} ms later"),
    ]
    return [write_clip(path, f"The longest gap: {gap_ms:.0f} ms ({name})", both, marks)]
