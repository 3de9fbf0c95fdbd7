"""A leg without signalling: answers when told to, ends when told to."""

from collections.abc import Callable

from offhook.media.ports import (
    AnyLegEvent,
    HangUpCause,
    LanePort,
    LegAnswered,
    LegEnded,
)
from offhook.tests.kit.fake_lane import FakeLane


class FakeLeg:
    """Implements LegPort."""

    def __init__(self, lane: FakeLane, *, inbound: bool = True) -> None:
        self.line = "test"
        self.inbound = inbound
        self.from_number = "+15550001"
        self.to_number = "+15550002"
        self.wire_id = "leg-1"
        self.sink: Callable[[AnyLegEvent], None] | None = None
        self.lane: LanePort | None = None
        self.rang = False
        self.ended: LegEnded | None = None
        self._audio = lane

    @property
    def expected_rate_hz(self) -> int | None:
        return self._audio.rate_hz

    def ring(self) -> None:
        self.rang = True

    def answer(self) -> None:
        self.lane = self._audio
        self.tell(LegAnswered())

    def hang_up(self, cause: HangUpCause = HangUpCause.NORMAL) -> None:
        self.end(cause, by_us=True)

    def send_digits(self, digits: str) -> None:
        self._audio.send_digits(digits)

    def end(self, cause: HangUpCause, *, by_us: bool = False) -> None:
        """The leg is gone; told once."""
        if self.ended is None:
            self.ended = LegEnded(cause, by_us)
            self._audio.closed = True
            self.tell(self.ended)

    def tell(self, event: AnyLegEvent) -> None:
        if self.sink is not None:
            self.sink(event)
