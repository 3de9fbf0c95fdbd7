"""Figures of calls, by the moment that they were made: as lists of calls go."""

import datetime
import functools
from typing import Any, Literal

import msgspec
from aiohttp import web

from ...analytics.csv_report import csv_of
from ...domain.analytics import Counts, Quality, Summary, Volume
from ...domain.analytics_questions import Bucket, Moment, Period, Wanted
from ...errors import FieldError
from ...http.route import Asked, Nothing
from ..dialect import AnyRow, Row
from ..figures import or_zero, share
from ..identifiers import named
from ..moments import DAY_S, AskedMoment, asked_moment
from ..reading import BadQuery, Short
from .forms import BASE, IDS

TAG = "Analytics"
CSV, PDF = "text/csv", "application/pdf"
DEFAULT_DAYS = 30
GROUPS: dict[str, Bucket] = {
    "hour": Bucket.HOUR,
    "day": Bucket.DAY,
    "week": Bucket.WEEK,
    "month": Bucket.MONTH,
}


class FiguresQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls."""

    from_date: AskedMoment | None = None
    to_date: AskedMoment | None = None
    "A date alone is included. Left out: until now."
    business_id: Short | None = None


class VolumeQuery(FiguresQuery, frozen=True, kw_only=True):
    """The same, and how long a step is."""

    group_by: Literal["hour", "day", "week", "month"] = "day"


class ExportQuery(FiguresQuery, frozen=True, kw_only=True):
    """The same, and as what."""

    format: Literal["csv", "pdf"] = "csv"


class MoodsView(msgspec.Struct, frozen=True, kw_only=True):
    """How callers sounded."""

    positive: int
    neutral: int
    negative: int


class DashboardView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in short."""

    total_calls: int
    active_calls: int
    "That have not ended."
    completed_calls: int
    failed_calls: int
    "Not answered and busy ones as well; cancelled ones are neither completed nor failed."
    escalated_calls: int
    calls_today: int
    "UTC's day."
    average_duration_seconds: float
    average_qa_score: float | None
    success_rate: float
    "Percent: completed, of completed and failed."
    sentiment_distribution: MoodsView
    unread_notifications: int


