"""What a file's bytes say as text: its encoding, what stands between cells, where a row ends. Pure.

RFC 4180 quoting as spreadsheets write it: quoted line ends, doubled quotes, any line end, a byte
order mark, UTF-8, UTF-16 or else Windows-1252; commas, semicolons, tabs or bars between cells.

A quote that is never closed would make the rest of the file one cell; so a row that goes on for too
long is bad, and what follows its first line is read as rows again.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence

import msgspec

MAX_ROW_LINES = 200
MAX_ROW_CHARS = 64 * 1024
DELIMITERS = ",;\t|"
LOOK_LINES, LOOK_CHARS = 20, 4000
"Of the beginning, and of each of its lines, to see what stands between cells."

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Unreadable(Exception):
    """The file as a whole is of no use; why, in words."""


class BadRecord(msgspec.Struct, frozen=True):
    """A row that cannot be parted into cells; why, in words."""

    why: str


class CsvText:
    """A file's text, and its rows as cells."""

    def __init__(self, data: bytes) -> None:
        """Raises Unreadable."""
        text, self.encoding = decoded(data)
        text, delimiter = _without_sep_line(text)
        self._lines = io.StringIO(text, newline=None).readlines()
        self.delimiter = delimiter or delimiter_of(self._lines)

    def records(self) -> Iterator[list[str] | BadRecord]:
        """All rows that are not empty, the header too."""
        at = 0
        while at < len(self._lines):
            end = _row_end(self._lines, at, self.delimiter)
            if end is None:
                yield BadRecord("a quote is not closed")
                at += 1
                continue
            try:
                records = list(csv.reader(self._lines[at:end], delimiter=self.delimiter))
            except csv.Error as exc:
                yield BadRecord(f"cannot be read: {exc}")
            else:
                yield from (record for record in records if any(map(str.strip, record)))
            at = end


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
