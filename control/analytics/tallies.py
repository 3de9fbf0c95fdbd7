"""Counts, means, percentiles and shares of chosen calls. Pure.

Each verb answers for every key (an agent, a day); with ONE key, for all calls: the first of it.
"""

import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..domain.analytics import (
    Cause,
    Counts,
    Durations,
    Escalations,
    Marks,
    Money,
    Moods,
    Tries,
    Voicemail,
)
from ..domain.calls import Outcome
from .call_columns import BANDS, CANCELLED, COMPLETED, ENDED, MOODS, PENDING, STATUSES, UNKNOWN
from .picked_calls import Keys, Picked, cells, counted, distinct, extremes, groups, summed

Array = NDArray[Any]

GRADES = (90.0, 75.0, 60.0)
"From excellent to fair."
AS_GRADES = [BANDS.index(least) + 1 for least in GRADES]
"In which of BANDS they begin."
AS_TENS = np.searchsorted(BANDS, (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0)) + 1
MAX_CAUSES = 20
SERVICES = ("stt", "llm", "tts", "carrier")


def percent(part: int | float, whole: int | float) -> float | None:
    """Two decimals; None of nothing."""
    return round(100 * float(part) / float(whole), 2) if whole else None


def status_cells(calls: Picked, keys: Keys) -> Array:
    """How many of each key have each of STATUSES, and how many came in: a row a key."""
    by_status = cells(keys, calls["status"], len(STATUSES))
    return np.column_stack((by_status, counted(keys, calls["inbound"])))


def counts(each: Array) -> Counts:
    """From a row of those, or the sum of several."""
    *by_status, inbound = (int(count) for count in each)
    calls, tried = sum(by_status), sum(by_status[:CANCELLED])
    return Counts(
        calls=calls,
        pending=sum(by_status[ENDED:PENDING]),
        in_progress=sum(by_status[PENDING:]),
        completed=by_status[0],
        no_answer=by_status[1],
        busy=by_status[2],
        failed=by_status[3],
        cancelled=by_status[4],
        inbound=inbound,
        outbound=calls - inbound,
        success_rate=percent(by_status[COMPLETED], tried),
    )


def durations(calls: Picked, keys: Keys) -> list[Durations]:
    """Of answered calls."""
    known = ~np.isnan(calls["duration"])
    values = calls["duration"][known]
    found = [Durations()] * keys.size
    if keys.of is None:
        by_key = [(0, values)] if len(values) else []
    else:
        by_key = list(groups(keys.of[known], values))
    for key, of_key in by_key:
        total = float(of_key.sum())
        median, p90 = _percentiles(of_key, (0.5, 0.9))
        found[key] = Durations(
            calls=len(of_key),
            total_s=round(total, 3),
            mean_s=round(total / len(of_key), 3),
            median_s=round(median, 3),
            p90_s=round(p90, 3),
        )
    return found


def voicemail(calls: Picked, keys: Keys) -> list[Voicemail]:
    """Of calls of which it is known who answered."""
    judged = calls["voicemail"]
    machines, known = counted(keys, judged == 1), counted(keys, judged != UNKNOWN)
    return [
        Voicemail(voicemails=int(machine), judged=int(of), rate=percent(machine, of))
        for machine, of in zip(machines, known, strict=True)
    ]


def escalations(calls: Picked, keys: Keys) -> list[Escalations]:
    """Of answered calls."""
    asked = counted(keys, calls["escalations"] > 0)
    taken = counted(keys, calls["taken"] > 0)
    answered = counted(keys, ~np.isnan(calls["duration"]))
    return [
        Escalations(calls=int(wanted), taken=int(came), rate=percent(wanted, of))
        for wanted, came, of in zip(asked, taken, answered, strict=True)
    ]


def tries(calls: Picked, keys: Keys) -> list[Tries]:
    """Of calls that were tries of earlier ones."""
    again = calls["attempt"] > 0
    calls, keys = calls.where(again), keys.where(again)
    status, original = calls["status"], calls["original"]
    done, known = status == COMPLETED, original != UNKNOWN
    reached = known & done
    each = zip(
        counted(keys, again[again]).tolist(),
        counted(keys, done).tolist(),
        counted(keys, status < CANCELLED).tolist(),
        distinct(keys.where(known), original[known]).tolist(),
        distinct(keys.where(reached), original[reached]).tolist(),
        strict=True,
    )
    return [
        Tries(
            retries=retries,
            succeeded=succeeded,
            success_rate=percent(succeeded, tried),
            originals=originals,
            recovered=recovered,
            recovery_rate=percent(recovered, originals),
        )
        for retries, succeeded, tried, originals, recovered in each
    ]


