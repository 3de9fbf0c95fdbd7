"""Texts and their answers, and figures of them."""

import datetime
import functools
from typing import Annotated, Any

import msgspec

from ...auth.principal import OPERATOR
from ...domain.sms_figures import Tally
from ...domain.sms_tasks import SmsTask, TaskStatus
from ...errors import NotFound
from ...http.route import Asked, Nothing
from ...services.sms_tasks import NewTask, TaskFilter
from ..dialect import AnyRow, Row
from ..identifiers import own
from ..moments import AskedMoment, Date, Moment, asked_moment, seconds, seconds_or_none
from ..paging import Limit, PageNumber, numbered
from ..reading import Phone, Short
from .forms import BASE, IDS, Sheet, asked_number, sheet

TAG = "Task management"
EPOCH = datetime.date(1970, 1, 1)

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class TasksQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks."""

    user_phone: Short | None = None
    category: Short | None = None
    success: bool | None = None
    created_after: AskedMoment | None = None
    created_before: AskedMoment | None = None
    page: PageNumber = 1
    page_size: Limit = 20


class FiguresQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of which tasks."""

    start_date: AskedMoment | None = None
    end_date: AskedMoment | None = None
    user_phone: Short | None = None
    category: Short | None = None


class NewTaskBody(msgspec.Struct, frozen=True, kw_only=True):
    """A text that is to be answered."""

    user_phone: Phone
    sms_content: Text
    category: Word | None = None
    "Left out: guessed by its words."
    send_reply: bool = False
    "The answer is sent to the user as well."


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """A text and its answer."""

    id: int
    user_phone: str
    sms_content: str
    ai_response: str | None
    category: str
    processing_time: float | None
    "Seconds; null: it is not over."
    tokens_used: int
    complexity_score: float
    success: bool
    error_message: str | None
    created_at: Moment
    completed_at: Moment | None
    metadata: dict[str, Any]


class TasksPage(Sheet, frozen=True, kw_only=True):
    """Tasks, the newest first."""

    results: list[TaskView]


class CategoryFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks of a category."""

    count: int
    success_rate: float
    avg_processing_time: float


class DayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks of a day (UTC)."""

    date: Date
    total_tasks: int
    successful_tasks: int
    avg_processing_time: float


class FiguresView(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of tasks; rates are percent, times seconds."""

    total_tasks: int
    successful_tasks: int
    success_rate: float
    avg_processing_time: float
    avg_tokens_used: float
    category_breakdown: dict[str, CategoryFigures]
    daily_stats: list[DayFigures]


async def list_tasks(asked: Asked[TasksQuery, Nothing]) -> TasksPage:
    """Tasks in pages."""
    query = asked.query
    wanted = TaskFilter(
        phone_number=asked_number(query.user_phone),
        category=query.category,
        is_success=query.success,
        from_wall=asked_moment(query.created_after, "created_after"),
        to_wall=asked_moment(query.created_before, "created_before", last=True),
    )
    asked_page = numbered(query.page, query.page_size)
    page = await asked.edge.services.sms_tasks.page(OPERATOR, asked_page, wanted)
    views = [shown(task) for task in page.items]
    return TasksPage(**sheet(asked, page, query.page, asked_page.limit), results=views)


async def create_task(asked: Asked[Nothing, NewTaskBody]) -> TaskView:
    """Have a text answered; until it is over, `completed_at` is null."""
    body = asked.body
    wanted = NewTask(
        phone_number=body.user_phone,
        body=body.sms_content,
        category=body.category,
        replies_by_sms=body.send_reply,
    )
    return shown(await asked.edge.services.sms_tasks.create(OPERATOR, wanted))


async def get_task(asked: Asked[Nothing, Nothing]) -> TaskView:
    """A task."""
    id_ = await own(IDS, asked, "sms_task")
    return shown(await asked.edge.services.sms_tasks.get(OPERATOR, id_))


async def get_task_analytics(asked: Asked[FiguresQuery, Nothing]) -> FiguresView:
    """Figures of tasks, by category and day."""
    query = asked.query
    wanted = TaskFilter(
        phone_number=asked_number(query.user_phone),
        category=query.category,
        from_wall=asked_moment(query.start_date, "start_date"),
        to_wall=asked_moment(query.end_date, "end_date", last=True),
    )
    figures = await asked.edge.services.sms_figures.tasks(OPERATOR, wanted)
    return FiguresView(
        total_tasks=figures.all.total,
        successful_tasks=figures.all.succeeded,
        success_rate=round(figures.all.success_rate, 2),
        avg_processing_time=round(figures.all.mean_processing_s, 2),
        avg_tokens_used=round(figures.all.mean_tokens, 1),
        category_breakdown={c: _category(tally) for c, tally in figures.by_category.items()},
        daily_stats=[_day(day, tally) for day, tally in figures.by_day.items()],
    )


def shown(task: SmsTask) -> TaskView:
    """A task as it is shown."""
    took = task.processing_s
    return TaskView(
        id=task.seq,
        user_phone=task.phone_number,
        sms_content=task.body,
        ai_response=task.reply,
        category=task.category,
        processing_time=None if took is None else round(took, 2),
        tokens_used=task.tokens,
        complexity_score=task.complexity,
        success=task.status is TaskStatus.SUCCEEDED,
        error_message=task.error or None,
        created_at=seconds(task.created_wall),
        completed_at=seconds_or_none(task.finished_wall),
        metadata=task.metadata,
    )


def _category(tally: Tally) -> CategoryFigures:
    return CategoryFigures(
        count=tally.total,
        success_rate=round(tally.success_rate, 1),
        avg_processing_time=round(tally.mean_processing_s, 2),
    )


def _day(day: int, tally: Tally) -> DayFigures:
    return DayFigures(
        date=(EPOCH + datetime.timedelta(days=day)).isoformat(),
        total_tasks=tally.total,
        successful_tasks=tally.succeeded,
        avg_processing_time=round(tally.mean_processing_s, 2),
    )


PATH = f"{BASE}/tasks/"
_row = functools.partial(Row, tag=TAG, admin=True)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        PATH,
        list_tasks,
        "List tasks",
        "messages:read",
        query=TasksQuery,
        returns=TasksPage,
        problems=(NotFound,),
    ),
    _row(
        "POST",
        PATH,
        create_task,
        "Create task",
        "messages:write",
        body=NewTaskBody,
        returns=TaskView,
        status=201,
        example={
            "user_phone": "+1234567890",
            "sms_content": "Create a Python function to sort a list",
            "category": "coding",
        },
    ),
    _row(
        "GET",
        f"{PATH}analytics/",
        get_task_analytics,
        "Get task analytics",
        "analytics:read",
        query=FiguresQuery,
        returns=FiguresView,
    ),
    _row(
        "GET",
        f"{PATH}{{sms_task}}/",
        get_task,
        "Get task details",
        "messages:read",
        returns=TaskView,
        problems=(NotFound,),
    ),
)
