"""Answering 401 and 407 for any request of ours (RFC 3261 §22.2, §22.3). Sans-IO.

Not here: the digests themselves; see auth.py.
"""

from .auth import Challenge, DigestClient, choose
from .errors import MalformedMessage
from .hop import Hop
from .identity import Identity
from .message import Request, Response

HEADERS_OF_STATUS = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}
CREDENTIALS = ("Authorization", "Proxy-Authorization")


class Authorizer:
    """Answers challenges with one account's password, and knows when to stop."""

    def __init__(self, digest: DigestClient | None) -> None:
        self._digest = digest
        self._attempts: dict[tuple[str, int], int] = {}

    def answer(self, request: Request, response: Response) -> tuple[str, str] | None:
        """The header that answers a challenge; None when there is no password or it is wrong."""
        asked, answered = HEADERS_OF_STATUS[response.status]
        try:
            challenge = choose(Challenge.parse_all(response.headers.get_all(asked)))
        except MalformedMessage:
            return None
        key = (request.method, response.status)
        attempts = self._attempts.get(key, 0)
        if self._digest is None or challenge is None:
            return None
        if not self._digest.should_retry(challenge, attempts):
            return None
        self._attempts[key] = attempts + 1
        value = self._digest.authorization(challenge, request.method, request.uri, request.body)
        return answered, value

    def settled(self, method: str) -> None:
        """A request got another answer than a challenge: the next one starts anew."""
        for status in HEADERS_OF_STATUS:
            self._attempts.pop((method, status), None)


def again(request: Request, identity: Identity, hop: Hop, cseq: int) -> Request:
    """The request as a new transaction: new branch, new number, all else as it was."""
    copy = Request(request.method, request.uri, request.headers.copy(), request.body)
    copy.headers.set("Via", identity.via(hop))
    copy.headers.set("CSeq", f"{cseq} {request.method}")
    return copy