def mood_cells(calls: Picked, keys: Keys) -> Array:
    """Of analysed calls, by key: how many of each of MOODS, how many scores, and their sum."""
    by_mood = cells(keys, calls["mood"] - UNKNOWN, len(MOODS) + 1)[:, 1:]
    score = calls["score"]
    scored = ~np.isnan(score)
    total = summed(keys, np.where(scored, score, 0.0))
    return np.column_stack((by_mood, counted(keys, scored), total))


def moods(each: Array) -> Moods:
    """From a row of those, or the sum of several."""
    positive, neutral, negative, scores = (int(count) for count in each[:-1])
    known = positive + neutral + negative
    return Moods(
        positive=positive,
        neutral=neutral,
        negative=negative,
        positive_rate=percent(positive, known),
        neutral_rate=percent(neutral, known),
        negative_rate=percent(negative, known),
        mean_score=round(float(each[-1]) / scores, 3) if scores else None,
    )


def marks(calls: Picked, keys: Keys) -> list[Marks]:
    """Of calls with a checklist."""
    bands = cells(keys, calls["band"] - UNKNOWN, len(BANDS) + 2)[:, 1:]
    known = calls["band"] != UNKNOWN
    scores, keys = calls["qa"][known], keys.where(known)
    totals, (least_of, most_of) = summed(keys, scores), extremes(keys, scores)
    found = [Marks()] * keys.size
    for key in np.flatnonzero(bands.sum(axis=1)):
        # How many have reached each band and those above it; none goes on after the last.
        reached = [*bands[key][::-1].cumsum()[::-1].tolist(), 0]
        excellent, good, fair = (reached[grade] for grade in AS_GRADES)
        tens = [reached[ten] for ten in (0, *AS_TENS, len(BANDS) + 1)]
        found[key] = Marks(
            scored=reached[0],
            mean=round(float(totals[key]) / reached[0], 2),
            min=round(float(least_of[key]), 2),
            max=round(float(most_of[key]), 2),
            excellent=excellent,
            good=good - excellent,
            fair=fair - good,
            poor=reached[0] - fair,
            distribution=tuple(low - high for low, high in itertools.pairwise(tens)),
        )
    return found


class Currency(NamedTuple):
    """The one of most calls, by its number; UNKNOWN: none of them has any."""

    number: int
    others: int
    "How many calls have another one."


def main_currency(calls: Picked) -> Currency:
    """Of these calls."""
    by_currency = np.bincount(calls["currency"] - UNKNOWN)[1:]
    if not by_currency.any():
        return Currency(UNKNOWN, 0)
    most = int(by_currency.argmax())
    return Currency(most, int(by_currency.sum() - by_currency[most]))


def money_cells(calls: Picked, keys: Keys, currency: Currency) -> Array:
    """In one currency, by key: how many calls, and what each of SERVICES cost."""
    if currency.number == UNKNOWN:
        return np.zeros((keys.size, 1 + len(SERVICES)))
    fits = calls["currency"] == currency.number
    costs = [calls[name] for name in SERVICES]
    if currency.others:  # else nothing is to be left out: who has no currency has cost nothing
        costs = [np.where(fits, cost, 0.0) for cost in costs]
    return np.column_stack((counted(keys, fits), *(summed(keys, cost) for cost in costs)))


def money(each: Array) -> Money:
    """From a row of those, or the sum of several."""
    count, *parts = each.tolist()
    if not count:
        return Money()
    total = sum(parts)
    return Money(
        calls=int(count),
        total=round(total, 6),
        per_call=round(total / count, 6),
        **{name: round(part, 6) for name, part in zip(SERVICES, parts, strict=True)},
    )


def causes(calls: Picked, keys: Keys) -> list[tuple[Cause, ...]]:
    """Why calls did not come about, most frequent first; MAX_CAUSES of them."""
    words = calls.table.reasons.words
    each = cells(keys, calls["reason"] - UNKNOWN, len(words) + 1)[:, 1:]
    found: list[tuple[Cause, ...]] = []
    for of_key in each:
        all_ = int(of_key.sum())
        some = sorted(np.flatnonzero(of_key).tolist(), key=lambda at: (-of_key[at], words[at]))
        causes = []
        for place in some[:MAX_CAUSES]:
            status, _, cause = words[place].partition(" ")
            calls_, share = int(of_key[place]), percent(of_key[place], all_)
            outcome = Outcome(STATUSES[int(status)])
            causes.append(Cause(outcome=outcome, cause=cause, calls=calls_, share=share or 0.0))
        found.append(tuple(causes))
    return found


def _percentiles(values: Array, shares: tuple[float, ...]) -> list[float]:
    """Exact, and interpolated between two values; there is one at least."""
    places = [share * (len(values) - 1) for share in shares]
    beside = sorted(
        {min(int(place) + more, len(values) - 1) for place in places for more in (0, 1)}
    )
    ordered = np.partition(values, beside)
    found = []
    for place in places:
        low = float(ordered[int(place)])
        high = float(ordered[min(int(place) + 1, len(values) - 1)])
        found.append(low + (high - low) * (place - int(place)))
    return found
