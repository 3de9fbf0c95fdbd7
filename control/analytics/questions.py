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
    Direction,
    GapCount,
    GapStep,
    HourCell,
    Hours,
    HourSum,
    Latency,
    Moment,
    MoneyStep,
    MoodStep,
    Outcomes,
    Period,
    Phrase,
    Phrases,
    Quality,
    Report,
    Retries,
    Sentiments,
    Summary,
    Volume,
    VolumeStep,
    Wanted,
)
from ..store.analytics import GAP_STEP_MS
from . import tallies
from .call_columns import CANCELLED, COMPLETED, ENDED, STATUSES, CallColumns
from .local_time import hours_of_week, places_of, steps_of
from .tallies import groups, percent

Array = NDArray[Any]

MAX_AGENTS = 1000
"That are shown of one question."
BARS_MS = (200, 400, 600, 800, 1000, 1200, 1500, 2000, 3000, 5000)
"Where bars of the histogram of gaps end."
DEFAULT_PHRASES = 20
WEEK_HOURS = 7 * 24


class Chosen(NamedTuple):
    """The calls that a question is about."""

    table: CallColumns
    rows: Array
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
    rows = chosen_rows(table, wanted, period)
    walls = _walls(table, wanted).take(rows)
    return QUESTIONS[report](Chosen(table, rows, walls, period, limit))


def chosen_rows(table: CallColumns, wanted: Wanted, period: Period) -> Array:
    """Numbers of the rows that are wanted."""
    walls = _walls(table, wanted)
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


def _walls(table: CallColumns, wanted: Wanted) -> Array:
    return table["begun" if wanted.moment is Moment.BEGUN else "created"]


# --- the questions --------------------------------------------------------------------------------


def _summary(chosen: Chosen) -> Summary:
    table, rows = chosen.table, chosen.rows
    currency, _ = tallies.main_currency(table, rows)
    _, gaps = _gaps_of(table, rows)
    return Summary(
        counts=tallies.counts(table, rows),
        durations=tallies.durations(table, rows),
        voicemail=tallies.voicemail(table, rows),
        escalations=tallies.escalations(table, rows),
        retries=tallies.tries(table, rows),
        sentiment=tallies.moods(table, rows),
        qa=tallies.marks(table, rows),
        latency=tallies.gaps(tallies.gap_histogram(gaps)),
        costs=tallies.money(table, rows, currency),
        currency=table.currencies.word(currency) or "",
    )


def _volume(chosen: Chosen) -> Volume:
    table, rows = chosen.table, chosen.rows
    steps = steps_of(chosen.period)
    places = places_of(chosen.walls, steps)
    counts = tallies.counts_by(table, rows, places, len(steps))
    duration = np.bincount(
        places, weights=np.nan_to_num(table["duration"].take(rows)), minlength=len(steps)
    )
    return Volume(
        counts=tallies.counts(table, rows),
        steps=tuple(
            VolumeStep(
                date=step.date,
                begins_at=step.begins_at,
                counts=counts[place],
                duration_s=round(float(duration[place]), 3),
            )
            for place, step in enumerate(steps)
        ),
    )


def _agents(chosen: Chosen) -> Agents:
    table, rows = chosen.table, chosen.rows
    currency, _ = tallies.main_currency(table, rows)
    found = sorted(groups(table["agent"].take(rows), rows), key=lambda group: -len(group[1]))
    whose, gaps = _gaps_of(table, rows)
    keys, size = table["agent"].take(rows).astype("i8") + 1, len(table.agents.words) + 1
    counts = tallies.counts_by(table, rows, keys, size)
    voicemail = tallies.voicemail_by(table, rows, keys, size)
    escalations = tallies.escalations_by(table, rows, keys, size)
    moods = tallies.moods_by(table, rows, keys, size)
    costs = tallies.money_by(table, rows, keys, size, currency)
    whose_gaps = table["agent"].take(whose).astype("i8") + 1
    histograms = tallies.gap_histograms(gaps, whose_gaps, size)
    agents = [
        AgentFigures(
            agent_id=table.agents.word(agent),
            name=table.agent_names[agent],
            counts=counts[agent + 1],
            durations=tallies.durations(table, of_agent),
            voicemail=voicemail[agent + 1],
            escalations=escalations[agent + 1],
            retries=tallies.tries(table, of_agent),
            sentiment=moods[agent + 1],
            qa=tallies.marks(table, of_agent),
            latency=tallies.gaps(histograms[agent + 1]),
            costs=costs[agent + 1],
            causes=tallies.causes(table, of_agent),
        )
        for agent, of_agent in found[:MAX_AGENTS]
    ]
    return Agents(
        agents=tuple(agents),
        more=len(found) - len(agents),
        currency=table.currencies.word(currency) or "",
    )


def _outcomes(chosen: Chosen) -> Outcomes:
    table, rows = chosen.table, chosen.rows
    return Outcomes(counts=tallies.counts(table, rows), causes=tallies.causes(table, rows))


