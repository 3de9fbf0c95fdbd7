"""`/v1/events/log`: stored events in pages, for clients that ask now and then."""

import datetime
from typing import Annotated, Any, Literal

import msgspec

from ...domain.webhooks import StoredEvent
from ...errors import BadRequest, Forbidden
from ...events.event_filter import check_patterns
from ...events.events import MAX_CURSOR_DIGITS
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc
from .events import TAG, Id, Types, wanted_by


class LogQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events. To follow them: sort=seq, and `after` the last one's `cursor`."""

    types: Types = ""
    "Names such as `call.ended` or prefixes such as `call.*`, commas between; empty: all."
    call: Id | None = None
    "Only of this call."
    account: Id | None = None
    "Administrators: only of this account."
    after: Annotated[str, msgspec.Meta(pattern=rf"^[0-9]{{1,{MAX_CURSOR_DIGITS}}}\Z")] | None = None
    "A cursor, of an event here or of the WebSocket: only what came after it."
    sort: Literal["seq", "-seq"] = "-seq"


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is stored."""

    cursor: str
    id: str
    type: str
    at: datetime.datetime
    call_id: str | None
    owner_id: str | None
    "The account that it is about; null: the server."
    event: dict[str, Any]
    "As the WebSocket tells it."


async def list_events(asked: Asked[LogQuery, Nothing]) -> List[EventView]:
    """What has happened, newest first; what passed without changing anything is not kept."""
    query = asked.query
    types = check_patterns(query.types.split(","), "types") if query.types else ()
    wanted = wanted_by(asked.who, types, query.call, query.account)
    after = None if query.after is None else int(query.after)
    page = await asked.edge.services.events.page(query.page(), wanted, after)
    return list_of(page, [event_view(event) for event in page.items])


def event_view(event: StoredEvent) -> EventView:
    """An event as the API shows it."""
    return EventView(
        cursor=str(event.seq),
        id=event.id,
        type=event.type,
        at=utc(event.at_wall),
        call_id=event.call_id,
        owner_id=event.owner_id,
        event=event.body,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/events/log",
        handler=list_events,
        summary="List what has happened",
        tag=TAG,
        scope="events:read",
        query=LogQuery,
        returns=List[EventView],
        problems=(BadRequest, Forbidden),
    ),
)
