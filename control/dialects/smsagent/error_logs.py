"""What went wrong, and what was done about it."""

import functools
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from ...auth.principal import OPERATOR
from ...domain.messages import ErrorLog
from ...errors import NotFound
from ...http.route import Asked, Nothing
from ...services.error_logs import ErrorLogFilter
from ..dialect import AnyRow, Row
from ..identifiers import own
from ..moments import AskedMoment, Moment, asked_moment, seconds, seconds_or_none
from ..paging import Limit, PageNumber, numbered
from ..reading import Short
from .forms import BASE, IDS, Sheet, asked_number, sheet

TAG = "Error logs"

Notes = Annotated[str, msgspec.Meta(max_length=2000)]


class ErrorsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries."""

    error_type: Short | None = None
    resolved: bool | None = None
    user_phone: Short | None = None
    start_date: AskedMoment | None = None
    end_date: AskedMoment | None = None
    page: PageNumber = 1
    page_size: Limit = 20


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """What was done about it; what is not sent stays."""

    resolved: bool | None = None
    resolution_notes: Notes | None = None


class ErrorView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that went wrong."""

    id: int
    user_phone: str | None
    task_id: int | None
    error_type: str
    error_message: str
    stack_trace: str | None
    "None is kept: what is wrong is told in words."
    timestamp: Moment
    resolved: bool
    metadata: dict[str, Any]


class ErrorsPage(Sheet, frozen=True, kw_only=True):
    """Entries, the newest first."""

    results: list[ErrorView]


class ResolvedView(ErrorView, frozen=True, kw_only=True):
    """An entry, and what was done about it."""

    resolution_notes: str
    resolved_at: Moment | None


async def list_errors(asked: Asked[ErrorsQuery, Nothing]) -> ErrorsPage:
    """Entries in pages."""
    query, services = asked.query, asked.edge.services
    wanted = ErrorLogFilter(
        type=query.error_type,
        is_resolved=query.resolved,
        phone_number=asked_number(query.user_phone),
        from_wall=asked_moment(query.start_date, "start_date"),
        to_wall=asked_moment(query.end_date, "end_date", last=True),
    )
    asked_page = numbered(query.page, query.page_size)
    page = await services.error_logs.page(OPERATOR, asked_page, wanted)
    seqs = await services.numbered.seqs_of("sms_task", [entry.task_id for entry in page.items])
    views = [ErrorView(**_shown(entry, seqs)) for entry in page.items]
    return ErrorsPage(**sheet(asked, page, query.page, asked_page.limit), results=views)


async def resolve_error(asked: Asked[Nothing, Resolution]) -> ResolvedView:
    """Say whether an entry has been seen to, and what was done."""
    body, services = asked.body, asked.edge.services
    id_ = await own(IDS, asked, "error_log")
    entry = await services.error_logs.change(OPERATOR, id_, body.resolved, body.resolution_notes)
    seqs = await services.numbered.seqs_of("sms_task", [entry.task_id])
    return ResolvedView(
        **_shown(entry, seqs),
        resolution_notes=entry.resolution,
        resolved_at=seconds_or_none(entry.resolved_wall),
    )


def _shown(entry: ErrorLog, seqs: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": entry.seq,
        "user_phone": entry.phone_number,
        "task_id": seqs.get(entry.task_id or ""),
        "error_type": entry.type,
        "error_message": entry.message,
        "stack_trace": None,
        "timestamp": seconds(entry.created_wall),
        "resolved": entry.resolved_wall is not None,
        "metadata": entry.context,
    }


PATH = f"{BASE}/error-logs/"
_row = functools.partial(Row, tag=TAG, admin=True)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        PATH,
        list_errors,
        "List error logs",
        "outbox:read",
        query=ErrorsQuery,
        returns=ErrorsPage,
        problems=(NotFound,),
    ),
    _row(
        "PATCH",
        f"{PATH}{{error_log}}/",
        resolve_error,
        "Mark error as resolved",
        "outbox:write",
        body=Resolution,
        returns=ResolvedView,
        problems=(NotFound,),
        example={"resolved": True, "resolution_notes": "The provider was told more time."},
    ),
)
