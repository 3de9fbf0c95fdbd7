"""Imports as the API shows them: jobs, bad rows, and what an import would come to."""

import csv
import datetime
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import msgspec

from ...domain.calls import Priority
from ...domain.imports import CellError, ImportFailure, ImportJob, ImportStatus
from ...imports.csv_import import Sheet
from ...imports.csv_row import Row
from ..times import utc, utc_or_none

MAX_ERRORS_SHOWN = 100
PREVIEW_ROWS = 5


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """An import."""

    id: str
    seq: int
    owner_id: str
    file_name: str
    size_bytes: int
    content_hash: str
    "SHA-256."
    status: ImportStatus
    encoding: str
    delimiter: str
    rows_total: int | None
    "null: not counted yet."
    rows_done: int
    rows_ok: int
    "They became calls: `/v1/calls?import_job_id=`."
    rows_failed: int
    error: str
    "Why the whole file cannot be read."
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None


class FailureView(msgspec.Struct, frozen=True, kw_only=True):
    """A row that became, or would become, no call."""

    row: int
    "1 is the first after the header; empty lines do not count."
    errors: tuple[CellError, ...]


class PreviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it is understood."""

    row: int
    phone: str
    agent: str
    scheduled_for: datetime.datetime | None
    timezone: str
    priority: Priority
    context: dict[str, str]


class ColumnView(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the file."""

    name: str
    field: str | None
    "What it is read as; null: it is not read."


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """What an import of this file would come to."""

    rows_total: int
    rows_ok: int
    rows_failed: int
    encoding: str
    delimiter: str
    columns: tuple[ColumnView, ...]
    errors: tuple[FailureView, ...]
    "The first 100 of `rows_failed`."
    preview: tuple[PreviewRow, ...]
    "The first 5 that are right."


def import_view(job: ImportJob) -> ImportView:
    """An import as the API shows it."""
    times = ("created_at", "started_at", "finished_at")
    same = [name for name in ImportView.__struct_fields__ if name not in times]
    return ImportView(
        **{name: getattr(job, name) for name in same},
        created_at=utc(job.created_wall),
        started_at=utc_or_none(job.started_wall),
        finished_at=utc_or_none(job.finished_wall),
    )


def failure_view(failure: ImportFailure) -> FailureView:
    """A row as the API shows it."""
    return FailureView(row=failure.row, errors=failure.errors)


async def validation(
    sheet: Sheet,
    slices: AsyncIterator[tuple[Row, ...]],
    validate: Callable[[Sequence[Row]], Awaitable[Sequence[tuple[CellError, ...]]]],
) -> Validation:
    """What a file would come to; `validate` says what is wrong with each of some rows."""
    failed = 0
    errors: list[FailureView] = []
    preview: list[PreviewRow] = []
    async for rows in slices:
        for row, found in zip(rows, await validate(rows), strict=True):
            if found:
                failed += 1
                if len(errors) < MAX_ERRORS_SHOWN:
                    errors.append(FailureView(row=row.row, errors=found))
            elif len(preview) < PREVIEW_ROWS:
                preview.append(_preview(row))
    columns = zip(sheet.columns, sheet.fields, strict=True)
    return Validation(
        rows_total=sheet.rows,
        rows_ok=sheet.rows - failed,
        rows_failed=failed,
        encoding=sheet.encoding,
        delimiter=sheet.delimiter,
        columns=tuple(ColumnView(name=name, field=field or None) for name, field in columns),
        errors=tuple(errors),
        preview=tuple(preview),
    )


def csv_of(lines: Sequence[tuple[str, ...]]) -> bytes:
    """RFC 4180. What a spreadsheet would take for a formula is made text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for line in lines:
        writer.writerow([f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell for cell in line])
    return text.getvalue().encode()


def _preview(row: Row) -> PreviewRow:
    return PreviewRow(
        row=row.row,
        phone=row.phone,
        agent=row.agent,
        scheduled_for=utc_or_none(row.scheduled_wall),
        timezone=row.timezone,
        priority=row.priority,
        context=row.context,
    )
