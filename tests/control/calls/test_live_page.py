"""Pages of calls in progress."""

import pytest

from offhook.control.calls.live_page import live_page
from offhook.control.domain.calls import Call
from offhook.control.errors import BadRequest
from offhook.control.store.rows import PageQuery
from offhook.tests.kit.call_records import call_of, call_record

CALLS = [call_of(call_record(number)) for number in (2, 5, 1, 4, 3)]


def ids(query: PageQuery, calls: list[Call] = CALLS) -> tuple[list[str], str | None]:
    page = live_page(calls, query)
    return [call.id[-1] for call in page.items], page.next


def test_pages_join_to_the_whole_in_either_order() -> None:
    for sort, whole in (("-created_wall", "54321"), ("started_wall", "12345")):
        seen, cursor = "", None
        while True:
            some, cursor = ids(PageQuery(sort=sort, limit=2, cursor=cursor))
            seen += "".join(some)
            if cursor is None:
                break
        assert seen == whole


def test_calls_of_one_moment_are_each_on_one_page() -> None:
    calls = [call_of(call_record(number), created_wall=7.0) for number in range(5)]
    first, cursor = ids(PageQuery(sort="-created_wall", limit=3), calls)
    rest, _ = ids(PageQuery(sort="-created_wall", cursor=cursor), calls)
    assert first + rest == ["4", "3", "2", "1", "0"]


def test_counts_all_and_skips_some() -> None:
    page = live_page(CALLS, PageQuery(sort="-created_wall", limit=1, offset=1, total=True))
    assert ([call.id for call in page.items], page.total) == (["call-4"], 5)


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "x" * 600])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(BadRequest):
        live_page(CALLS, PageQuery(sort="-created_wall", cursor=cursor))
