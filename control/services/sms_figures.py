"""Figures of texts and of those who send them: counted by the database when they are asked for.

A whole hour is the smallest time that is told apart inside a figure; spans are exact. Percentiles
are those of the nearest rank: values that were really measured.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from ...media.clock import Clock
from ..auth.principal import Principal
from ..domain.sms_figures import (
    ContactFigures,
    Overview,
    PerformanceFigures,
    Queue,
    Tally,
    TaskFigures,
)
from ..domain.sms_tasks import TaskStatus
from ..messages.number_countries import CHARS, COUNTRIES, country_of
from ..store import schema
from ..store.database import Database, Transaction
from .access import owner_of
from .sms_tasks import COLUMNS, HOUR_S, UNENDED, TaskFilter

CONTACT = schema.CONTACTS.c
CHANGE = schema.TIER_CHANGES.c
ERROR = schema.ERROR_LOGS.c
DAY_S = 86_400.0
DAY_HOURS = 24
FIRST_WEEKDAY = 3
"1 January 1970 was a Thursday; 0 is Monday."
PERIOD_S = 30 * DAY_S
"Of figures of contacts, where nobody says from when."
MOST_ERRORS = 10
SUCCEEDED = COLUMNS.status == TaskStatus.SUCCEEDED.value

Where = Sequence[ColumnElement[bool]]


class SmsFigures:
    """The verbs. An administrator's figures are of all accounts together."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def tasks(self, who: Principal, wanted: TaskFilter) -> TaskFigures:
        """Tasks that fit, by category and day."""
        async with self._database.read() as tx:
            return await _tasks(tx, [*_mine(COLUMNS, who), *wanted.where()])

    async def overview(self, who: Principal, wanted: TaskFilter) -> Overview:
        """How things stand; the tasks are those that fit."""
        now = self._clock.wall()
        mine = _mine(CONTACT, who)
        async with self._database.read() as tx:
            by_tier = select(CONTACT.tier, func.count()).where(*mine).group_by(CONTACT.tier)
            tiers = {str(tier): int(count) for tier, count in await tx.execute(by_tier)}
            seen = [
                await _count(tx, CONTACT.id, [*mine, CONTACT.last_seen_wall >= now - span])
                for span in (DAY_S, 7 * DAY_S)
            ]
            recent = [*_mine(COLUMNS, who), COLUMNS.created_wall >= now - DAY_S]
            return Overview(
                contacts=sum(tiers.values()),
                seen_24h=seen[0],
                seen_7d=seen[1],
                tiers=tiers,
                tasks=await _tasks(tx, [*_mine(COLUMNS, who), *wanted.where()]),
                tasks_24h=await _count(tx, COLUMNS.id, recent),
            )

    async def contacts(
        self,
        who: Principal,
        from_wall: float | None = None,
        to_wall: float | None = None,
        tier: str | None = None,
    ) -> ContactFigures:
        """Those who ask; by default of the last 30 days. `tier`: as they have it now."""
        today = self._clock.wall()
        to = today if to_wall is None else to_wall
        begins = min(to, today) - PERIOD_S if from_wall is None else from_wall
        before = begins - max(0.0, to - begins)
        mine = [*_mine(CONTACT, who), *([] if tier is None else [CONTACT.tier == tier])]
        of_them = COLUMNS.contact_id == CONTACT.id
        created = COLUMNS.created_wall
        now = select(COLUMNS.seq).where(of_them, created >= begins, created < to).exists()
        then = select(COLUMNS.seq).where(of_them, created >= before, created < begins).exists()
        async with self._database.read() as tx:
            hours = await _by_hour(tx, [*mine, of_them, created >= begins, created < to])
            return ContactFigures(
                from_wall=begins,
                to_wall=to,
                contacts=await _count(tx, CONTACT.id, mine),
                new=await _count(
                    tx,
                    CONTACT.id,
                    [*mine, CONTACT.created_wall >= begins, CONTACT.created_wall < to],
                ),
                active=await _count(tx, CONTACT.id, [*mine, now]),
                active_before=await _count(tx, CONTACT.id, [*mine, then]),
                retained=await _count(tx, CONTACT.id, [*mine, now, then]),
                **await _changes(tx, who, begins, to, tier),
                countries=await _countries(tx, mine),
                tasks=sum(hours.values()),
                by_hour=_folded(hours, lambda hour: hour % DAY_HOURS),
                by_weekday=_folded(hours, lambda hour: (hour // DAY_HOURS + FIRST_WEEKDAY) % 7),
            )

    async def performance(self, who: Principal) -> PerformanceFigures:
        """How fast texts are answered, and what went wrong; all that is kept."""
        ended = [*_mine(COLUMNS, who), COLUMNS.status.not_in(UNENDED)]
        mine = _mine(ERROR, who)
        by_type = (
            select(ERROR.type, func.count().label("count"))
            .where(*mine)
            .group_by(ERROR.type)
            .order_by(func.count().desc(), ERROR.type)
            .limit(MOST_ERRORS)
        )
        async with self._database.read() as tx:
            mean = select(func.avg(COLUMNS.processing_s)).where(*ended)
            count = await _count(tx, COLUMNS.id, ended)
            p50, p95, p99 = [await _rank(tx, ended, count, part) for part in (50, 95, 99)]
            common = {str(type_): int(n) for type_, n in await tx.execute(by_type)}
            return PerformanceFigures(
                mean_s=float((await tx.execute(mean)).scalar_one() or 0.0),
                p50_s=p50,
                p95_s=p95,
                p99_s=p99,
                ended=count,
                failed=await _count(tx, COLUMNS.id, [*ended, ~SUCCEEDED]),
                errors=await _count(tx, ERROR.id, mine),
                common_errors=common,
            )

    async def lately(self, who: Principal) -> tuple[TaskFigures, int]:
        """The last hour's tasks, and how many of them no language model would answer."""
        wanted = TaskFilter(from_wall=self._clock.wall() - HOUR_S)
        where = [*_mine(COLUMNS, who), *wanted.where()]
        refused = COLUMNS.error_type.startswith("llm_")
        async with self._database.read() as tx:
            return await _tasks(tx, where), await _count(tx, COLUMNS.id, [*where, refused])

    async def queue(self, who: Principal) -> Queue:
        """What waits, and what came of the rest."""
        midnight = self._clock.wall() // DAY_S * DAY_S
        mine = _mine(COLUMNS, who)
        failed = COLUMNS.status == TaskStatus.FAILED.value
        today = COLUMNS.finished_wall >= midnight
        async with self._database.read() as tx:
            return Queue(
                pending=await _count(tx, COLUMNS.id, [*mine, COLUMNS.status.in_(UNENDED)]),
                failed=await _count(tx, COLUMNS.id, [*mine, failed]),
                completed_today=await _count(tx, COLUMNS.id, [*mine, SUCCEEDED, today]),
            )


def _mine(columns: Any, who: Principal) -> list[ColumnElement[bool]]:
    owner = owner_of(who)
    return [] if owner is None else [columns.owner_id == owner]


async def _count(tx: Transaction, column: Any, where: Where) -> int:
    return int((await tx.execute(select(func.count(column)).where(*where))).scalar_one())


async def _tasks(tx: Transaction, where: Where) -> TaskFigures:
    day = (COLUMNS.hour // DAY_HOURS).label("day")
    timed = COLUMNS.processing_s
    ended = case((timed.is_(None), 0), else_=COLUMNS.tokens)
    query = (
        select(
            day,
            COLUMNS.category,
            func.count(),
            func.sum(case((SUCCEEDED, 1), else_=0)),
            func.count(timed),
            func.coalesce(func.sum(timed), 0.0),
            func.sum(ended),
        )
        .where(*where)
        .group_by("day", COLUMNS.category)  # by name: PostgreSQL takes two parameters for two
    )
    whole = Tally()
    categories: dict[str, Tally] = {}
    days: dict[int, Tally] = {}
    for number, category, total, succeeded, ended_, seconds, tokens in await tx.execute(query):
        one = Tally(
            total=int(total),
            succeeded=int(succeeded),
            timed=int(ended_),
            processing_s=float(seconds),
            tokens=int(tokens),
        )
        whole += one
        categories[category] = categories.get(category, Tally()) + one
        days[int(number)] = days.get(int(number), Tally()) + one
    by_size = sorted(categories.items(), key=lambda item: (-item[1].total, item[0]))
    return TaskFigures(all=whole, by_category=dict(by_size), by_day=dict(sorted(days.items())))


async def _by_hour(tx: Transaction, where: Where) -> dict[int, int]:
    """Tasks by the hour that they were made in, counted from 1970."""
    query = select(COLUMNS.hour, func.count()).where(*where).group_by(COLUMNS.hour)
    return {int(hour): int(count) for hour, count in await tx.execute(query)}


def _folded(hours: dict[int, int], place: Any) -> dict[int, int]:
    found = Counter[int]()
    for hour, count in hours.items():
        found[place(hour)] += count
    return dict(sorted(found.items()))


async def _changes(
    tx: Transaction, who: Principal, begins: float, to: float, tier: str | None
) -> dict[str, int]:
    where = [*_mine(CHANGE, who), CHANGE.at_wall >= begins, CHANGE.at_wall < to]
    if tier is not None:
        where.append(CHANGE.contact_id.in_(select(CONTACT.id).where(CONTACT.tier == tier)))
    query = select(CHANGE.step, func.count()).where(*where).group_by(CHANGE.step)
    steps = {int(step): int(count) for step, count in await tx.execute(query)}
    return {"upgrades": steps.get(1, 0), "downgrades": steps.get(-1, 0)}


async def _countries(tx: Transaction, where: Where) -> dict[str, int]:
    beginning = func.substr(CONTACT.phone_number, 1, CHARS).label("beginning")
    query = select(beginning, func.count()).where(*where).group_by("beginning")
    found = dict.fromkeys(COUNTRIES, 0)
    for begins, count in await tx.execute(query):
        found[country_of(str(begins))] += int(count)
    return found


async def _rank(tx: Transaction, where: Where, count: int, percent: int) -> float:
    """The nearest-rank percentile: the smallest value that so many percent are not above."""
    if not count:
        return 0.0
    place = max(1, math.ceil(percent * count / 100))
    timed = COLUMNS.processing_s
    query = select(timed).where(*where).order_by(timed).offset(place - 1).limit(1)
    return float((await tx.execute(query)).scalar_one() or 0.0)
