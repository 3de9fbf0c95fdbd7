"""The figures that can be asked for, each a function of the calls that are wanted. Pure.

`answer` chooses the calls once; what is counted of them is in tallies.py.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..domain.analytics import (
    AgentFigures,
    AgentMarks,
    AgentMoney,
    Agents,
    AnyFigures,
    Attempt,
    Costs,
    GapCount,
    GapStep,
    HourCell,
    Hours,
    HourSum,
    Latency,
    MoneyStep,
    MoodStep,
    Outcomes,
    Phrase,
    Phrases,
    Quality,
    Retries,
    Sentiments,
    Summary,
    Volume,
    VolumeStep,
)
from ..domain.analytics_questions import Direction, Moment, Period, Report, Wanted
from ..store.analytics import GAP_STEP_MS
from . import reply_gaps, tallies
from .call_columns import CANCELLED, COMPLETED, ENDED, STATUSES, UNKNOWN, CallColumns
from .local_time import hours_of_week, places_of, steps_of
from .picked_calls import ONE, Keys, Picked, summed
from .tallies import percent

Array = NDArray[Any]

MAX_AGENTS = 1000
"That are shown of one question."
BARS_MS = (200, 400, 600, 800, 1000, 1200, 1500, 2000, 3000, 5000)
"Where bars of the histogram of gaps end."
DEFAULT_PHRASES = 20
WEEK_HOURS = 7 * 24


class Chosen(NamedTuple):
    """The calls that a question is about."""

    calls: Picked
    walls: Array
    "The moment of each that put it into the period."
    period: Period
    limit: int


def answer(
    table: CallColumns,
    report: Report,
    wanted: Wanted,
    period: Period,
    limit: int = DEFAULT_PHRASES,
) -> AnyFigures:
    """The figures. Raises TooManySteps and ValueError (the zone is none)."""
    calls = Picked(table, chosen_rows(table, wanted, period))
    return QUESTIONS[report](Chosen(calls, calls[_moment(wanted)], period, limit))


def chosen_rows(table: CallColumns, wanted: Wanted, period: Period) -> Array:
    """Numbers of the rows that are wanted."""
    walls = table[_moment(wanted)]
    fits = table.alive & (walls >= period.from_wall) & (walls < period.to_wall)
    for column, words, word in (
        ("owner", table.owners, wanted.owner_id),
        ("agent", table.agents, wanted.agent_id),
        ("campaign", table.campaigns, wanted.campaign_id),
        ("line", table.lines, wanted.line),
    ):
        if word is not None:
            number = words.known(word)
            fits &= (table[column] == number) if number is not None else False
    if wanted.direction is not None:
        fits &= table["inbound"] == (wanted.direction is Direction.INBOUND)
    if wanted.status is not None:
        ended = wanted.status.value == "ended"
        status = table["status"]
        fits &= status < ENDED if ended else status == STATUSES.index(wanted.status.value)
    if wanted.outcome is not None:
        fits &= table["status"] == STATUSES.index(wanted.outcome.value)
    return np.flatnonzero(fits)


def _moment(wanted: Wanted) -> str:
    return "begun" if wanted.moment is Moment.BEGUN else "created"


# --- the questions --------------------------------------------------------------------------------


def _summary(chosen: Chosen) -> Summary:
    calls = chosen.calls
    currency = tallies.main_currency(calls)
    return Summary(
        counts=tallies.counts(tallies.status_cells(calls, ONE)[0]),
        durations=tallies.durations(calls, ONE)[0],
        voicemail=tallies.voicemail(calls, ONE)[0],
        escalations=tallies.escalations(calls, ONE)[0],
        retries=tallies.tries(calls, ONE)[0],
        sentiment=tallies.moods(tallies.mood_cells(calls, ONE)[0]),
        qa=tallies.marks(calls, ONE)[0],
        latency=reply_gaps.gaps(reply_gaps.histograms(calls, ONE)[0]),
        costs=tallies.money(tallies.money_cells(calls, ONE, currency)[0]),
        currency=calls.table.currencies.word(currency.number) or "",
    )


def _volume(chosen: Chosen) -> Volume:
    calls = chosen.calls
    steps = steps_of(chosen.period)
    places = Keys(places_of(chosen.walls, steps), len(steps))
    each = tallies.status_cells(calls, places)
    duration = summed(places, np.nan_to_num(calls["duration"]))
    return Volume(
        counts=tallies.counts(each.sum(axis=0)),
        steps=tuple(
            VolumeStep(
                date=step.date,
                begins_at=step.begins_at,
                counts=tallies.counts(each[place]),
                duration_s=round(float(duration[place]), 3),
            )
            for place, step in enumerate(steps)
        ),
    )


def _agents(chosen: Chosen) -> Agents:
    calls = chosen.calls
    words, names = calls.table.agents, calls.table.agent_names
    currency = tallies.main_currency(calls)
    keys = _agent_keys(calls)
    by_status = tallies.status_cells(calls, keys)
    durations = tallies.durations(calls, keys)
    voicemail = tallies.voicemail(calls, keys)
    escalations = tallies.escalations(calls, keys)
    tries = tallies.tries(calls, keys)
    moods = tallies.mood_cells(calls, keys)
    marks = tallies.marks(calls, keys)
    costs = tallies.money_cells(calls, keys, currency)
    causes = tallies.causes(calls, keys)
    histograms = reply_gaps.histograms(calls, keys)
    totals = by_status[:, :-1].sum(axis=1)
    order = np.argsort(-totals, kind="stable")[: np.count_nonzero(totals)].tolist()
    agents = [
        AgentFigures(
            agent_id=words.word(key + UNKNOWN),
            name=names[key + UNKNOWN],
            counts=tallies.counts(by_status[key]),
            durations=durations[key],
            voicemail=voicemail[key],
            escalations=escalations[key],
            retries=tries[key],
            sentiment=tallies.moods(moods[key]),
            qa=marks[key],
            latency=reply_gaps.gaps(histograms[key]),
            costs=tallies.money(costs[key]),
            causes=causes[key],
        )
        for key in order[:MAX_AGENTS]
    ]
    return Agents(
        agents=tuple(agents),
        more=len(order) - len(agents),
        currency=calls.table.currencies.word(currency.number) or "",
    )


def _outcomes(chosen: Chosen) -> Outcomes:
    calls = chosen.calls
    counts = tallies.counts(tallies.status_cells(calls, ONE)[0])
    return Outcomes(counts=counts, causes=tallies.causes(calls, ONE)[0])


def _hours(chosen: Chosen) -> Hours:
    hours = hours_of_week(chosen.walls, chosen.period)
    status = chosen.calls["status"]
    calls, completed, tried = (
        np.bincount(hours[which], minlength=WEEK_HOURS).reshape(7, 24)
        for which in (status >= 0, status == COMPLETED, status < CANCELLED)
    )

    def sums(axis: int, first: int) -> tuple[HourSum, ...]:
        each = zip(calls.sum(axis), completed.sum(axis), tried.sum(axis), strict=True)
        return tuple(
            HourSum(
                number=first + number,
                calls=int(all_),
                completed=int(done),
                success_rate=percent(int(done), int(of)),
            )
            for number, (all_, done, of) in enumerate(each)
        )

    cells = [
        HourCell(
            weekday=day + 1,
            hour=hour,
            calls=int(calls[day, hour]),
            completed=int(completed[day, hour]),
            success_rate=percent(int(completed[day, hour]), int(tried[day, hour])),
        )
        for day in range(7)
        for hour in range(24)
    ]
    return Hours(calls=len(chosen.calls), cells=tuple(cells), hours=sums(0, 0), weekdays=sums(1, 1))


def _retries(chosen: Chosen) -> Retries:
    calls = chosen.calls
    number_of = calls["attempt"].astype("i8")
    each = tallies.status_cells(calls, Keys(number_of, int(number_of.max(initial=0)) + 1))
    attempts = [
        Attempt(number=number, counts=tallies.counts(of_number))
        for number, of_number in enumerate(each)
        if of_number.any()
    ]
    return Retries(retries=tallies.tries(calls, ONE)[0], attempts=tuple(attempts))


def _sentiment(chosen: Chosen) -> Sentiments:
    calls = chosen.calls
    steps = steps_of(chosen.period)
    each = tallies.mood_cells(calls, Keys(places_of(chosen.walls, steps), len(steps)))
    return Sentiments(
        sentiment=tallies.moods(each.sum(axis=0)),
        analysed=int(np.count_nonzero(calls["analysed"])),
        steps=tuple(
            MoodStep(date=step.date, begins_at=step.begins_at, sentiment=tallies.moods(of_step))
            for step, of_step in zip(steps, each, strict=True)
        ),
    )


def _phrases(chosen: Chosen) -> Phrases:
    calls = chosen.calls
    whose, phrases = calls.table.all_phrases
    among = np.zeros(len(calls.table.alive), "?")
    among[calls.rows] = True
    counted = np.bincount(phrases[among.take(whose)])
    analysed = int(np.count_nonzero(calls["analysed"]))
    found = np.flatnonzero(counted)
    # Equal ones by their letters: the order of their numbers is nobody's business.
    words = calls.table.phrases.words
    top = np.sort(counted[found])[::-1][: chosen.limit]
    least = int(top[-1]) if len(top) else 0
    order = sorted(
        (int(number) for number in found if counted[number] >= least),
        key=lambda number: (-int(counted[number]), words[number]),
    )
    return Phrases(
        analysed=analysed,
        phrases=tuple(
            Phrase(
                phrase=words[number],
                calls=int(counted[number]),
                share=percent(int(counted[number]), analysed) or 0.0,
            )
            for number in order[: chosen.limit]
        ),
    )


def _costs(chosen: Chosen) -> Costs:
    calls = chosen.calls
    table, currency = calls.table, tallies.main_currency(calls)
    steps = steps_of(chosen.period)
    by_agent, by_step = _money_both(
        calls, _agent_keys(calls), Keys(places_of(chosen.walls, steps), len(steps)), currency
    )
    agents = [
        AgentMoney(
            agent_id=table.agents.word(key + UNKNOWN),
            name=table.agent_names[key + UNKNOWN],
            costs=tallies.money(of_agent),
        )
        for key, of_agent in enumerate(by_agent)
        if of_agent[0]
    ]
    agents.sort(key=lambda agent: (-agent.costs.total, agent.name))
    return Costs(
        currency=table.currencies.word(currency.number) or "",
        other_currencies=currency.others,
        costs=tallies.money(by_step.sum(axis=0)),
        agents=tuple(agents[:MAX_AGENTS]),
        steps=tuple(
            MoneyStep(date=step.date, begins_at=step.begins_at, costs=tallies.money(of_step))
            for step, of_step in zip(steps, by_step, strict=True)
        ),
    )


def _latency(chosen: Chosen) -> Latency:
    calls = chosen.calls
    steps = steps_of(chosen.period)
    by_step = reply_gaps.histograms(calls, Keys(places_of(chosen.walls, steps), len(steps)))
    histogram = _together(by_step)
    edges = [0, *(bar // GAP_STEP_MS for bar in BARS_MS), max(len(histogram), 1)]
    bars = [int(histogram[low:high].sum()) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    return Latency(
        resolution_ms=GAP_STEP_MS,
        latency=reply_gaps.gaps(histogram),
        histogram=tuple(
            GapCount(up_to_ms=up_to, replies=replies)
            for up_to, replies in zip((*BARS_MS, None), bars, strict=True)
        ),
        steps=tuple(
            GapStep(date=step.date, begins_at=step.begins_at, latency=reply_gaps.gaps(of_step))
            for step, of_step in zip(steps, by_step, strict=True)
        ),
    )


def _quality(chosen: Chosen) -> Quality:
    calls = chosen.calls
    words, names = calls.table.agents, calls.table.agent_names
    agents = [
        AgentMarks(agent_id=words.word(key + UNKNOWN), name=names[key + UNKNOWN], qa=marks)
        for key, marks in enumerate(tallies.marks(calls, _agent_keys(calls)))
        if marks.scored
    ]
    agents.sort(key=lambda agent: (-(agent.qa.mean or 0.0), agent.name))
    return Quality(qa=tallies.marks(calls, ONE)[0], agents=tuple(agents[:MAX_AGENTS]))


QUESTIONS: dict[Report, Callable[[Chosen], AnyFigures]] = {
    Report.SUMMARY: _summary,
    Report.VOLUME: _volume,
    Report.AGENTS: _agents,
    Report.OUTCOMES: _outcomes,
    Report.HOURS: _hours,
    Report.RETRIES: _retries,
    Report.SENTIMENT: _sentiment,
    Report.PHRASES: _phrases,
    Report.COSTS: _costs,
    Report.LATENCY: _latency,
    Report.QA: _quality,
}


# --- inside ---------------------------------------------------------------------------------------


def _agent_keys(calls: Picked) -> Keys:
    """Of each call its agent's number, from 0: without one."""
    return Keys(calls["agent"].astype("i8") - UNKNOWN, len(calls.table.agents.words) + 1)


def _together(histograms: list[Array]) -> Array:
    """Of all keys: the sum of histograms that may have different lengths."""
    together = np.zeros(max((len(each) for each in histograms), default=0), "i8")
    for each in histograms:
        together[: len(each)] += each
    return together


def _money_both(
    calls: Picked, some: Keys, others: Keys, currency: tallies.Currency
) -> tuple[Array, Array]:
    """Money by two kinds of keys; in one pass, unless they are too many together."""
    if some.of is None or others.of is None or some.size * others.size > reply_gaps.MAX_CELLS:
        return (
            tallies.money_cells(calls, some, currency),
            tallies.money_cells(calls, others, currency),
        )
    both = Keys(some.of * others.size + others.of, some.size * others.size)
    each = tallies.money_cells(calls, both, currency).reshape(some.size, others.size, -1)
    return each.sum(axis=1), each.sum(axis=0)
