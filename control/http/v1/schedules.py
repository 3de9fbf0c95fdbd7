"""`/v1/schedules`: calls that come again and again."""

import datetime
import functools
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.calls import Priority
from ...domain.schedules import Pattern, Recurrence, Schedule
from ...errors import NotFound, Unprocessable
from ...services.schedules import ScheduleFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none
from .agents import given

TAG = "Schedules"

ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
MAX_BODY_BYTES = 48 * 1024
RENAMED = {"from_": "from"}
SAME = ("name", "agent_id", "line", "context", "metadata", "priority", "ring_limit_s")
"Fields that are called the same in the store."


class SchedulesQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which schedules."""

    is_active: bool | None = None
    agent_id: ShortText | None = None
    pattern: Pattern | None = None
    search: ShortText | None = None
    "A part of the name or the number."
    sort: Literal["created_at", "-created_at", "next_run_at", "-next_run_at"] = "-created_at"
    "By `next_run_at`: only those that come again."


class NewSchedule(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=RENAMED
):
    """A schedule to be made."""

    to: Address
    "A number (E.164, 3 to 15 digits, `+` or not) or a SIP address."
    recurrence: Recurrence
    name: ShortText = ""
    agent_id: ShortText | None = None
    "Who speaks; left out: the default agent."
    from_: Address | None = None
    "The number that is shown; left out: the line's own."
    line: ShortText = ""
    context: dict[str, Any] = {}
    "What the agent is told about each call."
    metadata: dict[str, Any] = {}
    priority: Priority = Priority.NORMAL
    ring_limit_s: float = 30.0
    grace_s: float = 3600.0
    "A call that could not be placed in time is placed up to so much later; 0 to 604800."
    is_active: bool = True


class ScheduleChanges(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=RENAMED
):
    """What is to be different; what is left out stays. `recurrence` is replaced as a whole."""

    to: Address | UnsetType = UNSET
    recurrence: Recurrence | UnsetType = UNSET
    name: ShortText | UnsetType = UNSET
    agent_id: ShortText | None | UnsetType = UNSET
    from_: Address | None | UnsetType = UNSET
    line: ShortText | UnsetType = UNSET
    context: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    ring_limit_s: float | UnsetType = UNSET
    grace_s: float | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class ScheduleView(
    NewSchedule, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=RENAMED
):
    """A schedule."""

    id: str
    seq: int
    owner_id: str
    next_run_at: datetime.datetime | None
    "null: it is paused, or over."
    last_run_at: datetime.datetime | None
    "The moment for which the newest call was placed."
    runs: int
    "Calls that were placed: `/v1/calls?schedule_id=`."
    missed: int
    "Moments that passed without a call, because the server did not run."
    created_at: datetime.datetime
    updated_at: datetime.datetime


async def list_schedules(asked: Asked[SchedulesQuery, Nothing]) -> List[ScheduleView]:
    """Your schedules, newest first."""
    query = asked.query
    wanted = ScheduleFilter(
        is_active=query.is_active,
        agent_id=query.agent_id,
        pattern=query.pattern,
        search=query.search,
    )
    page = await asked.edge.services.schedules.page(asked.who, query.page(), wanted)
    return list_of(page, [schedule_view(schedule) for schedule in page.items])


async def create_schedule(asked: Asked[Nothing, NewSchedule]) -> ScheduleView:
    """Make a schedule: a call is placed whenever its rule says so, once each time.

    Calls that fall into a time when the server does not run are missed, but for the newest, which
    is placed late if that is less than `grace_s`.
    """
    schedule = Schedule(
        owner_id=asked.who.account_id, **_stored(msgspec.structs.asdict(asked.body))
    )
    return schedule_view(await asked.edge.services.schedules.create(asked.who, schedule))


async def get_schedule(asked: Asked[Nothing, Nothing]) -> ScheduleView:
    """One schedule."""
    return schedule_view(await asked.edge.services.schedules.get(asked.who, asked.path("id")))


async def change_schedule(asked: Asked[Nothing, ScheduleChanges]) -> ScheduleView:
    """Change some of a schedule; calls that were placed stay as they are."""
    changes = _stored(given(asked.body))
    schedules = asked.edge.services.schedules
    return schedule_view(await schedules.change(asked.who, asked.path("id"), changes))


async def delete_schedule(asked: Asked[Nothing, Nothing]) -> None:
    """Delete a schedule; its calls remain."""
    await asked.edge.services.schedules.delete(asked.who, asked.path("id"))


async def pause_schedule(asked: Asked[Nothing, Nothing]) -> ScheduleView:
    """Let a schedule rest. What would come meanwhile is neither placed nor counted as missed."""
    return schedule_view(await asked.edge.services.schedules.pause(asked.who, asked.path("id")))


async def resume_schedule(asked: Asked[Nothing, Nothing]) -> ScheduleView:
    """Let a schedule go on with its next moment."""
    return schedule_view(await asked.edge.services.schedules.resume(asked.who, asked.path("id")))


def schedule_view(schedule: Schedule) -> ScheduleView:
    """A schedule as the API shows it."""
    same = (*SAME, "recurrence", "grace_s", "is_active", "id", "seq", "owner_id", "runs", "missed")
    return ScheduleView(
        **{name: getattr(schedule, name) for name in same},
        to=schedule.to_number,
        from_=schedule.from_number or None,
        next_run_at=utc_or_none(schedule.next_run_wall),
        last_run_at=utc_or_none(schedule.last_run_wall),
        created_at=utc(schedule.created_wall),
        updated_at=utc(schedule.updated_wall),
    )


def _stored(fields: dict[str, Any]) -> dict[str, Any]:
    """By the names of the store."""
    if "to" in fields:
        fields["to_number"] = fields.pop("to")
    if "from_" in fields:
        fields["from_number"] = fields.pop("from_") or ""
    return fields


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/schedules",
        list_schedules,
        "List schedules",
        "schedules:read",
        query=SchedulesQuery,
        returns=List[ScheduleView],
    ),
    _route(
        "POST",
        "/v1/schedules",
        create_schedule,
        "Make a schedule",
        "schedules:write",
        body=NewSchedule,
        returns=ScheduleView,
        status=201,
        max_body_bytes=MAX_BODY_BYTES,
    ),
    _route(
        "GET",
        "/v1/schedules/{id}",
        get_schedule,
        "Get a schedule",
        "schedules:read",
        returns=ScheduleView,
        problems=(NotFound,),
    ),
    _route(
        "PATCH",
        "/v1/schedules/{id}",
        change_schedule,
        "Change a schedule",
        "schedules:write",
        body=ScheduleChanges,
        returns=ScheduleView,
        problems=(NotFound, Unprocessable),
        max_body_bytes=MAX_BODY_BYTES,
    ),
    _route(
        "DELETE",
        "/v1/schedules/{id}",
        delete_schedule,
        "Delete a schedule",
        "schedules:write",
        status=204,
        problems=(NotFound,),
    ),
    *(
        _route(
            "POST",
            f"/v1/schedules/{{id}}/{verb}",
            handler,
            summary,
            "schedules:write",
            returns=ScheduleView,
            problems=(NotFound, Unprocessable),
        )
        for verb, handler, summary in (
            ("pause", pause_schedule, "Pause a schedule"),
            ("resume", resume_schedule, "Resume a schedule"),
        )
    ),
)
