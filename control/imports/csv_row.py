"""One row of a file of calls: cells that are named, judged and read. Pure.

A row is judged by itself: a bad one never stops the others.
"""

import datetime
import re
from collections.abc import Sequence

import msgspec

from ..dialer.callable_number import callable_number
from ..domain.calls import Priority
from ..domain.imports import CellError, ImportOptions
from ..lines.open_hours import zone_of

MAX_CELL_CHARS = 2000
MAX_DATA_BYTES = 16 * 1024
"Of a row's context, as JSON: what a call bears."
MAX_AHEAD_S = 366 * 86_400.0
MAX_ERRORS_A_ROW = 10
PHONE, NAME = "phone", "name"
NO_NUMBER = "neither a number of 3 to 15 digits nor a SIP address"
DATA = ("context", "metadata")
"`context.room` is a cell of the call's context."

_ROUNDED = re.compile(r"[0-9][.,]?[0-9]*E\+?[0-9]+\Z", re.IGNORECASE)
_FORMULA = re.compile(r'="(.*)"\Z', re.DOTALL)
_encode = msgspec.json.Encoder().encode


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A row that can be called, as far as it tells by itself."""

    row: int
    "1 is the first after the header; empty lines do not count."
    phone: str
    agent: str
    "An id or a name; empty: none is given."
    scheduled_wall: float | None
    timezone: str
    priority: Priority
    from_number: str
    line: str
    context: dict[str, str]
    metadata: dict[str, str]
    errors: tuple[CellError, ...] = ()
    "It cannot: what is wrong. Of the rest only `row` holds."


class Cells(msgspec.Struct):
    """A row's, by field, and what is wrong with it so far."""

    values: dict[str, str] = {}
    columns: dict[str, str] = {}
    "As the file names them."
    errors: list[CellError] = []

    def fault(self, field: str, message: str) -> None:
        """Something is wrong with a field."""
        self.errors.append(CellError(self.columns.get(field, field), message))


def judged(
    number: int,
    record: Sequence[str],
    columns: Sequence[str],
    fields: Sequence[str],
    options: ImportOptions,
    now: float,
) -> Row:
    """A row of cells below `columns`, which are read as `fields`; `now` in wall seconds."""
    cells = Cells()
    if any(cell.strip() for cell in record[len(columns) :]):
        said = f"{len(record)} cells, but {len(columns)} columns: is a separator not quoted?"
        cells.fault("", said)
    for column, field, cell in zip(columns, fields, record, strict=False):
        if not field:
            continue
        cell = _plain_cell(cell)
        if len(cell) > MAX_CELL_CHARS:
            cells.errors.append(CellError(column, f"at most {MAX_CELL_CHARS} characters"))
        elif "\0" in cell:
            cells.errors.append(CellError(column, "holds a NUL character"))
        else:
            cells.values[field], cells.columns[field] = cell, column
    row = _read(number, cells, options, now)
    return bad(number, cells.errors[:MAX_ERRORS_A_ROW]) if cells.errors else row


def bad(number: int, errors: Sequence[CellError]) -> Row:
    """A row that cannot be called."""
    return Row(number, "", "", None, "", Priority.NORMAL, "", "", {}, {}, tuple(errors))


def _read(number: int, cells: Cells, options: ImportOptions, now: float) -> Row:
    values, fault = cells.values, cells.fault
    phone = callable_number(values.get(PHONE, ""))
    if phone is None:
        fault(PHONE, _phone_fault(values.get(PHONE, "")))
    from_number = callable_number(values["from"]) if values.get("from") else options.from_number
    if from_number is None:
        fault("from", NO_NUMBER)
    priority = options.priority
    if written := values.get("priority", "").lower():
        try:
            priority = Priority(written)
        except ValueError:
            fault("priority", "low, normal or high")
    timezone = values.get("timezone") or options.timezone
    context, metadata = _both_data(cells)
    return Row(
        number,
        phone or "",
        values.get("agent_id", ""),
        _wall(cells, timezone, now),
        timezone,
        priority,
        from_number or "",
        values.get("line") or options.line,
        context,
        metadata,
    )


def _wall(cells: Cells, timezone: str, now: float) -> float | None:
    """When it is to be called; None: it does not say, or wrongly."""
    try:
        zone = zone_of(timezone)
    except ValueError as exc:
        cells.fault("timezone", str(exc))
        return None
    written = cells.values.get("scheduled_for", "")
    if not written:
        return None
    wall = _moment(written, zone)
    if wall is None:
        said = "a moment is written as 2026-11-30T09:30, or with Z or +01:00"
        cells.fault("scheduled_for", said)
    elif wall > now + MAX_AHEAD_S:
        cells.fault("scheduled_for", f"at most {MAX_AHEAD_S / 86_400:.0f} days ahead")
    return wall


def _both_data(cells: Cells) -> tuple[dict[str, str], dict[str, str]]:
    """Context and metadata."""
    context, metadata = (_data(cells.values, kind) for kind in DATA)
    if cells.values.get(NAME):
        context.setdefault("name", cells.values[NAME])
    for kind, data in zip(DATA, (context, metadata), strict=True):
        if len(_encode(data)) > MAX_DATA_BYTES:
            cells.errors.append(CellError(kind, f"at most {MAX_DATA_BYTES} bytes as JSON"))
    return context, metadata


def _phone_fault(written: str) -> str:
    if not written:
        return "is missing"
    if _ROUNDED.match(written):
        return "a spreadsheet has rounded it: format the column as text"
    return NO_NUMBER


def _plain_cell(cell: str) -> str:
    """Without what spreadsheets write so that a number stays text."""
    cell = cell.strip()
    if found := _FORMULA.match(cell):
        cell = found[1].strip()
    return cell[1:] if cell.startswith(("'+", "'0")) else cell


def _moment(written: str, zone: datetime.tzinfo) -> float | None:
    """ISO 8601; without an offset it is wall time of the zone."""
    try:
        moment = datetime.datetime.fromisoformat(written)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _data(cells: dict[str, str], kind: str) -> dict[str, str]:
    prefix = f"{kind}."
    return {
        field.removeprefix(prefix): cell
        for field, cell in cells.items()
        if field.startswith(prefix) and cell
    }
