"""SHELL: has broadcasts go to the outbox, so many texts a second, the oldest broadcast first."""

from collections.abc import Callable

from ...media.clock import Clock
from ..services.broadcasts import BroadcastService
from ..wake_loop import Again, WakeLoop

BATCH = 20
"Texts in one transaction."


class BroadcastRunner:
    """`start()`, then `wake()` when there is a broadcast; `aclose()` last."""

    def __init__(
        self,
        broadcasts: BroadcastService,
        clock: Clock,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`leads`: whether this node sends (nodes.py)."""
        self._broadcasts = broadcasts
        self._clock = clock
        self._next = clock.now()
        "When the next ones may go."
        self._loop = WakeLoop("send broadcasts", self._round, clock, leads)
        self.idle = self._loop.idle
        "All was sent that may be sent now."

    def start(self) -> None:
        """Go on where the last start ended."""
        self._loop.start()

    def wake(self) -> None:
        """There may be something to be sent."""
        self._loop.wake()

    async def aclose(self) -> None:
        """Stop; what is left goes on at the next start."""
        await self._loop.aclose()

    async def _round(self) -> Again | None:
        wait_s = self._next - self._clock.now()
        if wait_s > 0:
            return Again(in_s=wait_s)
        handed = await self._broadcasts.hand(BATCH)
        pause_s = handed / self._broadcasts.per_s
        self._next = self._clock.now() + pause_s
        return Again(in_s=pause_s) if handed else None
