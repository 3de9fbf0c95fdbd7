"""`/v1/do-not-call`: numbers that are never called."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec

from ...domain.dialing import DoNotCall
from ...errors import Conflict, Forbidden, NotFound, Unprocessable
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc

TAG = "Dialing"

Number = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]


class ListedQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries."""

    number: Number | None = None
    "In any spelling."
    sort: Literal["created_at", "-created_at", "number", "-number"] = "-created_at"


class NewListed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that is not to be called."""

    number: Number
    "As it is dialled, or a SIP address; all spellings of a number are one."
    reason: ShortText = ""
    everyone: bool = False
    "By no account; for administrators."


class ListedView(msgspec.Struct, frozen=True, kw_only=True):
    """An entry."""

    id: str
    owner_id: str | None
    "null: no account calls it."
    number: str
    reason: str
    created_at: datetime.datetime


async def list_numbers(asked: Asked[ListedQuery, Nothing]) -> List[ListedView]:
    """Numbers that you do not call, newest first."""
    query = asked.query
    page = await asked.edge.services.do_not_call.page(asked.who, query.page(), query.number)
    return list_of(page, [_view(entry) for entry in page.items])


async def add_number(asked: Asked[Nothing, NewListed]) -> ListedView:
    """Never call a number again. Calls to it that wait, and further tries, are cancelled."""
    body, listed = asked.body, asked.edge.services.do_not_call
    entry = await listed.add(asked.who, body.number, body.reason, everyone=body.everyone)
    return _view(entry)


async def remove_number(asked: Asked[Nothing, Nothing]) -> None:
    """It may be called again; what was cancelled stays so."""
    await asked.edge.services.do_not_call.remove(asked.who, asked.path("id"))


def _view(entry: DoNotCall) -> ListedView:
    return ListedView(
        id=entry.id,
        owner_id=entry.owner_id,
        number=entry.number,
        reason=entry.reason,
        created_at=utc(entry.created_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/do-not-call",
        list_numbers,
        "List numbers that are not called",
        "calls:read",
        query=ListedQuery,
        returns=List[ListedView],
    ),
    _route(
        "POST",
        "/v1/do-not-call",
        add_number,
        "Never call a number again",
        "calls:write",
        body=NewListed,
        returns=ListedView,
        status=201,
        problems=(Conflict, Forbidden, Unprocessable),
    ),
    _route(
        "DELETE",
        "/v1/do-not-call/{id}",
        remove_number,
        "Let a number be called again",
        "calls:write",
        status=204,
        problems=(NotFound,),
    ),
)
