"""Figures as a table in a file (RFC 4180). Pure.

A row a step, agent, phrase…, in columns that are named as the API's fields. A text that a
spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection).
"""

import csv
import datetime
import enum
import io
from collections.abc import Sequence
from typing import Any

import msgspec

from ..domain.analytics import (
    Agents,
    AnyFigures,
    Costs,
    Hours,
    Latency,
    Outcomes,
    Phrases,
    Quality,
    Retries,
    Sentiments,
    Summary,
    Volume,
)

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"How cells begin that spreadsheets calculate."


def csv_of(figures: AnyFigures) -> str:
    """The file, with its heading; lines end as RFC 4180 has it."""
    rows = [_flat(row) for row in _rows(figures)]
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["calls"]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _rows(figures: AnyFigures) -> Sequence[msgspec.Struct]:
    match figures:
        case Summary():
            return [figures]
        case Volume(steps=rows) | Sentiments(steps=rows) | Costs(steps=rows) | Latency(steps=rows):
            return rows
        case Agents(agents=rows) | Quality(agents=rows):
            return rows
        case Outcomes(causes=rows):
            return rows
        case Hours(cells=rows):
            return rows
        case Retries(attempts=rows):
            return rows
        case Phrases(phrases=rows):
            return rows


def _flat(row: msgspec.Struct, prefix: str = "") -> dict[str, Any]:
    """Nested figures beside each other, by `outer_inner`; the main counts by their own names."""
    found: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(row).items():
        if isinstance(value, msgspec.Struct):
            found |= _flat(value, "" if name == "counts" else f"{name}_")
        elif isinstance(value, tuple):
            continue  # a table of its own
        else:
            found[prefix + name] = value
    return found


def _cell(value: Any) -> str | int | float:
    match value:
        case None:
            return ""
        case enum.Enum():
            return _text(str(value.value))
        case datetime.datetime() | datetime.date():
            return value.isoformat()
        case bool() | int() | float():
            return value
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
