"""Whether a server takes calls, and why not."""

from collections.abc import Sized

from ..media.frames.engine import Engine
from ..media.frames.frame_clock import ClockHealth


class Health:
    """Whether the server takes calls: what `/health` shows and what SIP is refused with."""

    def __init__(self, engine: Engine, calls: Sized, max_calls: int) -> None:
        """`calls`: those that are not over, ringing ones included, which have no lane yet."""
        self._engine = engine
        self._calls = calls
        self._max_calls = max_calls
        self._draining = False

    def drain(self) -> None:
        """No new calls from now on."""
        self._draining = True

    def clock(self) -> ClockHealth:
        """The frame clock's lateness."""
        return self._engine.health()

    def draining(self) -> bool:
        """The server stops."""
        return self._draining

    def room(self) -> int:
        """How many calls more are taken now."""
        return 0 if self.refusal() else self._max_calls - len(self._calls)

    def refusal(self) -> str | None:
        """Why a new call is refused now; None: it is taken."""
        if self._draining:
            return "the server stops"
        if len(self._calls) >= self._max_calls:
            return f"all {self._max_calls} calls are in use"
        return self._engine.refusal()
