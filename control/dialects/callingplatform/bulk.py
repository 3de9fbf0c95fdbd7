"""CSV files whose rows become calls."""

import contextlib
import functools
from collections.abc import AsyncIterator
from typing import Literal

import msgspec

from ...domain.imports import CellError, ImportOptions, ImportStatus
from ...errors import BadRequest, Unavailable
from ...http.openapi import FORM_TYPE
from ...http.route import Asked, Nothing
from ...http.v1.import_views import PREVIEW_ROWS, validation
from ...http.v1.imports import MAX_FILE_BYTES, TYPES
from ...http.v1.uploads import Sent, received
from ...imports.csv_reading import CsvReading, ReaderDied, read_csv
from ...imports.csv_row import NO_NUMBER
from ...imports.csv_text import Unreadable
from ...services.import_steps import Speakers
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row
from ..identifiers import own
from ..moments import Moment, millis, millis_or_none, seconds_or_none
from ..reading import read_fields
from .forms import BASE, IDS, NAMES, Shown

TAG = "Bulk Operations"
RATE = "bulk"
COLUMNS = ("phoneNumber", "agentId", "userId", "scheduledFor", "timezone", "priority")
"In this order where the file has no header; `userId` is passed over: calls are the sender's."
AGENT = "agent_id"
"What the column `agentId` is read as."
MAX_ERRORS = 100
INVALID_NUMBER = "Invalid phone number"

Status = Literal["processing", "completed", "failed"]
STATUS: dict[ImportStatus, Status] = {
    ImportStatus.QUEUED: "processing",
    ImportStatus.RUNNING: "processing",
    ImportStatus.COMPLETED: "completed",
    ImportStatus.FAILED: "failed",
    ImportStatus.CANCELLED: "failed",
}


class Checked(Shown, frozen=True, kw_only=True):
    """How the file is read."""

    skip_header: bool = False
    "Its first line is a header; one that has the columns' names is seen without it."


class Imported(Checked, frozen=True, kw_only=True):
    """How the file is read, and what becomes of its rows."""

    auto_schedule: bool = True
    "false: the calls are stored, and not placed."


class RowError(Shown, frozen=True, kw_only=True):
    """What is wrong with a row; 1 is the first after the header."""

    row: int
    error: str


class PreviewRow(Shown, frozen=True, kw_only=True):
    """A row as it is understood."""

    phone_number: str
    agent_id: str
    scheduled_for: Moment | None


class ValidationView(Shown, frozen=True, kw_only=True):
    """What an import of this file would come to."""

    total_rows: int
    valid_rows: int
    invalid_rows: int
    errors: list[RowError]
    preview: list[PreviewRow]


class StartedView(Shown, frozen=True, kw_only=True):
    """An import that has begun."""

    import_id: str
    total_rows: int
    status: Status


class ImportView(Shown, frozen=True, kw_only=True):
    """An import, and how far it is."""

    import_id: str
    status: Status
    total_rows: int
    successful_rows: int
    failed_rows: int
    errors: list[RowError]
    "The first hundred."
    created_at: Moment
    completed_at: Moment | None


async def validate_file(asked: Asked[Nothing, Nothing]) -> ValidationView:
    """Look at a file without importing it."""
    steps = asked.edge.services.import_steps
    async with _file(asked) as sent:
        options = _options(read_fields(sent.fields, Checked))
        async with _reading(asked, sent, options) as reading:
            speakers = Speakers(asked.who.account_id, options)
            validate = functools.partial(steps.validate, speakers=speakers)
            found = await validation(reading.sheet, reading, validate)
    assert len(found.preview) <= PREVIEW_ROWS, "no more are kept"
    return ValidationView(
        total_rows=found.rows_total,
        valid_rows=found.rows_ok,
        invalid_rows=found.rows_failed,
        errors=[RowError(row=each.row, error=_words(each.errors)) for each in found.errors],
        preview=[
            PreviewRow(
                phone_number=row.phone,
                agent_id=row.agent,
                scheduled_for=seconds_or_none(
                    None if row.scheduled_for is None else row.scheduled_for.timestamp()
                ),
            )
            for row in found.preview
        ],
    )


