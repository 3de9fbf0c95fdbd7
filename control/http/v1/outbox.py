"""`/v1/outbox`: what leaves by SMS, e-mail and Telegram, and what is kept. For administrators."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec

from ...domain.messages import OutboxMessage, OutboxStatus
from ...errors import Conflict, NotFound
from ...services.outbox import Channel, OutboxFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none

TAG = "Outbox"

To = Annotated[str, msgspec.Meta(max_length=320)]


class OutboxQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages."""

    to: To | None = None
    "Exactly: a number, an address, a Telegram user id."
    channel: Channel | None = None
    status: OutboxStatus | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


class OutboxView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that leaves, or is kept."""

    id: str
    seq: int
    owner_id: str | None
    "null: the server's own."
    channel: str
    to: str
    subject: str
    body: str
    "`…`: it had a code or a link, and has been sent, is being sent, or is good no longer."
    status: OutboxStatus
    "`kept`: nothing is configured to send it by. `sent`: a provider has taken it."
    attempts: int
    next_try_at: datetime.datetime | None
    error: str
    created_at: datetime.datetime
    sent_at: datetime.datetime | None


async def list_outbox(asked: Asked[OutboxQuery, Nothing]) -> List[OutboxView]:
    """Messages to people, newest first: codes, links, notifications, SMS."""
    query = asked.query
    wanted = OutboxFilter(to=query.to, channel=query.channel, status=query.status)
    page = await asked.edge.services.outbox.page(query.page(), wanted)
    return list_of(page, [outbox_view(message) for message in page.items])


async def get_outbox_message(asked: Asked[Nothing, Nothing]) -> OutboxView:
    """One message."""
    return outbox_view(await asked.edge.services.outbox.get(asked.path("id")))


async def retry_outbox_message(asked: Asked[Nothing, Nothing]) -> OutboxView:
    """Send a message that was kept or has failed, now."""
    return outbox_view(await asked.edge.services.outbox.retry(asked.path("id")))


async def delete_outbox_message(asked: Asked[Nothing, Nothing]) -> None:
    """Delete a message; one that waits is not sent."""
    await asked.edge.services.outbox.delete(asked.path("id"))


def outbox_view(message: OutboxMessage) -> OutboxView:
    """A message as the API shows it."""
    same = (
        *("id", "seq", "owner_id", "channel", "to", "subject", "body"),
        *("status", "attempts", "error"),
    )
    return OutboxView(
        **{name: getattr(message, name) for name in same},
        next_try_at=utc_or_none(message.next_try_wall),
        created_at=utc(message.created_wall),
        sent_at=utc_or_none(message.sent_wall),
    )


READ, WRITE = "outbox:read", "outbox:write"
_route = functools.partial(Route, tag=TAG, admin=True)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/outbox",
        list_outbox,
        "List what leaves",
        READ,
        query=OutboxQuery,
        returns=List[OutboxView],
    ),
    _route(
        "GET",
        "/v1/outbox/{id}",
        get_outbox_message,
        "Get a message",
        READ,
        returns=OutboxView,
        problems=(NotFound,),
    ),
    _route(
        "POST",
        "/v1/outbox/{id}/retry",
        retry_outbox_message,
        "Send a message again",
        WRITE,
        returns=OutboxView,
        status=202,
        problems=(Conflict, NotFound),
    ),
    _route(
        "DELETE",
        "/v1/outbox/{id}",
        delete_outbox_message,
        "Delete a message",
        WRITE,
        status=204,
        problems=(NotFound,),
    ),
)
