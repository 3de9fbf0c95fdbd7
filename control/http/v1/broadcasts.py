"""`/v1/broadcasts`: one text for many contacts."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec

from ...domain.broadcasts import Broadcast, BroadcastStatus
from ...errors import NotFound, Unprocessable
from ...services.broadcasts import MAX_TIERS
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none

TAG = "Messages"

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class BroadcastQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which broadcasts."""

    sort: Literal["created_at", "-created_at"] = "-created_at"


class BroadcastToMake(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text for many."""

    message: Text
    tiers: Annotated[tuple[Word, ...], msgspec.Meta(max_length=MAX_TIERS)] = ()
    "Only active contacts of these; empty: all active ones."
    type: Word = "announcement"
    "In your own words."


class BroadcastView(BroadcastToMake, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text for many, and how far it is."""

    id: str
    seq: int
    owner_id: str
    status: BroadcastStatus
    recipients: int
    "Contacts that fitted when it was made."
    sent: int
    "A provider has it; where none is configured, the outbox keeps it."
    failed: int
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None


async def list_broadcasts(asked: Asked[BroadcastQuery, Nothing]) -> List[BroadcastView]:
    """Your broadcasts, newest first."""
    page = await asked.edge.services.broadcasts.page(asked.who, asked.query.page())
    return list_of(page, [broadcast_view(broadcast) for broadcast in page.items])


async def create_broadcast(asked: Asked[Nothing, BroadcastToMake]) -> BroadcastView:
    """Send a text to all active contacts, or those of some tiers, at the configured pace."""
    body, broadcasts = asked.body, asked.edge.services.broadcasts
    return broadcast_view(await broadcasts.create(asked.who, body.message, body.tiers, body.type))


async def get_broadcast(asked: Asked[Nothing, Nothing]) -> BroadcastView:
    """One broadcast."""
    return broadcast_view(await asked.edge.services.broadcasts.get(asked.who, asked.path("id")))


def broadcast_view(broadcast: Broadcast) -> BroadcastView:
    """A broadcast as the API shows it."""
    other = ("created_at", "started_at", "finished_at")
    same = [name for name in BroadcastView.__struct_fields__ if name not in other]
    return BroadcastView(
        **{name: getattr(broadcast, name) for name in same},
        created_at=utc(broadcast.created_wall),
        started_at=utc_or_none(broadcast.started_wall),
        finished_at=utc_or_none(broadcast.finished_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/broadcasts",
        list_broadcasts,
        "List broadcasts",
        "messages:read",
        query=BroadcastQuery,
        returns=List[BroadcastView],
    ),
    _route(
        "POST",
        "/v1/broadcasts",
        create_broadcast,
        "Send a text to many",
        "messages:write",
        body=BroadcastToMake,
        returns=BroadcastView,
        status=201,
        problems=(Unprocessable,),
    ),
    _route(
        "GET",
        "/v1/broadcasts/{id}",
        get_broadcast,
        "Get a broadcast",
        "messages:read",
        returns=BroadcastView,
        problems=(NotFound,),
    ),
)
