"""Lists: the parameters that every list has, and the page that it answers with."""

from typing import Annotated, Generic, TypeVar

import msgspec

from ..store.rows import Page, PageQuery

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT, description="Items on a page.")]
Cursor = Annotated[str, msgspec.Meta(max_length=512, description="`next` of the page before.")]
ViewT = TypeVar("ViewT", bound=msgspec.Struct)


class ListQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every list takes. A list adds its filters, and `sort` with what it can be sorted by."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None
    total: bool = False
    "Count all that fit as well."

    def page(self) -> PageQuery:
        """As the store is asked."""
        return PageQuery(
            limit=self.limit,
            cursor=self.cursor,
            total=self.total,
            sort=column_of(getattr(self, "sort", "-created_at")),
        )


class List(msgspec.Struct, Generic[ViewT], frozen=True):
    """A page."""

    items: tuple[ViewT, ...]
    next: str | None
    "`cursor` of the page after this one; null: this is the last."
    total: int | None = None
    "How many there are in all, where it was asked for."


def list_of(page: Page, views: list[ViewT]) -> List[ViewT]:  # type: ignore[type-arg]
    """A page, shown by `views`, one for each of its items."""
    return List(tuple(views), page.next, page.total)


def column_of(sort: str) -> str:
    """`-created_at` is `-created_wall` in the store."""
    return f"{sort.removesuffix('_at')}_wall" if sort.endswith("_at") else sort
