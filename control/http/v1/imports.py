"""`/v1/imports`: files whose rows become calls."""

import functools
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from ...domain.calls import Priority
from ...domain.imports import DEFAULT_COLUMNS, ImportOptions, ImportStatus
from ...errors import (
    BadRequest,
    Conflict,
    NotFound,
    Unavailable,
    Unprocessable,
    Unsupported,
)
from ...imports.csv_reading import ReaderDied, read_csv
from ...imports.csv_text import Unreadable
from ...services.import_steps import Speakers
from ...store.rows import PageQuery
from ..lists import List, ListQuery, list_of
from ..once import REPLAYED, key_of
from ..route import AnyRoute, Asked, Nothing, Route
from .import_views import (
    FailureView,
    ImportView,
    Validation,
    csv_of,
    failure_view,
    import_view,
    validation,
)
from .uploads import received, with_form

TAG = "Imports"
CSV = "text/csv"
TYPES = (CSV, "application/csv", "text/plain", "application/vnd.ms-excel")
"The last is what browsers on Windows say of a CSV file."
MAX_FILE_BYTES = 20 * 1024 * 1024
PAGE = 500
"Of rows that failed, when all are downloaded."

ShortText = Annotated[str, msgspec.Meta(max_length=200)]


class ImportQuery(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}
):
    """How the file is read; a form's fields of the same names go before these."""

    agent_id: ShortText | None = None
    "Who speaks, where a row says nobody; left out: the default agent."
    from_: ShortText = ""
    "The number that is shown; left out: the line's own."
    line: ShortText = ""
    timezone: ShortText = "UTC"
    "Of moments without an offset."
    priority: Priority = Priority.NORMAL
    has_header: bool | None = None
    "Left out: the first line is a header if it names a column of numbers."
    columns: ShortText = ",".join(DEFAULT_COLUMNS)
    "What the columns are where no header says it."
    place: bool = True
    "False: the calls wait, until each is given its moment; those in the file do not count."

    def options(self) -> ImportOptions:
        """As the service is asked."""
        return ImportOptions(
            agent_id=self.agent_id,
            from_number=self.from_,
            line=self.line,
            timezone=self.timezone,
            priority=self.priority,
            has_header=self.has_header,
            columns=tuple(name.strip() for name in self.columns.split(",")),
            place=self.place,
        )


class ImportsQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which imports."""

    status: ImportStatus | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


class FailuresQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows."""

    sort: Literal["row", "-row"] = "row"


async def validate_import(asked: Asked[ImportQuery, Nothing]) -> Validation:
    """Look at a CSV file without importing it: what is wrong in which row, and how it is read."""
    service = asked.edge.services.imports
    steps = asked.edge.services.import_steps
    async with received(asked.request, service.folder, TYPES, MAX_FILE_BYTES) as sent:
        options = with_form(asked.query, sent.fields).options()
        await service.check(asked.who, options)
        try:
            async with (
                steps.looking,
                read_csv(sent.upload.path, options, steps.now_wall()) as reading,
            ):
                speakers = Speakers(asked.who.account_id, options)
                return await validation(
                    reading.sheet, reading, functools.partial(steps.validate, speakers=speakers)
                )
        except Unreadable as exc:
            raise BadRequest(f"the file cannot be read: {exc}", field="file") from exc
        except ReaderDied as exc:
            raise Unavailable("the file could not be read now", 5.0) from exc


async def create_import(asked: Asked[ImportQuery, Nothing]) -> web.StreamResponse:
    """Import a CSV file: each of its rows becomes a call, by and by; a bad row stops no other.

    Columns are found by the header, whatever its case and spaces: phone (also phone_number, number,
    to, mobile…), name, agent_id (or the agent's name), scheduled_for (ISO 8601), timezone,
    priority, from, line, `context.…` and `metadata.…`. At most 20 MB and 100,000 rows. The same
    file with the same Idempotency-Key is imported once.
    """
    service = asked.edge.services.imports
    key = key_of(asked.request)
    async with received(asked.request, service.folder, TYPES, MAX_FILE_BYTES) as sent:
        options = with_form(asked.query, sent.fields).options()
        if key is None:
            job, replayed = await service.create(asked.who, sent.upload, options), False
        else:
            job, replayed = await service.create_once(asked.who, sent.upload, options, key)
    headers = {"Location": f"/v1/imports/{job.id}"}
    if replayed:
        headers[REPLAYED] = "true"
    return web.Response(
        body=msgspec.json.encode(import_view(job)),
        status=202,
        content_type="application/json",
        headers=headers,
    )


