"""`/v1/analytics`: figures of calls, over a period, in a time zone."""

import datetime
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from aiohttp import web

from ...analytics.csv_report import csv_of
from ...domain.analytics import (
    AgentFigures,
    Agents,
    Costs,
    Hours,
    Latency,
    Outcomes,
    Phrases,
    Quality,
    Retries,
    Sentiments,
    Summary,
    Volume,
)
from ...domain.analytics_questions import Bucket, Direction, Moment, Period, Report, Wanted
from ...domain.calls import CallStatus, Outcome
from ...errors import BadRequest, NotFound, Unavailable
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc

TAG = "Analytics"
CSV, PDF = "text/csv", "application/pdf"

Edge = Annotated[str, msgspec.Meta(min_length=10, max_length=40)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Id = Annotated[str, msgspec.Meta(max_length=64)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]
FiguresT = TypeVar("FiguresT", bound=msgspec.Struct)


class AnalyticsQuery(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"from_": "from"},
):
    """Which calls, and over which time."""

    from_: Edge | None = None
    "A date (its whole day) or a time (RFC 3339). Left out: 30 days, today included."
    to: Edge | None = None
    "A date, which is included, or a time, which is not. Left out: now."
    timezone: ShortText = "UTC"
    "IANA name: whose days and hours are counted by, and what dates without an offset mean."
    bucket: Bucket = Bucket.DAY
    "How long the steps of a series are; weeks begin on Monday."
    by: Moment = Moment.BEGUN
    "What puts a call into the period: when it rang or was dialled, or when it was made."
    agent_id: Id | None = None
    campaign_id: Id | None = None
    direction: Direction | None = None
    line: ShortText | None = None
    status: CallStatus | None = None
    outcome: Outcome | None = None
    account: Id | None = None
    "Of administrators: whose calls; left out: everybody's."


