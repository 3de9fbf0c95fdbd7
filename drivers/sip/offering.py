"""Offers of ours inside a call: hold, resume, a new address, refreshes. Sans-IO.

RFC 3261 §14.1 (re-INVITE), RFC 3311 (UPDATE), RFC 4028 §7.4 (refreshes). One offer at a time: what
is wanted meanwhile waits, what meets theirs (491) is tried again later. Offers of theirs are in
session.py.
"""

from ...media.ports import HangUpCause, LegEnded, LegHeld, LegResumed
from .authorizing import HEADERS_OF_STATUS, Authorizer, again
from .grammar import write_host_port
from .hop import Hop
from .identity import Identity
from .invite_usage import InviteUsage, SessionSettings, State
from .message import Request, Response
from .negotiation import Negotiation, OfferRefused
from .screening import ALLOWED_METHODS, SUPPORTED_OPTIONS
from .session_timer import SessionTimer
from .transaction import in_transaction_of
from .transaction_layer import Abandon

SDP = "application/sdp"
# Names of deadlines.
GLARE, OFFER, OFFER_CANCELLED = "glare", "offer", "offer cancelled"
OFFER_DEADLINES = (OFFER, OFFER_CANCELLED)


class Offering(InviteUsage):
    """The part of a session that makes offers."""

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

    # --- an offer, and how long it may take ---

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

    # --- what becomes of it ---

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
            self._offer_if_waiting(now)

    def _receive_answer(self, body: bytes, fork: str | None, now: float) -> None:
        try:
            self.negotiation.receive_answer(body, fork)
            self.negotiation.apply()
        except OfferRefused as fault:
            cause = HangUpCause.OVERLOADED if fault.status == 503 else HangUpCause.ERROR
            self._fail(cause, str(fault), None, now)
            return
        self._tell_hold()

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

    # --- inside ---

    def _tell_end(self, event: LegEnded) -> None:
        limits = {name: at for name, at in self._deadlines.items() if name in OFFER_DEADLINES}
        super()._tell_end(event)
        if self._reinvite is not None:
            self._deadlines.update(limits)  # its final response is still to be acknowledged
        self._timer.stop()

    def _tell_hold(self) -> None:
        held = self.negotiation.peer_holds
        if held != self._held:
            self._held = held
            self._tell(LegHeld() if held else LegResumed())

    def _note_abilities(self, message: Request | Response) -> None:
        if allowed := message.tokens("Allow"):
            self._peer_allows = [method.upper() for method in allowed]

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
