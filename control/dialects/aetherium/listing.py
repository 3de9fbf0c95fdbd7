"""Lists as this API has them: limit and offset, `sort=-field`, `filter` as JSON. Pure."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec

from ...errors import FieldError
from ...store.rows import PageQuery
from ..paging import Limit, Skipped, skipping
from ..reading import BadQuery, NoJson, converted, json_of

DEFAULT_LIMIT = 50
FilterT = TypeVar("FilterT", bound=msgspec.Struct)

Sort = Annotated[
    str, msgspec.Meta(max_length=64, description="A field; `-` before it: descending.")
]
Filter = Annotated[
    str, msgspec.Meta(max_length=2000, description='Fields that must be so, as {"status": "…"}.')
]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list."""

    limit: Limit = DEFAULT_LIMIT
    offset: Skipped = 0
    sort: Sort = "-created_at"
    filter: Filter | None = None


def page_of(query: ListQuery, columns: Mapping[str, str]) -> PageQuery:
    """As the store is asked; `columns`: field -> column. Raises BadQuery."""
    sign, name = ("-", query.sort[1:]) if query.sort.startswith("-") else ("", query.sort)
    if name not in columns:
        known = ", ".join(columns)
        raise BadQuery([FieldError("sort", f"unknown field {name!r}; there is {known}")])
    return skipping(query.offset, query.limit, f"{sign}{columns[name]}")


def filter_of(query: ListQuery, type_: type[FilterT]) -> FilterT:
    """The fields that must be so. Raises BadQuery for one that cannot be asked for."""
    if query.filter is None:
        return type_()
    try:
        sent = json_of(query.filter.encode())
    except NoJson as exc:
        raise BadQuery([FieldError("filter", "must be a JSON object")]) from exc
    found = converted(sent, type_)
    if isinstance(found, list):
        errors = [
            FieldError(f"filter.{e.field}" if e.field else "filter", e.message) for e in found
        ]
        raise BadQuery(errors)
    unknown = sorted(sent.keys() - {field.encode_name for field in msgspec.structs.fields(type_)})
    if unknown:
        raise BadQuery([FieldError("filter", f"unknown field {unknown[0][:64]!r}")])
    return found
