"""What both sides of a call have in common from the INVITE to the end: state, BYE, ACK. Sans-IO.

The state of a call is the table below, `state -> input -> next state`. What may be said while it
is up (new offers, key presses, refreshes) is offering.py and session.py.
"""

import enum
import logging
from collections import deque
from collections.abc import Mapping

import msgspec

from ...media.ports import AnyLegEvent, HangUpCause, LegEnded
from .answering import Answering
from .authorizing import CREDENTIALS, Authorizer
from .dialog import Dialog
from .grammar import readable
from .hop import Hop
from .identity import Identity
from .message import Request, Response
from .negotiation import Negotiation
from .reason import reason_for
from .session_timer import TimerSettings
from .timers import Timers
from .transaction_layer import AnyAction, SendAck, SendRequest, SendResponse

logger = logging.getLogger(__name__)

MAX_ACKS_KEPT = 8
"ACKs that are kept to be repeated: one a fork, one a re-INVITE."


class State(enum.Enum):
    CALLING = "calling"
    "Our INVITE has been sent, nothing has come back."
    PROCEEDING = "proceeding"
    "The far end works on it."
    CANCELLING = "cancelling"
    "We gave up; the INVITE's final response is awaited."
    INCOMING = "incoming"
    "Their INVITE has no final response yet."
    ANSWERED = "answered"
    "We sent 200 and wait for the ACK."
    CONFIRMED = "confirmed"
    ENDING = "ending"
    "BYE is sent, or will be as soon as the ACK allows it."
    ENDED = "ended"


class Input(enum.Enum):
    RETRY = "another attempt"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "3xx-6xx, or none"
    ANSWER = "answer"
    ACK = "ACK"
    NO_ACK = "no ACK"
    CANCEL = "CANCEL"
    BYE = "BYE"
    BYE_DONE = "BYE answered"
    HANG_UP = "hang up"


TABLE: Mapping[State, Mapping[Input, State]] = {
    State.CALLING: {
        Input.RETRY: State.CALLING,
        Input.PROVISIONAL: State.PROCEEDING,
        Input.SUCCESS: State.CONFIRMED,
        Input.FAILURE: State.ENDED,
        Input.HANG_UP: State.CANCELLING,
    },
    State.PROCEEDING: {
        Input.RETRY: State.CALLING,
        Input.PROVISIONAL: State.PROCEEDING,
        Input.SUCCESS: State.CONFIRMED,
        Input.FAILURE: State.ENDED,
        Input.HANG_UP: State.CANCELLING,
    },
    State.CANCELLING: {
        Input.PROVISIONAL: State.CANCELLING,
        Input.SUCCESS: State.ENDING,
        Input.FAILURE: State.ENDED,
    },
    State.INCOMING: {
        Input.ANSWER: State.ANSWERED,
        Input.HANG_UP: State.ENDED,
        Input.CANCEL: State.ENDED,
        Input.BYE: State.ENDED,
    },
    State.ANSWERED: {
        Input.ACK: State.CONFIRMED,
        Input.NO_ACK: State.ENDING,
        Input.BYE: State.ENDED,
        Input.HANG_UP: State.ENDING,
    },
    State.CONFIRMED: {Input.BYE: State.ENDED, Input.HANG_UP: State.ENDING},
    State.ENDING: {Input.BYE: State.ENDED, Input.BYE_DONE: State.ENDED},
    State.ENDED: {},
}
"What a state lacks is ignored: it comes from a race, and the other side of it decides."


class SessionSettings(msgspec.Struct, frozen=True):
    """How calls are handled, the same for all."""

    timers: Timers = Timers()
    session_timer: TimerSettings = TimerSettings()
    ring_limit_s: float = 180.0
    "A call of ours that is not answered by then is cancelled."


