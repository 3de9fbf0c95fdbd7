"""A file of calls, one a row: what a client's bytes say, row by row. Pure.

What comes from spreadsheets is taken as it comes: RFC 4180 quoting (quoted line ends, doubled
quotes), any line end, a byte order mark, UTF-8, UTF-16 or else Windows-1252; commas, semicolons,
tabs or bars between cells. Columns are found by the header's names, whatever their case and spaces.

A row is judged by itself: a bad one never stops the others. A quote that is never closed would make
the rest of the file one cell; so a row that goes on for too long is bad, and what follows its first
line is read as rows again.
"""

import codecs
import csv
import datetime
import io
import re
from collections.abc import Iterator, Sequence

import msgspec

from ..dialer.callable_number import callable_number
from ..domain.calls import Priority
from ..domain.imports import CellError, ImportOptions
from ..lines.open_hours import zone_of

MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_CELL_CHARS = 2000
MAX_DATA_BYTES = 16 * 1024
"Of a row's context, as JSON: what a call bears."
MAX_ROW_LINES = 200
MAX_ROW_CHARS = 64 * 1024
MAX_AHEAD_S = 366 * 86_400.0
DELIMITERS = ",;\t|"
LOOK_LINES, LOOK_CHARS = 20, 4000
"Of the beginning, and of each of its lines, to see what stands between cells."
MAX_ERRORS_A_ROW = 10

# Field -> what headers call it: in lower case, letters and digits only.
ALIASES: dict[str, tuple[str, ...]] = {
    "phone": (
        "phone",
        "phonenumber",
        "number",
        "to",
        "tonumber",
        "tophone",
        "mobile",
        "mobilephone",
        "mobilenumber",
        "cell",
        "cellphone",
        "telephone",
        "telephonenumber",
        "tel",
        "msisdn",
    ),
    "name": ("name", "fullname", "contact", "contactname", "customer", "customername"),
    "agent_id": ("agentid", "agent"),
    "scheduled_for": ("scheduledfor", "scheduledat", "scheduletime", "callat", "when", "datetime"),
    "priority": ("priority",),
    "timezone": ("timezone", "tz"),
    "from": ("from", "fromnumber", "callerid"),
    "line": ("line",),
}
PHONE, NAME = "phone", "name"
DATA = ("context", "metadata")
"`context.room` is a cell of the call's context."

_BY_ALIAS = {alias: field for field, aliases in ALIASES.items() for alias in aliases}
_PLAIN = re.compile(r"[^a-z0-9]")
_ROUNDED = re.compile(r"[0-9][.,]?[0-9]*E\+?[0-9]+\Z", re.IGNORECASE)
_FORMULA = re.compile(r'="(.*)"\Z', re.DOTALL)
_encode = msgspec.json.Encoder().encode

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Unreadable(Exception):
    """The file as a whole is of no use; why, in words."""


