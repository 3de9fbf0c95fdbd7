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
from .call_columns import (
    CANCELLED,
    COMPLETED,
    ENDED,
    MOODS,
    PENDING,
    STATUSES,
    UNKNOWN,
    CallColumns,
)

Array = NDArray[Any]

GRADES = (90.0, 75.0, 60.0)
"From excellent to fair."
MAX_CAUSES = 20
MAX_CELLS = 4_000_000
"Of histograms that are counted together: 32 MB."
SERVICES = ("stt", "llm", "tts", "carrier")


def percent(part: int | float, whole: int | float) -> float | None:
    """Two decimals; None of nothing."""
    return round(100 * float(part) / float(whole), 2) if whole else None


def counts(table: CallColumns, rows: Array) -> Counts:
    """By what became of them."""
    return counts_by(table, rows, _one_key(rows), 1)[0]


def counts_by(table: CallColumns, rows: Array, keys: Array, size: int) -> list[Counts]:
    """The same for each of `size` keys, of which every row has one."""
    width = len(STATUSES)
    each = np.bincount(keys * width + table["status"].take(rows), minlength=size * width)
    inbound = np.bincount(keys[table["inbound"].take(rows)], minlength=size)
    return [
        counts_of(of_key, int(came_in))
        for of_key, came_in in zip(each.reshape(size, width), inbound, strict=True)
    ]


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
    values = _known(table["duration"].take(rows))
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
    return voicemail_by(table, rows, _one_key(rows), 1)[0]


def voicemail_by(table: CallColumns, rows: Array, keys: Array, size: int) -> list[Voicemail]:
    """The same for each key."""
    judged = table["voicemail"].take(rows)
    machines = _count_by(keys, judged == 1, size)
    known = _count_by(keys, judged != UNKNOWN, size)
    return [
        Voicemail(voicemails=machine, judged=of, rate=percent(machine, of))
        for machine, of in zip(machines, known, strict=True)
    ]


def escalations(table: CallColumns, rows: Array) -> Escalations:
    """Of answered calls."""
    return escalations_by(table, rows, _one_key(rows), 1)[0]


def escalations_by(table: CallColumns, rows: Array, keys: Array, size: int) -> list[Escalations]:
    """The same for each key."""
    asked = _count_by(keys, table["escalations"].take(rows) > 0, size)
    taken = _count_by(keys, table["taken"].take(rows) > 0, size)
    answered = _count_by(keys, ~np.isnan(table["duration"].take(rows)), size)
    return [
        Escalations(calls=calls, taken=came, rate=percent(calls, of))
        for calls, came, of in zip(asked, taken, answered, strict=True)
    ]


def tries(table: CallColumns, rows: Array) -> Tries:
    """Of calls that were tries of earlier ones."""
    rows = rows[table["attempt"].take(rows) > 0]
    status, original = table["status"].take(rows), table["original"].take(rows)
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
    return moods_by(table, rows, _one_key(rows), 1)[0]


def moods_by(table: CallColumns, rows: Array, keys: Array, size: int) -> list[Moods]:
    """The same for each key."""
    mood, score = table["mood"].take(rows), table["score"].take(rows)
    told, scored = mood != UNKNOWN, ~np.isnan(score)
    width = len(MOODS)
    each = np.bincount(keys[told] * width + mood[told], minlength=size * width)
    sums = np.bincount(keys[scored], weights=score[scored], minlength=size)
    scores = _count_by(keys, scored, size)
    return [
        _moods([int(count) for count in of_key], float(total), calls)
        for of_key, total, calls in zip(each.reshape(size, width), sums, scores, strict=True)
    ]


def _moods(each: list[int], score: float, scores: int) -> Moods:
    known = sum(each)
    rates = [percent(count, known) for count in each]
    return Moods(
        positive=each[0],
        neutral=each[1],
        negative=each[2],
        positive_rate=rates[0],
        neutral_rate=rates[1],
        negative_rate=rates[2],
        mean_score=_round(score / scores, 3) if scores else None,
    )


def marks(table: CallColumns, rows: Array) -> Marks:
    """Of calls with a checklist."""
    scores = _known(table["qa"].take(rows))
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
    return money_by(table, rows, _one_key(rows), 1, currency)[0]


def money_by(table: CallColumns, rows: Array, keys: Array, size: int, currency: int) -> list[Money]:
    """The same for each key."""
    if currency == UNKNOWN:
        return [Money()] * size
    fits = table["currency"].take(rows) == currency
    rows, keys = rows[fits], keys[fits]
    calls = np.bincount(keys, minlength=size)
    parts = [
        np.bincount(keys, weights=np.nan_to_num(table[name].take(rows)), minlength=size)
        for name in SERVICES
    ]
    return [
        _money(int(count), [float(part[key]) for part in parts]) for key, count in enumerate(calls)
    ]


def _money(calls: int, parts: list[float]) -> Money:
    if not calls:
        return Money()
    total = sum(parts)
    return Money(
        calls=calls,
        total=_round(total, 6),
        per_call=_round(total / calls, 6),
        **{name: _round(part, 6) for name, part in zip(SERVICES, parts, strict=True)},
    )


def main_currency(table: CallColumns, rows: Array) -> tuple[int, int]:
    """The currency of most calls, and how many calls are in others."""
    numbers = table["currency"].take(rows)
    by_currency = np.bincount(numbers[numbers >= 0])
    if not len(by_currency):
        return UNKNOWN, 0
    most = int(by_currency.argmax())
    return most, int(by_currency.sum() - by_currency[most])


def gap_histogram(steps: Array) -> Array:
    """How many gaps have each number of steps."""
    return np.bincount(steps)


def gap_histograms(steps: Array, keys: Array, size: int) -> list[Array]:
    """The same for each of `size` keys, of which every gap has one."""
    width = int(steps.max()) + 1 if len(steps) else 1
    if size * width <= MAX_CELLS:
        cells = np.bincount(keys * width + steps, minlength=size * width)
        return list(cells.reshape(size, width))
    # Somebody waited for minutes: there is no room for all the steps that nobody has.
    found = dict(groups(keys, steps))
    return [gap_histogram(found.get(key, steps[:0])) for key in range(size)]


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
    status = table["status"].take(rows)
    failed = rows[(status > COMPLETED) & (status < CANCELLED)]
    width = len(table.causes.words) or 1
    keys = table["status"].take(failed).astype("i8") * width + table["cause"].take(failed)
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
    keys, rows = keys.take(order), rows.take(order)
    starts = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    for start, end in zip(starts, [*starts[1:], len(keys)], strict=True):
        yield int(keys[start]), rows[start:end]


def _one_key(rows: Array) -> Array:
    return np.zeros(len(rows), "i8")


def _count_by(keys: Array, fits: Array, size: int) -> list[int]:
    return [int(count) for count in np.bincount(keys[fits], minlength=size)]


def _known(values: Array) -> Array:
    found: Array = values[~np.isnan(values)]
    return found


def _round(value: float, decimals: int) -> float:
    return round(float(value), decimals)
