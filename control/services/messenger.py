"""The way to people by SMS and e-mail, as the services that write to them see it."""

from typing import Literal, Protocol

from ...media.clock import Clock
from ..domain.messages import OutboxMessage
from ..store import schema
from ..store.database import Transaction
from ..store.rows import Rows

OUTBOX = Rows(schema.OUTBOX, OutboxMessage)


class Messenger(Protocol):
    """Takes messages; they leave when the transaction is kept, and not at all when it is not."""

    async def send(
        self,
        tx: Transaction,
        channel: Literal["sms", "email", "telegram"],
        to: str,
        subject: str,
        body: str,
        owner_id: str | None = None,
    ) -> object:
        """`subject` of e-mails; `owner_id`: whose doing it is, None for the server's own."""
        ...


class Keeper:
    """A Messenger where nothing is configured to send by: messages are kept for administrators."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def send(
        self,
        tx: Transaction,
        channel: Literal["sms", "email", "telegram"],
        to: str,
        subject: str,
        body: str,
        owner_id: str | None = None,
    ) -> OutboxMessage:
        """Keep it."""
        now = self._clock.wall()
        message = OutboxMessage(
            owner_id=owner_id,
            channel=channel,
            to=to,
            subject=subject,
            body=body,
            created_wall=now,
            updated_wall=now,
        )
        return await OUTBOX.add(tx, message)
