"""A far end that does exactly what the test says: for races and rude behaviour."""

from offhook.drivers.sip.hop import Hop
from offhook.drivers.sip.message import Request, Response
from offhook.drivers.sip.uri import Uri
from offhook.tests.kit.sip_link import Link

Header = tuple[str, str]


def sdp(
    host: str = "192.0.2.9",
    port: int = 40_000,
    codecs: str = "0 101",
    direction: str = "sendrecv",
    version: int = 1,
) -> bytes:
    """A session description with PCMU and keys, or whatever `codecs` lists."""
    lines = (
        "v=0",
        f"o=- 1 {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {codecs}",
        "a=rtpmap:101 telephone-event/8000",
        f"a={direction}",
    )
    return ("\r\n".join(lines) + "\r\n").encode()


class Peer:
    """A scripted element at an address of its own on a link."""

    def __init__(self, link: Link, host: str = "192.0.2.9", tag: str = "peer") -> None:
        self.hop = Hop("UDP", host, 5060)
        self.inbox: list[Request | Response] = []
        self.tag = tag
        self._link = link
        self._cseq = 0
        self._branch = 0
        link.peers[self.hop] = lambda message, source: self.inbox.append(message)

    # --- what has come ---

    def requests(self, method: str) -> list[Request]:
        return [m for m in self.inbox if isinstance(m, Request) and m.method == method]

    def request(self, method: str) -> Request:
        """The only request of that method."""
        (found,) = self.requests(method)
        return found

    def responses(self, method: str) -> list[Response]:
        return [m for m in self.inbox if isinstance(m, Response) and m.cseq.method == method]

    def statuses(self, method: str) -> list[int]:
        return [response.status for response in self.responses(method)]

    def take(self) -> list[Request | Response]:
        """Everything that has come since the last take()."""
        taken, self.inbox = self.inbox, []
        return taken

    # --- answering ---

    def respond(
        self,
        request: Request,
        status: int,
        body: bytes = b"",
        headers: tuple[Header, ...] = (),
        tag: str | None = None,
    ) -> Response:
        """Answer a request, as `tag` (None: this peer's own)."""
        response = request.respond(status, to_tag=None if status == 100 else tag or self.tag)
        if status > 100:
            response.headers.add("Contact", f"<sip:{tag or 'peer'}@{self.hop.host}:5060>")
        self._finish(response, body, headers)
        via = request.via
        self._send(response, Hop("UDP", via.host, via.port or 5060))
        return response

    # --- asking ---

    def invite(
        self,
        target: Hop,
        body: bytes | None = None,
        headers: tuple[Header, ...] = (),
        user: str = "agent",
    ) -> Request:
        """An INVITE that begins a call; None: with a plain offer."""
        self._cseq += 1
        request = Request("INVITE", Uri("sip", user, host=target.host))
        request.headers.add("Via", self._via())
        request.headers.add("Max-Forwards", "70")
        request.headers.add("From", f"<sip:peer@{self.hop.host}>;tag={self.tag}")
        request.headers.add("To", f"<sip:{user}@{target.host}>")
        request.headers.add("Call-ID", f"call-{self.tag}@{self.hop.host}")
        request.headers.add("CSeq", f"{self._cseq} INVITE")
        request.headers.add("Contact", f"<sip:peer@{self.hop.host}:5060>")
        self._finish(request, sdp(self.hop.host) if body is None else body, headers)
        self._send(request, target)
        return request

    def ack(self, response: Response, body: bytes = b"") -> Request:
        """The ACK of a 2xx to our INVITE."""
        return self.ask(response, "ACK", body, cseq=response.cseq.number)

    def cancel(self, invite: Request, headers: tuple[Header, ...] = ()) -> Request:
        """CANCEL our INVITE."""
        request = Request("CANCEL", invite.uri)
        for name in ("Via", "Max-Forwards", "From", "To", "Call-ID"):
            request.headers.add(name, invite.headers.get(name) or "")
        request.headers.add("CSeq", f"{invite.cseq.number} CANCEL")
        self._finish(request, b"", headers)
        self._send(request, Hop("UDP", invite.uri.host, 5060))
        return request

    def ask(
        self,
        dialog: Request | Response,
        method: str,
        body: bytes = b"",
        headers: tuple[Header, ...] = (),
        cseq: int | None = None,
    ) -> Request:
        """A request inside a dialog, known by the other side's 2xx or by its INVITE."""
        asked = isinstance(dialog, Request)
        local, remote = ("To", "From") if asked else ("From", "To")
        contact = dialog.contacts[0].uri
        if cseq is None:
            self._cseq += 1
            cseq = self._cseq
        request = Request(method, contact)
        request.headers.add("Via", self._via())
        request.headers.add("Max-Forwards", "70")
        ours = dialog.to if asked else dialog.from_
        request.headers.add("From", str(ours if ours.tag else ours.with_tag(self.tag)))
        request.headers.add("To", dialog.headers.get(remote) or "")
        assert local != remote
        request.headers.add("Call-ID", dialog.call_id)
        request.headers.add("CSeq", f"{cseq} {method}")
        request.headers.add("Contact", f"<sip:peer@{self.hop.host}:5060>")
        self._finish(request, body, headers)
        self._send(request, Hop("UDP", contact.host, contact.port or 5060))
        return request

    def repeat(self, message: Request, target: Hop) -> None:
        """Send the same once more."""
        self._send(message, target)

    def _via(self) -> str:
        self._branch += 1
        return f"SIP/2.0/UDP {self.hop.host}:5060;branch=z9hG4bK{self.tag}{self._branch};rport"

    def _finish(
        self, message: Request | Response, body: bytes, headers: tuple[Header, ...]
    ) -> None:
        if body:
            message.body = body
        for name, value in headers:
            message.headers.set(name, value)
        if body and "Content-Type" not in message.headers:
            message.headers.add("Content-Type", "application/sdp")

    def _send(self, message: Request | Response, to: Hop) -> None:
        self._link.send(self.hop, to, message.serialize())
