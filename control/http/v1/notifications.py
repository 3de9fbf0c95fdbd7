"""`/v1/notifications`: what an account is told. Everybody sees their own."""

import datetime
import functools
from typing import Annotated, Literal

import msgspec

from ...domain.messages import Notification
from ...errors import NotFound
from ...services.notifications import NotificationFilter
from ..lists import List, ListQuery, list_of
from ..route import AnyRoute, Asked, Nothing, Route
from ..times import utc, utc_or_none

TAG = "Notifications"

ShortText = Annotated[str, msgspec.Meta(max_length=64)]


class NotificationQuery(ListQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which notifications."""

    is_read: bool | None = None
    type: ShortText | None = None
    call_id: ShortText | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


class NotificationView(msgspec.Struct, frozen=True, kw_only=True):
    """Something you are told."""

    id: str
    seq: int
    type: str
    "A subject and what happened, such as `escalation.opened`."
    title: str
    message: str
    call_id: str | None
    is_read: bool
    read_at: datetime.datetime | None
    created_at: datetime.datetime


class Unread(msgspec.Struct, frozen=True):
    """How many have not been read."""

    unread: int


class Marked(msgspec.Struct, frozen=True):
    """How many were marked as read."""

    marked: int


async def list_notifications(
    asked: Asked[NotificationQuery, Nothing],
) -> List[NotificationView]:
    """What you were told, newest first."""
    query = asked.query
    wanted = NotificationFilter(is_read=query.is_read, type=query.type, call_id=query.call_id)
    page = await asked.edge.services.notifications.page(asked.who, query.page(), wanted)
    return list_of(page, [notification_view(each) for each in page.items])


async def count_unread(asked: Asked[Nothing, Nothing]) -> Unread:
    """How many notifications you have not read."""
    return Unread(await asked.edge.services.notifications.unread(asked.who))


async def read_notification(asked: Asked[Nothing, Nothing]) -> NotificationView:
    """Mark one as read; a second time changes nothing."""
    notifications = asked.edge.services.notifications
    return notification_view(await notifications.read(asked.who, asked.path("id")))


async def read_all_notifications(asked: Asked[Nothing, Nothing]) -> Marked:
    """Mark all of yours as read."""
    return Marked(await asked.edge.services.notifications.read_all(asked.who))


async def delete_notification(asked: Asked[Nothing, Nothing]) -> None:
    """Delete one."""
    await asked.edge.services.notifications.delete(asked.who, asked.path("id"))


def notification_view(notification: Notification) -> NotificationView:
    """A notification as the API shows it."""
    same = ("id", "seq", "type", "title", "message", "call_id")
    return NotificationView(
        **{name: getattr(notification, name) for name in same},
        is_read=notification.read_wall is not None,
        read_at=utc_or_none(notification.read_wall),
        created_at=utc(notification.created_wall),
    )


_route = functools.partial(Route, tag=TAG)
ROUTES: tuple[AnyRoute, ...] = (
    _route(
        "GET",
        "/v1/notifications",
        list_notifications,
        "List notifications",
        "messages:read",
        query=NotificationQuery,
        returns=List[NotificationView],
    ),
    _route(
        "GET",
        "/v1/notifications/unread-count",
        count_unread,
        "Count unread notifications",
        "messages:read",
        returns=Unread,
    ),
    _route(
        "POST",
        "/v1/notifications/read-all",
        read_all_notifications,
        "Mark all notifications as read",
        "messages:write",
        returns=Marked,
    ),
    _route(
        "POST",
        "/v1/notifications/{id}/read",
        read_notification,
        "Mark a notification as read",
        "messages:write",
        returns=NotificationView,
        problems=(NotFound,),
    ),
    _route(
        "DELETE",
        "/v1/notifications/{id}",
        delete_notification,
        "Delete a notification",
        "messages:write",
        status=204,
        problems=(NotFound,),
    ),
)
