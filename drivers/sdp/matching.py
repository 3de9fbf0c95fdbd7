"""The peer's side of an offer or answer: which section can be agreed to, by which codec (RFC 3264
§6). What we write is in offer_answer.py.
"""

import enum
import ipaddress
import re

import msgspec

from ...codecs.catalog import Codec
from .description import Description, Media
from .errors import OfferRefused
from .formats import Format, read_formats

PROTOCOLS = ("RTP/AVP", "RTP/AVPF")
HOLD_ADDRESS = "0.0.0.0"  # RFC 2543 §B.5: "send me nothing"
LAST_PORT = 65534  # RTP has an even port, RTCP the one above it (RFC 3550 §11)


class Direction(enum.Enum):
    """Which way audio goes, as the one who says it sees it."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether the one who says it sends."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether the one who says it receives."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)


_DIRECTIONS = {direction.value: direction for direction in Direction}


class Match(msgspec.Struct, frozen=True):
    """A section of the peer's that can be agreed to, and by which codec."""

    at: int
    media: Media
    formats: tuple[Format, ...]
    codec: Codec
    format: Format
    host: str
    direction: Direction
    "As the peer says it."


def find_audio(description: Description, codecs: tuple[Codec, ...]) -> Match:
    """The first section that can be agreed to. Raises OfferRefused with the last reason not to."""
    refusal = OfferRefused("no audio is offered")
    for at, media in enumerate(description.media):
        if media.kind != "audio" or media.port == 0:
            continue
        try:
            return match_section(description, at, codecs, by_peer=False)
        except OfferRefused as reason:
            refusal = reason
    raise refusal


def match_section(
    description: Description, at: int, codecs: tuple[Codec, ...], *, by_peer: bool
) -> Match:
    """Agree to one section, by the peer's order of codecs or by ours. Raises OfferRefused."""
    media = description.media[at]
    if media.kind != "audio" or media.protocol.upper() not in PROTOCOLS:
        raise OfferRefused(f"{media.kind} over {media.protocol} is not understood")
    if media.port > LAST_PORT:
        raise OfferRefused(f"port {media.port} leaves none for RTCP")
    host = _host(description, media)
    formats = tuple(read_formats(media))
    pairs = [(codec, item) for codec in codecs for item in formats if item.is_codec(codec)]
    if not pairs:
        raise OfferRefused("none of the codecs is known")
    if by_peer:
        pairs.sort(key=lambda pair: formats.index(pair[1]))
    codec, chosen = pairs[0]
    return Match(at, media, formats, codec, chosen, host, _direction(description, media, host))


def _host(description: Description, media: Media) -> str:
    """Where the section is received. Names are refused: there is no time to resolve them here."""
    host = description.connection_of(media)
    if host is None:
        raise OfferRefused("no c= line")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise OfferRefused(f"c= has no address: {host[:60]!r}") from None
    if address.is_multicast or host == "255.255.255.255":
        raise OfferRefused(f"c= is not the address of one host: {host}")
    return host


def _direction(description: Description, media: Media, host: str) -> Direction:
    """The direction as the peer says it, the old way of holding included."""
    said = Direction.SENDRECV
    for attributes in (description.attributes, media.attributes):
        for name, _ in attributes:
            said = _DIRECTIONS.get(name, said)
    return direction_of(said.sends, said.receives and host != HOLD_ADDRESS)


def direction_of(sends: bool, receives: bool) -> Direction:
    """The direction that these two make."""
    if sends:
        return Direction.SENDRECV if receives else Direction.SENDONLY
    return Direction.RECVONLY if receives else Direction.INACTIVE


def rtcp_port(media: Media) -> int | None:
    """The port of a=rtcp (RFC 3605), None without one that makes sense."""
    found = re.match(r"([0-9]{1,5})(?:\s|$)", media.attribute("rtcp") or "")
    return int(found[1]) if found and 0 < int(found[1]) <= 65535 else None