async def import_file(asked: Asked[Nothing, Nothing]) -> StartedView:
    """Import a file: each of its rows becomes a call, by and by; a bad row stops no other."""
    imports = asked.edge.services.imports
    async with _file(asked) as sent:
        said = read_fields(sent.fields, Imported)
        options = msgspec.structs.replace(_options(said), place=said.auto_schedule)
        async with _reading(asked, sent, options) as reading:
            rows = reading.sheet.rows
        job = await imports.create(asked.who, sent.upload, options)
    return StartedView(
        import_id=IDS.show("import", job.id), total_rows=rows, status=STATUS[job.status]
    )


async def get_import(asked: Asked[Nothing, Nothing]) -> ImportView:
    """How far an import is, and which of its rows are bad."""
    imports, id_ = asked.edge.services.imports, await own(IDS, asked, "import")
    job = await imports.get(asked.who, id_)
    query = PageQuery(limit=MAX_ERRORS, sort="row")
    failures = await imports.failures(asked.who, id_, query)
    return ImportView(
        import_id=IDS.show("import", job.id),
        status=STATUS[job.status],
        total_rows=job.rows_total or 0,
        successful_rows=job.rows_ok,
        failed_rows=job.rows_failed,
        errors=[RowError(row=each.row, error=_words(each.errors)) for each in failures.items],
        created_at=millis(job.created_wall),
        completed_at=millis_or_none(job.finished_wall),
    )


def _file(asked: Asked[Nothing, Nothing]) -> contextlib.AbstractAsyncContextManager[Sent]:
    folder = asked.edge.services.imports.folder
    return received(asked.request, folder, TYPES, MAX_FILE_BYTES)


@contextlib.asynccontextmanager
async def _reading(
    asked: Asked[Nothing, Nothing], sent: Sent, options: ImportOptions
) -> AsyncIterator[CsvReading]:
    """The file in a process of its own. Raises BadRequest and Unavailable."""
    steps = asked.edge.services.import_steps
    try:
        async with (
            steps.looking,
            read_csv(sent.upload.path, options, steps.now_wall()) as reading,
        ):
            if AGENT not in reading.sheet.fields:
                raise BadRequest("the file has no column agentId", field="file")
            yield reading
    except Unreadable as exc:
        raise BadRequest(f"the file cannot be read: {exc}", field="file") from exc
    except ReaderDied as exc:
        raise Unavailable("the file could not be read now", 5.0) from exc


def _options(said: Checked) -> ImportOptions:
    return ImportOptions(
        has_header=True if said.skip_header else None,
        columns=COLUMNS,
        agent_prefix=f"{IDS.prefixes['agent']}_",
        e164=True,
        named_agent=True,
    )


def _words(errors: tuple[CellError, ...]) -> str:
    return "; ".join(map(_word, errors))


def _word(error: CellError) -> str:
    # The document has these words, alone.
    if error.message == NO_NUMBER or error.message.startswith(INVALID_NUMBER):
        return INVALID_NUMBER
    column = NAMES.get(error.column, error.column)
    return f"{column}: {error.message}" if column else error.message


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "POST",
        f"{BASE}/bulk/import/validate",
        validate_file,
        "Validate CSV",
        "imports:write",
        rate=RATE,
        raw_body=FORM_TYPE,
        form=Checked,
        returns=ValidationView,
        message="CSV validation successful",
    ),
    _row(
        "POST",
        f"{BASE}/bulk/import",
        import_file,
        "Import CSV",
        "imports:write",
        rate=RATE,
        raw_body=FORM_TYPE,
        form=Imported,
        returns=StartedView,
        status=202,
        message="CSV import started",
    ),
    _row(
        "GET",
        f"{BASE}/bulk/import/{{import}}/status",
        get_import,
        "Get import status",
        "imports:read",
        returns=ImportView,
    ),
)
