"""What commands print: tables and single things for people, JSON for programs."""

from collections.abc import Sequence
from typing import Any

import msgspec

GAP = "  "
MAX_CELL = 60


def print_items(items: Sequence[Any], columns: Sequence[str], *, as_json: bool) -> None:
    """Things of a list, a line each. `columns`: their fields, dotted where they lie deeper."""
    if as_json:
        print(_json(items))
        return
    rows = [[name.rpartition(".")[2].upper() for name in columns]]
    rows += [[cell(field(item, name)) for name in columns] for item in items]
    print("\n".join(aligned(rows)))


def print_item(item: Any, *, as_json: bool) -> None:
    """One thing, a line for each field that says something."""
    if as_json:
        print(_json(item))
        return
    rows = [[name, cell(value, limit=None)] for name, value in item.items() if value != ""]
    print("\n".join(aligned(rows)))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def cell(value: Any, limit: int | None = MAX_CELL) -> str:
    """A value in one line; nothing is a dash."""
    match value:
        case None | "":
            return "-"
        case True:
            return "yes"
        case False:
            return "no"
        case str() | int() | float():
            text = str(value)
        case _:
            text = msgspec.json.encode(value).decode()
    # What others have stored must not steer the terminal.
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if limit is None or len(text) <= limit else f"{text[: limit - 1]}…"


def field(item: Any, name: str) -> Any:
    """A field of a JSON object, `voice.provider` for one below; None where there is none."""
    for part in name.split("."):
        item = item.get(part) if isinstance(item, dict) else None
    return item


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()
