"""Socket.IO's packets, revision 5 (https://socket.io/docs/v4/socket-io-protocol/). Pure.

Texts alone: nothing here has anything binary to say, and packets with attachments are refused. A
packet is its type's digit, the namespace with a comma unless it is `/`, an acknowledgement's
number, JSON: `2["subscribe",{}]`, `0/admin,{"token":"…"}`, `312["done"]`.
"""

import enum
import re
from typing import Any

import msgspec

MAIN = "/"
"The namespace that everything here happens in."

_FORM = re.compile(r"([0-6])(?:(/[^,]{0,100})(?:,|\Z))?([0-9]{0,16})(.*)\Z", re.DOTALL)


class Kind(enum.Enum):
    """What a packet is."""

    CONNECT = "0"
    DISCONNECT = "1"
    EVENT = "2"
    ACK = "3"
    CONNECT_ERROR = "4"
    BINARY_EVENT = "5"
    BINARY_ACK = "6"


class Malformed(Exception):
    """What came is no packet of this protocol; the connection is closed."""


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """One packet."""

    kind: Kind
    namespace: str = MAIN
    id: int | None = None
    "Of an event: it wants to be acknowledged by this number."
    data: Any = None


def read(text: str) -> Packet:
    """Raises Malformed."""
    found = _FORM.match(text)
    if found is None:
        raise Malformed("no packet")
    digit, namespace, id_, rest = found.groups()
    kind = Kind(digit)
    if kind in (Kind.BINARY_EVENT, Kind.BINARY_ACK):
        raise Malformed("nothing binary is taken")
    try:
        data = msgspec.json.decode(rest.encode()) if rest else None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise Malformed("no JSON") from exc
    if kind is Kind.EVENT and not (isinstance(data, list) and data and isinstance(data[0], str)):
        raise Malformed("an event is a name and what belongs to it")
    return Packet(
        kind=kind,
        # What stands behind `?` was the older revisions' way to send parameters.
        namespace=(namespace or MAIN).partition("?")[0],
        id=int(id_) if id_ else None,
        data=data,
    )


def write(packet: Packet) -> str:
    """The text."""
    namespace = "" if packet.namespace == MAIN else f"{packet.namespace},"
    id_ = "" if packet.id is None else str(packet.id)
    data = "" if packet.data is None else msgspec.json.encode(packet.data).decode()
    return f"{packet.kind.value}{namespace}{id_}{data}"