class InviteUsage:
    """One call's state, and how it ends."""

    def __init__(
        self,
        identity: Identity,
        negotiation: Negotiation,
        authorizer: Authorizer,
        settings: SessionSettings,
        *,
        first: State,
    ) -> None:
        self.state = first
        self.call_id = ""
        self.dialog: Dialog | None = None
        self.negotiation = negotiation
        self._identity = identity
        self._authorizer = authorizer
        self._settings = settings
        self._answering: Answering | None = None
        self._acks: dict[tuple[int, str | None], SendAck] = {}
        self._in_flight: set[str | None] = set()
        self._deadlines: dict[str, float] = {}
        self._told_end = False
        self._end_cause = HangUpCause.NORMAL
        self._actions: list[AnyAction] = []
        self._events: deque[AnyLegEvent] = deque()

    def hang_up(self, cause: HangUpCause, now: float) -> None:
        """End the call, whatever state it is in."""
        if not self._step(Input.HANG_UP):
            return
        self._end_cause = cause
        self._tell_end(LegEnded(cause, by_us=True))
        self._leave(now)

    @property
    def is_over(self) -> bool:
        """Nothing more will happen here: the call can be forgotten."""
        waits = self._in_flight or self._answering is not None
        return self.state is State.ENDED and not waits

    def actions_to_send(self) -> list[AnyAction]:
        """What the transaction layer is asked to do."""
        actions, self._actions = self._actions, []
        return actions

    def next_event(self) -> AnyLegEvent | None:
        """What the owner should know, oldest first."""
        return self._events.popleft() if self._events else None

    # --- endings ---

    def _leave(self, now: float) -> None:
        """HANG_UP moved the state: say goodbye as it asks for."""
        if self._answering is None:
            # RFC 3261 §15: no BYE before the ACK.
            self._send_bye(now)

    def _fail(self, cause: HangUpCause, reason: str, status: int | None, now: float) -> None:
        """The dialog cannot go on: tell, and say BYE in case somebody listens."""
        self._end_cause = cause
        if self._step(Input.HANG_UP):
            self._tell_end(LegEnded(cause, by_us=True, status=status, reason=reason))
            self._leave(now)

    def _send_bye(self, now: float) -> None:
        assert self.dialog is not None, "a call that can end by BYE has a dialog"
        self._send_bye_in(self.dialog)

    def _send_bye_in(self, dialog: Dialog) -> None:
        bye = dialog.request("BYE", self._identity)
        bye.headers.add("Reason", str(reason_for(self._end_cause)))
        self._send_request(bye, dialog.next_hop())

    def _bye_done(self, bye: Request) -> None:
        if self.dialog is not None and bye.to.tag == self.dialog.remote.tag:
            self._step(Input.BYE_DONE)

    def _tell_end(self, event: LegEnded) -> None:
        """The last event; media stops now, whatever the protocol still has to do."""
        if self._told_end:
            return
        self._tell(msgspec.structs.replace(event, reason=readable(event.reason)))
        self._told_end = True
        self._deadlines.clear()
        self.negotiation.close()

    # --- inside ---

    def _step(self, what: Input) -> bool:
        """Follow the table; False when the input comes too late to mean anything."""
        state = TABLE[self.state].get(what)
        if state is None:
            logger.debug("call %s ignores %s in %s", self.call_id, what.value, self.state.value)
            return False
        if state is not self.state:
            logger.debug("call %s: %s -> %s", self.call_id, self.state.value, state.value)
            self.state = state
        return True

    def _tell(self, event: AnyLegEvent) -> None:
        if not self._told_end:
            self._events.append(event)

    def _send_request(self, request: Request, hop: Hop) -> None:
        self._in_flight.add(request.via.branch)
        self._actions.append(SendRequest(request, hop))

    def _send_ack(self, dialog: Dialog, response: Response, invite: Request) -> None:
        """The ACK of a 2xx, kept to be repeated (RFC 3261 §13.2.2.4)."""
        ack = dialog.request("ACK", self._identity, cseq=invite.cseq.number)
        for name in CREDENTIALS:
            for value in invite.headers.get_all(name):
                ack.headers.add(name, value)
        action = SendAck(ack, dialog.next_hop())
        if len(self._acks) >= MAX_ACKS_KEPT:
            del self._acks[next(iter(self._acks))]
        self._acks[invite.cseq.number, response.to.tag] = action
        self._actions.append(action)

    def _repeat_ack(self, response: Response, invite: Request) -> bool:
        """Answer a repeated 2xx as before; False when it is the first of its fork."""
        action = self._acks.get((invite.cseq.number, response.to.tag))
        if action is None:
            return False
        self._actions.append(action)
        return True

    def _respond(
        self,
        request: Request,
        status: int,
        reason: str | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        response = request.respond(status, reason)
        for name, value in headers or []:
            response.headers.add(name, value)
        self._actions.append(SendResponse(request, response))
