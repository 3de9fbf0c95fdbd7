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
    Step,
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
    walls = _walls(table, wanted)[rows]
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
    width = len(STATUSES)
    by_status = np.bincount(
        places * width + table["status"][rows], minlength=len(steps) * width
    ).reshape(len(steps), width)
    inbound = np.bincount(places[table["inbound"][rows]], minlength=len(steps))
    duration = np.bincount(
        places, weights=np.nan_to_num(table["duration"][rows]), minlength=len(steps)
    )
    return Volume(
        counts=tallies.counts(table, rows),
        steps=tuple(
            VolumeStep(
                date=step.date,
                begins_at=step.begins_at,
                counts=tallies.counts_of(by_status[place], int(inbound[place])),
                duration_s=round(float(duration[place]), 3),
            )
            for place, step in enumerate(steps)
        ),
    )


def _agents(chosen: Chosen) -> Agents:
    table, rows = chosen.table, chosen.rows
    currency, _ = tallies.main_currency(table, rows)
    found = sorted(groups(table["agent"][rows], rows), key=lambda group: -len(group[1]))
    whose, gaps = _gaps_of(table, rows)
    by_agent = {
        agent: tallies.gap_histogram(steps) for agent, steps in groups(table["agent"][whose], gaps)
    }
    nobody = tallies.gap_histogram(gaps[:0])
    agents = [
        AgentFigures(
            agent_id=table.agents.word(agent),
            name=table.agent_names[agent],
            counts=tallies.counts(table, of_agent),
            durations=tallies.durations(table, of_agent),
            voicemail=tallies.voicemail(table, of_agent),
            escalations=tallies.escalations(table, of_agent),
            retries=tallies.tries(table, of_agent),
            sentiment=tallies.moods(table, of_agent),
            qa=tallies.marks(table, of_agent),
            latency=tallies.gaps(by_agent.get(agent, nobody)),
            costs=tallies.money(table, of_agent, currency),
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
    status = table["status"][rows]
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
        for number, of_number in groups(table["attempt"][rows], rows)
    ]
    return Retries(retries=tallies.tries(table, rows), attempts=tuple(attempts))


def _sentiment(chosen: Chosen) -> Sentiments:
    table, rows = chosen.table, chosen.rows
    return Sentiments(
        sentiment=tallies.moods(table, rows),
        analysed=int(np.count_nonzero(table["analysed"][rows])),
        steps=tuple(
            MoodStep(
                date=step.date, begins_at=step.begins_at, sentiment=tallies.moods(table, of_step)
            )
            for step, of_step in _by_step(chosen)
        ),
    )


def _phrases(chosen: Chosen) -> Phrases:
    table, rows = chosen.table, chosen.rows
    whose, phrases = table.all_phrases
    counted = np.bincount(phrases[_among(table, rows)[whose]])
    analysed = int(np.count_nonzero(table["analysed"][rows]))
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
    agents = [
        AgentMoney(
            agent_id=table.agents.word(agent),
            name=table.agent_names[agent],
            costs=tallies.money(table, of_agent, currency),
        )
        for agent, of_agent in groups(table["agent"][rows], rows)
    ]
    agents.sort(key=lambda agent: (-agent.costs.total, agent.name))
    return Costs(
        currency=table.currencies.word(currency) or "",
        other_currencies=others,
        costs=tallies.money(table, rows, currency),
        agents=tuple(agent for agent in agents if agent.costs.calls)[:MAX_AGENTS],
        steps=tuple(
            MoneyStep(
                date=step.date,
                begins_at=step.begins_at,
                costs=tallies.money(table, of_step, currency),
            )
            for step, of_step in _by_step(chosen)
        ),
    )


def _latency(chosen: Chosen) -> Latency:
    table, rows = chosen.table, chosen.rows
    whose, gaps = _gaps_of(table, rows)
    histogram = tallies.gap_histogram(gaps)
    steps = steps_of(chosen.period)
    place_of_row = np.zeros(len(table.alive), "i4")
    place_of_row[rows] = places_of(chosen.walls, steps)
    by_step = {
        place: tallies.gaps(tallies.gap_histogram(of_step))
        for place, of_step in groups(place_of_row[whose], gaps)
    }
    nothing = tallies.gaps(histogram[:0])
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
            GapStep(date=step.date, begins_at=step.begins_at, latency=by_step.get(place, nothing))
            for place, step in enumerate(steps)
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
        for agent, of_agent in groups(table["agent"][rows], rows)
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


def _by_step(chosen: Chosen) -> list[tuple[Step, Array]]:
    """Each step with its rows; steps without calls are there as well."""
    steps = steps_of(chosen.period)
    found = dict(groups(places_of(chosen.walls, steps), chosen.rows))
    none = chosen.rows[:0]
    return [(step, found.get(place, none)) for place, step in enumerate(steps)]


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
    chosen = _among(table, rows)[whose]
    return whose[chosen], gaps[chosen]
