"""`/v1/sms-tasks`: texts that agents answer."""

import datetime
import functools
from typing import Annotated, Any, Literal

import msgspec

from ...domain.sms_tasks import SmsTask, TaskStatus
from ...errors import NotFound, TooManyRequests, Unprocessable
from ...services.sms_tasks import NewTask, TaskFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none, wall_of

TAG = "Messages"

Number = Annotated[str, msgspec.Meta(max_length=32)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
Category = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Id = Annotated[str, msgspec.Meta(max_length=64)]


class TaskQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tasks."""

    number: Number | None = None
    "Who asks."
    contact_id: Id | None = None
    category: Category | None = None
    status: TaskStatus | None = None
    created_after: datetime.datetime | None = None
    created_before: datetime.datetime | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


class TaskToMake(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text that is to be answered."""

    number: Number
    "Whom it is from; unknown, they become a contact."
    body: Text
    category: Category | None = None
    "Left out: guessed by its words."
    agent_id: Id | None = None
    "Left out: the default agent."
    replies_by_sms: bool = True
    "The reply is sent to them."


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """A text and its answer."""

    id: str
    seq: int
    owner_id: str
    contact_id: str | None
    number: str
    our_number: str
    "That they wrote to; the reply comes from it."
    message_id: str | None
    "The SMS that it came by."
    reply_message_id: str | None
    "The SMS that the reply left by."
    agent_id: str | None
    "Who was to answer; null: the agent of the number, or the default one."
    body: str
    reply: str | None
    "What the agent has said."
    category: str
    complexity: float
    "0 to 1, by how much there is to read."
    status: TaskStatus
    replies_by_sms: bool
    "The reply is sent to them."
    attempts: int
    processing_s: float | None
    "From its creation to its end."
    tokens: int
    "Of a language model, in and out."
    error_type: str
    "A word for what went wrong with the last try; empty: nothing."
    error: str
    metadata: dict[str, Any]
    created_at: datetime.datetime
    next_try_at: datetime.datetime | None
    finished_at: datetime.datetime | None


async def list_sms_tasks(asked: Asked[TaskQuery, Nothing]) -> List[TaskView]:
    """Your texts, newest first."""
    query = asked.query
    wanted = TaskFilter(
        phone_number=query.number,
        contact_id=query.contact_id,
        category=query.category,
        status=query.status,
        from_wall=None if query.created_after is None else wall_of(query.created_after),
        to_wall=None if query.created_before is None else wall_of(query.created_before),
    )
    page = await asked.edge.services.sms_tasks.page(asked.who, query.page(), wanted)
    return list_of(page, [task_view(task) for task in page.items])


async def create_sms_task(asked: Asked[Nothing, TaskToMake]) -> TaskView:
    """Have a text answered, as if it had come in. A contact's quota is not asked."""
    body = asked.body
    wanted = NewTask(
        phone_number=body.number,
        body=body.body,
        category=body.category,
        agent_id=body.agent_id,
        replies_by_sms=body.replies_by_sms,
    )
    return task_view(await asked.edge.services.sms_tasks.create(asked.who, wanted))


async def get_sms_task(asked: Asked[Nothing, Nothing]) -> TaskView:
    """One text."""
    return task_view(await asked.edge.services.sms_tasks.get(asked.who, asked.path("id")))


def task_view(task: SmsTask) -> TaskView:
    """A task as the API shows it."""
    other = ("number", "created_at", "next_try_at", "finished_at")
    same = [name for name in TaskView.__struct_fields__ if name not in other]
    return TaskView(
        **{name: getattr(task, name) for name in same},
        number=task.phone_number,
        created_at=utc(task.created_wall),
        next_try_at=utc_or_none(task.next_try_wall),
        finished_at=utc_or_none(task.finished_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/sms-tasks",
        list_sms_tasks,
        "List texts that agents answer",
        "messages:read",
        query=TaskQuery,
        returns=List[TaskView],
    ),
    _route(
        "POST",
        "/v1/sms-tasks",
        create_sms_task,
        "Have a text answered",
        "messages:write",
        body=TaskToMake,
        returns=TaskView,
        status=201,
        problems=(Unprocessable, TooManyRequests),
    ),
    _route(
        "GET",
        "/v1/sms-tasks/{id}",
        get_sms_task,
        "Get a text",
        "messages:read",
        returns=TaskView,
        problems=(NotFound,),
    ),
)
