"""A 2xx to INVITE, repeated until its ACK comes (RFC 3261 §13.3.1.4). Sans-IO.

The transaction layer does not do it: the ACK of a 2xx comes from the far end, not from a neighbour.
"""

import enum

from .message import Request, Response
from .timers import Timers


class Due(enum.Enum):
    """What is due while the ACK is missing."""

    REPEAT = "repeat"
    GIVE_UP = "give up"


class Answering:
    """One INVITE that was accepted and not yet acknowledged."""

    def __init__(self, request: Request, response: Response, timers: Timers, now: float) -> None:
        self.request = request
        self.response = response
        self._longest_s = timers.t2_s
        self._interval_s = timers.t1_s
        self._repeat_at = now + self._interval_s
        self._give_up_at = now + timers.transaction_s

    def is_acknowledged_by(self, ack: Request) -> bool:
        """Whether an ACK of this dialog is the one that is missing."""
        return ack.cseq.number == self.request.cseq.number

    def get_timer(self) -> float:
        """When handle_timer is wanted next."""
        return min(self._repeat_at, self._give_up_at)

    def handle_timer(self, now: float) -> Due | None:
        """What is due at `now`."""
        if self._give_up_at <= now:
            return Due.GIVE_UP
        if self._repeat_at > now:
            return None
        self._interval_s = min(2 * self._interval_s, self._longest_s)
        self._repeat_at = now + self._interval_s
        return Due.REPEAT
