"""Calls in progress as a page of a list: as the store pages (store/rows.py), from memory. Pure."""

import base64
import binascii
from collections.abc import Iterable

import msgspec

from ..domain.calls import CallSummary
from ..errors import BadRequest
from ..store.rows import MAX_CURSOR_CHARS, Page, PageQuery

Key = tuple[float, str]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Key).decode


def live_page(calls: Iterable[CallSummary], query: PageQuery) -> Page[CallSummary]:
    """The part that is asked for; `sort` is by a moment that each of them has.

    Raises BadRequest for a cursor that is none.
    """
    name, descending = query.sort.removeprefix("-"), query.sort.startswith("-")

    def key(call: CallSummary) -> Key:
        at: float = getattr(call, name)
        return at, call.id

    ordered = sorted(calls, key=key, reverse=descending)
    total = len(ordered) if query.total else None
    if query.cursor is not None:
        after = _parse(query.cursor)
        ordered = [c for c in ordered if (key(c) < after if descending else key(c) > after)]
    items = ordered[query.offset : query.offset + query.limit]
    more = len(ordered) > query.offset + query.limit
    return Page(tuple(items), _cursor(key(items[-1])) if more else None, total)


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(_encode(key)).decode().rstrip("=")


def _parse(cursor: str) -> Key:
    try:
        if len(cursor) > MAX_CURSOR_CHARS:
            raise ValueError("too long")
        padded = cursor + "=" * (-len(cursor) % 4)
        key: Key = _decode(base64.b64decode(padded, altchars=b"-_", validate=True))
        return key
    except (binascii.Error, ValueError, msgspec.DecodeError) as exc:
        raise BadRequest("not a cursor of this list", field="cursor") from exc