def _hours(chosen: Chosen) -> Hours:
    table, rows = chosen.table, chosen.rows
    hours = hours_of_week(chosen.walls, chosen.period)
    status = table["status"].take(rows)
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
    return Hours(calls=len(rows), cells=tuple(cells), hours=sums(0, 0), weekdays=sums(1, 1))


def _retries(chosen: Chosen) -> Retries:
    table, rows = chosen.table, chosen.rows
    attempts = [
        Attempt(number=number, counts=tallies.counts(table, of_number))
        for number, of_number in groups(table["attempt"].take(rows), rows)
    ]
    return Retries(retries=tallies.tries(table, rows), attempts=tuple(attempts))


def _sentiment(chosen: Chosen) -> Sentiments:
    table, rows = chosen.table, chosen.rows
    steps = steps_of(chosen.period)
    moods = tallies.moods_by(table, rows, places_of(chosen.walls, steps), len(steps))
    return Sentiments(
        sentiment=tallies.moods(table, rows),
        analysed=int(np.count_nonzero(table["analysed"].take(rows))),
        steps=tuple(
            MoodStep(date=step.date, begins_at=step.begins_at, sentiment=of_step)
            for step, of_step in zip(steps, moods, strict=True)
        ),
    )


def _phrases(chosen: Chosen) -> Phrases:
    table, rows = chosen.table, chosen.rows
    whose, phrases = table.all_phrases
    counted = np.bincount(phrases[_among(table, rows).take(whose)])
    analysed = int(np.count_nonzero(table["analysed"].take(rows)))
    found = np.flatnonzero(counted)
    # Equal ones by their letters: the order of their numbers is nobody's business.
    words = table.phrases.words
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
    table, rows = chosen.table, chosen.rows
    currency, others = tallies.main_currency(table, rows)
    keys, size = table["agent"].take(rows).astype("i8") + 1, len(table.agents.words) + 1
    agents = [
        AgentMoney(
            agent_id=table.agents.word(key - 1), name=table.agent_names[key - 1], costs=costs
        )
        for key, costs in enumerate(tallies.money_by(table, rows, keys, size, currency))
        if costs.calls
    ]
    agents.sort(key=lambda agent: (-agent.costs.total, agent.name))
    steps = steps_of(chosen.period)
    places = places_of(chosen.walls, steps)
    by_step = tallies.money_by(table, rows, places, len(steps), currency)
    return Costs(
        currency=table.currencies.word(currency) or "",
        other_currencies=others,
        costs=tallies.money(table, rows, currency),
        agents=tuple(agents[:MAX_AGENTS]),
        steps=tuple(
            MoneyStep(date=step.date, begins_at=step.begins_at, costs=of_step)
            for step, of_step in zip(steps, by_step, strict=True)
        ),
    )


def _latency(chosen: Chosen) -> Latency:
    table, rows = chosen.table, chosen.rows
    whose, gaps = _gaps_of(table, rows)
    histogram = tallies.gap_histogram(gaps)
    steps = steps_of(chosen.period)
    place_of_row = np.zeros(len(table.alive), "i8")
    place_of_row[rows] = places_of(chosen.walls, steps)
    by_step = tallies.gap_histograms(gaps, place_of_row.take(whose), len(steps))
    edges = [0, *(bar // GAP_STEP_MS for bar in BARS_MS), max(len(histogram), 1)]
    bars = [int(histogram[low:high].sum()) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    return Latency(
        resolution_ms=GAP_STEP_MS,
        latency=tallies.gaps(histogram),
        histogram=tuple(
            GapCount(up_to_ms=up_to, replies=replies)
            for up_to, replies in zip((*BARS_MS, None), bars, strict=True)
        ),
        steps=tuple(
            GapStep(date=step.date, begins_at=step.begins_at, latency=tallies.gaps(of_step))
            for step, of_step in zip(steps, by_step, strict=True)
        ),
    )


def _quality(chosen: Chosen) -> Quality:
    table, rows = chosen.table, chosen.rows
    agents = [
        AgentMarks(
            agent_id=table.agents.word(agent),
            name=table.agent_names[agent],
            qa=tallies.marks(table, of_agent),
        )
        for agent, of_agent in groups(table["agent"].take(rows), rows)
    ]
    agents.sort(key=lambda agent: (-(agent.qa.mean or 0.0), agent.name))
    return Quality(
        qa=tallies.marks(table, rows),
        agents=tuple(agent for agent in agents if agent.qa.scored)[:MAX_AGENTS],
    )


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


def _among(table: CallColumns, rows: Array) -> Array:
    """Of each row of the table, whether it is one of these."""
    among = np.zeros(len(table.alive), "?")
    among[rows] = True
    return among


def _gaps_of(table: CallColumns, rows: Array) -> tuple[Array, Array]:
    """The gaps of these rows, and whose each is."""
    whose, gaps = table.gaps
    if len(rows) == len(table.alive):
        return whose, gaps
    chosen = _among(table, rows).take(whose)
    return whose[chosen], gaps[chosen]