class Sheet(msgspec.Struct, frozen=True, array_like=True):
    """What was found out about a file before its rows."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    "As the file, or the options, name them."
    fields: tuple[str, ...]
    "What each is read as; empty: it is not read."
    rows: int


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


class CsvFile:
    """A file that is read: `sheet` first, then its `rows()`."""

    def __init__(self, data: bytes, options: ImportOptions, now: float) -> None:
        """`now` in wall seconds, for moments that are too far ahead. Raises Unreadable."""
        self._options = options
        self._now = now
        text, encoding = decoded(data)
        text, self._delimiter = _without_sep_line(text)
        self._lines = io.StringIO(text, newline=None).readlines()
        if self._delimiter is None:
            self._delimiter = delimiter_of(self._lines)
        first = next(self._records(), None)
        if first is None or isinstance(first, CellError):
            raise Unreadable("it has no rows" if first is None else first.message)
        columns, self._header = _columns(first, options)
        if len(columns) > MAX_COLUMNS:
            raise Unreadable(f"at most {MAX_COLUMNS} columns")
        fields = tuple(_fields(columns))
        if PHONE not in fields:
            named = ", ".join(columns)[:200]
            raise Unreadable(f"no column is named phone, phone_number, number or to, but: {named}")
        rows = sum(1 for _ in self._numbered())
        if rows > MAX_ROWS:
            raise Unreadable(f"{rows} rows: at most {MAX_ROWS}")
        self.sheet = Sheet(encoding, self._delimiter, columns, fields, rows)

    def rows(self, after: int = 0) -> Iterator[Row]:
        """The rows beyond the first `after`, judged."""
        for number, record in self._numbered():
            if number > after:
                yield self._judged(number, record)

    # --- inside -----------------------------------------------------------------------------------

    def _numbered(self) -> Iterator[tuple[int, "list[str] | CellError"]]:
        records = self._records()
        if self._header:
            next(records)
        yield from enumerate(records, 1)

    def _records(self) -> "Iterator[list[str] | CellError]":
        """All rows that are not empty, the header too."""
        assert self._delimiter is not None, "it is found out first"
        at = 0
        while at < len(self._lines):
            end = _row_end(self._lines, at, self._delimiter)
            if end is None:
                yield CellError("", "a quote is not closed")
                at += 1
                continue
            try:
                records = list(csv.reader(self._lines[at:end], delimiter=self._delimiter))
            except csv.Error as exc:
                yield CellError("", f"cannot be read: {exc}")
            else:
                yield from (record for record in records if any(map(str.strip, record)))
            at = end

    def _judged(self, number: int, record: "list[str] | CellError") -> Row:
        if isinstance(record, CellError):
            return _bad(number, [record])
        errors: list[CellError] = []
        columns, fields = self.sheet.columns, self.sheet.fields
        if any(cell.strip() for cell in record[len(columns) :]):
            said = f"{len(record)} cells, but {len(columns)} columns: is a separator not quoted?"
            errors.append(CellError("", said))
        named: dict[str, str] = {}
        cells: dict[str, str] = {}
        for column, field, cell in zip(columns, fields, record, strict=False):
            if not field:
                continue
            cell = _plain_cell(cell)
            if len(cell) > MAX_CELL_CHARS:
                errors.append(CellError(column, f"at most {MAX_CELL_CHARS} characters"))
            elif "\0" in cell:
                errors.append(CellError(column, "holds a NUL character"))
            else:
                cells[field], named[field] = cell, column
        row = _read(number, cells, named, self._options, self._now, errors)
        return _bad(number, errors[:MAX_ERRORS_A_ROW]) if errors else row


# --- the file as a whole --------------------------------------------------------------------------


def decoded(data: bytes) -> tuple[str, str]:
    """The text and the name of its encoding. Raises Unreadable."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data, encoding), encoding
    # UTF-16 without a mark: every other byte of plain text is NUL.
    start = data[:200]
    for encoding, nuls in (("utf-16-le", start[1::2]), ("utf-16-be", start[0::2])):
        if len(nuls) > 1 and nuls.count(0) > 0.8 * len(nuls):
            return _decode(data, encoding), encoding
    if b"\0" in start:
        raise Unreadable("it is no text")
    try:
        return data.decode(), "utf-8"
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "windows-1252"


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        raise Unreadable(f"it says that it is {encoding}, and is not: {exc.reason}") from exc


def _without_sep_line(text: str) -> tuple[str, str | None]:
    """Spreadsheets begin with `sep=;` to tell each other."""
    line, end, rest = text.partition("\n")
    found = re.match(r"sep=(.)\r?\Z", line, re.IGNORECASE)
    return (rest, found[1]) if found and end and found[1] in DELIMITERS else (text, None)


