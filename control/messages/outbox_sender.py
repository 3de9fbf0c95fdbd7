"""SHELL: sends what waits in the outbox: one task a channel, a few messages at a time.

What follows from an answer, and when a message is tried again: outbox_delivery.py.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from ...drivers.mail.errors import MailError
from ...drivers.mail.message import Mail
from ...drivers.mail.smtp import SmtpClient, SmtpSettings as ClientSettings
from ...media.clock import Clock
from ..configuration.config_messaging import SmtpSettings
from ..domain.messages import OutboxMessage, OutboxStatus
from ..errors import StoreError
from ..services.outbox import Outbox
from .outbox_delivery import Answer, NotTaken, Sender, Taken

AT_ONCE = 4
"Of one channel."
RETRY_STORE_S = 1.0
"After what the database refused is tried again."
LOOK_S = 15.0
"Wall time can be set, and a PostgreSQL transaction be slow: messages are looked for so often."
FORGET_S = 60.0
"Codes that are good no longer are blanked so often."

logger = logging.getLogger(__name__)


class EmailSender:
    """Implements Sender: e-mails by SMTP."""

    def __init__(self, client: SmtpClient, from_: str) -> None:
        self._client = client
        self._from = from_

    async def send(self, message: OutboxMessage) -> Answer:
        """Hand it to the server."""
        mail = Mail(
            id=message.id,
            from_=self._from,
            to=message.to,
            subject=message.subject,
            text=message.body,
            at_wall=message.created_wall,
        )
        try:
            return Taken(await self._client.send(mail))
        except MailError as exc:
            return NotTaken(str(exc), exc.permanent)


def email_sender(settings: SmtpSettings) -> EmailSender:
    """As it is configured."""
    client = SmtpClient(
        ClientSettings(
            host=settings.host,
            port=settings.port,
            security=settings.security,
            username=settings.username,
            password=settings.password,
        )
    )
    return EmailSender(client, settings.from_)


class OutboxSender:
    """`start()`, then `aclose()`: what is on its way then comes again after the next start."""

    def __init__(
        self, outbox: Outbox, clock: Clock, leads: Callable[[], bool] = lambda: True
    ) -> None:
        """`leads`: whether this node sends; whoever changes that calls `wake`."""
        self._outbox = outbox
        self._leads = leads
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []
        self._wakes: list[asyncio.Event] = []
        self.sent = 0
        "Messages that were taken."
        self.refused = 0
        "Tries that were not."

    async def start(self) -> None:
        """Go on where the last start ended. Raises StoreError."""
        await self._outbox.keep_unsendable()
        self._outbox.watch(self.wake)
        for channel, sender in self._outbox.senders.items():
            wake = asyncio.Event()
            wake.set()
            self._wakes.append(wake)
            work = self._run(channel, sender, wake)
            self._spawn(work, f"send {channel}")
        self._spawn(self._forget(), "forget codes")

    async def aclose(self) -> None:
        """Stop sending."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """There may be something to send, or another node sends."""
        for wake in self._wakes:
            wake.set()

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(_died)
        self._tasks.append(task)

    async def _forget(self) -> None:
        while True:
            try:
                if self._leads():
                    await self._outbox.forget()
            except StoreError as exc:
                logger.error("codes that are over wait for the database: %s", exc)
            await self._pause(FORGET_S)

    async def _run(self, channel: str, sender: Sender, wake: asyncio.Event) -> None:
        while True:
            await wake.wait()
            wake.clear()
            if not self._leads():
                continue
            try:
                while due := await self._outbox.due(channel, AT_ONCE):
                    async with asyncio.TaskGroup() as group:
                        for message in due:
                            group.create_task(self._try(sender, message), name=f"send {message.id}")
                next_wall = await self._outbox.next_due_wall(channel)
                wait_s = LOOK_S if next_wall is None else next_wall - self._clock.wall()
            except StoreError as exc:
                logger.error("messages wait for the database: %s", exc)
                wait_s = RETRY_STORE_S
            self._clock.call_at(self._clock.now() + max(0.0, min(wait_s, LOOK_S)), wake.set)

    async def _try(self, sender: Sender, message: OutboxMessage) -> None:
        answer = await sender.send(message)
        while True:
            try:
                judged = await self._outbox.finish(message, answer)
                break
            except StoreError as exc:
                # It is sent, or not: the answer is kept until the database takes it.
                logger.error("what became of message %s cannot be kept: %s", message.id, exc)
                await self._pause(RETRY_STORE_S)
        if judged is not None and judged.status is OutboxStatus.SENT:
            self.sent += 1
        elif judged is not None:
            self.refused += 1
            logger.warning("message %s by %s: %s", message.id, message.channel, judged.error)

    async def _pause(self, seconds: float) -> None:
        over = asyncio.Event()
        self._clock.call_at(self._clock.now() + seconds, over.set)
        await over.wait()


def _died(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("the task to %s died", task.get_name(), exc_info=error)
