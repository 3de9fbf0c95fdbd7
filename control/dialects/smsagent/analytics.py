"""Figures of the whole system, of its users, of how fast it is."""

import asyncio
import functools
from typing import Any

import msgspec

from ...auth.principal import OPERATOR
from ...domain.sms_figures import ContactFigures
from ...http.route import Asked, Nothing
from ...services.contacts import TIERS
from ...services.sms_tasks import TaskFilter
from ...telemetry.process_use import process_use
from ..dialect import AnyRow, Row
from ..moments import AskedMoment, asked_moment
from .forms import BASE, Tier

TAG = "Analytics"
TOP = 10
BUSY_HOURS = 5
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class SpanQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of which time."""

    start_date: AskedMoment | None = None
    end_date: AskedMoment | None = None


class UserFiguresQuery(SpanQuery, frozen=True, kw_only=True):
    """Of which users; by default in the last 30 days."""

    tier: Tier | None = None


class CategoryCount(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks of a category."""

    category: str
    count: int


class OverviewView(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand."""

    total_users: int
    active_users_24h: int
    active_users_7d: int
    total_tasks: int
    tasks_24h: int
    success_rate: float
    avg_response_time: float
    tier_distribution: dict[str, int]
    top_categories: list[CategoryCount]


class UsagePatterns(msgspec.Struct, frozen=True, kw_only=True):
    """When users ask, and how often."""

    avg_requests_per_user: float
    most_active_hours: list[int]
    "Of the day, UTC."
    peak_day: str | None


class UserFiguresView(msgspec.Struct, frozen=True, kw_only=True):
    """Users of some time."""

    total_users: int
    new_users_period: int
    active_users_period: int
    retention_rate: float
    "Percent of those of as long a time before that came back in this one."
    tier_upgrades: int
    tier_downgrades: int
    geographic_distribution: dict[str, int]
    usage_patterns: UsagePatterns


class ResponseTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds."""

    avg: float
    p50: float
    p95: float
    p99: float


class ErrorCount(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of the error log."""

    type: str
    count: int


class ErrorRates(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong."""

    total_errors: int
    "Entries of the error log."
    error_rate: float
    "Percent of tasks that are over which have failed."
    common_errors: list[ErrorCount]


class ResourceUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Percent of the machine, by this server."""

    cpu_avg: float
    memory_avg: float
    database_connections: int


class PerformanceView(msgspec.Struct, frozen=True, kw_only=True):
    """How fast, and what went wrong."""

    response_times: ResponseTimes
    error_rates: ErrorRates
    resource_usage: ResourceUsage


async def get_overview(asked: Asked[SpanQuery, Nothing]) -> OverviewView:
    """How things stand; the dates are about tasks."""
    begins, ends = _span(asked.query)
    wanted = TaskFilter(from_wall=begins, to_wall=ends)
    found = await asked.edge.services.sms_figures.overview(OPERATOR, wanted)
    tiers = dict.fromkeys(TIERS, 0)
    for tier, count in found.tiers.items():
        tiers[tier if tier in tiers else TIERS[0]] += count
    tasks = found.tasks
    top = list(tasks.by_category.items())[:TOP]
    return OverviewView(
        total_users=found.contacts,
        active_users_24h=found.seen_24h,
        active_users_7d=found.seen_7d,
        total_tasks=tasks.all.total,
        tasks_24h=found.tasks_24h,
        success_rate=round(tasks.all.success_rate, 1),
        avg_response_time=round(tasks.all.mean_processing_s, 2),
        tier_distribution=tiers,
        top_categories=[CategoryCount(category=c, count=t.total) for c, t in top],
    )


async def get_user_analytics(asked: Asked[UserFiguresQuery, Nothing]) -> UserFiguresView:
    """Users: new ones, those who come back, where they are, when they ask."""
    begins, ends = _span(asked.query)
    figures = asked.edge.services.sms_figures
    found = await figures.contacts(OPERATOR, begins, ends, asked.query.tier)
    return UserFiguresView(
        total_users=found.contacts,
        new_users_period=found.new,
        active_users_period=found.active,
        retention_rate=round(found.retention_rate, 1),
        tier_upgrades=found.upgrades,
        tier_downgrades=found.downgrades,
        geographic_distribution=found.countries,
        usage_patterns=_patterns(found),
    )


async def get_performance(asked: Asked[Nothing, Nothing]) -> PerformanceView:
    """How fast texts are answered, what went wrong, what the server uses."""
    services = asked.edge.services
    found = await services.sms_figures.performance(OPERATOR)
    uptime_s = services.system_figures.uptime_s()
    database, folder = await services.database_use.get(), services.imports.folder.parent
    use = await asyncio.to_thread(process_use, folder, uptime_s)
    rate = 100.0 * found.failed / found.ended if found.ended else 0.0
    return PerformanceView(
        response_times=ResponseTimes(
            avg=round(found.mean_s, 2),
            p50=round(found.p50_s, 2),
            p95=round(found.p95_s, 2),
            p99=round(found.p99_s, 2),
        ),
        error_rates=ErrorRates(
            total_errors=found.errors,
            error_rate=round(rate, 1),
            common_errors=[ErrorCount(type=t, count=n) for t, n in found.common_errors.items()],
        ),
        resource_usage=ResourceUsage(
            cpu_avg=round(use.cpu, 1),
            memory_avg=round(use.memory, 1),
            database_connections=database.connections,
        ),
    )


def _span(query: SpanQuery) -> tuple[float | None, float | None]:
    ends = asked_moment(query.end_date, "end_date", last=True)
    return asked_moment(query.start_date, "start_date"), ends


def _patterns(found: ContactFigures) -> UsagePatterns:
    busiest: list[Any] = sorted(found.by_hour, key=lambda hour: (-found.by_hour[hour], hour))
    days = found.by_weekday
    peak = min(days, key=lambda day: (-days[day], day)) if days else None
    mean = found.tasks / found.contacts if found.contacts else 0.0
    return UsagePatterns(
        avg_requests_per_user=round(mean, 1),
        most_active_hours=sorted(busiest[:BUSY_HOURS]),
        peak_day=None if peak is None else WEEKDAYS[peak],
    )


_row = functools.partial(Row, tag=TAG, admin=True)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        f"{BASE}/analytics/overview/",
        get_overview,
        "System overview",
        "analytics:read",
        query=SpanQuery,
        returns=OverviewView,
    ),
    _row(
        "GET",
        f"{BASE}/analytics/users/",
        get_user_analytics,
        "User analytics",
        "analytics:read",
        query=UserFiguresQuery,
        returns=UserFiguresView,
    ),
    _row(
        "GET",
        f"{BASE}/analytics/performance/",
        get_performance,
        "Performance analytics",
        "analytics:read",
        returns=PerformanceView,
    ),
)
