"""Files as clients send them: of every program, in every dialect, whole, broken, and at random."""

import codecs
import csv
import datetime
import io
import random

import pytest

from offhook.control.domain.calls import Priority
from offhook.control.domain.imports import ImportOptions
from offhook.control.imports.csv_import import ALIASES, CsvFile
from offhook.control.imports.csv_row import Row
from offhook.control.imports.csv_text import MAX_ROW_LINES, Unreadable, decoded, delimiter_of

NOW = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC).timestamp()


def read(text: str | bytes, **options: object) -> list[Row]:
    data = text.encode() if isinstance(text, str) else text
    return list(CsvFile(data, ImportOptions(**options), NOW).rows())  # type: ignore[arg-type]


def phones(text: str | bytes, **options: object) -> list[str]:
    return [row.phone for row in read(text, **options)]


def faults(text: str | bytes, **options: object) -> list[tuple[int, str, str]]:
    return [
        (row.row, error.column, error.message)
        for row in read(text, **options)
        for error in row.errors
    ]


def wall(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def test_a_row_with_everything_is_read() -> None:
    (row,) = read(
        "Phone Number,Full Name,Agent,Scheduled For,Priority,Time-Zone,From,Line,"
        "Context.Room,context.Late Check-Out,metadata.crm id,Colour\r\n"
        '+49 (30) 12-34,"Ann ""A."" Lee",anna,2026-12-01T09:30,HIGH,Asia/Kolkata,+4930,office,'
        "12,yes,x-7,red\r\n"
    )
    assert row == Row(
        row=1,
        phone="+49301234",
        agent="anna",
        scheduled_wall=wall("2026-12-01T04:00Z"),
        timezone="Asia/Kolkata",
        priority=Priority.HIGH,
        from_number="+4930",
        line="office",
        context={"Room": "12", "Late Check-Out": "yes", "name": 'Ann "A." Lee'},
        metadata={"crm id": "x-7"},
    )


@pytest.mark.parametrize("alias", ALIASES["phone"])
def test_a_column_of_numbers_may_have_many_names(alias: str) -> None:
    assert phones(f" {alias.upper()} ;x\n+4930123;y\n") == ["+4930123"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("mark", "encoding", "name"),
    [
        (b"", "utf-8", "utf-8"),
        (codecs.BOM_UTF8, "utf-8", "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
        (b"", "utf-16-le", "utf-16-le"),
        (b"", "utf-16-be", "utf-16-be"),
        (b"", "cp1252", "windows-1252"),
    ],
)
def test_every_separator_line_end_and_encoding_is_found_out(
    delimiter: str, end: str, mark: bytes, encoding: str, name: str
) -> None:
    lines = [("phone", "name"), ("+4930123", "Jürgen"), ("+4930124", f'"a{delimiter}b"'), ("", "")]
    text = "".join(delimiter.join(line) + end for line in lines)
    file = CsvFile(mark + text.encode(encoding), ImportOptions(), NOW)
    assert (file.sheet.encoding, file.sheet.delimiter, file.sheet.rows) == (name, delimiter, 2)
    assert [row.context["name"] for row in file.rows()] == ["Jürgen", f"a{delimiter}b"]


def test_quotes_hold_separators_line_ends_and_quotes() -> None:
    (row, after) = read('phone,name\r\n+4930123,"a, ""b""\r\nc"\r\n+4930124,5" pipe\r\n')
    assert row.context["name"] == 'a, "b"\nc'
    assert after.context["name"] == '5" pipe'


def test_a_quote_that_is_never_closed_spoils_its_row_and_no_other() -> None:
    lines = [f"+49301{n:05},ok" for n in range(1000)]
    lines[500] = '+4930123,"never closed'
    rows = read("phone,name\n" + "\n".join(lines) + "\n")
    assert len(rows) == 1000 > MAX_ROW_LINES
    (bad,) = [row for row in rows if row.errors]
    assert (bad.row, bad.errors[0].message) == (501, "a quote is not closed")


def test_missing_cells_are_empty_and_cells_too_many_a_fault() -> None:
    rows = read("phone,name,line\n+4930123\n+4930124,Ann,office,,\n+4930125,Ann, Lee,office\n")
    assert [row.phone for row in rows] == ["+4930123", "+4930124", ""]
    assert rows[2].errors[0].message == "4 cells, but 3 columns: is a separator not quoted?"


def test_empty_lines_do_not_count() -> None:
    rows = read("\n\nphone,name\n\n,,\n+4930123,\n   \n+4930124,\n")
    assert [(row.row, row.phone) for row in rows] == [(1, "+4930123"), (2, "+4930124")]


def test_without_a_header_columns_are_as_the_options_say() -> None:
    text = "Ann,+4930123\nBob,+4930124\n"
    assert phones(text, columns=("name", "phone")) == ["+4930123", "+4930124"]
    assert phones("+4930123,Ann\n") == ["+4930123"]
    assert phones("phone,name\n+4930123,x\n", has_header=False)[1] == "+4930123"
    assert phones("Nummer,Wer\n+4930123,x\n", has_header=True) == ["+4930123"]


def test_of_two_columns_of_numbers_the_first_is_taken() -> None:
    assert phones("phone,mobile\n+4930123,+4930999\n") == ["+4930123"]


def test_what_spreadsheets_do_to_numbers() -> None:
    text = 'sep=;\r\nphone;x\r\n="0049301";1\r\n\'+4930123;2\r\n4,93E+11;3\r\n'
    rows = read(text)
    assert [row.phone for row in rows] == ["0049301", "+4930123", ""]
    assert "rounded" in rows[2].errors[0].message


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-12-01T09:30:00Z", "2026-12-01T09:30Z"),
        ("2026-12-01T09:30+05:30", "2026-12-01T04:00Z"),
        ("2026-12-01 09:30", "2026-12-01T08:30Z"),
        ("2026-12-01", "2026-11-30T23:00Z"),
        ("2020-01-01T00:00Z", "2020-01-01T00:00Z"),
    ],
)
def test_moments_without_an_offset_are_wall_time_of_the_zone(cell: str, moment: str) -> None:
    (row,) = read(f"phone,scheduled_for\n+4930123,{cell}\n", timezone="Europe/Berlin")
    assert row.scheduled_wall == wall(moment)