async def list_imports(asked: Asked[ImportsQuery, Nothing]) -> List[ImportView]:
    """Your imports, newest first."""
    query = asked.query
    page = await asked.edge.services.imports.page(asked.who, query.page(), query.status)
    return list_of(page, [import_view(job) for job in page.items])


async def get_import(asked: Asked[Nothing, Nothing]) -> ImportView:
    """One import, and how far it is."""
    return import_view(await asked.edge.services.imports.get(asked.who, asked.path("id")))


async def cancel_import(asked: Asked[Nothing, Nothing]) -> ImportView:
    """Read no more rows; the calls that were made remain."""
    return import_view(await asked.edge.services.imports.cancel(asked.who, asked.path("id")))


async def delete_import(asked: Asked[Nothing, Nothing]) -> None:
    """Forget an import that has ended; its calls remain."""
    await asked.edge.services.imports.delete(asked.who, asked.path("id"))


async def list_failures(asked: Asked[FailuresQuery, Nothing]) -> List[FailureView]:
    """Rows that became no call, and why."""
    imports = asked.edge.services.imports
    page = await imports.failures(asked.who, asked.path("id"), asked.query.page())
    return list_of(page, [failure_view(failure) for failure in page.items])


async def download_failures(asked: Asked[Nothing, Nothing]) -> web.StreamResponse:
    """The same as a CSV file: row, column, message."""
    imports, id_ = asked.edge.services.imports, asked.path("id")
    first = await imports.failures(asked.who, id_, PageQuery(limit=PAGE, sort="row"))
    response = web.StreamResponse(
        headers={
            "Content-Type": f"{CSV}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="import-{id_}-errors.csv"',
        }
    )
    await response.prepare(asked.request)
    await response.write(csv_of([("row", "column", "message")]))
    page = first
    while True:
        lines = [
            (str(failure.row), error.column, error.message)
            for failure in page.items
            for error in failure.errors
        ]
        await response.write(csv_of(lines))
        if page.next is None:
            break
        query = PageQuery(limit=PAGE, sort="row", cursor=page.next)
        page = await imports.failures(asked.who, id_, query)
    await response.write_eof()
    return response


ONE = "/v1/imports/{id}"
READ, WRITE = "imports:read", "imports:write"
_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "POST",
        "/v1/imports/validate",
        validate_import,
        "Look at a file",
        WRITE,
        query=ImportQuery,
        raw_body=CSV,
        raw_form=True,
        returns=Validation,
        problems=(Unsupported, Unprocessable, Unavailable),
        max_body_bytes=MAX_FILE_BYTES,
    ),
    _route(
        "POST",
        "/v1/imports",
        create_import,
        "Import a file",
        WRITE,
        query=ImportQuery,
        raw_body=CSV,
        raw_form=True,
        keyed=True,
        returns=ImportView,
        status=202,
        problems=(Unsupported, Unprocessable, Conflict),
        max_body_bytes=MAX_FILE_BYTES,
    ),
    _route(
        "GET",
        "/v1/imports",
        list_imports,
        "List imports",
        READ,
        query=ImportsQuery,
        returns=List[ImportView],
    ),
    _route("GET", ONE, get_import, "Get an import", READ, returns=ImportView, problems=(NotFound,)),
    _route(
        "POST",
        f"{ONE}/cancel",
        cancel_import,
        "Cancel an import",
        WRITE,
        returns=ImportView,
        problems=(NotFound, Conflict),
    ),
    _route(
        "DELETE",
        ONE,
        delete_import,
        "Forget an import",
        WRITE,
        status=204,
        problems=(NotFound, Conflict),
    ),
    _route(
        "GET",
        f"{ONE}/errors",
        list_failures,
        "List an import's bad rows",
        READ,
        query=FailuresQuery,
        returns=List[FailureView],
        problems=(NotFound,),
    ),
    _route(
        "GET",
        f"{ONE}/errors.csv",
        download_failures,
        "Download an import's bad rows",
        READ,
        content=CSV,
        problems=(NotFound,),
    ),
)
