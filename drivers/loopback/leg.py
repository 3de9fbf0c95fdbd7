"""SHELL: our end of a simulated call, as a leg of media/ports.py.

Its signalling is a few method calls. Not here: what the far end does (far_end.py, call.py).
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ...media.ports import AnyLegEvent, HangUpCause, LanePort, LegEnded
from .media import CODEC

logger = logging.getLogger(__name__)


class FarSide(Protocol):
    """What a leg asks of the other side."""

    def answer(self) -> None:
        """Its call is taken."""
        ...

    def hang_up(self, cause: HangUpCause) -> None:
        """The call is over."""
        ...


class LoopbackLeg:
    """One simulated call. Implements LegPort.

    `sink` hears of its events; to be set before the loop goes on. What comes before is kept and
    told ahead of the next event: a call has no more than three.
    """

    def __init__(
        self, far_side: FarSide, line: str, numbers: tuple[str, str], wire_id: str, *, inbound: bool
    ) -> None:
        """`numbers`: from and to."""
        self.line = line
        self.inbound = inbound
        self.from_number, self.to_number = numbers
        self.wire_id = wire_id
        self.sink: Callable[[AnyLegEvent], None] | None = None
        self.lane: LanePort | None = None
        self._far_side: FarSide | None = far_side
        "None once the call is over."
        self._kept: deque[AnyLegEvent] = deque()
        self._telling = False

    @property
    def expected_rate_hz(self) -> int | None:
        """The sample rate that the lane will have."""
        return CODEC.sample_rate_hz

    def ring(self) -> None:
        """Inbound: the far end waits for an answer anyway."""

    def answer(self) -> None:
        """Inbound: take the call; LegAnswered follows."""
        if self.inbound and self._far_side is not None:
            self._far_side.answer()

    def hang_up(self, cause: HangUpCause = HangUpCause.NORMAL) -> None:
        """End it in whatever state it is; LegEnded follows, once."""
        if self._far_side is not None:
            self._far_side.hang_up(cause)

    def send_digits(self, digits: str) -> None:
        """Send key presses by RFC 4733; before the answer there is nobody to hear them."""
        if self.lane is not None:
            self.lane.send_digits(digits)

    def tell(self, event: AnyLegEvent) -> None:
        """The call's: an event for this leg's owner, whose verbs may cause further ones."""
        self._kept.append(event)
        if isinstance(event, LegEnded):
            self._far_side = None
        if self._telling:
            return  # the loop below goes on
        self._telling = True
        while self.sink is not None and self._kept:
            kept = self._kept.popleft()
            try:
                self.sink(kept)
            except Exception:
                # Here the owner's code begins: a bug in it costs one call, not the line.
                logger.exception("the owner of a call failed on %s", type(kept).__name__)
                self.hang_up(HangUpCause.ERROR)
        self._telling = False
