"""Telegram in one server: who sends what is for it, and who tells there by itself, put together."""

from collections.abc import Callable

from ...media.clock import Clock
from ..configuration.config_messaging import TelegramSettings
from ..events.events import EventBus
from ..services.outbox import Outbox
from ..services.telegram_reports import TelegramReports
from ..store.database import Database
from ..wake_loop import Again, WakeLoop
from .telegram_sender import TelegramSender

REST_S = 1.0
"Events come in crowds: they are looked at together."
PAUSE_S = 0.02
"Between steps, so that whoever wants to write is not kept waiting."


class TelegramRoom:
    """`start()` when the database is open, `aclose()` before it is closed."""

    def __init__(
        self,
        settings: TelegramSettings,
        database: Database,
        outbox: Outbox,
        bus: EventBus,
        clock: Clock,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`leads`: whether this node tells for all (nodes.py)."""
        self._sender = TelegramSender(settings) if settings.token else None
        if self._sender is not None:
            outbox.senders["telegram"] = self._sender
        self._reports = TelegramReports(database, outbox, clock)
        self._bus = bus
        self._loop = WakeLoop("tell at Telegram", self._round, clock, leads)
        self.idle = self._loop.idle
        "All is told that was to be told until now."

    def start(self) -> None:
        """Go on where the last start ended."""
        self._bus.watch(self._something_was_stored)
        self._loop.start()

    def wake(self) -> None:
        """Another node may have told until now."""
        self._reports.forget_place()
        self._loop.wake()

    async def aclose(self) -> None:
        """Tell nothing by itself any more; what the outbox has goes on until it is closed."""
        await self._loop.aclose()

    async def close_sender(self) -> None:
        """After the outbox: the connections."""
        if self._sender is not None:
            await self._sender.aclose()

    def _something_was_stored(self) -> None:
        self._loop.wake_soon(REST_S)

    async def _round(self) -> Again | None:
        if await self._reports.follow():
            return Again(in_s=PAUSE_S)
        return Again(at_wall=await self._reports.report_day())