class PhraseQuery(AnalyticsQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same, and how many phrases."""

    limit: Limit = 20


class ExportQuery(AnalyticsQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same, and as what."""

    format: Literal["csv", "pdf"] = "csv"
    report: Report = Report.VOLUME
    "Of CSV; a PDF has all of them."


class RangeView(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """What was counted."""

    from_: datetime.datetime
    to: datetime.datetime
    "The first moment that is not in it."
    timezone: str
    bucket: Bucket
    by: Moment


class Analytics(msgspec.Struct, Generic[FiguresT], frozen=True, kw_only=True):
    """Figures, and what they are of. Rates are percentages."""

    range: RangeView
    is_complete: bool
    "False: figures of older calls are being made anew, and some are missing."
    figures: FiguresT


class AgentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One agent's figures."""

    agent: AgentFigures
    currency: str
    "Of its costs."


class RebuildView(msgspec.Struct, frozen=True):
    """It has begun."""

    is_complete: bool


async def analytics_summary(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[Summary]:
    """Everything in short: calls, success, durations, voicemail, retries, costs, replies."""
    return await _answer(asked, Summary)


async def analytics_volume(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[Volume]:
    """Calls over time, by what became of them; steps without calls as well."""
    return await _answer(asked, Volume)


async def analytics_agents(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[Agents]:
    """How each agent does; those with most calls first."""
    return await _answer(asked, Agents)


async def analytics_agent(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[AgentAnswer]:
    """How one agent does."""
    wanted, period = _wanted(asked.query), _period(asked)
    service = asked.edge.services.analytics
    agent, currency = await service.agent(asked.who, asked.path("id"), wanted, period)
    figures = AgentAnswer(agent=agent, currency=currency)
    return _with_range(asked, period, await service.is_complete(), figures)


async def analytics_outcomes(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[Outcomes]:
    """What became of calls, and why some did not come about."""
    return await _answer(asked, Outcomes)


async def analytics_hours(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[Hours]:
    """When calls are, and when they succeed: by weekday and hour of the time zone."""
    return await _answer(asked, Hours)


async def analytics_retries(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[Retries]:
    """What trying again came to."""
    return await _answer(asked, Retries)


async def analytics_sentiment(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[Sentiments]:
    """How callers sounded, in calls that were analysed."""
    return await _answer(asked, Sentiments)


async def analytics_phrases(asked: Asked[PhraseQuery, Nothing]) -> Analytics[Phrases]:
    """What calls were about, most frequent first."""
    return await _answer(asked, Phrases, asked.query.limit)


async def analytics_costs(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[Costs]:
    """What calls cost: by service, by agent, over time."""
    return await _answer(asked, Costs)


async def analytics_latency(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[Latency]:
    """How long callers waited for replies."""
    return await _answer(asked, Latency)


async def analytics_qa(asked: Asked[AnalyticsQuery, Nothing]) -> Analytics[Quality]:
    """How well calls met their agents' checklists."""
    return await _answer(asked, Quality)


async def export_analytics(asked: Asked[ExportQuery, Nothing]) -> web.Response:
    """One kind of figures as CSV (RFC 4180), or a report of two or three pages as PDF."""
    query = asked.query
    wanted, period = _wanted(query), _period(asked)
    service = asked.edge.services.analytics
    if query.format == "pdf":
        data = await service.pdf(asked.who, wanted, period)
        return _file(data, PDF, f"report-{_days(period)}.pdf")
    figures = await service.figures(asked.who, query.report, wanted, period)
    name = f"{query.report.value}-{_days(period)}.csv"
    return _file(csv_of(figures).encode(), CSV, name)


async def rebuild_analytics(asked: Asked[Nothing, Nothing]) -> RebuildView:
    """Make the figures of all calls anew from what is stored; questions are answered meanwhile."""
    service = asked.edge.services.analytics
    await service.rebuild()
    return RebuildView(await service.is_complete())


# --- inside ---------------------------------------------------------------------------------------


async def _answer(
    asked: Asked[AnalyticsQuery, Nothing] | Asked[PhraseQuery, Nothing],
    kind: type[FiguresT],
    limit: int = 20,
) -> Analytics[FiguresT]:
    service = asked.edge.services.analytics
    period = _period(asked)
    figures = await service.of_kind(asked.who, kind, _wanted(asked.query), period, limit)
    return _with_range(asked, period, await service.is_complete(), figures)


def _with_range(
    asked: Asked[AnalyticsQuery, Nothing] | Asked[PhraseQuery, Nothing],
    period: Period,
    is_complete: bool,
    figures: FiguresT,
) -> Analytics[FiguresT]:
    counted = RangeView(
        from_=utc(period.from_wall),
        to=utc(period.to_wall),
        timezone=period.timezone,
        bucket=period.bucket,
        by=asked.query.by,
    )
    return Analytics(range=counted, is_complete=is_complete, figures=figures)


def _wanted(query: AnalyticsQuery) -> Wanted:
    return Wanted(
        owner_id=query.account,
        agent_id=query.agent_id,
        campaign_id=query.campaign_id,
        direction=query.direction,
        line=query.line,
        status=query.status,
        outcome=query.outcome,
        moment=query.by,
    )


def _period(
    asked: Asked[AnalyticsQuery, Nothing]
    | Asked[PhraseQuery, Nothing]
    | Asked[ExportQuery, Nothing],
) -> Period:
    query = asked.query
    return asked.edge.services.analytics.period(query.from_, query.to, query.timezone, query.bucket)


def _days(period: Period) -> str:
    return f"{utc(period.from_wall):%Y-%m-%d}-to-{utc(max(0.0, period.to_wall - 1)):%Y-%m-%d}"


def _file(data: bytes, type_: str, name: str) -> web.Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    charset = "utf-8" if type_ == CSV else None
    return web.Response(body=data, content_type=type_, charset=charset, headers=headers)


def _route(name: str, handler: object, kind: type[msgspec.Struct], summary: str) -> AnyRoute:
    return Route(
        method="GET",
        path=f"/v1/analytics/{name}",
        handler=handler,  # type: ignore[arg-type] # of the query's and the answer's types above
        summary=summary,
        tag=TAG,
        scope="analytics:read",
        query=PhraseQuery if name == "phrases" else AnalyticsQuery,
        returns=kind,
        problems=(BadRequest, NotFound, Unavailable),
    )


ROUTES: tuple[AnyRoute, ...] = (
    _route("summary", analytics_summary, Analytics[Summary], "Figures in short"),
    _route("volume", analytics_volume, Analytics[Volume], "Calls over time"),
    _route("agents", analytics_agents, Analytics[Agents], "How agents do"),
    _route("agents/{id}", analytics_agent, Analytics[AgentAnswer], "How an agent does"),
    _route("outcomes", analytics_outcomes, Analytics[Outcomes], "What became of calls"),
    _route("hours", analytics_hours, Analytics[Hours], "Calls by hour and weekday"),
    _route("retries", analytics_retries, Analytics[Retries], "What trying again came to"),
    _route("sentiment", analytics_sentiment, Analytics[Sentiments], "How callers sounded"),
    _route("phrases", analytics_phrases, Analytics[Phrases], "What calls were about"),
    _route("costs", analytics_costs, Analytics[Costs], "What calls cost"),
    _route("latency", analytics_latency, Analytics[Latency], "How long callers waited"),
    _route("qa", analytics_qa, Analytics[Quality], "How well calls met their checklists"),
    Route(
        method="GET",
        path="/v1/analytics/export",
        handler=export_analytics,
        summary="Figures as CSV or PDF",
        tag=TAG,
        scope="analytics:read",
        query=ExportQuery,
        content=CSV,
        other_content=(PDF,),
        problems=(BadRequest, NotFound, Unavailable),
    ),
    Route(
        method="POST",
        path="/v1/analytics/rebuild",
        handler=rebuild_analytics,
        summary="Make all figures anew",
        tag=TAG,
        scope="analytics:write",
        admin=True,
        returns=RebuildView,
        status=202,
    ),
)
