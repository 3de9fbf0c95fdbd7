"""A dialog: who talks to whom, by which way, and in which order (RFC 3261 §12). Sans-IO.

Not here: what is said in it; see session.py.
"""

import ipaddress
from typing import Self

import msgspec

from .address import Address
from .fields import Message
from .hop import Hop, Unroutable, hop_of
from .identity import Identity
from .message import Request, Response
from .uri import Uri

MAX_FORWARDS = 70
MAX_ROUTES = 32
"Longest route set that is kept; calls have passed 5 proxies at most."


class Dialog:
    """One side's view of a dialog. `local` and `remote` are addresses with their tags."""

    def __init__(
        self,
        *,
        call_id: str,
        local: Address,
        remote: Address,
        target: Uri,
        routes: list[Address],
        local_cseq: int,
        remote_cseq: int | None,
        neighbour: Hop,
    ) -> None:
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.target = target
        self.routes = routes[:MAX_ROUTES]
        self.local_cseq = local_cseq
        self.remote_cseq = remote_cseq
        self._neighbour = neighbour

    @classmethod
    def of_caller(cls, request: Request, response: Response, neighbour: Hop) -> Self:
        """The dialog that a response of the far end makes (RFC 3261 §12.1.2).

        `neighbour` is where the INVITE went.
        """
        return cls(
            call_id=request.call_id,
            local=request.from_,
            remote=response.to,
            # A 2xx must have a Contact; for one that has not, the way of the INVITE may do.
            target=_contact_of(response) or request.uri,
            routes=response.record_routes[::-1],
            local_cseq=request.cseq.number,
            remote_cseq=None,
            neighbour=neighbour,
        )

    @classmethod
    def of_callee(cls, request: Request, tag: str, first_cseq: int, neighbour: Hop) -> Self:
        """The dialog that our response with `tag` makes (RFC 3261 §12.1.1).

        `neighbour` is where the INVITE came from.
        """
        return cls(
            call_id=request.call_id,
            local=request.to.with_tag(tag),
            remote=request.from_,
            target=_contact_of(request) or request.from_.uri,
            routes=request.record_routes,
            local_cseq=first_cseq - 1,
            remote_cseq=request.cseq.number,
            neighbour=neighbour,
        )

    def refresh_target(self, message: Message) -> None:
        """Take the far end's new address from a target refresh (RFC 3261 §12.2)."""
        self.target = _contact_of(message) or self.target

    def accept_cseq(self, request: Request) -> bool:
        """Keep the far end's number; False when it is out of order (answer 500). Gaps are fine."""
        number = request.cseq.number
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def next_hop(self) -> Hop:
        """Where requests of this dialog are sent.

        The neighbour that the dialog began with, where the far end's Contact cannot be reached:
        phones behind NAT give private addresses, and some say `transport=tcp` whatever they speak.
        No Contact leads a call to networks that its first INVITE was not to reach.
        """
        try:
            hop = hop_of(self.routes[0].uri if self.routes else self.target)
        except Unroutable:
            return self._neighbour
        behind_nat = _is_private(hop.host) and not _is_private(self._neighbour.host)
        if behind_nat:
            return self._neighbour
        return msgspec.structs.replace(hop, public_only=self._neighbour.public_only)

    def request(self, method: str, identity: Identity, *, cseq: int | None = None) -> Request:
        """A request in this dialog, with Via and without body (RFC 3261 §12.2.1.1).

        Takes the next CSeq number, or for an ACK the one given.
        """
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        uri, routes = self._request_uri_and_routes()
        request = Request(method, uri)
        request.headers.add("Via", identity.via(self.next_hop()))
        for route in routes:
            request.headers.add("Route", str(route))
        request.headers.add("Max-Forwards", str(MAX_FORWARDS))
        request.headers.add("From", str(self.local))
        request.headers.add("To", str(self.remote))
        request.headers.add("Call-ID", self.call_id)
        request.headers.add("CSeq", f"{cseq} {method}")
        request.headers.add("User-Agent", identity.user_agent)
        return request

    def _request_uri_and_routes(self) -> tuple[Uri, list[Address]]:
        if not self.routes or self.routes[0].uri.parameter("lr") is not None:
            return self.target.without_headers(), self.routes
        # A strict router (RFC 2543) wants to be the Request-URI, and the target last.
        first = self.routes[0].uri.without_headers()
        return first, [*self.routes[1:], Address(None, self.target)]


def _contact_of(message: Message) -> Uri | None:
    contacts = message.contacts
    return contacts[0].uri if contacts and not contacts[0].is_wildcard else None


def _is_private(host: str) -> bool:
    """Whether `host` is an address that only its own network reaches."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
