"""What a UAS answers to a request before it looks at what it is for (RFC 3261 §8.2).

Not the grammar (message.py) and not who may call (trunk.py).
"""

from collections.abc import Callable

from .message import SIP_VERSION, Request, Response
from .via import BRANCH_COOKIE

ALLOWED_METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE")
SUPPORTED_OPTIONS = ("timer",)
ACCEPTED_SCHEMES = ("sip", "sips", "tel")
# Bodies that are understood, by method; a method that is not here takes any body.
ACCEPTED_BODIES = {
    "INVITE": ("application/sdp",),
    "UPDATE": ("application/sdp",),
    "INFO": ("application/dtmf-relay", "application/dtmf"),
}
# Known to SIP: refused with 405. Others are refused with 501 (RFC 4475 §3.1.1.2).
REGISTERED_METHODS = (
    *("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK"),
    *("PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"),
)


class Screen:
    """The checks of one user agent, in the order RFC 3261 §8.2 gives."""

    def __init__(
        self,
        allowed_methods: tuple[str, ...] = ALLOWED_METHODS,
        supported_options: tuple[str, ...] = SUPPORTED_OPTIONS,
    ) -> None:
        self._allowed = allowed_methods
        self._supported = supported_options

    def screen(self, request: Request, to_tag: str | None = None) -> Response | None:
        """The refusal that the request is to be answered with; None when it is in order.

        `to_tag` goes into the refusal's To where the request's has none (RFC 3261 §8.2.6.2).
        An ACK is never answered: None, whatever is wrong with it. Max-Forwards of 0 is no reason:
        only who forwards answers 483 (RFC 4475 §3.3.11).
        """
        if request.method == "ACK":
            return None
        for check in self._checks():
            refusal = check(request)
            if refusal is not None:
                return _with_tag(refusal, to_tag)
        return None

    def _checks(self) -> tuple[Callable[[Request], Response | None], ...]:
        return (
            _check_version,
            self._check_method,
            _check_consistency,
            _check_scheme,
            self._check_require,
            _check_encoding,
            _check_content_type,
            _check_accept,
        )

    def _check_method(self, request: Request) -> Response | None:
        if request.method in self._allowed:
            return None
        refusal = request.respond(405 if request.method in REGISTERED_METHODS else 501)
        refusal.headers.add("Allow", ", ".join(self._allowed))
        return refusal

    def _check_require(self, request: Request) -> Response | None:
        if request.method == "CANCEL":  # §8.2.2.3
            return None
        unknown = [tag for tag in request.require if tag.lower() not in self._supported]
        if not unknown:
            return None
        refusal = request.respond(420)
        refusal.headers.add("Unsupported", ", ".join(unknown))
        return refusal


def screen(request: Request, to_tag: str | None = None) -> Response | None:
    """`Screen.screen` with the defaults."""
    return _DEFAULT.screen(request, to_tag)


_DEFAULT = Screen()


def _with_tag(refusal: Response, to_tag: str | None) -> Response:
    if to_tag is not None and refusal.to.tag is None:
        refusal.headers.set("To", f"{refusal.headers.get('To')};tag={to_tag}")
    return refusal


def _check_version(request: Request) -> Response | None:
    return None if request.version == SIP_VERSION else request.respond(505)


def _check_consistency(request: Request) -> Response | None:
    if request.cseq.method != request.method:
        return request.respond(400, "CSeq Method Does Not Match")
    if request.via.branch == BRANCH_COOKIE:
        # RFC 4475 §3.2.1: unique to nothing, two transactions would be taken for one.
        return request.respond(400, "Branch Is Only The Cookie")
    if request.uri.headers or request.uri.parameter("method") is not None:
        # §19.1.1, table 1
        return request.respond(400, "Headers In Request-URI")
    return None


def _check_scheme(request: Request) -> Response | None:
    return None if request.uri.scheme in ACCEPTED_SCHEMES else request.respond(416)


def _check_encoding(request: Request) -> Response | None:
    encoding = (request.headers.get("Content-Encoding") or "identity").strip().lower()
    if not request.body or encoding == "identity":
        return None
    refusal = request.respond(415)
    refusal.headers.add("Accept-Encoding", "identity")
    return refusal


def _check_content_type(request: Request) -> Response | None:
    accepted = ACCEPTED_BODIES.get(request.method)
    if not request.body or accepted is None or request.content_type in accepted:
        return None
    if request.content_type is not None and _is_optional(request):
        return None
    refusal = request.respond(415)
    refusal.headers.add("Accept", ", ".join(accepted))
    return refusal


def _is_optional(request: Request) -> bool:
    """Whether the sender allows the body to be ignored (§20.11, `handling=optional`)."""
    disposition = request.headers.get("Content-Disposition") or ""
    return "handling=optional" in "".join(disposition.lower().split())


def _check_accept(request: Request) -> Response | None:
    """406 to an INVITE whose Accept leaves us no way to answer its offer (RFC 4475 §3.3.15)."""
    if request.method != "INVITE" or "Accept" not in request.headers:
        return None
    ranges = {item.partition(";")[0].strip().lower() for item in request.tokens("Accept")}
    if ranges & {"application/sdp", "application/*", "*/*"}:
        return None
    return request.respond(406)
