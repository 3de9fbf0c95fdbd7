"""What speaking over an agent amounts to: figures, and the worst events to listen to.

Pure but for the clips' files. Not here: how the events came about (interruptions.py).
"""

from pathlib import Path

from ..phones.clips import stereo, write_clip
from ..phones.interruptions import WORDS, Judged
from ..phones.line import RATE_HZ
from ..phones.overlap_audio import Outcome
from .results_file import Clip, Mark, Metric

DUCK_GOAL_MS, SILENCE_GOAL_MS = 60.0, 280.0
FALSE_STOPS_GOAL = 1.0
"Percent."
CLIP_BEFORE_S, CLIP_AFTER_S = 1.0, 1.5


def metrics(judged: list[Judged]) -> list[Metric]:
    """All figures, as single values."""
    found = _of_words([each for each in judged if each.kind == WORDS])
    for kind in dict.fromkeys(each.kind for each in judged if each.kind != WORDS):
        outcomes = [each.outcome for each in judged if each.kind == kind]
        found += _of_sounds(kind, [each for each in outcomes if each is not None])
    order = list(dict.fromkeys(metric.name for metric in found))
    return sorted(found, key=lambda metric: order.index(metric.name))


def _of_words(judged: list[Judged]) -> list[Metric]:
    measured = [each for each in judged if each.outcome is not None]
    if not measured:
        return []
    stopped = [each for each in measured if each.outcome and is_stop(each.outcome)]
    ducks = [each.duck_ms for each in measured if each.duck_ms is not None]
    silences = [each.silence_ms for each in stopped if each.silence_ms is not None]
    leaks = [float(each.outcome.leaked_ms) for each in stopped if each.outcome is not None]
    missed = [0.0 if each in stopped else 100.0 for each in measured]
    found = [
        Metric("time to silence", WORDS, "ms", silences, goal=SILENCE_GOAL_MS, goal_at="p95"),
        Metric("leaked after the silence", WORDS, "ms", leaks, goal=0.0, goal_at="max"),
        Metric("not stopped by words", WORDS, "%", missed, goal=0.0, goal_at="mean"),
    ]
    if ducks:
        duck = Metric("time to duck", WORDS, "ms", ducks, goal=DUCK_GOAL_MS, goal_at="p95")
        found.insert(0, duck)
    return found


def _of_sounds(kind: str, outcomes: list[Outcome]) -> list[Metric]:
    if not outcomes:
        return []
    stops = [100.0 if is_stop(each) else 0.0 for each in outcomes]
    on = [each for each in outcomes if not is_stop(each)]
    lost = [float(each.lost) for each in on if each.lost is not None]
    found = [
        Metric("false stops", kind, "%", stops, goal=FALSE_STOPS_GOAL, goal_at="mean"),
    ]
    if lost:
        found += [
            Metric(
                "ducked", kind, "%", _percent([e.duck is not None for e in outcomes]), "neither"
            ),
            Metric("paused and went on", kind, "%", _percent([e.yielded for e in outcomes])),
            Metric("lost on resuming", kind, "samples", lost, goal=0.0, goal_at="max"),
        ]
    repeated = [each.repeated * 1000 / RATE_HZ for each in on if each.yielded]
    if repeated:
        found.append(Metric("said again", kind, "ms", repeated, "neither"))
    return found


def is_stop(outcome: Outcome) -> bool:
    """It fell silent and did not go on with what it was saying."""
    return not outcome.resumed


def _percent(flags: list[bool]) -> list[float]:
    return [100.0 if flag else 0.0 for flag in flags]


def clips(judged: list[Judged], slowest: Path | None, false_stop: Path | None) -> list[Clip]:
    """The slowest stop by words, and one that should not have been, if there was any."""
    found: list[Clip] = []
    words = [each for each in judged if each.kind == WORDS and each.silence_ms is not None]
    words = [each for each in words if each.outcome is not None and is_stop(each.outcome)]
    if words and slowest is not None:
        worst = max(words, key=lambda each: each.silence_ms or 0.0)
        found.append(_clip(worst, slowest, f"The slowest stop: {worst.silence_ms:.0f} ms"))
    false = [
        each
        for each in judged
        if each.kind != WORDS and each.event and each.outcome and is_stop(each.outcome)
    ]
    if false and false_stop is not None:
        found.append(_clip(false[0], false_stop, f"A false stop: {false[0].kind}"))
    return found


def _clip(judged: Judged, path: Path, title: str) -> Clip:
    event = judged.event
    assert event is not None, "chosen so"
    assert judged.outcome is not None, "chosen so"
    line = event.line
    both = stereo(line, event.begin, judged.onset, CLIP_BEFORE_S, CLIP_AFTER_S)
    marks = [Mark(CLIP_BEFORE_S, f"caller: {event.kind}")]
    if judged.duck_ms is not None:
        marks.append(Mark(CLIP_BEFORE_S + judged.duck_ms / 1000, f"duck, {judged.duck_ms:.0f} ms"))
    if judged.silence_ms is not None:
        at_s = CLIP_BEFORE_S + judged.silence_ms / 1000
        marks.append(Mark(at_s, f"silence, {judged.silence_ms:.0f} ms"))
    return write_clip(path, title, both, marks)
