"""Lists by pages or by how many are skipped, as older APIs have them, over PageQuery. Pure."""

from typing import Annotated

import msgspec

from ..store.rows import Page, PageQuery

MOST = 1_000_000_000
"Pages, or things that are skipped: beyond it, it is a mistake."

PageNumber = Annotated[int, msgspec.Meta(ge=1, le=MOST, description="1 is the first.")]
Skipped = Annotated[int, msgspec.Meta(ge=0, le=MOST, description="So many are left out first.")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=MOST, description="Items on a page; 100 at most.")]
MAX_LIMIT = 100


def numbered(page: int, limit: int, sort: str = "-seq") -> PageQuery:
    """The page with this number."""
    size = min(limit, MAX_LIMIT)
    return PageQuery(limit=size, offset=(page - 1) * size, total=True, sort=sort)


def skipping(skip: int, limit: int, sort: str = "-seq") -> PageQuery:
    """What comes after so many."""
    return PageQuery(limit=min(limit, MAX_LIMIT), offset=skip, total=True, sort=sort)


def total_of(page: Page) -> int:  # type: ignore[type-arg]
    """How many there are in all."""
    assert page.total is not None, "it was asked for"
    return page.total


def pages_of(total: int, limit: int) -> int:
    """How many pages that makes."""
    return -(-total // min(limit, MAX_LIMIT))
