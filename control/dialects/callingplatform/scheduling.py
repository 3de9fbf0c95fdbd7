"""Calls that recur, and how much waits to be dialled."""

import datetime
import functools
from typing import Annotated

import msgspec

from ...domain.calls import IN_PROGRESS, PENDING, CallStatus, Outcome
from ...domain.schedules import Pattern, Recurrence, Schedule
from ...http.route import Asked, Nothing
from ...services.schedules import ScheduleFilter
from ...store.calls import CallFilter
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row
from ..identifiers import named, own
from ..moments import DAY_S, Moment, seconds_or_none
from ..paging import total_of
from ..reading import Phone, Short
from .forms import BASE, IDS, Shown

TAG = "Scheduling"
MOST = 1000
"Schedules that are shown: the list has no pages."
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
"Its business hours are those of all days."
FAILED = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED)

Time = Annotated[
    str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z", description="HH:MM, 24 hours.")
]


class NewSchedule(Shown, frozen=True, kw_only=True):
    """A call that recurs."""

    agent_id: Short
    to_phone: Phone
    pattern: Pattern
    time: Time
    timezone: Short = "UTC"
    start_date: datetime.date | None = None
    "Left out: today."
    end_date: datetime.date | None = None
    business_hours_only: bool = False
    "From 9 to 18 o'clock: what lies outside moves to the next 9 o'clock."


class ScheduleItem(Shown, frozen=True, kw_only=True):
    """A schedule in the list."""

    id: str
    agent_id: str | None
    to_phone: str
    pattern: Pattern
    time: str
    is_active: bool
    next_run_at: Moment | None


class ScheduleView(ScheduleItem, frozen=True, kw_only=True):
    """A schedule."""

    timezone: str


class Queue(Shown, frozen=True, kw_only=True):
    """How many calls, by where they stand."""

    waiting: int
    active: int
    completed: int
    failed: int


class Ahead(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls are to be placed, single ones and those that recur."""

    day: int = msgspec.field(name="next24Hours")
    week: int = msgspec.field(name="nextWeek")


class QueueStats(Shown, frozen=True, kw_only=True):
    """What waits and what has been done."""

    queue: Queue
    scheduled_calls: Ahead


async def create_schedule(asked: Asked[Nothing, NewSchedule]) -> ScheduleView:
    """Have a call placed again and again."""
    body = asked.body
    schedule = Schedule(
        owner_id=asked.who.account_id,
        agent_id=await named(IDS, asked, "agent", body.agent_id),
        to_number=body.to_phone,
        recurrence=Recurrence(
            pattern=body.pattern,
            time=body.time,
            timezone=body.timezone,
            start_date=body.start_date,
            end_date=body.end_date,
            business_hours_only=body.business_hours_only,
            business_days=EVERY_DAY,
        ),
    )
    made = await asked.edge.services.schedules.create(asked.who, schedule)
    item = msgspec.structs.asdict(schedule_item(made))
    return ScheduleView(**item, timezone=made.recurrence.timezone)


async def list_schedules(asked: Asked[Nothing, Nothing]) -> list[ScheduleItem]:
    """Your schedules, newest first."""
    all_ = PageQuery(limit=MOST)
    page = await asked.edge.services.schedules.page(asked.who, all_, ScheduleFilter())
    return [schedule_item(schedule) for schedule in page.items]


async def delete_schedule(asked: Asked[Nothing, Nothing]) -> None:
    """Place no more calls of a schedule."""
    id_ = await own(IDS, asked, "schedule")
    await asked.edge.services.schedules.delete(asked.who, id_)


async def get_queue(asked: Asked[Nothing, Nothing]) -> QueueStats:
    """How many of your calls wait, are in progress, and have ended."""
    now, week = asked.edge.services.import_steps.now_wall(), 7 * DAY_S
    recurring = await asked.edge.services.schedules.upcoming(asked.who, (DAY_S, week))
    single = [
        await count(asked, CallFilter(statuses=PENDING, scheduled_before_wall=now + within_s))
        for within_s in (DAY_S, week)
    ]
    return QueueStats(
        queue=Queue(
            waiting=await count(asked, CallFilter(statuses=PENDING)),
            active=await count(asked, CallFilter(statuses=IN_PROGRESS)),
            completed=await count_ended(asked, Outcome.COMPLETED),
            failed=await count_ended(asked, *FAILED),
        ),
        scheduled_calls=Ahead(day=single[0] + recurring[0], week=single[1] + recurring[1]),
    )


async def count(asked: Asked[Nothing, Nothing], wanted: CallFilter) -> int:
    """How many calls fit."""
    query = PageQuery(limit=1, total=True, sort="-created_wall")
    return total_of(await asked.edge.services.calls.page(asked.who, query, wanted))


async def count_ended(asked: Asked[Nothing, Nothing], *outcomes: Outcome) -> int:
    """How many calls have ended so."""
    return await count(asked, CallFilter(statuses=(CallStatus.ENDED,), outcomes=outcomes))


def schedule_item(schedule: Schedule) -> ScheduleItem:
    """As it is shown."""
    return ScheduleItem(
        id=IDS.show("schedule", schedule.id),
        agent_id=IDS.show_or_none("agent", schedule.agent_id),
        to_phone=schedule.to_number,
        pattern=schedule.recurrence.pattern,
        time=schedule.recurrence.time,
        is_active=schedule.is_active,
        next_run_at=seconds_or_none(schedule.next_run_wall),
    )


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        f"{BASE}/scheduling/recurring",
        create_schedule,
        "Schedule recurring call",
        "schedules:write",
        body=NewSchedule,
        returns=ScheduleView,
        status=201,
        message="Recurring call scheduled successfully",
        example={
            "agentId": "{agent}",
            "toPhone": "+919876543210",
            "pattern": "daily",
            "time": "10:00",
            "timezone": "Asia/Kolkata",
        },
    ),
    _row(
        "GET",
        f"{BASE}/scheduling/list",
        list_schedules,
        "List scheduled calls",
        "schedules:read",
        returns=list[ScheduleItem],
    ),
    _row(
        "DELETE",
        f"{BASE}/scheduling/recurring/{{schedule}}",
        delete_schedule,
        "Cancel recurring schedule",
        "schedules:write",
        message="Recurring schedule cancelled successfully",
    ),
    _row(
        "GET",
        f"{BASE}/scheduling/stats",
        get_queue,
        "Get queue statistics",
        "calls:read",
        returns=QueueStats,
    ),
)
