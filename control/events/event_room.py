"""SHELL: what becomes of stored events in one server, put together: webhooks, and their end.

The log of events is open, and other nodes' events are followed, before this starts. Webhooks go on
until everything that has events stored is closed: what is not sent by then is sent after the next
start.
"""

import contextlib
from collections.abc import Callable

from ...media.clock import Clock
from ..auth.secrets_box import SecretsBox
from ..configuration.config import Settings
from ..services.catalog import Services
from ..services.webhook_follower import WebhookFollower
from ..store.database import Database
from .event_retention import EventRetention
from .events import EventBus
from .webhooks import WebhookSender


class EventRoom:
    """`start()` when the log of events is started; it ends with the stack."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        services: Services,
        bus: EventBus,
        box: Callable[[], SecretsBox],
        clock: Clock,
        leads: Callable[[], bool],
    ) -> None:
        """`leads`: whether this node sends webhooks for all (nodes.py)."""
        self.webhooks = WebhookSender(
            services.deliveries,
            WebhookFollower(database, clock),
            bus,
            box,
            clock,
            allow_private=settings.webhooks.allow_private,
            leads=leads,
        )
        self._retention = EventRetention(
            services.events, services.deliveries, clock, settings.events
        )
        self.wake = self.webhooks.wake
        "There may be something to send, or another node sends."

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Go on where the last start ended. Raises StoreError."""
        self._retention.start()
        stack.push_async_callback(self._retention.aclose)
        await self.webhooks.start()
        stack.push_async_callback(self.webhooks.aclose)
