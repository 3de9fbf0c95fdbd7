"""SHELL: what leaves one server as a message, and who answers texts, put together.

The outbox goes first: what was to be sent when the server ended is sent at once. Who answers, or
tells by itself, closes before the outbox; the connections to providers close after it. Texts are
answered (`start_answering`) only when agents are up, and no longer when these close.
"""

import contextlib
from collections.abc import Callable

from ...media.clock import Clock
from ..agents.agents import Agents
from ..configuration.config import Settings
from ..events.events import EventBus
from ..services.catalog import Services
from ..services.news import News
from ..store.database import Database
from .news_room import NewsRoom
from .outbox_sender import OutboxSender, email_sender
from .sms_room import SmsRoom
from .telegram_room import TelegramRoom


class MessageRoom:
    """`start()` when the database is open, `start_answering()` later; both end with the stack."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        services: Services,
        agents: Agents,
        bus: EventBus,
        clock: Clock,
        leads: Callable[[], bool],
    ) -> None:
        """`leads`: whether this node sends and answers for all (nodes.py)."""
        if settings.smtp.host:
            services.outbox.senders["email"] = email_sender(settings.smtp)
        self._telegram = TelegramRoom(
            settings.telegram, database, services.outbox, bus, clock, leads
        )
        news = News(database, services.events, services.notifications)
        self._news = NewsRoom(news, bus, clock, leads)
        self._sms = SmsRoom(settings, services, agents, clock, leads)
        self.outbox_sender = OutboxSender(services.outbox, clock, leads)
        self.wakes = [
            self.outbox_sender.wake,
            self._telegram.wake,
            self._news.wake,
            self._sms.wake,
        ]
        "When another node has stored something, or does no longer send."

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Send what waits. Raises StoreError."""
        stack.push_async_callback(self._sms.close_sender)
        stack.push_async_callback(self._telegram.close_sender)
        await self.outbox_sender.start()
        stack.push_async_callback(self.outbox_sender.aclose)
        self._telegram.start()
        stack.push_async_callback(self._telegram.aclose)
        self._news.start()
        stack.push_async_callback(self._news.aclose)

    def start_answering(self, stack: contextlib.AsyncExitStack) -> None:
        """Have agents answer texts that wait."""
        self._sms.start()
        stack.push_async_callback(self._sms.aclose)
