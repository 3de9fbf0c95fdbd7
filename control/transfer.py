"""SHELL: a caller is handed to a human line: a second leg is called and the two are joined.

No REFER: the caller's carrier need not know (many refuse it), and we can take the call back.
"""

import logging
from collections.abc import Callable

from ..drivers.sip.errors import SipError
from ..drivers.sip.leg import SipLeg
from ..media.conversation.records import CallRecord
from ..media.errors import MediaError
from ..media.frames.lane import Lane
from ..media.ports import AnyLegEvent, HangUpCause, LegAnswered, LegEnded

Dial = Callable[[str, str], SipLeg]
"Calls a SIP address or a number by a line."

logger = logging.getLogger(__name__)


class Transfer:
    """The second leg of one call."""

    def __init__(self, caller: SipLeg, dial: Dial, record: CallRecord) -> None:
        self._caller = caller
        self._dial = dial
        self._record = record
        self._other: SipLeg | None = None
        self._joined = False
        self.on_failure: Callable[[], None] = _tell_nobody
        "The other line did not answer: the agent has the caller again."

    def begin(self, to: str) -> None:
        """Call `to`; the caller hears the agent's silence until it answers."""
        try:
            self._other = self._dial(to, self._caller.line)
        except (MediaError, SipError) as exc:
            logger.warning("call %s: cannot be handed over: %s", self._record.id, exc)
            self._failed()
            return
        self._other.sink = self._receive

    def end(self) -> None:
        """The caller's leg is over, and so is the other one."""
        if self._other is not None:
            other, self._other = self._other, None
            other.hang_up(HangUpCause.NORMAL)
        self.on_failure = _tell_nobody  # lets the session go

    def _receive(self, event: AnyLegEvent) -> None:
        if isinstance(event, LegAnswered):
            self._join()
        elif isinstance(event, LegEnded) and self._other is not None:
            self._other = None
            if self._joined:
                self._caller.hang_up(HangUpCause.NORMAL)
            else:
                logger.warning("call %s: %s", self._record.id, event.reason or event.cause.value)
                self._failed()

    def _join(self) -> None:
        lane, other = self._caller.lane, self._other.lane if self._other else None
        if isinstance(lane, Lane) and isinstance(other, Lane):
            lane.hear_also(other)
            other.hear_also(lane)
            self._joined = True

    def _failed(self) -> None:
        self._record.transferred_to = None
        self.on_failure()


def _tell_nobody() -> None:
    """What a call is told that is over."""