@pytest.mark.parametrize(
    ("header", "cells", "column"),
    [
        ("phone", "12", "phone"),
        ("Telephone", "call me", "Telephone"),
        ("phone,name", ",Ann", "phone"),
        ("phone,priority", "+4930123,urgent", "priority"),
        ("phone,tz", "+4930123,Mars/Olympus", "tz"),
        ("phone,When", "+4930123,tomorrow", "When"),
        ("phone,When", "+4930123,2033-01-01", "When"),
        ("phone,When", "+4930123,9999-12-31T23:59:59-12:00", "When"),
        ("phone,from", "+4930123,me", "from"),
        ("phone,name", f"+4930123,{'x' * 3000}", "name"),
    ],
)
def test_what_is_wrong_in_a_row_is_told_by_the_files_own_names(
    header: str, cells: str, column: str
) -> None:
    assert [(row, name) for row, name, _ in faults(f"{header}\n{cells}\n")] == [(1, column)]


def test_a_nul_far_into_the_file_is_a_fault_of_its_row() -> None:
    text = "phone,name\n" + "+4930123,Ann\n" * 100 + "+4930124,a\0b\n+4930125,\n"
    assert faults(text) == [(101, "name", "holds a NUL character")]


def test_a_bad_row_stops_no_other_and_tells_all_its_faults() -> None:
    text = "phone,priority,tz\n+4930123,,\n1,x,y\n+4930124,low,UTC\n"
    assert phones(text) == ["+4930123", "", "+4930124"]
    assert [(row, column) for row, column, _ in faults(text)] == [
        (2, "phone"),
        (2, "priority"),
        (2, "tz"),
    ]