def delimiter_of(lines: Sequence[str]) -> str:
    """What stands between cells: what gives most of the first lines the same, largest width."""
    beginning = [line[:LOOK_CHARS] for line in lines[:LOOK_LINES]]
    best, best_score = DELIMITERS[0], (0, 0)
    for delimiter in DELIMITERS:
        widths = [len(record) for record in csv.reader(beginning, delimiter=delimiter) if record]
        if not widths or widths[0] < 2:
            continue
        score = (sum(width == widths[0] for width in widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _row_end(lines: Sequence[str], start: int, delimiter: str) -> int | None:
    """The line after a row, whose quoted cells may hold line ends. None: it goes on too long."""
    inside, chars = False, 0
    for index in range(start, min(len(lines), start + MAX_ROW_LINES)):
        inside = _is_inside_after(lines[index], delimiter, inside)
        chars += len(lines[index])
        if not inside:
            return index + 1
        if chars > MAX_ROW_CHARS:
            break
    return None


def _is_inside_after(line: str, delimiter: str, inside: bool) -> bool:
    """Whether a quoted cell goes on after a line; a quote within a plain cell is only a quote."""
    if '"' not in line:
        return inside
    at = 0
    while True:
        if inside:
            at = line.find('"', at) + 1
            if not at:
                return True
            if line.startswith('"', at):  # doubled: one that is meant
                at += 1
                continue
            inside = False
        elif line.startswith('"', at):
            inside = True
            at += 1
            continue
        at = line.find(delimiter, at) + 1
        if not at:
            return False


def _columns(first: list[str], options: ImportOptions) -> tuple[tuple[str, ...], bool]:
    """The names of the columns, and whether the first row is they."""
    names = tuple(cell.strip()[:200] for cell in first)
    names_phone = PHONE in _fields(names)
    if options.has_header is False or (options.has_header is None and not names_phone):
        return options.columns, False
    return (names if names_phone else options.columns), True


def _fields(columns: Sequence[str]) -> list[str]:
    """What each column is read as; of two that would be the same the first."""
    found: list[str] = []
    for column in columns:
        field = _field(column)
        found.append("" if field in found else field)
    return found


def _field(column: str) -> str:
    column = column.strip().lstrip("\ufeff")
    head, dot, rest = column.partition(".")
    if dot and rest.strip() and head.strip().lower() in DATA:
        return f"{head.strip().lower()}.{rest.strip()}"
    return _BY_ALIAS.get(_PLAIN.sub("", column.lower()), "")


# --- one row --------------------------------------------------------------------------------------


def _read(
    number: int,
    cells: dict[str, str],
    named: dict[str, str],
    options: ImportOptions,
    now: float,
    errors: list[CellError],
) -> Row:
    def fault(field: str, message: str) -> None:
        errors.append(CellError(named.get(field, field), message))

    phone = callable_number(cells.get(PHONE, ""))
    if phone is None:
        fault(PHONE, _phone_fault(cells.get(PHONE, "")))
    from_number = callable_number(cells["from"]) if cells.get("from") else options.from_number
    if from_number is None:
        fault("from", "neither a number of 3 to 15 digits nor a SIP address")
    priority = options.priority
    if written := cells.get("priority", "").lower():
        try:
            priority = Priority(written)
        except ValueError:
            fault("priority", "low, normal or high")
    timezone = cells.get("timezone") or options.timezone
    wall: float | None = None
    try:
        zone = zone_of(timezone)
    except ValueError as exc:
        fault("timezone", str(exc))
    else:
        if written := cells.get("scheduled_for", ""):
            wall = _moment(written, zone)
            if wall is None:
                fault(
                    "scheduled_for", "a moment is written as 2026-11-30T09:30, or with Z or +01:00"
                )
            elif wall > now + MAX_AHEAD_S:
                fault("scheduled_for", f"at most {MAX_AHEAD_S / 86_400:.0f} days ahead")
    context, metadata = (_data(cells, kind) for kind in DATA)
    if cells.get(NAME):
        context.setdefault("name", cells[NAME])
    for kind, data in zip(DATA, (context, metadata), strict=True):
        if len(_encode(data)) > MAX_DATA_BYTES:
            errors.append(CellError(kind, f"at most {MAX_DATA_BYTES} bytes as JSON"))
    return Row(
        number,
        phone or "",
        cells.get("agent_id", ""),
        wall,
        timezone,
        priority,
        from_number or "",
        cells.get("line") or options.line,
        context,
        metadata,
    )


def _phone_fault(written: str) -> str:
    if not written:
        return "is missing"
    if _ROUNDED.match(written):
        return "a spreadsheet has rounded it: format the column as text"
    return "neither a number of 3 to 15 digits nor a SIP address"


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


def _bad(number: int, errors: Sequence[CellError]) -> Row:
    return Row(number, "", "", None, "", Priority.NORMAL, "", "", {}, {}, tuple(errors))
