"""A call that comes to us, until it is answered and acknowledged (RFC 3261 §13.3). Sans-IO."""

import logging

from ...media.ports import HangUpCause, LegAnswered, LegEnded
from .answering import Answering
from .authorizing import Authorizer
from .dialog import Dialog
from .hop import Hop
from .identity import Identity
from .invite_usage import Input, SessionSettings, State
from .message import Request
from .negotiation import Negotiation, OfferRefused
from .offering import SDP, warning_of, write_abilities, write_body
from .reason import STATUS_OF_CAUSE, cause_of_status, parse_reasons, q850_of
from .session import Session
from .transaction_layer import SendResponse

logger = logging.getLogger(__name__)

MAX_FIRST_CSEQ = 2**15
"Our own numbers begin anywhere below, as RFC 3261 §8.1.1.5 suggests."
RETRY_AFTER_S = 5
"What a 503 of ours asks for."


class CalleeSession(Session):
    """The called side.

    Making one reads the offer and takes media: raises OfferRefused (answer 488) and Refused (503).
    """

    is_caller = False

    def __init__(
        self,
        request: Request,
        source: Hop,
        identity: Identity,
        negotiation: Negotiation,
        authorizer: Authorizer,
        settings: SessionSettings,
        now: float,
    ) -> None:
        super().__init__(identity, negotiation, authorizer, settings, first=State.INCOMING)
        self.invite = request
        self.call_id = request.call_id
        self.local_tag = identity.token()
        first_cseq = identity.rng.randint(1, MAX_FIRST_CSEQ)
        self.dialog = Dialog.of_callee(request, self.local_tag, first_cseq, source)
        self._note_abilities(request)
        has_offer = bool(request.body) and request.content_type == SDP
        self._answer = negotiation.receive_offer(request.body) if has_offer else b""
        self._applied = False
        if limit_s := request.expires:
            self._deadlines["expires"] = now + limit_s

    # --- what the owner of the call does ---

    def ring(self, now: float) -> None:
        """180: tell the caller that it rings."""
        self._progress(180, b"")

    def send_early_media(self, now: float) -> None:
        """183 with our answer: the caller hears us before we answer. Needs an offer."""
        if self._answer and self.state is State.INCOMING and self._apply(now):
            self._progress(183, self._answer)

    def answer(self, now: float) -> None:
        """200: take the call. The audio runs before the caller can know."""
        late_offer = not self._answer
        if self.state is not State.INCOMING or not (late_offer or self._apply(now)):
            return
        self._step(Input.ANSWER)
        self._deadlines.pop("expires", None)
        response = self._success(self.invite, self._answer or self.negotiation.offer())
        self._timer.answer(self.invite, response.headers, now)
        self._answering = Answering(self.invite, response, self._settings.timers, now)
        self._actions.append(SendResponse(self.invite, response))
        if not late_offer:
            self._tell(LegAnswered())
            self._tell_hold()

    def refuse(self, status: int, now: float, *headers: tuple[str, str]) -> None:
        """Answer with a failure status of the caller's choice; hang_up() picks one by cause."""
        if self._step(Input.HANG_UP):
            self._tell_end(LegEnded(cause_of_status(status), by_us=True, status=status))
            self._send_failure(status, *headers)

    # --- the far end ---

    def receive_cancel(self, cancel: Request, now: float) -> None:
        """A CANCEL of the INVITE; its own 200 is the agent's (RFC 3261 §9.2)."""
        if not self._step(Input.CANCEL):
            return  # too late: the final response has won
        reasons = parse_reasons(cancel.headers.get_all("Reason"))
        self._send_failure(487)
        text = "; ".join(map(str, reasons))
        cause = HangUpCause.CANCELLED
        self._tell_end(LegEnded(cause, False, status=487, reason=text, q850=q850_of(reasons)))

    def _receive_bye(self, request: Request, now: float) -> None:
        early = self.state is State.INCOMING
        super()._receive_bye(request, now)
        if early:
            self._send_failure(487)  # RFC 3261 §15.1.2

    def _acknowledged(self, now: float) -> None:
        if not self._applied and self.state is State.CONFIRMED:
            self._applied = True  # the answer of a late offer came with the ACK
            self._tell(LegAnswered())

    # --- inside ---

    def _handle_deadline(self, name: str, now: float) -> None:
        if name != "expires":
            super()._handle_deadline(name, now)
        elif self._step(Input.CANCEL):  # RFC 3261 §13.3.1: as if the caller had given up
            self._send_failure(487)
            text = "the invitation has expired"
            self._tell_end(LegEnded(HangUpCause.CANCELLED, by_us=False, status=487, reason=text))

    def _leave(self, now: float) -> None:
        if self.state is State.ENDED:
            self._send_failure(STATUS_OF_CAUSE[self._end_cause])
        else:
            super()._leave(now)

    def _apply(self, now: float) -> bool:
        """Start the audio that was agreed; False when there is none to be had."""
        if self._applied:
            return True
        try:
            self.negotiation.apply()
        except OfferRefused as fault:
            logger.info("call %s refused: %s", self.call_id, fault)
            assert self.dialog is not None, "made with the session"
            host = self._identity.host(self.dialog.next_hop())
            self.refuse(fault.status, now, warning_of(fault, host))
            return False
        self._applied = True
        return True

    def _progress(self, status: int, body: bytes) -> None:
        if self.state is not State.INCOMING:
            return
        response = self.invite.respond(status, to_tag=self.local_tag)
        assert self.dialog is not None, "made with the session"
        contact = self._identity.contact(self.dialog.next_hop(), self.dialog.local.uri.user)
        response.headers.add("Contact", str(contact))
        write_abilities(response)
        write_body(response, body)
        self._actions.append(SendResponse(self.invite, response))

    def _send_failure(self, status: int, *headers: tuple[str, str]) -> None:
        response = self.invite.respond(status, to_tag=self.local_tag)
        for name, value in headers:
            response.headers.add(name, value)
        if status == 503:
            response.headers.add("Retry-After", str(RETRY_AFTER_S))
        self._actions.append(SendResponse(self.invite, response))
