"""What detections of speech are worth, against labels. Pure.

A detection is told twice: that speech began (and since when), that it ended (and when). Pauses
shorter than JOIN_S are speech in the labels, so two detections with less between them are one, for
every detector. Not here: where detections come from (vad_detectors.py).
"""

from typing import NamedTuple

import msgspec

from ..speech.labelled_speech import JOIN_S, Span

COLLAR_S = 0.25
"So much around speech a detection may begin, or last, without being false."


class Detection(NamedTuple):
    """Speech according to a detector, in seconds of what it heard."""

    begin_s: float
    end_s: float
    begin_told_s: float
    "When it was told that speech had begun."
    end_told_s: float


class Score(msgspec.Struct, frozen=True):
    """One track. Delays and errors have a value an utterance that they could be measured on."""

    onset_told_ms: list[float]
    "From the label to the telling."
    onset_error_ms: list[float]
    "From the label to the begin that was told; below 0: too early."
    offset_told_ms: list[float]
    offset_error_ms: list[float]
    missed: int
    "Utterances without any detection."
    swallowed: int
    "Utterances that began while a false alarm was on: nobody was told of them."
    unended: int
    "Utterances whose detection went on into the next one."
    false_alarms: int
    "Detections that began where nobody spoke."
    false_s: float
    "Time without speech that was detected as speech."
    silent_s: float
    "Time without speech, collars taken off."
    utterances: int


def joined(detections: list[Detection]) -> list[Detection]:
    """As one where less than JOIN_S lies between."""
    whole: list[Detection] = []
    for each in sorted(detections):
        if whole and each.begin_s - whole[-1].end_s < JOIN_S:
            last = whole.pop()
            end_s, end_told_s = max((last.end_s, last.end_told_s), (each.end_s, each.end_told_s))
            each = last._replace(end_s=end_s, end_told_s=end_told_s)
        whole.append(each)
    return whole


def score(spans: list[Span], detections: list[Detection], length_s: float) -> Score:
    """Judge a track's detections."""
    found = joined(detections)
    result = Score([], [], [], [], 0, 0, 0, 0, 0.0, 0.0, len(spans))
    missed = swallowed = unended = 0
    for number, span in enumerate(spans):
        own = [d for d in found if d.begin_s < span.end_s and d.end_s > span.begin_s]
        if not own:
            missed += 1
            continue
        first, last = own[0], own[-1]
        if first.begin_s < span.begin_s - COLLAR_S:
            swallowed += 1
        else:
            result.onset_told_ms.append(1000 * (first.begin_told_s - span.begin_s))
            result.onset_error_ms.append(1000 * (first.begin_s - span.begin_s))
        if number + 1 < len(spans) and last.end_s > spans[number + 1].begin_s:
            unended += 1
        else:
            result.offset_told_ms.append(1000 * (last.end_told_s - span.end_s))
            result.offset_error_ms.append(1000 * (last.end_s - span.end_s))
    near = _widened(spans, length_s)
    silent_s = length_s - sum(span.end_s - span.begin_s for span in near)
    detected_s = sum(min(d.end_s, length_s) - d.begin_s for d in found)
    false_s = detected_s - sum(_overlap(d, span) for d in found for span in near)
    return msgspec.structs.replace(
        result,
        missed=missed,
        swallowed=swallowed,
        unended=unended,
        false_alarms=sum(not any(s.begin_s <= d.begin_s < s.end_s for s in near) for d in found),
        false_s=max(0.0, false_s),
        silent_s=silent_s,
    )


def _widened(spans: list[Span], length_s: float) -> list[Span]:
    """With their collars, which do not overlap."""
    wide: list[Span] = []
    for span in spans:
        begin_s = max(0.0, span.begin_s - COLLAR_S, wide[-1].end_s if wide else 0.0)
        wide.append(Span(begin_s, min(length_s, span.end_s + COLLAR_S)))
    return wide


def _overlap(detection: Detection, span: Span) -> float:
    begin_s = max(detection.begin_s, span.begin_s)
    return max(0.0, min(detection.end_s, span.end_s) - begin_s)
