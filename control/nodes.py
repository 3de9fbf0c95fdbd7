"""SHELL: this server among those that share its database. On SQLite it is alone, and all is idle.

What another node stores may concern what waits here: a call that is to be placed, a message that
is to be sent. So whoever waits is woken when another node has told something, and now and then.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from ..media.clock import Clock, Timer
from .events.event_tail import EventTail
from .events.events import EventBus
from .services.event_log import EventLog
from .store.database import Database
from .store.node_session import NodeSession

LOOK_S = 5.0
"So often whoever waits looks for what was stored without a word, or left by a node that is gone."


class Nodes:
    """`start()` when the database is open; it ends with the stack."""

    def __init__(self, database: Database, events: EventLog, bus: EventBus, clock: Clock) -> None:
        self._alone = database.is_sqlite
        self._clock = clock
        self._session = NodeSession(database, clock)
        self._tail = EventTail(bus, events, clock)
        self._timer: Timer | None = None
        self._waiting: list[Callable[[], None]] = []

    def leads(self) -> bool:
        """Whether this node is the one that does what only one may do."""
        return self._session.leads

    async def start(self, stack: AsyncExitStack) -> None:
        """Take this node's name: before what it left in progress is ended. Raises StoreError."""
        stack.push_async_callback(self._session.aclose)
        await self._session.start()

    async def follow(self, stack: AsyncExitStack) -> None:
        """Tell what others store: before anybody can ask for it. Raises StoreError."""
        if not self._alone:
            stack.push_async_callback(self._tail.aclose)
            await self._tail.start()

    def wake(self, stack: AsyncExitStack, waiting: Sequence[Callable[[], None]]) -> None:
        """These wait for what others store, and for this node to lead."""
        if not self._alone:
            self._waiting = list(waiting)
            self._tail.watch(self._look)
            self._session.watch(self._look)
            stack.callback(self._rest)
            self._look()

    def _look(self) -> None:
        for wake in self._waiting:
            wake()
        self._rest()
        self._timer = self._clock.call_at(self._clock.now() + LOOK_S, self._look)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
