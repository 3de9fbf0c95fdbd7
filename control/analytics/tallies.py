"""Counts, means, percentiles and shares of chosen rows of the columns. Pure.

Every verb takes rows as their numbers (`rows`), which may lie anywhere in the table.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain.analytics import (
    Cause,
    Counts,
    Durations,
    Escalations,
    Gaps,
    Marks,
    Money,
    Moods,
    Tries,
    Voicemail,
)
from ..domain.calls import Outcome
from ..store.analytics import GAP_STEP_MS
from .call_columns import CANCELLED, COMPLETED, ENDED, PENDING, STATUSES, UNKNOWN, CallColumns

Array = NDArray[Any]

GRADES = (90.0, 75.0, 60.0)
"From excellent to fair."
MAX_CAUSES = 20


def percent(part: int | float, whole: int | float) -> float | None:
    """Two decimals; None of nothing."""
    return round(100 * float(part) / float(whole), 2) if whole else None


def counts(table: CallColumns, rows: Array) -> Counts:
    """By what became of them."""
    inbound = int(np.count_nonzero(table["inbound"][rows]))
    by_status = np.bincount(table["status"][rows], minlength=len(STATUSES))
    return counts_of(by_status, inbound)


def counts_of(by_status: Array, inbound: int) -> Counts:
    """From how many calls each of STATUSES has."""
    each = [int(count) for count in by_status]
    tried = sum(each[:CANCELLED])
    return Counts(
        calls=sum(each),
        pending=sum(each[ENDED:PENDING]),
        in_progress=sum(each[PENDING:]),
        completed=each[0],
        no_answer=each[1],
        busy=each[2],
        failed=each[3],
        cancelled=each[4],
        inbound=inbound,
        outbound=sum(each) - inbound,
        success_rate=percent(each[COMPLETED], tried),
    )


def durations(table: CallColumns, rows: Array) -> Durations:
    """Of answered calls."""
    values = _known(table["duration"][rows])
    if not len(values):
        return Durations()
    median, p90 = np.percentile(values, (50, 90))
    return Durations(
        calls=len(values),
        total_s=_round(values.sum(), 3),
        mean_s=_round(values.mean(), 3),
        median_s=_round(median, 3),
        p90_s=_round(p90, 3),
    )


def voicemail(table: CallColumns, rows: Array) -> Voicemail:
    """Of calls of which it is known who answered."""
    judged = table["voicemail"][rows]
    machines = int(np.count_nonzero(judged == 1))
    known = int(np.count_nonzero(judged != UNKNOWN))
    return Voicemail(voicemails=machines, judged=known, rate=percent(machines, known))


def escalations(table: CallColumns, rows: Array) -> Escalations:
    """Of answered calls."""
    asked = int(np.count_nonzero(table["escalations"][rows]))
    taken = int(np.count_nonzero(table["taken"][rows]))
    answered = int(np.count_nonzero(~np.isnan(table["duration"][rows])))
    return Escalations(calls=asked, taken=taken, rate=percent(asked, answered))


def tries(table: CallColumns, rows: Array) -> Tries:
    """Of calls that were tries of earlier ones."""
    rows = rows[table["attempt"][rows] > 0]
    status, original = table["status"][rows], table["original"][rows]
    succeeded = status == COMPLETED
    known = original != UNKNOWN
    originals = len(np.unique(original[known]))
    recovered = len(np.unique(original[known & succeeded]))
    return Tries(
        retries=len(rows),
        succeeded=int(np.count_nonzero(succeeded)),
        success_rate=percent(
            int(np.count_nonzero(succeeded)), int(np.count_nonzero(status < CANCELLED))
        ),
        originals=originals,
        recovered=recovered,
        recovery_rate=percent(recovered, originals),
    )


def moods(table: CallColumns, rows: Array) -> Moods:
    """Of analysed calls."""
    mood = table["mood"][rows]
    positive, neutral, negative = (int(n) for n in np.bincount(mood[mood >= 0], minlength=3))
    scores = _known(table["score"][rows])
    known = positive + neutral + negative
    return Moods(
        positive=positive,
        neutral=neutral,
        negative=negative,
        positive_rate=percent(positive, known),
        neutral_rate=percent(neutral, known),
        negative_rate=percent(negative, known),
        mean_score=_round(scores.mean(), 3) if len(scores) else None,
    )


def marks(table: CallColumns, rows: Array) -> Marks:
    """Of calls with a checklist."""
    scores = _known(table["qa"][rows])
    if not len(scores):
        return Marks()
    excellent, good, fair = (int(np.count_nonzero(scores >= grade)) for grade in GRADES)
    tens = np.clip(scores // 10, 0, 9).astype("i8")
    return Marks(
        scored=len(scores),
        mean=_round(scores.mean(), 2),
        min=_round(scores.min(), 2),
        max=_round(scores.max(), 2),
        excellent=excellent,
        good=good - excellent,
        fair=fair - good,
        poor=len(scores) - fair,
        distribution=tuple(int(count) for count in np.bincount(tens, minlength=10)),
    )


def money(table: CallColumns, rows: Array, currency: int) -> Money:
    """In one currency, by its number."""
    rows = rows[table["currency"][rows] == currency] if currency != UNKNOWN else rows[:0]
    if not len(rows):
        return Money()
    stt, llm, tts, carrier = (
        float(np.nansum(table[name][rows])) for name in ("stt", "llm", "tts", "carrier")
    )
    total = stt + llm + tts + carrier
    return Money(
        calls=len(rows),
        total=_round(total, 6),
        per_call=_round(total / len(rows), 6),
        stt=_round(stt, 6),
        llm=_round(llm, 6),
        tts=_round(tts, 6),
        carrier=_round(carrier, 6),
    )


def main_currency(table: CallColumns, rows: Array) -> tuple[int, int]:
    """The currency of most calls, and how many calls are in others."""
    numbers = table["currency"][rows]
    by_currency = np.bincount(numbers[numbers >= 0])
    if not len(by_currency):
        return UNKNOWN, 0
    most = int(by_currency.argmax())
    return most, int(by_currency.sum() - by_currency[most])


def gap_histogram(steps: Array) -> Array:
    """How many gaps have each number of steps."""
    return np.bincount(steps)


def gaps(histogram: Array) -> Gaps:
    """Percentiles by rank: the smallest gap that so many of all do not exceed."""
    replies = int(histogram.sum())
    if not replies:
        return Gaps()
    up_to = np.cumsum(histogram)

    def rank(share: float) -> int:
        return int(np.searchsorted(up_to, share * replies - 1e-9)) * GAP_STEP_MS

    total = int((histogram * np.arange(len(histogram))).sum()) * GAP_STEP_MS
    return Gaps(
        replies=replies,
        mean_ms=round(total / replies, 1),
        p50_ms=rank(0.5),
        p90_ms=rank(0.9),
        p95_ms=rank(0.95),
        p99_ms=rank(0.99),
        max_ms=int(np.flatnonzero(histogram)[-1]) * GAP_STEP_MS,
    )


def causes(table: CallColumns, rows: Array) -> tuple[Cause, ...]:
    """Why calls did not come about, most frequent first; MAX_CAUSES of them."""
    status = table["status"][rows]
    failed = rows[(status > COMPLETED) & (status < CANCELLED)]
    width = len(table.causes.words) or 1
    keys = table["status"][failed].astype("i8") * width + table["cause"][failed]
    found = np.bincount(keys)
    order = [int(key) for key in np.argsort(-found, kind="stable") if found[key]]
    return tuple(
        Cause(
            outcome=Outcome(STATUSES[key // width]),
            cause=table.causes.words[key % width],
            calls=int(found[key]),
            share=percent(found[key], len(failed)) or 0.0,
        )
        for key in order[:MAX_CAUSES]
    )


def groups(keys: Array, rows: Array) -> Iterator[tuple[int, Array]]:
    """Rows by their key, one group after another; those with UNKNOWN as well."""
    if not len(rows):
        return
    # Sixteen bits are sorted by radix: four times as fast.
    small = keys.astype("i2") if int(keys.max()) < 2**15 else keys
    order = np.argsort(small, kind="stable")
    keys, rows = keys[order], rows[order]
    starts = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    for start, end in zip(starts, [*starts[1:], len(keys)], strict=True):
        yield int(keys[start]), rows[start:end]


def _known(values: Array) -> Array:
    found: Array = values[~np.isnan(values)]
    return found


def _round(value: float, decimals: int) -> float:
    return round(float(value), decimals)
