"""Figures: of a user's sessions, and of the whole server."""

import datetime
from collections.abc import Iterator
from typing import Literal

import msgspec

from ...domain.analytics import Counts, Volume
from ...domain.analytics_questions import Bucket, Moment as Which, Period, Wanted
from ...http.route import Asked, Nothing
from ..dialect import AnyRow, Row
from ..figures import share
from ..moments import DAY_S, AskedMoment, Date, asked_moment
from .forms import account_in_path

TAG = "Statistics & Analytics"
DAYS: dict[str, int] = {"day": 1, "week": 7, "month": 30, "year": 365}
"With today."
PIECE_DAYS = 1000
CUSTOM = "custom"
HOUR_S, MINUTE_S = 3600, 60

Named = Literal["day", "week", "month", "year"]


class StatisticsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Over which time; dates win."""

    period: Named | None = None
    start_date: AskedMoment | None = None
    end_date: AskedMoment | None = None


class DayView(msgspec.Struct, frozen=True):
    """A day that had sessions."""

    date: Date
    sessions: int
    duration_minutes: float


class UserStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions that have ended."""

    period: str
    total_sessions: int
    successful_sessions: int
    failed_sessions: int
    total_duration_minutes: float
    average_duration_minutes: float
    success_rate: float
    "Percent."
    daily_breakdown: list[DayView]


class ModemStatus(msgspec.Struct, frozen=True):
    """How many modems there are, and how many can carry calls."""

    total: int
    active: int
    inactive: int


class SystemStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """The server in numbers."""

    total_users: int
    active_users_today: int
    total_sessions_today: int
    system_uptime: str
    average_response_time: float
    "Seconds from a request to its answer, on average."
    modem_status: ModemStatus


async def get_user_statistics(asked: Asked[StatisticsQuery, Nothing]) -> UserStatistics:
    """A user's sessions that have ended: your own, or anybody's for administrators."""
    query, id_ = asked.query, await account_in_path(asked)
    analytics = asked.edge.services.analytics
    wanted = Wanted(owner_id=id_, moment=Which.CREATED)
    volumes = [
        await analytics.of_kind(asked.who, Volume, wanted, piece) for piece in _pieces(asked)
    ]
    steps = [step for volume in volumes for step in volume.steps]
    dates = query.start_date is not None or query.end_date is not None
    successful = sum(volume.counts.completed for volume in volumes)
    total = sum(ended(volume.counts) for volume in volumes)
    minutes = sum(step.duration_s for step in steps) / 60
    return UserStatistics(
        period=query.period or (CUSTOM if dates else "month"),
        total_sessions=total,
        successful_sessions=successful,
        failed_sessions=total - successful,
        total_duration_minutes=round(minutes, 2),
        average_duration_minutes=round(minutes / total, 2) if total else 0.0,
        success_rate=share(successful, total, 1),
        daily_breakdown=[
            DayView(step.date.isoformat(), ended(step.counts), round(step.duration_s / 60, 2))
            for step in steps
            if ended(step.counts)
        ],
    )


async def get_system_statistics(asked: Asked[Nothing, Nothing]) -> SystemStatistics:
    """The server in numbers; nobody's sessions in particular."""
    found = await asked.edge.services.system_figures.get()
    usable = found.usable_modems
    return SystemStatistics(
        total_users=found.accounts,
        active_users_today=found.active_accounts_today,
        total_sessions_today=found.calls_today,
        system_uptime=uptime(found.uptime_s),
        average_response_time=round(asked.edge.metrics.http.mean_s(), 3),
        modem_status=ModemStatus(found.modems, usable, found.modems - usable),
    )


def ended(counts: Counts) -> int:
    """Whatever became of them."""
    return counts.completed + counts.no_answer + counts.busy + counts.failed + counts.cancelled


def uptime(seconds: float) -> str:
    """`15 days, 4 hours`; `4 hours, 2 minutes`; `2 minutes`."""
    days, rest = divmod(int(seconds), int(DAY_S))
    hours, rest = divmod(rest, HOUR_S)
    minutes = rest // MINUTE_S
    if days:
        return f"{_some(days, 'day')}, {_some(hours, 'hour')}"
    return f"{_some(hours, 'hour')}, {_some(minutes, 'minute')}" if hours else f"{minutes} minutes"


def _some(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _pieces(asked: Asked[StatisticsQuery, Nothing]) -> Iterator[Period]:
    """The time that is asked for, in pieces of whole days: more are not counted at once."""
    whole = _period(asked)
    begin = whole.from_wall
    while begin < whole.to_wall:
        end = min(begin - begin % DAY_S + PIECE_DAYS * DAY_S, whole.to_wall)
        yield msgspec.structs.replace(whole, from_wall=begin, to_wall=end)
        begin = end


def _period(asked: Asked[StatisticsQuery, Nothing]) -> Period:
    query = asked.query
    now = asked.edge.services.analytics.period().to_wall
    begin = asked_moment(query.start_date, "start_date")
    end = asked_moment(query.end_date, "end_date", last=True)
    # What was made just now is in it, too.
    to_wall = now + 1.0 if end is None else end
    if begin is None:
        last = datetime.datetime.fromtimestamp(to_wall - 1.0, datetime.UTC)
        midnight = last.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        begin = midnight - (DAYS[query.period or "month"] - 1) * DAY_S
    years = 10 * 366 * DAY_S
    begin = max(min(begin, to_wall), to_wall - years, 0.0)
    return Period(from_wall=begin, to_wall=max(begin, to_wall), bucket=Bucket.DAY)


ROWS: tuple[AnyRow, ...] = (
    Row(
        method="GET",
        path="/api/statistics/user/{account}",
        handler=get_user_statistics,
        summary="Get user statistics",
        tag=TAG,
        scope="analytics:read",
        query=StatisticsQuery,
        returns=UserStatistics,
    ),
    Row(
        method="GET",
        path="/api/statistics/system",
        handler=get_system_statistics,
        summary="Get system statistics",
        tag=TAG,
        scope="analytics:read",
        returns=SystemStatistics,
    ),
)
