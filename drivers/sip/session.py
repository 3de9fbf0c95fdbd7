"""A call: one INVITE usage, from either side (RFC 3261 §13-15, RFC 3311, RFC 4028). Sans-IO.

A call is set up by an INVITE that rings, is answered and acknowledged, and ended by whoever has had
enough. The two sides differ until the answer (caller.py, callee.py); from then on they are alike,
and that is this file: re-INVITE and UPDATE both ways, INFO, session timers, BYE.

What makes it hard is that messages cross. The rules:
- LegEnded is told once, when *we* know that the call is over; the protocol is then brought to its
  end behind the scenes (CANCEL, ACK, BYE), until `is_over`.
- One offer at a time: an INVITE that meets ours is refused with 491 and ours is tried again later.
- A request in the dialog that nobody answers, or that gets 408 or 481, ends the call.
"""

import logging
from collections import deque

from ...media.ports import HangUpCause, LegDigit, LegEnded, LegHeld, LegResumed
from .answering import Answering, Due
from .authorizing import HEADERS_OF_STATUS, Authorizer, again
from .grammar import write_host_port
from .hop import Hop
from .identity import Identity
from .info_dtmf import DTMF_RELAY, parse_digit, write_digit
from .invite_usage import Input, InviteUsage, SessionSettings, State
from .message import Request, Response
from .negotiation import Negotiation, OfferRefused
from .reason import cause_of_reasons, parse_reasons
from .screening import ALLOWED_METHODS, SUPPORTED_OPTIONS
from .session_timer import SessionTimer, TimerAction
from .transaction import in_transaction_of
from .transaction_layer import Abandon, SendResponse

logger = logging.getLogger(__name__)

SDP = "application/sdp"
# Names of deadlines.
GLARE, OFFER, OFFER_CANCELLED = "glare", "offer", "offer cancelled"
OFFER_DEADLINES = (OFFER, OFFER_CANCELLED)
MAX_DIGITS_QUEUED = 64
"Key presses that wait for their INFO to be sent; further ones are dropped."
OVERLAP_RETRY_S = 10
"500 to an INVITE that overlaps another names a random moment up to then, RFC 3261 §14.2."


