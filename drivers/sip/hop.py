"""Where a message goes next (RFC 3261 §8.1.2, §18.2.2, RFC 3581 §4). Sans-IO.

Not here: turning a name into an address; the transport does that.
"""

import msgspec

from .errors import LocalError
from .message import Request
from .uri import Uri
from .via import Via

DEFAULT_PORT = 5060
DEFAULT_TLS_PORT = 5061
SUPPORTED_TRANSPORTS = ("UDP",)
KNOWN_TRANSPORTS = ("UDP", "TCP", "TLS", "WS", "WSS")


class Hop(msgspec.Struct, frozen=True):
    """The next element on a message's way."""

    transport: str
    "UDP, TCP, TLS, WS or WSS."
    host: str
    "An address or a name, IPv6 without brackets."
    port: int
    from_this_machine: bool = False
    "Of a source only: it is an address of ours, and the datagram never was on a wire."
    public_only: bool = False
    """Nothing is sent there unless it is an address of the public Internet: the transport looks at
    each datagram's, since a name may lead elsewhere the next time."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport.lower()}:{host}:{self.port}"


class Outgoing(msgspec.Struct, frozen=True):
    """One message for the transport."""

    data: bytes
    hop: Hop


class Unroutable(LocalError):
    """A URI that we have no way to: another scheme, or a transport that we do not speak."""

    code = "sip_unroutable"


def hop_of(uri: Uri) -> Hop:
    """The hop that a URI names (RFC 3261 §19.1, RFC 3263 without NAPTR). Raises Unroutable."""
    if uri.scheme not in ("sip", "sips"):
        raise Unroutable(f"a {uri.scheme} URI names no SIP element; use sip:", str(uri))
    secure = uri.scheme == "sips"
    transport = (uri.parameter("transport") or ("tls" if secure else "udp")).upper()
    if transport not in KNOWN_TRANSPORTS:
        raise Unroutable(f"there is no transport {transport.lower()!r}", str(uri))
    if transport not in SUPPORTED_TRANSPORTS or secure:
        raise Unroutable(f"transport {transport.lower()} is not supported yet; use udp", str(uri))
    host = uri.parameter("maddr") or uri.host
    return Hop(transport, host, DEFAULT_PORT if uri.port is None else uri.port)


def leads_to(uri: Uri, place: Uri) -> bool:
    """Whether a URI goes where `place` does: only there may `place`'s password be shown."""
    try:
        hop, wanted = hop_of(uri), hop_of(place)
    except Unroutable:
        return False
    return (hop.transport, hop.host.lower(), hop.port) == (
        wanted.transport,
        wanted.host.lower(),
        wanted.port,
    )


def mark_source(request: Request, source: Hop) -> None:
    """Write `received` and `rport` into the topmost Via (RFC 3261 §18.2.1, RFC 3581 §4)."""
    via = request.via
    changed = via
    if via.rport is not None:
        changed = changed.with_parameter("rport", str(source.port))
    if via.rport is not None or via.host != source.host:
        changed = changed.with_parameter("received", source.host)
    if changed != via:
        first_line = Via.parse_many(request.headers.get_all("Via")[0])
        line = ", ".join(str(item) for item in (changed, *first_line[1:]))
        request.headers.replace_first("Via", line)


def reply_hop(request: Request, source: Hop) -> Hop:
    """Where responses go.

    `maddr` is not followed, though RFC 3261 §18.2.2 says so: it would let anyone aim our answers
    at a third party.
    """
    via = request.via
    if source.transport != "UDP" or via.rport is not None:
        return source
    return Hop(source.transport, source.host, DEFAULT_PORT if via.port is None else via.port)
