"""`/v1/error-logs`: what went wrong and a person should look at."""

import datetime
import functools
from typing import Annotated, Any, Literal

import msgspec

from ...domain.messages import ErrorLog
from ...errors import Conflict, NotFound
from ...services.error_logs import ErrorLogFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none

TAG = "Error log"

ShortText = Annotated[str, msgspec.Meta(max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=2000)]
Severity = Literal["info", "warning", "error", "critical"]


class ErrorLogQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries."""

    type: ShortText | None = None
    severity: Severity | None = None
    is_resolved: bool | None = None
    call_id: ShortText | None = None
    number: ShortText | None = None
    "Whom it is about."
    sort: Literal["created_at", "-created_at"] = "-created_at"


class Resolution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was done about it."""

    resolution: Text = ""


class ErrorLogView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that went wrong."""

    id: str
    seq: int
    owner_id: str | None
    "Whose things it is about; null: the server's own."
    type: str
    severity: Severity
    message: str
    contact_id: str | None
    call_id: str | None
    task_id: str | None
    "The text that an agent could not answer."
    phone_number: str | None
    "Whom it is about."
    context: dict[str, Any]
    is_resolved: bool
    resolution: str
    resolved_at: datetime.datetime | None
    created_at: datetime.datetime


async def list_error_logs(asked: Asked[ErrorLogQuery, Nothing]) -> List[ErrorLogView]:
    """What went wrong with your things, newest first; administrators see all."""
    query = asked.query
    wanted = ErrorLogFilter(
        type=query.type,
        severity=query.severity,
        is_resolved=query.is_resolved,
        call_id=query.call_id,
        phone_number=query.number,
    )
    page = await asked.edge.services.error_logs.page(asked.who, query.page(), wanted)
    return list_of(page, [error_log_view(entry) for entry in page.items])


async def get_error_log(asked: Asked[Nothing, Nothing]) -> ErrorLogView:
    """One entry."""
    return error_log_view(await asked.edge.services.error_logs.get(asked.who, asked.path("id")))


async def resolve_error_log(asked: Asked[Nothing, Resolution]) -> ErrorLogView:
    """Say that an entry has been seen to, and what was done."""
    logs = asked.edge.services.error_logs
    entry = await logs.resolve(asked.who, asked.path("id"), asked.body.resolution)
    return error_log_view(entry)


def error_log_view(entry: ErrorLog) -> ErrorLogView:
    """An entry as the API shows it."""
    same = (
        *("id", "seq", "owner_id", "type", "severity", "message"),
        *("contact_id", "call_id", "task_id", "phone_number", "context", "resolution"),
    )
    return ErrorLogView(
        **{name: getattr(entry, name) for name in same},
        is_resolved=entry.resolved_wall is not None,
        resolved_at=utc_or_none(entry.resolved_wall),
        created_at=utc(entry.created_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/error-logs",
        list_error_logs,
        "List what went wrong",
        "outbox:read",
        query=ErrorLogQuery,
        returns=List[ErrorLogView],
    ),
    _route(
        "GET",
        "/v1/error-logs/{id}",
        get_error_log,
        "Get an entry",
        "outbox:read",
        returns=ErrorLogView,
        problems=(NotFound,),
    ),
    _route(
        "POST",
        "/v1/error-logs/{id}/resolve",
        resolve_error_log,
        "Resolve an entry",
        "outbox:write",
        body=Resolution,
        returns=ErrorLogView,
        problems=(Conflict, NotFound),
    ),
)