class VolumeItem(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of a step."""

    date: datetime.date
    "Its first day."
    hour: int | None
    "Of steps of an hour."
    total: int
    inbound: int
    outbound: int


class VolumeView(msgspec.Struct, frozen=True, kw_only=True):
    """Calls over time; steps without calls as well."""

    total: int
    group_by: str
    data: list[VolumeItem]


class ScoresView(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls have which score."""

    excellent: int
    "90 and more."
    good: int
    "75 and more."
    fair: int
    "60 and more."
    poor: int


class QualityView(msgspec.Struct, frozen=True, kw_only=True):
    """How well calls met their checklists, 0 to 100."""

    average_score: float | None
    total_scored: int
    min_score: float | None
    max_score: float | None
    distribution: ScoresView


async def get_dashboard(asked: Asked[FiguresQuery, Nothing]) -> DashboardView:
    """Everything in short; of all times, unless one is named."""
    services, wanted = asked.edge.services, await _wanted(asked)
    figures = await services.analytics.of_kind(asked.who, Summary, wanted, _period(asked, None))
    now = services.analytics.period().to_wall
    day = Period(from_wall=now - now % DAY_S, to_wall=now + 1.0)
    today = await services.analytics.of_kind(asked.who, Summary, wanted, day)
    counts, moods = figures.counts, figures.sentiment
    failed = counts.no_answer + counts.busy + counts.failed
    return DashboardView(
        total_calls=counts.calls,
        active_calls=counts.pending + counts.in_progress,
        completed_calls=counts.completed,
        failed_calls=failed,
        escalated_calls=figures.escalations.calls,
        calls_today=today.counts.calls,
        average_duration_seconds=or_zero(figures.durations.mean_s, 1),
        average_qa_score=figures.qa.mean,
        success_rate=share(counts.completed, counts.completed + failed, 1),
        sentiment_distribution=MoodsView(
            positive=moods.positive, neutral=moods.neutral, negative=moods.negative
        ),
        unread_notifications=await services.notifications.unread(asked.who),
    )


async def get_call_volume(asked: Asked[VolumeQuery, Nothing]) -> VolumeView:
    """How many calls there were; of 30 days, unless a time is named."""
    query, wanted = asked.query, await _wanted(asked)
    bucket = GROUPS[query.group_by]
    period = _period(asked, DEFAULT_DAYS, bucket)
    volume = await asked.edge.services.analytics.of_kind(asked.who, Volume, wanted, period)
    data = [
        _item(step.date, step.begins_at.hour if bucket is Bucket.HOUR else None, step.counts)
        for step in volume.steps
    ]
    return VolumeView(total=volume.counts.calls, group_by=query.group_by, data=data)


async def get_qa_stats(asked: Asked[FiguresQuery, Nothing]) -> QualityView:
    """How well calls met their checklists; of all times, unless one is named."""
    wanted, period = await _wanted(asked), _period(asked, None)
    analytics = asked.edge.services.analytics
    qa = (await analytics.of_kind(asked.who, Quality, wanted, period)).qa
    return QualityView(
        average_score=qa.mean,
        total_scored=qa.scored,
        min_score=qa.min,
        max_score=qa.max,
        distribution=ScoresView(excellent=qa.excellent, good=qa.good, fair=qa.fair, poor=qa.poor),
    )


async def export_analytics(asked: Asked[ExportQuery, Nothing]) -> web.Response:
    """Calls a day as CSV, or a report of everything as PDF; of 30 days, unless a time is named."""
    wanted, period = await _wanted(asked), _period(asked, DEFAULT_DAYS)
    analytics = asked.edge.services.analytics
    if asked.query.format == "pdf":
        return _file(await analytics.pdf(asked.who, wanted, period), PDF, "analytics.pdf")
    volume = await analytics.of_kind(asked.who, Volume, wanted, period)
    return _file(csv_of(volume).encode(), CSV, "analytics.csv")


async def _wanted(asked: Asked[Any, Nothing]) -> Wanted:
    agent_id = await named(IDS, asked, "agent", asked.query.business_id)
    return Wanted(agent_id=agent_id, moment=Moment.CREATED)


def _period(asked: Asked[Any, Nothing], days: int | None, bucket: Bucket = Bucket.DAY) -> Period:
    """The time that is asked for; `days` None: all of it. Raises BadQuery."""
    query = asked.query
    until = asked_moment(query.to_date, "to_date", last=True)
    if until is None:  # what was made just now, too
        until = asked.edge.services.analytics.period().to_wall + 1.0
    since = asked_moment(query.from_date, "from_date")
    if since is None:
        since = 0.0 if days is None else until - until % DAY_S - (days - 1) * DAY_S
    if since > until:
        raise BadQuery([FieldError("to_date", "the period ends before it begins")])
    return Period(from_wall=since, to_wall=until, bucket=bucket)


def _item(date: datetime.date, hour: int | None, counts: Counts) -> VolumeItem:
    return VolumeItem(
        date=date,
        hour=hour,
        total=counts.calls,
        inbound=counts.inbound,
        outbound=counts.outbound,
    )


def _file(data: bytes, content: str, name: str) -> web.Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=data, content_type=content, headers=headers)


_row = functools.partial(Row, "GET", tag=TAG, scope="analytics:read")
ROWS: tuple[AnyRow, ...] = (
    _row(
        f"{BASE}/analytics/dashboard",
        get_dashboard,
        "Get dashboard overview",
        query=FiguresQuery,
        returns=DashboardView,
    ),
    _row(
        f"{BASE}/analytics/call-volume",
        get_call_volume,
        "Get call volume statistics",
        query=VolumeQuery,
        returns=VolumeView,
    ),
    _row(
        f"{BASE}/analytics/qa-stats",
        get_qa_stats,
        "Get QA statistics",
        query=FiguresQuery,
        returns=QualityView,
    ),
    _row(
        f"{BASE}/analytics/export",
        export_analytics,
        "Export analytics data",
        query=ExportQuery,
        content=CSV,
    ),
)
