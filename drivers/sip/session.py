"""A call: one INVITE usage, from either side (RFC 3261 §13-15, RFC 3311, RFC 4028). Sans-IO.

A call is set up by an INVITE that rings, is answered and acknowledged, and ended by whoever has had
enough. The two sides differ until the answer (caller.py, callee.py); from then on they are alike,
and that is this file: their re-INVITE and UPDATE, INFO both ways, BYE, what is due when. Offers of
ours are offering.py.

What makes it hard is that messages cross. The rules:
- LegEnded is told once, when *we* know that the call is over; the protocol is then brought to its
  end behind the scenes (CANCEL, ACK, BYE), until `is_over`.
- One offer at a time: an INVITE that meets ours is refused with 491 and ours is tried again later.
- A request in the dialog that nobody answers, or that gets 408 or 481, ends the call.
"""

import logging
from collections import deque

from ...media.ports import HangUpCause, LegDigit, LegEnded
from .answering import Answering, Due
from .authorizing import HEADERS_OF_STATUS, Authorizer
from .identity import Identity
from .info_dtmf import DTMF_RELAY, parse_digit, write_digit
from .invite_usage import Input, SessionSettings, State
from .message import Request, Response
from .negotiation import Negotiation, OfferRefused
from .offering import SDP, Offering, warning_of
from .reason import cause_of_reasons, parse_reasons, q850_of
from .session_timer import TimerAction
from .transaction_layer import SendResponse

logger = logging.getLogger(__name__)

MAX_DIGITS_QUEUED = 64
"Key presses that wait for their INFO to be sent; further ones are dropped."
OVERLAP_RETRY_S = 10
"500 to an INVITE that overlaps another names a random moment up to then, RFC 3261 §14.2."


