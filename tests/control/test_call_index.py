"""Lists of calls: order, pages, cursors, bounds."""

import random

import pytest

from offhook.control.call_index import CallIndex
from offhook.control.calls import CallQuery, summary
from offhook.control.errors import BadRequest
from offhook.media.conversation.records import CallStatus
from offhook.tests.kit.call_records import call_record


def filled(numbers: list[int], max_calls: int = 100) -> CallIndex:
    index = CallIndex(max_calls)
    for number in numbers:
        status = CallStatus.ENDED if number % 2 else CallStatus.LIVE
        index.put(summary(call_record(number, status=status)))
    return index


def ids(index: CallIndex, query: CallQuery) -> list[str]:
    return [call.id for call in index.page(query).items]


def test_pages_through_all_calls_newest_first_and_once() -> None:
    numbers = list(range(1, 24))
    random.Random(7).shuffle(numbers)
    index = filled(numbers)
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor is not None:
        page = index.page(CallQuery(limit=5, cursor=cursor))
        seen += [call.id for call in page.items]
        cursor, pages = page.next, pages + 1
    assert seen == [f"call-{number}" for number in range(23, 0, -1)]
    assert pages == 5


def test_a_full_last_page_has_no_next() -> None:
    assert filled([1, 2]).page(CallQuery(limit=2)).next is None


def test_a_new_call_does_not_move_the_next_page() -> None:
    index = filled([1, 2, 3, 4])
    cursor = index.page(CallQuery(limit=2)).next
    index.put(summary(call_record(9)))
    assert ids(index, CallQuery(limit=2, cursor=cursor)) == ["call-2", "call-1"]


def test_filters_by_status() -> None:
    index = filled([1, 2, 3, 4])
    assert ids(index, CallQuery(status=CallStatus.ENDED)) == ["call-3", "call-1"]
    assert ids(index, CallQuery(status=CallStatus.ENDED, limit=1)) == ["call-3"]
    assert index.page(CallQuery(status=CallStatus.ENDED, limit=1)).next is not None
    assert ids(index, CallQuery(status=CallStatus.RINGING)) == []


def test_a_call_is_replaced_and_may_move() -> None:
    index = filled([1, 2])
    index.put(summary(call_record(2, status=CallStatus.ENDED)))
    index.put(summary(call_record(1, started_wall=9e9)))
    assert ids(index, CallQuery()) == ["call-1", "call-2"]
    assert ids(index, CallQuery(status=CallStatus.ENDED)) == ["call-2"]
    assert len(index) == 2


def test_the_oldest_ended_call_drops_out_never_one_in_progress() -> None:
    index = filled([2, 1, 3, 4, 5], max_calls=3)
    assert ids(index, CallQuery()) == ["call-5", "call-4", "call-2"]
    index.put(summary(call_record(6)))
    index.put(summary(call_record(8)))
    assert ids(index, CallQuery()) == ["call-8", "call-6", "call-4", "call-2"]


def test_forgets_a_call() -> None:
    index = filled([1, 2])
    index.remove("call-2")
    index.remove("call-9")
    assert ids(index, CallQuery()) == ["call-1"]


@pytest.mark.parametrize("cursor", ["", "x", "====", "W10", "WzEsMl0", "ü", "A" * 5000])
def test_what_is_no_cursor_is_a_bad_request(cursor: str) -> None:
    with pytest.raises(BadRequest) as caught:
        filled([1]).page(CallQuery(cursor=cursor))
    assert caught.value.field == "cursor"
