"""`/v1/analytics/sms`: figures of texts that agents answer, and of those who ask them."""

import datetime
import functools
from typing import Annotated, Any

import msgspec

from ...domain.sms_figures import Tally, TaskFigures
from ...errors import BadRequest
from ...services.sms_tasks import TaskFilter
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, wall_of

TAG = "Analytics"
EPOCH = datetime.date(1970, 1, 1)

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class SpanQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which time."""

    created_after: datetime.datetime | None = None
    created_before: datetime.datetime | None = None


class TaskFiguresQuery(SpanQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which texts."""

    number: Word | None = None
    "Who asks."
    category: Word | None = None


class ContactFiguresQuery(SpanQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of whom; by default in the last 30 days."""

    tier: Word | None = None
    "Only contacts that have it now."


class TallyView(msgspec.Struct, frozen=True, kw_only=True):
    """Texts, counted."""

    total: int
    "All of them, whether they are over or not."
    succeeded: int
    "An agent has answered."
    success_rate: float
    "Percent of all."
    mean_processing_s: float
    "Of those that are over."
    mean_tokens: float
    "Of those that are over."


class CategoryView(TallyView, frozen=True, kw_only=True):
    """Those of a category."""

    category: str


class DayView(TallyView, frozen=True, kw_only=True):
    """Those of a day."""

    date: datetime.date
    "UTC."


class TaskFiguresView(TallyView, frozen=True, kw_only=True):
    """Texts of some time."""

    categories: tuple[CategoryView, ...]
    "The most frequent first."
    days: tuple[DayView, ...]
    "Those with texts, in their order."


class OverviewView(TaskFiguresView, frozen=True, kw_only=True):
    """How things stand."""

    contacts: int
    "How many there are."
    contacts_seen_24h: int
    "That asked within it."
    contacts_seen_7d: int
    "That asked within it."
    tiers: dict[str, int]
    "Contacts by tier."
    total_24h: int
    "Texts of the last 24 hours."


class ContactFiguresView(msgspec.Struct, frozen=True, kw_only=True):
    """Those who ask."""

    from_at: datetime.datetime
    "The time begins."
    to_at: datetime.datetime
    "It ends; no longer in it."
    contacts: int
    "How many there are now."
    new: int
    "Made in this time."
    active: int
    "That asked in this time."
    active_before: int
    "That asked in as long a time before."
    retention_rate: float
    "Percent of those before that asked in this time as well."
    upgrades: int
    "Changes to a higher tier."
    downgrades: int
    "Changes to a lower tier."
    countries: dict[str, int]
    "By their numbers: US, CA, UK, Other."
    tasks: int
    "Texts of this time."
    by_hour: dict[int, int]
    "Texts by the hour of the day, UTC."
    by_weekday: dict[int, int]
    "Texts by the day of the week, UTC; 0 is Monday."


class PerformanceView(msgspec.Struct, frozen=True, kw_only=True):
    """How fast, and what went wrong."""

    mean_s: float
    "From a text to its end, in seconds."
    p50_s: float
    "Half take no longer."
    p95_s: float
    "95 of 100 take no longer."
    p99_s: float
    "99 of 100 take no longer."
    ended: int
    "Texts that are over."
    failed: int
    "Those of them that nobody could answer."
    errors: int
    "Entries of the error log."
    common_errors: dict[str, int]
    "By type, the most frequent first."


async def get_sms_task_figures(asked: Asked[TaskFiguresQuery, Nothing]) -> TaskFiguresView:
    """Figures of texts, by category and day."""
    query = asked.query
    wanted = msgspec.structs.replace(
        _span(query), phone_number=query.number, category=query.category
    )
    figures = await asked.edge.services.sms_figures.tasks(asked.who, wanted)
    return TaskFiguresView(**_figures(figures))


async def get_sms_overview(asked: Asked[SpanQuery, Nothing]) -> OverviewView:
    """How things stand with texts; the time is about texts, not about contacts."""
    found = await asked.edge.services.sms_figures.overview(asked.who, _span(asked.query))
    return OverviewView(
        **_figures(found.tasks),
        contacts=found.contacts,
        contacts_seen_24h=found.seen_24h,
        contacts_seen_7d=found.seen_7d,
        tiers=found.tiers,
        total_24h=found.tasks_24h,
    )


async def get_sms_contact_figures(
    asked: Asked[ContactFiguresQuery, Nothing],
) -> ContactFiguresView:
    """Figures of those who ask: new ones, those who come back, their tiers and hours."""
    query, figures = asked.query, asked.edge.services.sms_figures
    span = _span(query)
    found = await figures.contacts(asked.who, span.from_wall, span.to_wall, query.tier)
    other = ("from_at", "to_at", "retention_rate")
    same = [name for name in ContactFiguresView.__struct_fields__ if name not in other]
    return ContactFiguresView(
        **{name: getattr(found, name) for name in same},
        from_at=utc(found.from_wall),
        to_at=utc(found.to_wall),
        retention_rate=round(found.retention_rate, 2),
    )


async def get_sms_performance(asked: Asked[Nothing, Nothing]) -> PerformanceView:
    """How fast texts are answered, and what went wrong; of all that is kept."""
    found = await asked.edge.services.sms_figures.performance(asked.who)
    return PerformanceView(
        **{name: getattr(found, name) for name in PerformanceView.__struct_fields__}
    )


def _span(query: SpanQuery) -> TaskFilter:
    """Raises BadRequest for a time that ends before it begins."""
    begins, ends = query.created_after, query.created_before
    wanted = TaskFilter(
        from_wall=None if begins is None else wall_of(begins),
        to_wall=None if ends is None else wall_of(ends),
    )
    if None not in (begins, ends) and (wanted.to_wall or 0) < (wanted.from_wall or 0):
        raise BadRequest("it ends before it begins", field="created_before")
    return wanted


def _figures(found: TaskFigures) -> dict[str, Any]:
    categories = [CategoryView(category=c, **_tally(t)) for c, t in found.by_category.items()]
    days = [
        DayView(date=EPOCH + datetime.timedelta(days=day), **_tally(tally))
        for day, tally in found.by_day.items()
    ]
    return _tally(found.all) | {"categories": tuple(categories), "days": tuple(days)}


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "total": tally.total,
        "succeeded": tally.succeeded,
        "success_rate": round(tally.success_rate, 2),
        "mean_processing_s": round(tally.mean_processing_s, 3),
        "mean_tokens": round(tally.mean_tokens, 1),
    }


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/analytics/sms/tasks",
        get_sms_task_figures,
        "Figures of texts",
        "analytics:read",
        query=TaskFiguresQuery,
        returns=TaskFiguresView,
        problems=(BadRequest,),
    ),
    _route(
        "GET",
        "/v1/analytics/sms/overview",
        get_sms_overview,
        "How things stand with texts",
        "analytics:read",
        query=SpanQuery,
        returns=OverviewView,
        problems=(BadRequest,),
    ),
    _route(
        "GET",
        "/v1/analytics/sms/contacts",
        get_sms_contact_figures,
        "Figures of those who ask",
        "analytics:read",
        query=ContactFiguresQuery,
        returns=ContactFiguresView,
        problems=(BadRequest,),
    ),
    _route(
        "GET",
        "/v1/analytics/sms/performance",
        get_sms_performance,
        "How fast texts are answered",
        "analytics:read",
        returns=PerformanceView,
    ),
)
