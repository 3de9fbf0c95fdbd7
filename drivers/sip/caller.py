"""A call that we make, until it is answered (RFC 3261 §13.2, §9.1, §8.1.3.4). Sans-IO.

One call may take several INVITEs: with credentials, with a longer session timer, to where a 3xx
points. Each INVITE may fork, so that several far ends ring and more than one may answer: the first
2xx is the call, every other one is acknowledged and ended. A CANCEL waits for the first 1xx.
"""

from collections.abc import Callable

import msgspec

from ...media.ports import HangUpCause, LegAnswered, LegEnded, LegRinging
from .address import Address
from .authorizing import CREDENTIALS, HEADERS_OF_STATUS, Authorizer, again
from .dialog import MAX_FORWARDS, Dialog
from .hop import Hop, Unroutable, hop_of
from .identity import Identity
from .invite_usage import Input, SessionSettings, State
from .message import Request, Response
from .negotiation import Negotiation, OfferRefused
from .offering import SDP, write_abilities, write_body
from .reason import cause_of_reasons, cause_of_status, parse_reasons, q850_of, reason_for
from .session import Session, how_it_failed
from .transaction import in_transaction_of
from .transaction_layer import Abandon
from .uri import Uri

MAX_FORKS = 16
"Early dialogs of one call that are kept; further forks ring unheard."
MAX_REDIRECTS = 5
"How many targets one call tries."


class Invitation(msgspec.Struct, frozen=True):
    """Whom to call, as whom."""

    target: Uri
    from_: Address
    to: Address | None = None
    "What the To header says; None: the target."
    proxy: Uri | None = None
    "Where all requests go first."
    headers: tuple[tuple[str, str], ...] = ()
    "Further headers of the INVITE."
    public_only: bool = False
    "Nothing of this call leaves to another network than the public Internet, wherever it is led."

    @property
    def hop(self) -> Hop:
        """Where the INVITE goes. Raises Unroutable."""
        return self.hop_to(self.target)

    def hop_to(self, target: Uri) -> Hop:
        """Where an INVITE to another target goes. Raises Unroutable."""
        hop = hop_of(self.proxy or target)
        return msgspec.structs.replace(hop, public_only=self.public_only)