def test_rows_go_on_after_those_that_are_known() -> None:
    text = "phone\n" + "".join(f"+49301{n:05}\n" for n in range(10))
    file = CsvFile(text.encode(), ImportOptions(), NOW)
    assert [row.row for row in file.rows(after=7)] == [8, 9, 10]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it has no rows"),
        (b"\n\n  \n", "it has no rows"),
        (b"name,street\nAnn,Main\n", "no column is named phone"),
        (b"%PDF-1.7\0\1\2\3" * 9, "it is no text"),
        (b"\xff\xfea", "utf-16, and is not"),
        (b"phone\n" + b"+4930123\n" * 100_001, "100001 rows: at most 100000"),
        (b"phone" + b",x" * 300 + b"\n1\n", "at most 200 columns"),
    ],
)
def test_what_is_no_such_file_is_refused_as_a_whole(data: bytes, why: str) -> None:
    options = ImportOptions(has_header=True, columns=()) if why.startswith("no") else None
    with pytest.raises(Unreadable, match=why):
        CsvFile(data, options or ImportOptions(), NOW)


def test_whatever_was_written_is_read_again() -> None:
    """Cells of every kind, as Python's own writer writes them."""
    rng = random.Random(3)
    letters = "ab ,;|\t\"\n'é=+-0"
    for _ in range(300):
        delimiter = rng.choice(",;\t|")
        names = ["".join(rng.choice(letters) for _ in range(rng.randrange(12))) for _ in range(20)]
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter, lineterminator=rng.choice(("\n", "\r\n")))
        writer.writerow(("phone", "context.a", "line"))
        for index, name in enumerate(names):
            writer.writerow((f"+49301{index:05}", name, "office"))
        data = text.getvalue().encode(rng.choice(("utf-8", "utf-8-sig", "utf-16")))
        rows = list(CsvFile(data, ImportOptions(), NOW).rows())
        assert [row.phone for row in rows] == [f"+49301{n:05}" for n in range(20)]
        for row, name in zip(rows, names, strict=True):
            plain = name.strip()
            if not plain.startswith(("'+", "'0", "=")):
                assert row.context.get("a", "") == plain


def test_no_bytes_at_all_raise_anything_but_that_they_cannot_be_read() -> None:
    rng = random.Random(8)
    seeds = [
        b'phone,name,scheduled_for\r\n+4930123,"Ann\r\nLee",2026-12-01T09:30\r\n+4930124,Bob,\r\n',
        "Telefon;phone;context.ö\n1;+4930123;ü\n".encode("cp1252"),
        "phone\tname\n+4930123\tx\n".encode("utf-16"),
    ]
    readable = 0
    for _ in range(4000):
        data = bytearray(rng.choice(seeds) * rng.randrange(1, 4))
        for _ in range(rng.randrange(0, 8)):
            at = rng.randrange(len(data) + 1)
            kind = rng.randrange(3)
            if kind == 0:
                data[at:at] = bytes((rng.choice(b'",;\t\n\r\0\xff\xfe=.' + bytes(range(256))),))
            elif kind == 1:
                del data[at : at + rng.randrange(20)]
            else:
                data[at : at + 1] = bytes((rng.randrange(256),))
        try:
            file = CsvFile(bytes(data), ImportOptions(), NOW)
        except Unreadable:
            continue
        rows = list(file.rows())
        readable += 1
        assert [row.row for row in rows] == list(range(1, file.sheet.rows + 1))
        assert all(row.errors or row.phone for row in rows)
    assert readable > 1000


def test_one_endless_line_is_a_fault_and_takes_no_time() -> None:
    (row,) = read(b"phone,name\n+4930123," + b"x" * 5_000_000)
    assert "field larger" in row.errors[0].message
    assert delimiter_of(["x" * 5_000_000]) == ","


def test_text_that_is_plain_is_utf_8() -> None:
    assert decoded(b"phone\n+4930123\n") == ("phone\n+4930123\n", "utf-8")
