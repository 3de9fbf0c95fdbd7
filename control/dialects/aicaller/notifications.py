"""Notifications: what one is told."""

import functools

import msgspec

from ...domain.messages import Notification
from ...http.route import Asked, Nothing
from ...services.notifications import NotificationFilter
from ...store.rows import PageQuery
from ..dialect import AnyRow, Row
from ..identifiers import own
from ..moments import Moment, seconds, seconds_or_none
from ..reading import Short
from .forms import BASE, DELETED, IDS, DoneView

TAG = "Notifications"
MOST = 1000
"In a list: the document has no pages."


class NotificationsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which notifications."""

    unread_only: bool = False
    type: Short | None = None
    "`escalation.opened`, or the subject alone: `escalation`."


class NotificationView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that one is told."""

    id: str
    type: str
    title: str
    message: str
    call_id: str | None
    is_read: bool
    created_at: Moment
    read_at: Moment | None


class UnreadView(msgspec.Struct, frozen=True):
    """How many have not been read, twice."""

    unread_count: int
    count: int


class AllReadView(msgspec.Struct, frozen=True):
    """All have been read."""

    success: bool
    updated: int
    unread_count: int


async def list_notifications(
    asked: Asked[NotificationsQuery, Nothing],
) -> list[NotificationView]:
    """What you were told, newest first."""
    query = asked.query
    wanted = NotificationFilter(is_read=False if query.unread_only else None, type=query.type)
    page = await asked.edge.services.notifications.page(asked.who, PageQuery(limit=MOST), wanted)
    return [notification_view(each) for each in page.items]


async def count_unread(asked: Asked[Nothing, Nothing]) -> UnreadView:
    """How many have not been read."""
    count = await asked.edge.services.notifications.unread(asked.who)
    return UnreadView(count, count)


async def read_notification(asked: Asked[Nothing, Nothing]) -> NotificationView:
    """One has been read."""
    id_ = await own(IDS, asked, "notification")
    return notification_view(await asked.edge.services.notifications.read(asked.who, id_))


async def read_all(asked: Asked[Nothing, Nothing]) -> AllReadView:
    """All have been read."""
    notifications = asked.edge.services.notifications
    updated = await notifications.read_all(asked.who)
    return AllReadView(True, updated, await notifications.unread(asked.who))


async def delete_notification(asked: Asked[Nothing, Nothing]) -> DoneView:
    """Delete one."""
    id_ = await own(IDS, asked, "notification")
    await asked.edge.services.notifications.delete(asked.who, id_)
    return DELETED


def notification_view(notification: Notification) -> NotificationView:
    """As it is shown."""
    return NotificationView(
        id=notification.id,
        type=notification.type,
        title=notification.title,
        message=notification.message,
        call_id=notification.call_id,
        is_read=notification.read_wall is not None,
        created_at=seconds(notification.created_wall),
        read_at=seconds_or_none(notification.read_wall),
    )


_row = functools.partial(Row, tag=TAG)
ROWS: tuple[AnyRow, ...] = (
    _row(
        "GET",
        f"{BASE}/notifications",
        list_notifications,
        "List notifications",
        "messages:read",
        query=NotificationsQuery,
        returns=list[NotificationView],
    ),
    _row(
        "GET",
        f"{BASE}/notifications/unread-count",
        count_unread,
        "Get unread notification count",
        "messages:read",
        returns=UnreadView,
    ),
    _row(
        "PATCH",
        f"{BASE}/notifications/read-all",
        read_all,
        "Mark all notifications as read",
        "messages:write",
        returns=AllReadView,
    ),
    _row(
        "PATCH",
        f"{BASE}/notifications/{{notification}}/read",
        read_notification,
        "Mark notification as read",
        "messages:write",
        returns=NotificationView,
    ),
    _row(
        "DELETE",
        f"{BASE}/notifications/{{notification}}",
        delete_notification,
        "Delete notification",
        "messages:write",
        returns=DoneView,
    ),
)
