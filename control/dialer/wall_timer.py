"""SHELL: calls back at a moment of wall time, which may be set, or stand still while we sleep.

Timers go by a clock that nobody sets. So the two are compared now and then, in memory.
"""

from collections.abc import Callable

from ...media.clock import Clock, Timer

LOOK_S = 15.0
SET_S = 2.0
"When wall time has gone so much faster or slower than time itself, it was set."


class WallTimer:
    """One moment at a time."""

    def __init__(self, clock: Clock, callback: Callable[[], None]) -> None:
        """`callback` is called at the moment, and sooner if the wall clock was set meanwhile."""
        self._clock = clock
        self._callback = callback
        self._wall: float | None = None
        self._timer: Timer | None = None
        self._offset = clock.wall() - clock.now()

    def set(self, wall: float | None) -> None:
        """Wait for this moment instead, in seconds since 1970; None: for none."""
        self.cancel()
        self._wall = wall
        if wall is not None:
            wait_s = min(max(0.0, wall - self._clock.wall()), LOOK_S)
            self._timer = self._clock.call_at(self._clock.now() + wait_s, self._look)

    def cancel(self) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def was_set(self) -> bool:
        """Whether the wall clock was set since this was asked last."""
        offset = self._clock.wall() - self._clock.now()
        found = abs(offset - self._offset) > SET_S
        if found:
            self._offset = offset
        return found

    def _look(self) -> None:
        self._timer = None
        assert self._wall is not None, "the timer runs for that"
        offset = self._clock.wall() - self._clock.now()
        if self._clock.wall() >= self._wall or abs(offset - self._offset) > SET_S:
            self._callback()
        else:
            self.set(self._wall)
