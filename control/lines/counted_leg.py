"""A leg that counts for its line as long as it lives."""

from collections.abc import Callable

from ...media.ports import AnyLegEvent, HangUpCause, LanePort, LegEnded, LegPort
from ..dialer.call_limits import Seat


class CountedLeg:
    """A leg that gives its line's room back when it has ended. Implements LegPort."""

    def __init__(self, leg: LegPort, line: str, seat: Seat) -> None:
        self._leg = leg
        self._seat = seat
        self.line = line
        self.inbound = leg.inbound
        self.from_number = leg.from_number
        self.to_number = leg.to_number
        self.wire_id = leg.wire_id
        self.sink: Callable[[AnyLegEvent], None] | None = None
        leg.sink = self._receive

    @property
    def lane(self) -> LanePort | None:
        """The audio, once there is any."""
        return self._leg.lane

    @property
    def expected_rate_hz(self) -> int | None:
        """The sample rate that the lane will have; None: not known yet."""
        return self._leg.expected_rate_hz

    def ring(self) -> None:
        """Inbound: tell the caller that it rings."""
        self._leg.ring()

    def answer(self) -> None:
        """Inbound: take the call; LegAnswered follows."""
        self._leg.answer()

    def hang_up(self, cause: HangUpCause = HangUpCause.NORMAL) -> None:
        """End it in whatever state it is; LegEnded follows, once."""
        self._leg.hang_up(cause)

    def send_digits(self, digits: str) -> None:
        """Send key presses by whatever way the line has."""
        self._leg.send_digits(digits)

    def _receive(self, event: AnyLegEvent) -> None:
        if isinstance(event, LegEnded):
            self._seat.release()
            self._leg.sink = None  # it and we would keep each other
        if self.sink is not None:
            self.sink(event)