class Session(InviteUsage):
    """What both sides of a call share. Use CallerSession or CalleeSession."""

    is_caller: bool

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
        self._timer = SessionTimer(settings.session_timer)
        self._reinvite: Request | None = None
        self._reinvite_hop: Hop | None = None
        self._offer_waits = False
        self._held = False
        self._peer_allows: list[str] = []
        self._digits: deque[str] = deque()
        self._info_in_flight = False

    # --- what the owner of the call does ---

    def hold(self, now: float) -> None:
        """Put the far end on hold (RFC 3264 §8.4)."""
        self._set_hold(True, now)

    def resume(self, now: float) -> None:
        """Take the far end off hold."""
        self._set_hold(False, now)

    def refresh_media(self, now: float) -> None:
        """Offer our media again: its address has changed."""
        if self.state is State.CONFIRMED:
            self._offer(now)

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

    def _handle_deadline(self, name: str, now: float) -> None:
        if name == GLARE:
            self._offer(now)
        elif self._reinvite is not None:
            self._reinvite_is_late(name, now)

    def _reinvite_is_late(self, name: str, now: float) -> None:
        """A 1xx has come to our offer, and then nothing: no timer of its transaction ends it."""
        assert self._reinvite is not None, "asked before"
        if name == OFFER and self.state is State.CONFIRMED and self._reinvite_hop is not None:
            self._deadlines[OFFER_CANCELLED] = now + self._settings.timers.transaction_s
            self._send_request(in_transaction_of(self._reinvite, "CANCEL"), self._reinvite_hop)
            return
        self._in_flight.discard(self._reinvite.via.branch)
        self._actions.append(Abandon(self._reinvite))
        self._reinvite = None
        self._fail(HangUpCause.NETWORK, "INVITE was not answered", None, now)

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
        self._tell_end(LegEnded(cause, by_us=False, reason="; ".join(map(str, reasons))))

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

    def request_failed(self, request: Request, timed_out: bool, now: float) -> None:
        """A request of ours was not answered, or could not be sent."""
        self._in_flight.discard(request.via.branch)
        if request.method == "BYE":
            self._bye_done(request)
        elif request.method != "CANCEL":
            if request is self._reinvite:
                self._reinvite = None
            what = f"{request.method} {'was not answered' if timed_out else 'could not be sent'}"
            self._fail(HangUpCause.NETWORK, what, None, now)

    def _receive_invite_response(self, response: Response, request: Request, now: float) -> None:
        if response.status < 200:
            return
        if response.status < 300:
            self._reinvite_accepted(response, request, now)
        elif request is self._reinvite:
            self._reinvite = None
            self._reinvite_refused(response, request, now)

    def _reinvite_accepted(self, response: Response, request: Request, now: float) -> None:
        if self._repeat_ack(response, request):
            return
        assert self.dialog is not None, "a re-INVITE was sent inside a dialog"
        self.dialog.refresh_target(response)
        self._send_ack(self.dialog, response, request)
        if request is not self._reinvite:
            return
        self._reinvite = None
        if self.state is State.CONFIRMED:
            self._timer.receive_2xx(response, now)
            self._note_abilities(response)
            if response.body:
                self._receive_answer(response.body, response.to.tag, now)
            else:
                self.negotiation.withdraw()  # seen from phones that only mean "yes, still there"
            self._offer_if_waiting(now)

    def _reinvite_refused(self, response: Response, request: Request, now: float) -> None:
        self.negotiation.withdraw(retried=True)
        if self.state is not State.CONFIRMED or self._retry_with_credentials(response, request):
            return
        if response.status == 491:
            # RFC 3261 §14.1: the owner of the Call-ID waits longer, in units of 10 ms.
            low, high = (210, 400) if self.is_caller else (0, 200)
            self._deadlines[GLARE] = now + self._identity.rng.randint(low, high) / 100
        elif response.status == 422 and self._timer.receive_422(response):
            self._offer(now)
        elif not self._ends_dialog(response, request, now):
            self.negotiation.withdraw()

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

    def _ends_dialog(self, response: Response, request: Request, now: float) -> bool:
        """408 and 481 mean that the far end knows nothing of us (RFC 3261 §12.2.1.2)."""
        if response.status not in (408, 481) or self.state is not State.CONFIRMED:
            return False
        what = f"{request.method} got {response.status} {response.reason}"
        self._fail(HangUpCause.NETWORK, what, response.status, now)
        return True

    def _retry_with_credentials(self, response: Response, request: Request) -> bool:
        if response.status not in HEADERS_OF_STATUS or self.dialog is None:
            return False
        header = self._authorizer.answer(request, response)
        if header is None:
            return False
        self.dialog.local_cseq += 1
        hop = self.dialog.next_hop()
        retry = again(request, self._identity, hop, self.dialog.local_cseq)
        retry.headers.set(*header)
        if request.method == "INVITE":
            self.negotiation.offer()  # the same offer again: the refusal withdrew it
            self._reinvite = retry
        self._send_request(retry, hop)
        return True

    # --- offers of ours ---

    def _set_hold(self, hold: bool, now: float) -> None:
        if self.negotiation.we_hold != hold and self.state is State.CONFIRMED:
            self.negotiation.we_hold = hold
            self._offer(now)

    def _offer(self, now: float) -> None:
        """Send a re-INVITE, or remember that one is wanted."""
        if self.state is not State.CONFIRMED or self.dialog is None:
            return
        busy = self._reinvite is not None or self._answering is not None
        if busy or self.negotiation.awaits_answer:
            self._offer_waits = True
            return
        self._offer_waits = False
        self._deadlines.pop(GLARE, None)
        request = self.dialog.request("INVITE", self._identity)
        self._write_session_headers(request, self.negotiation.offer())
        self._timer.write_request(request.headers)
        self._deadlines.pop(OFFER_CANCELLED, None)
        self._deadlines[OFFER] = now + self._settings.timers.transaction_s
        self._reinvite, self._reinvite_hop = request, self.dialog.next_hop()
        self._send_request(request, self._reinvite_hop)

    def _offer_if_waiting(self, now: float) -> None:
        if self._offer_waits:
            self._offer(now)

    def _refresh(self, now: float) -> None:
        """Tell the far end that we live (RFC 4028 §7.4): UPDATE without an offer disturbs least."""
        if "UPDATE" not in self._peer_allows or self.dialog is None:
            self._offer(now)
            return
        request = self.dialog.request("UPDATE", self._identity)
        self._write_session_headers(request, b"")
        self._timer.write_request(request.headers)
        self._send_request(request, self.dialog.next_hop())

    def _receive_answer(self, body: bytes, fork: str | None, now: float) -> None:
        try:
            self.negotiation.receive_answer(body, fork)
            self.negotiation.apply()
        except OfferRefused as fault:
            cause = HangUpCause.OVERLOADED if fault.status == 503 else HangUpCause.ERROR
            self._fail(cause, str(fault), None, now)
            return
        self._tell_hold()

    # --- endings ---

    def _tell_end(self, event: LegEnded) -> None:
        limits = {name: at for name, at in self._deadlines.items() if name in OFFER_DEADLINES}
        super()._tell_end(event)
        if self._reinvite is not None:
            self._deadlines.update(limits)  # its final response is still to be acknowledged
        self._timer.stop()
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

    def _tell_hold(self) -> None:
        held = self.negotiation.peer_holds
        if held != self._held:
            self._held = held
            self._tell(LegHeld() if held else LegResumed())

    def _note_abilities(self, message: Request | Response) -> None:
        if allowed := message.tokens("Allow"):
            self._peer_allows = [method.upper() for method in allowed]

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

    def _write_session_headers(self, message: Request | Response, body: bytes) -> None:
        """What INVITE, UPDATE and their 2xx say of us."""
        assert self.dialog is not None, "called inside a dialog"
        write_abilities(message)
        contact = self._identity.contact(self.dialog.next_hop(), self.dialog.local.uri.user)
        message.headers.add("Contact", str(contact))
        write_body(message, body)


def write_abilities(message: Request | Response) -> None:
    """Allow and Supported."""
    message.headers.add("Allow", ", ".join(ALLOWED_METHODS))
    message.headers.add("Supported", ", ".join(SUPPORTED_OPTIONS))


def write_body(message: Request | Response, body: bytes) -> None:
    """The SDP, if there is any."""
    if body:
        message.headers.add("Content-Type", SDP)
        message.body = body


def warning_of(fault: OfferRefused, host: str) -> tuple[str, str]:
    """The header that says why an offer was refused (RFC 3261 §13.3.1.3, §20.43)."""
    text = "".join(c for c in fault.what if c.isprintable() and c not in '"\\')[:120]
    return "Warning", f'305 {write_host_port(host, None)} "{text}"'