class CallerSession(Session):
    """The calling side."""

    is_caller = True

    def __init__(
        self,
        invitation: Invitation,
        identity: Identity,
        negotiation: Negotiation,
        authorizer: Authorizer,
        settings: SessionSettings,
    ) -> None:
        super().__init__(identity, negotiation, authorizer, settings, first=State.CALLING)
        self.invitation = invitation
        self._hop = self._first_hop = invitation.hop
        self.call_id = identity.call_id(self._hop)
        self.local_tag = identity.token()
        self._invite: Request | None = None
        self._cseq = 0
        self._targets = [invitation.target]
        self._waiting_targets: list[Uri] = []
        self._early: dict[str | None, Dialog] = {}
        self._heard = False
        "This attempt's INVITE has got a 1xx: it may be cancelled."
        self._cancelled = False
        self._rang = False
        self._early_media = False

    def call(self, now: float) -> None:
        """Send the INVITE."""
        self._deadlines["ring limit"] = now + self._settings.ring_limit_s
        self._send_invite(self._first_invite(self.invitation.target))

    def owns(self, request: Request) -> bool:
        """Whether a request is of the call's dialog, or of one of its early ones."""
        return super().owns(request) or request.from_.tag in self._early

    def receive_request(self, request: Request, now: float) -> None:
        """A request inside the dialog, or inside an early one."""
        if self.dialog is not None and super().owns(request):
            super().receive_request(request, now)
        elif request.body and request.method in ("INVITE", "UPDATE"):
            self._respond(request, 491)  # our own offer has no final answer yet
        else:
            self._respond(request, 200)

    # --- the INVITE ---

    def _first_invite(self, target: Uri) -> Request:
        invitation = self.invitation
        request = Request("INVITE", target.without_headers())
        request.headers.add("Via", self._identity.via(self._hop))
        if invitation.proxy is not None:
            route = Address(None, invitation.proxy.with_parameters(lr=None))
            request.headers.add("Route", str(route))
        request.headers.add("Max-Forwards", str(MAX_FORWARDS))
        request.headers.add("From", str(invitation.from_.with_tag(self.local_tag)))
        request.headers.add("To", str(invitation.to or Address(None, _plain_uri(target))))
        request.headers.add("Call-ID", self.call_id)
        request.headers.add("CSeq", f"{self._next_cseq()} INVITE")
        contact = self._identity.contact(self._hop, invitation.from_.uri.user)
        request.headers.add("Contact", str(contact))
        request.headers.add("User-Agent", self._identity.user_agent)
        for name, value in invitation.headers:
            request.headers.add(name, value)
        write_abilities(request)
        self._timer.write_request(request.headers)
        write_body(request, self.negotiation.offer())
        return request

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _send_invite(self, request: Request) -> None:
        self._invite = request
        self._heard = False
        self._send_request(request, self._hop)

    def _receive_invite_response(self, response: Response, request: Request, now: float) -> None:
        if request.to.tag is not None:
            super()._receive_invite_response(response, request, now)
        elif 200 <= response.status < 300:
            self._receive_success(response, request, now)
        elif request is not self._invite:
            return  # an attempt that another has replaced
        elif response.status < 200:
            self._receive_provisional(response, request, now)
        else:
            self._receive_refusal(response, request, now)

    def request_failed(self, request: Request, fault: str | None, now: float) -> None:
        """A request of ours was not answered, or could not be sent."""
        if request is not self._invite or request.to.tag is not None:
            super().request_failed(request, fault, now)
            return
        self._in_flight.discard(request.via.branch)
        what = f"INVITE {how_it_failed(fault)}"
        self._not_established(LegEnded(HangUpCause.NETWORK, by_us=False, reason=what))

    # --- provisional ---

    def _receive_provisional(self, response: Response, request: Request, now: float) -> None:
        self._step(Input.PROVISIONAL)
        self._heard = True
        if self.state is State.CANCELLING:
            self._cancel(now)
            return
        tag = response.to.tag
        if response.status == 100 or (tag not in self._early and len(self._early) >= MAX_FORKS):
            return
        if tag is not None:
            self._early[tag] = Dialog.of_caller(request, response, self._hop)
        early_media = self._receive_early_answer(response)
        news = (response.status == 180 and not self._rang) or (
            early_media and not self._early_media
        )
        self._rang = self._rang or response.status == 180
        self._early_media = self._early_media or early_media
        if news:
            self._tell(LegRinging(early_media=early_media))

    def _receive_early_answer(self, response: Response) -> bool:
        """Take the SDP of a 18x; each fork may bring its own, the last one is heard."""
        if not response.body or response.content_type != SDP:
            return False
        try:
            self.negotiation.receive_answer(response.body, response.to.tag)
            self.negotiation.apply()
        except OfferRefused:
            return False  # the final response may bring a better one
        return True

    # --- success ---

    def _receive_success(self, response: Response, request: Request, now: float) -> None:
        if self._repeat_ack(response, request):
            return
        dialog = Dialog.of_caller(request, response, self._hop)
        self._send_ack(dialog, response, request)
        before = self.state
        if not self._step(Input.SUCCESS):
            self._send_bye_in(dialog)  # another fork has answered, or we gave up long ago
            return
        self.dialog = dialog
        self._early.clear()
        self._deadlines.clear()
        if before is State.CANCELLING:
            self._send_bye_in(dialog)
            return
        self._note_abilities(response)
        self._timer.receive_2xx(response, now)
        self._receive_answer(response.body, response.to.tag, now)
        if self.state is State.CONFIRMED:
            self._tell(LegAnswered())

    # --- refusals ---

    def _receive_refusal(self, response: Response, request: Request, now: float) -> None:
        if self.state is not State.CANCELLING and self._try_again(response, request):
            return
        reasons = parse_reasons(response.headers.get_all("Reason"))
        cause = cause_of_reasons(reasons, cause_of_status(response.status))
        text = "; ".join([f"{response.status} {response.reason}", *map(str, reasons)])
        self._not_established(LegEnded(cause, False, response.status, text, q850_of(reasons)))

    def _not_established(self, event: LegEnded) -> None:
        self._step(Input.FAILURE)
        self._early.clear()
        self._deadlines.clear()
        self._tell_end(event)

    def _try_again(self, response: Response, request: Request) -> bool:
        """Send another INVITE where the response says what was missing."""
        if response.status in HEADERS_OF_STATUS:
            if self._hop != self._first_hop:
                return False  # whom a 3xx has named, perhaps the called one's: not told our secret
            header = self._authorizer.answer(request, response)
            return header is not None and self._repeat_invite(
                request, lambda invite: invite.headers.set(*header)
            )
        if response.status == 422 and self._timer.receive_422(response):
            return self._repeat_invite(request, self._rewrite_timer)
        if response.status >= 400 and not self._waiting_targets:
            return False
        if 300 <= response.status < 400:
            self._waiting_targets += [
                contact.uri for contact in response.contacts if not contact.is_wildcard
            ]
        return response.status < 600 and self._redirect(request)

    def _repeat_invite(self, request: Request, change: Callable[[Request], None]) -> bool:
        invite = again(request, self._identity, self._hop, self._next_cseq())
        change(invite)
        self._start_attempt(invite)
        return True

    def _start_attempt(self, invite: Request) -> None:
        self._early.clear()
        self._step(Input.RETRY)
        self._send_invite(invite)

    def _rewrite_timer(self, invite: Request) -> None:
        for name in ("Session-Expires", "Min-SE"):
            invite.headers.remove(name)
        self._timer.write_request(invite.headers)

    def _redirect(self, request: Request) -> bool:
        """Call the next target that a 3xx has named, each once (RFC 3261 §8.1.3.4)."""
        while self._waiting_targets and len(self._targets) < MAX_REDIRECTS:
            target = self._waiting_targets.pop(0).without_headers()
            if any(target.matches(old) for old in self._targets):
                continue
            try:
                hop = self.invitation.hop_to(target)
            except Unroutable:
                continue
            self._targets.append(target)
            self._hop = hop
            invite = again(request, self._identity, hop, self._next_cseq())
            invite.uri = target
            for name in CREDENTIALS:
                invite.headers.remove(name)
            self._start_attempt(invite)
            return True
        return False

    # --- giving up ---

    def _handle_deadline(self, name: str, now: float) -> None:
        if name == "ring limit":
            self.hang_up(HangUpCause.NO_ANSWER, now)
        elif name == "cancel":
            assert self._invite is not None, "what was cancelled was sent"
            self._in_flight.discard(self._invite.via.branch)
            self._actions.append(Abandon(self._invite))
            self._step(Input.FAILURE)
        else:
            super()._handle_deadline(name, now)

    def _leave(self, now: float) -> None:
        if self.state is not State.CANCELLING:
            super()._leave(now)
        elif self._heard:
            self._cancel(now)

    def _cancel(self, now: float) -> None:
        """CANCEL, once (RFC 3261 §9.1)."""
        if self._cancelled or self._invite is None:
            return
        self._cancelled = True
        cancel = in_transaction_of(self._invite, "CANCEL")
        cancel.headers.add("Reason", str(reason_for(self._end_cause)))
        self._send_request(cancel, self._hop)
        self._deadlines["cancel"] = now + self._settings.timers.transaction_s


def _plain_uri(uri: Uri) -> Uri:
    """What a To header may hold of a target (RFC 3261 §19.1.1, table 1)."""
    return msgspec.structs.replace(uri, parameters=(), headers=())
