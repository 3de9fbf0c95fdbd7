"""Webhooks on a database and a virtual clock: sent by the real sender, killed and started anew."""

import asyncio
import pathlib
import random
from collections.abc import Callable

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID, Principal, Role
from offhook.control.auth.scopes import EVERYTHING
from offhook.control.domain.accounts import Account
from offhook.control.domain.events import AnyEvent, CallUpdated
from offhook.control.domain.webhooks import Delivery, Webhook
from offhook.control.events.events import EventBus
from offhook.control.events.webhook_delivery import Reply
from offhook.control.events.webhooks import WebhookSender
from offhook.control.services.accounts import ACCOUNTS
from offhook.control.services.deliveries import DELIVERIES, DeliveryQueue
from offhook.control.services.event_log import EventLog
from offhook.control.services.webhook_follower import WebhookFollower
from offhook.control.services.webhooks import WebhookService
from offhook.control.store.database import Database
from offhook.media.clock import VirtualClock

from .database import copy_database, url_in
from .sealing import a_box


class WatchedQueue(DeliveryQueue):
    """Tells what was finished."""

    def __init__(self, database: Database, events: EventLog, clock: VirtualClock) -> None:
        super().__init__(database, events, clock, random.Random(3))
        self.finished: list[Delivery | None] = []
        self._one_more = asyncio.Event()

    async def finish(self, tried: Delivery, reply: Reply) -> Delivery | None:
        """As it is."""
        judged = await super().finish(tried, reply)
        self.finished.append(judged)
        self._one_more.set()
        return judged

    async def wait(self, count: int) -> list[Delivery | None]:
        """All that was finished in this start, as soon as it is so many."""
        while len(self.finished) < count:
            self._one_more.clear()
            await self._one_more.wait()
        return self.finished


class WebhookBench:
    """`async with WebhookBench(folder) as bench`: nothing is sent before `start()`."""

    def __init__(self, folder: pathlib.Path, clock: VirtualClock | None = None) -> None:
        """`clock`: of an earlier start on the same folder."""
        self._folder = folder
        self.clock = clock or VirtualClock()
        self.database = copy_database(folder) if clock is None else Database(url_in(folder))
        self.bus = EventBus()
        self.events = EventLog(self.database, self.bus)
        self.queue = WatchedQueue(self.database, self.events, self.clock)
        self.follower = WebhookFollower(self.database, self.clock)
        self.webhooks = WebhookService(
            self.database,
            self.clock,
            self.events,
            self.queue,
            a_box,
            random.Random(1),
            allow_private=True,
        )
        self.sender: WebhookSender | None = None

    async def __aenter__(self) -> "WebhookBench":
        await self.database.open()
        await self.events.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.sender is not None:
            await self.sender.aclose()
        await self.database.aclose()

    async def start(
        self,
        *,
        allow_private: bool = True,
        look_every_s: float = 0.0,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """Begin to send."""
        self.sender = WebhookSender(
            self.queue,
            self.follower,
            self.bus,
            a_box,
            self.clock,
            allow_private=allow_private,
            look_every_s=look_every_s,
            leads=leads,
        )
        await self.sender.start()

    def again(self) -> "WebhookBench":
        """The next start, on the same folder; this one must have ended."""
        return WebhookBench(self._folder, self.clock)

    async def user(self, email: str) -> Principal:
        """Somebody with an account."""
        async with self.database.write() as tx:
            account = await ACCOUNTS.add(tx, Account(email=email))
        return Principal(account.id, Role.USER, EVERYTHING, "access")

    async def hook(self, url: str, *events: str, who: Principal = OPERATOR) -> tuple[Webhook, str]:
        """A webhook, and its secret."""
        webhook = Webhook(owner_id=who.account_id, url=url, secret="", events=events)
        return await self.webhooks.create(who, webhook)

    async def tell(self, *events: AnyEvent, owner: str | None = OPERATOR_ID) -> None:
        """Something has happened."""
        async with self.events.writing() as work:
            for event in events:
                work.tell(owner, event)

    async def deliveries(self) -> list[Delivery]:
        """All of them, as they are stored."""
        async with self.database.read() as tx:
            return await DELIVERIES.all(tx, None)

    def happened(self, call_id: str, name: str) -> CallUpdated:
        """Something about a call; `name` tells it apart."""
        return CallUpdated(at_wall=self.clock.wall(), call_id=call_id, fields=(name,))
