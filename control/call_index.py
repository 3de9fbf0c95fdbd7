"""Calls by age, newest first, in pages (sans-IO). Bounded: the oldest ended calls drop out."""

import base64
import binascii
import bisect
import itertools
from collections.abc import Iterable, Iterator

import msgspec

from ..media.conversation.records import CallStatus
from .calls import CallPage, CallQuery, CallSummary
from .errors import BadRequest

MAX_CALLS = 20_000
"Summaries in memory, about 1 kB each. Older calls stay readable by their id."

Key = tuple[float, str]
_decode_key = msgspec.json.Decoder(tuple[float, str]).decode


class CallIndex:
    """Summaries of calls, at most `max_calls` ended ones beside those in progress."""

    def __init__(self, max_calls: int = MAX_CALLS) -> None:
        self._max_calls = max_calls
        self._calls: dict[str, CallSummary] = {}
        self._keys: list[Key] = []

    def put(self, call: CallSummary) -> None:
        """Add a call or replace what is known of it."""
        old = self._calls.get(call.id)
        if old is None or key_of(old) != key_of(call):
            self.remove(call.id)
            bisect.insort(self._keys, key_of(call))
        self._calls[call.id] = call
        if len(self._keys) > self._max_calls:
            self._drop_oldest()

    def remove(self, call_id: str) -> None:
        """Forget a call, if it is known."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            del self._keys[bisect.bisect_left(self._keys, key_of(call))]

    def page(self, query: CallQuery) -> CallPage:
        """A page of calls, newest first. Raises BadRequest for a cursor that is none."""
        end = len(self._keys)
        if query.cursor is not None:
            end = bisect.bisect_left(self._keys, parse_cursor(query.cursor))
        newest_first = (self._calls[self._keys[at][1]] for at in range(end - 1, -1, -1))
        return cut_page(newest_first, query)

    def __len__(self) -> int:
        return len(self._keys)

    def _drop_oldest(self) -> None:
        for _, call_id in self._keys:
            if self._calls[call_id].status is CallStatus.ENDED:
                self.remove(call_id)
                return


def key_of(call: CallSummary) -> Key:
    """Where a call stands among the others."""
    return call.started_wall, call.id


def cut_page(newest_first: Iterable[CallSummary], query: CallQuery) -> CallPage:
    """The first `limit` of the calls that the query wants."""
    wanted = _wanted(newest_first, query.status)
    items = tuple(itertools.islice(wanted, query.limit))
    more = next(wanted, None)
    return CallPage(items, None if more is None else cursor_of(items[-1]))


def cursor_of(call: CallSummary) -> str:
    """The cursor of what comes after (is older than) this call."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key_of(call))).decode().rstrip("=")


def parse_cursor(cursor: str) -> Key:
    """The key in a cursor. Raises BadRequest."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return _decode_key(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.DecodeError) as exc:
        raise BadRequest("not a cursor that a page gave as `next`", field="cursor") from exc


def _wanted(calls: Iterable[CallSummary], status: CallStatus | None) -> Iterator[CallSummary]:
    return (call for call in calls if status is None or call.status is status)