class Session(Offering):
    """What both sides of a call share. Use CallerSession or CalleeSession."""

    def __init__(
        self,
        identity: Identity,
        negotiation: Negotiation,
        authorizer: Authorizer,
        settings: SessionSettings,
        *,
        first: State,
    ) -> None:
        super().__init__(identity, negotiation, authorizer, settings, first=first)
        self._digits: deque[str] = deque()
        self._info_in_flight = False

    # --- what the owner of the call does ---

    def send_digits(self, digits: str, now: float) -> None:
        """Send key presses as INFO, one after the other; so commas (pauses) say nothing more."""
        room = MAX_DIGITS_QUEUED - len(self._digits)
        self._digits.extend(digits.replace(",", "")[:room])
        self._send_next_digit()

    # --- the house vocabulary ---

    def get_timer(self) -> float | None:
        """When handle_timer is wanted next."""
        times = list(self._deadlines.values())
        if self._answering is not None:
            times.append(self._answering.get_timer())
        if (at := self._timer.get_timer()) is not None:
            times.append(at)
        return min(times, default=None)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        for name in [name for name, at in self._deadlines.items() if at <= now]:
            if self._deadlines.pop(name, None) is not None:
                self._handle_deadline(name, now)
        due = None if self._answering is None else self._answering.handle_timer(now)
        if self._answering is not None and due is Due.REPEAT:
            self._actions.append(SendResponse(self._answering.request, self._answering.response))
        elif due is Due.GIVE_UP:
            self._ack_is_missing(now)
        action = self._timer.handle_timer(now)
        if action is TimerAction.REFRESH:
            self._refresh(now)
        elif action is TimerAction.EXPIRE:
            self._fail(HangUpCause.NETWORK, "session timer expired", None, now)

    # --- requests of the far end ---

    def owns(self, request: Request) -> bool:
        """Whether a request with our Call-ID and tag is of this dialog: the remote tag decides."""
        return self.dialog is not None and request.from_.tag == self.dialog.remote.tag

    def receive_request(self, request: Request, now: float) -> None:
        """A request inside the dialog, other than ACK and CANCEL."""
        assert self.dialog is not None, "owns() was asked"
        if self.state is State.ENDED:
            self._respond(request, 481)
        elif not self.dialog.accept_cseq(request):
            self._respond(request, 500, "CSeq Out Of Order")
        elif request.method == "BYE":
            self._receive_bye(request, now)
        elif self.state is State.ENDING:
            self._respond(request, 481)
        elif request.method == "INVITE":
            self._receive_reinvite(request, now)
        elif request.method == "UPDATE":
            self._receive_update(request, now)
        elif request.method == "INFO":
            self._receive_info(request)
        else:
            self._respond(request, 200)

    def receive_ack(self, ack: Request, now: float) -> None:
        """The ACK of a 2xx of ours, which may bring the answer to our offer."""
        answering = self._answering
        if answering is None or not answering.is_acknowledged_by(ack):
            return
        self._answering = None
        if self.state is State.ENDING:
            self._send_bye(now)
            return
        self._step(Input.ACK)
        if self.negotiation.awaits_answer:
            self._receive_answer(ack.body, None, now)
        self._acknowledged(now)
        self._offer_if_waiting(now)

    def _acknowledged(self, now: float) -> None:
        """An ACK has come; the callee's first one may mean more."""

    def _receive_bye(self, request: Request, now: float) -> None:
        reasons = parse_reasons(request.headers.get_all("Reason"))
        self._respond(request, 200)
        self._step(Input.BYE)
        self._answering = None
        cause = cause_of_reasons(reasons, HangUpCause.NORMAL)
        text = "; ".join(map(str, reasons))
        self._tell_end(LegEnded(cause, by_us=False, reason=text, q850=q850_of(reasons)))

    def _receive_reinvite(self, request: Request, now: float) -> None:
        if self._reinvite is not None or self.negotiation.awaits_answer:
            self._respond(request, 491)
        elif self.state is State.INCOMING:
            retry = self._identity.rng.randint(0, OVERLAP_RETRY_S)
            self._respond(request, 500, headers=[("Retry-After", str(retry))])
        elif (response := self._answer_offer(request, now)) is not None:
            self._answering = Answering(request, response, self._settings.timers, now)

    def _receive_update(self, request: Request, now: float) -> None:
        busy = self._reinvite is not None or self.negotiation.awaits_answer
        if request.body and busy:
            self._respond(request, 491)
        elif request.body and self.state is State.INCOMING:
            # Their INVITE's offer has no answer yet, RFC 3311 §5.2.
            retry = self._identity.rng.randint(0, OVERLAP_RETRY_S)
            self._respond(request, 500, headers=[("Retry-After", str(retry))])
        else:
            self._answer_offer(request, now)

    def _answer_offer(self, request: Request, now: float) -> Response | None:
        """Answer a re-INVITE or UPDATE; the 200, or None when it was refused."""
        assert self.dialog is not None, "called inside a dialog"
        if self._timer.is_too_short(request):
            self._respond(request, 422, headers=[self._timer.min_se])
            return None
        try:
            body = self._body_for(request)
        except OfferRefused as fault:
            warning = warning_of(fault, self._identity.host(self.dialog.next_hop()))
            self._respond(request, fault.status, headers=[warning])
            return None
        self.dialog.refresh_target(request)
        self._note_abilities(request)
        response = self._success(request, body)
        self._timer.answer(request, response.headers, now)
        self._actions.append(SendResponse(request, response))
        self._tell_hold()
        return response

    def _body_for(self, request: Request) -> bytes:
        """The SDP of our 2xx: an answer, an offer for an INVITE without one, or none."""
        if request.body and request.content_type == SDP:
            answer = self.negotiation.receive_offer(request.body)
            self.negotiation.apply()
            return answer
        return self.negotiation.offer() if request.method == "INVITE" else b""

    def _receive_info(self, request: Request) -> None:
        if not request.body:
            self._respond(request, 200)
            return
        digit = parse_digit(request.content_type or "", request.body)
        if digit is None:
            self._respond(request, 400, "No Key In Body")
            return
        self._respond(request, 200)
        self._tell(LegDigit(digit))

    # --- responses to requests of ours ---

    def receive_response(self, response: Response, request: Request, now: float) -> None:
        """A response to a request that this call has sent."""
        if response.status >= 200:
            self._in_flight.discard(request.via.branch)
            if response.status not in HEADERS_OF_STATUS:
                self._authorizer.settled(request.method)
        if request.method == "INVITE":
            self._receive_invite_response(response, request, now)
        elif response.status >= 200 and request.method != "CANCEL":
            self._receive_final(response, request, now)

    def request_failed(self, request: Request, fault: str | None, now: float) -> None:
        """A request of ours was not answered, or could not be sent."""
        self._in_flight.discard(request.via.branch)
        if request.method == "BYE":
            self._bye_done(request)
        elif request.method != "CANCEL":
            if request is self._reinvite:
                self._reinvite = None
            what = f"{request.method} {how_it_failed(fault)}"
            self._fail(HangUpCause.NETWORK, what, None, now)

    def _receive_final(self, response: Response, request: Request, now: float) -> None:
        """A final response to BYE, INFO or UPDATE."""
        retried = self._retry_with_credentials(response, request)
        if request.method == "BYE":
            if not retried:
                self._bye_done(request)
        elif self._ends_dialog(response, request, now) or retried:
            return
        elif request.method == "INFO":
            self._info_in_flight = False
            self._send_next_digit()
        elif response.status < 300 and self.dialog is not None:
            self.dialog.refresh_target(response)
            self._timer.receive_2xx(response, now)
        elif response.status == 422 and self._timer.receive_422(response):
            self._refresh(now)

    # --- endings ---

    def _tell_end(self, event: LegEnded) -> None:
        super()._tell_end(event)
        self._digits.clear()

    def _ack_is_missing(self, now: float) -> None:
        """64*T1 without an ACK: the session is up by one account and not by the other."""
        self._answering = None
        if self.state is State.ENDING:
            self._send_bye(now)
        elif self.state is State.ANSWERED:
            self._step(Input.NO_ACK)
            self._tell_end(LegEnded(HangUpCause.NETWORK, by_us=True, reason="no ACK"))
            self._send_bye(now)
        else:
            self._fail(HangUpCause.NETWORK, "no ACK of a re-INVITE", None, now)

    # --- small change ---

    def _send_next_digit(self) -> None:
        ready = self._digits and self.state is State.CONFIRMED and not self._info_in_flight
        if not ready or self.dialog is None:
            return
        self._info_in_flight = True
        info = self.dialog.request("INFO", self._identity)
        info.headers.add("Content-Type", DTMF_RELAY)
        info.body = write_digit(self._digits.popleft())
        self._send_request(info, self.dialog.next_hop())

    def _success(self, request: Request, body: bytes) -> Response:
        assert self.dialog is not None, "a 2xx makes or continues a dialog"
        response = request.respond(200, to_tag=self.dialog.local.tag)
        self._write_session_headers(response, body)
        return response


def how_it_failed(fault: str | None) -> str:
    """What became of a request: why it could not be sent, or (None) that nobody answered."""
    return "was not answered" if fault is None else f"could not be sent: {fault}"
