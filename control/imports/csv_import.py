"""A file of calls, one a row: what a client's bytes say, row by row. Pure.

Columns are found by the header's names, whatever their case and spaces. Not here: bytes to cells
(csv_text.py), cells to calls (csv_row.py).
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from ..domain.imports import CellError, ImportOptions
from .csv_row import DATA, PHONE, Row, bad, judged
from .csv_text import BadRecord, CsvText, Unreadable

MAX_ROWS = 100_000
MAX_COLUMNS = 200

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

_BY_ALIAS = {alias: field for field, aliases in ALIASES.items() for alias in aliases}
_PLAIN = re.compile(r"[^a-z0-9]")


class Sheet(msgspec.Struct, frozen=True, array_like=True):
    """What was found out about a file before its rows."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    "As the file, or the options, name them."
    fields: tuple[str, ...]
    "What each is read as; empty: it is not read."
    rows: int


class CsvFile:
    """A file that is read: `sheet` first, then its `rows()`."""

    def __init__(self, data: bytes, options: ImportOptions, now: float) -> None:
        """`now` in wall seconds, for moments that are too far ahead. Raises Unreadable."""
        self._options = options
        self._now = now
        self._text = CsvText(data)
        first = next(self._text.records(), None)
        if first is None or isinstance(first, BadRecord):
            raise Unreadable("it has no rows" if first is None else first.why)
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
        text = self._text
        self.sheet = Sheet(text.encoding, text.delimiter, columns, fields, rows)

    def rows(self, after: int = 0) -> Iterator[Row]:
        """The rows beyond the first `after`, judged."""
        columns, fields = self.sheet.columns, self.sheet.fields
        for number, record in self._numbered():
            if number <= after:
                continue
            if isinstance(record, BadRecord):
                yield bad(number, [CellError("", record.why)])
            else:
                yield judged(number, record, columns, fields, self._options, self._now)

    def _numbered(self) -> Iterator[tuple[int, list[str] | BadRecord]]:
        records = self._text.records()
        if self._header:
            next(records)
        yield from enumerate(records, 1)


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
