"""Notifications: what an account is told, in the application and by the channels that it wants.

    async with events.writing() as work:
        …
        await notifications.notify(work, call.owner_id, "call.missed", "A call was missed", "…")

A notification is always kept; `Account.notify_by` says by what else it goes. For Telegram the
account needs a link, too, whose switches say which subjects it wants there.
"""

import msgspec
from sqlalchemy import ColumnElement, or_

from ...media.clock import Clock
from ..auth.principal import Principal
from ..domain.accounts import Account, Telegram
from ..domain.events import NotificationCreated
from ..domain.messages import Notification
from ..store import schema
from ..store.database import Database
from ..store.rows import Page, PageQuery, Rows
from .access import missing
from .accounts import ACCOUNTS
from .event_log import EventLog, Work
from .outbox import Channel, Outbox

NOTIFICATIONS = Rows(schema.NOTIFICATIONS, Notification)
COLUMNS = schema.NOTIFICATIONS.c
UNREAD = COLUMNS.read_wall.is_(None)
CALL_SUBJECTS = ("call", "escalation", "campaign", "schedule")
TOLD_AS_CALLS = ("call.missed",)
"At Telegram all calls are told that end (telegram_reports.py): nobody is told twice of one."
PAYMENT_SUBJECTS = ("payment", "subscription", "invoice")


class NotificationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which notifications; None: all."""

    is_read: bool | None = None
    type: str | None = None
    "Or the subject of it: `escalation` is any `escalation.…`."
    call_id: str | None = None


class NotificationService:
    """The verbs. Everybody sees their own, administrators too."""

    def __init__(self, database: Database, events: EventLog, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._outbox = outbox
        self._clock = clock

    # --- for other services ---------------------------------------------------------------------

    async def notify(
        self,
        work: Work,
        account_id: str,
        type_: str,
        title: str,
        message: str = "",
        call_id: str | None = None,
    ) -> Notification:
        """Tell an account something, if the transaction is kept.

        `type_` is a subject and what happened: `call.missed`, `payment.received`; what is neither
        about calls nor payments is the system's.
        """
        now = self._clock.wall()
        notification = await NOTIFICATIONS.add(
            work.tx,
            Notification(
                owner_id=account_id,
                type=type_,
                title=title,
                message=message,
                call_id=call_id,
                created_wall=now,
                updated_wall=now,
            ),
        )
        work.tell(
            account_id,
            NotificationCreated(
                at_wall=now,
                call_id=call_id,
                notification_id=notification.id,
                kind=type_,
                title=title,
                message=message,
            ),
        )
        account = await ACCOUNTS.get(work.tx, account_id, None)
        text = f"{title}\n\n{message}" if message else title
        for channel, to in ways(account, type_) if account is not None else ():
            body = message or title if channel == "email" else text
            await self._outbox.send(work, channel, to, title, body, account_id)
        return notification

    # --- for whoever is told --------------------------------------------------------------------

    async def page(
        self, who: Principal, query: PageQuery, wanted: NotificationFilter
    ) -> Page[Notification]:
        """Notifications in pages."""
        where: list[ColumnElement[bool]] = []
        if wanted.is_read is not None:
            where.append(COLUMNS.read_wall.is_not(None) if wanted.is_read else UNREAD)
        if wanted.type is not None:
            of_subject = COLUMNS.type.startswith(f"{wanted.type}.", autoescape=True)
            where.append(or_(COLUMNS.type == wanted.type, of_subject))
        if wanted.call_id is not None:
            where.append(COLUMNS.call_id == wanted.call_id)
        async with self._database.read() as tx:
            return await NOTIFICATIONS.page(tx, who.account_id, query, *where)

    async def unread(self, who: Principal) -> int:
        """How many have not been read."""
        async with self._database.read() as tx:
            return await NOTIFICATIONS.count(tx, who.account_id, UNREAD)

    async def read(self, who: Principal, id_: str) -> Notification:
        """One has been read; when, is when it was first. Raises NotFound."""
        now = self._clock.wall()
        async with self._database.write() as tx:
            notification = await NOTIFICATIONS.get(tx, id_, who.account_id)
            if notification is None:
                raise missing("notification", id_)
            if notification.read_wall is not None:
                return notification
            return await NOTIFICATIONS.update(tx, notification, read_wall=now, updated_wall=now)

    async def read_all(self, who: Principal) -> int:
        """All have been read; returns how many had not been."""
        now = self._clock.wall()
        async with self._database.write() as tx:
            return await NOTIFICATIONS.update_where(
                tx, who.account_id, UNREAD, read_wall=now, updated_wall=now
            )

    async def delete(self, who: Principal, id_: str) -> None:
        """Delete one. Raises NotFound."""
        async with self._database.write() as tx:
            if not await NOTIFICATIONS.delete(tx, id_, who.account_id):
                raise missing("notification", id_)


def ways(account: Account, type_: str) -> list[tuple[Channel, str]]:
    """By which channels an account wants to be told of this, and where. Pure."""
    found: list[tuple[Channel, str]] = []
    if "sms" in account.notify_by and account.phone_number:
        found.append(("sms", account.phone_number))
    if "email" in account.notify_by:
        found.append(("email", account.email))
    link = account.telegram
    wanted = "telegram" in account.notify_by and type_ not in TOLD_AS_CALLS
    if wanted and link is not None and _wants(link, type_):
        found.append(("telegram", str(link.user_id)))
    return found


def _wants(link: Telegram, type_: str) -> bool:
    if link.user_id is None or not link.is_on:
        return False
    subject = type_.partition(".")[0]
    if subject in CALL_SUBJECTS:
        return link.notify_calls
    return link.notify_payments if subject in PAYMENT_SUBJECTS else link.notify_system
