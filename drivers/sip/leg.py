"""SHELL: a SIP call as a leg of media/ports.py."""

import logging
from collections import deque
from collections.abc import Callable

from ...media.ports import AnyLegEvent, HangUpCause, LanePort
from .callee import CalleeSession
from .caller import CallerSession
from .grammar import readable
from .session import Session

logger = logging.getLogger(__name__)

MAX_EVENTS_KEPT = 64
"Events that wait for a sink to be set; the oldest is dropped."


class SipLeg:
    """One SIP call. Implements LegPort, and what only SIP has."""

    def __init__(
        self,
        session: CallerSession | CalleeSession,
        line: str,
        changed: Callable[[Session], None],
        now: Callable[[], float],
    ) -> None:
        self.line = line
        self.wire_id = readable(session.call_id)
        self.inbound = isinstance(session, CalleeSession)
        if isinstance(session, CalleeSession):
            caller, callee = session.invite.from_.uri, session.invite.uri
        else:
            caller, callee = session.invitation.from_.uri, session.invitation.target
        self.from_number = readable(caller.user or "anonymous")
        self.to_number = readable(callee.user or "")
        self._session = session
        self._changed = changed
        self._now = now
        self.sink: Callable[[AnyLegEvent], None] | None = None
        """Who hears of this leg's events; to be set before the loop goes on. What comes before is
        kept and told ahead of the next event."""
        self._kept: deque[AnyLegEvent] = deque(maxlen=MAX_EVENTS_KEPT)

    @property
    def session(self) -> CallerSession | CalleeSession:
        """The protocol side of this leg, to be read."""
        return self._session

    @property
    def lane(self) -> LanePort | None:
        """The audio, once there is any (early media or answered)."""
        return self._session.negotiation.lane

    @property
    def expected_rate_hz(self) -> int | None:
        """The sample rate that the lane will have; None: not agreed yet (late offer)."""
        return self._session.negotiation.expected_rate_hz

    # --- LegPort ---

    def ring(self) -> None:
        """Inbound: 180."""
        if isinstance(self._session, CalleeSession):
            self._session.ring(self._now())
            self._changed(self._session)

    def answer(self) -> None:
        """Inbound: 200; LegAnswered follows (with the ACK, when we had to make the offer)."""
        if isinstance(self._session, CalleeSession):
            self._session.answer(self._now())
            self._changed(self._session)

    def hang_up(self, cause: HangUpCause = HangUpCause.NORMAL) -> None:
        """Refuse, CANCEL or BYE, as the state asks for; LegEnded follows, once."""
        self._session.hang_up(cause, self._now())
        self._changed(self._session)

    # --- what only SIP has ---

    def send_early_media(self) -> None:
        """Inbound: 183 with our answer, so that the caller hears the lane before the answer."""
        if isinstance(self._session, CalleeSession):
            self._session.send_early_media(self._now())
            self._changed(self._session)

    def refuse(self, status: int) -> None:
        """Inbound: answer with this failure status (hang_up() picks one by cause)."""
        if isinstance(self._session, CalleeSession):
            self._session.refuse(status, self._now())
            self._changed(self._session)

    def hold(self) -> None:
        """Put the far end on hold by re-INVITE."""
        self._session.hold(self._now())
        self._changed(self._session)

    def resume(self) -> None:
        """Take the far end off hold."""
        self._session.resume(self._now())
        self._changed(self._session)

    def refresh_media(self) -> None:
        """Offer our media again: its address has changed."""
        self._session.refresh_media(self._now())
        self._changed(self._session)

    def send_digits(self, digits: str) -> None:
        """Send key presses: RFC 4733 where it was agreed, INFO otherwise."""
        choice, lane = self._session.negotiation.choice, self.lane
        agreed = choice is not None and choice.telephone_event_payload_type is not None
        if agreed and lane is not None:
            lane.send_digits(digits)
            return
        self._session.send_digits(digits, self._now())
        self._changed(self._session)

    def tell(self, event: AnyLegEvent) -> None:
        """The endpoint's: an event for this leg's owner."""
        self._kept.append(event)
        while self.sink is not None and self._kept:
            self.sink(self._kept.popleft())
