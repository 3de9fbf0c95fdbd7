"""What requests and responses share: header fields read as typed values (RFC 3261 §20).

The request and the response themselves, and the reading of bytes, are in message.py.
"""

import re
from collections.abc import Callable, Sized
from typing import Self, TypeVar, cast

import msgspec

from .address import Address
from .errors import LocalError, MalformedMessage
from .grammar import MAX_LIST_ITEMS, is_token
from .headers import Headers
from .via import Via

MAX_CSEQ = 2**31 - 1  # RFC 3261 §8.1.1.5
MAX_HOPS = 100  # Via values, or addresses of one header, over all its lines
MAX_SECONDS = 2**32 - 1  # RFC 3261 §20.19

_CSEQ = re.compile(r"([0-9]{1,10})\s+(\S+)")
_SECONDS = re.compile(r"([0-9]+)\s*(?:[(;].*)?", re.DOTALL)

T = TypeVar("T")


class CSeq(msgspec.Struct, frozen=True):
    """The sequence number and method of a CSeq header."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `314159 INVITE`. Raises MalformedMessage."""
        found = _CSEQ.fullmatch(text.strip())
        if found is None or int(found[1]) > MAX_CSEQ or not is_token(found[2]):
            raise MalformedMessage(f"bad value {text[:60]!r}", "CSeq")
        return cls(int(found[1]), found[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


class Message:
    """What requests and responses share. Typed properties read the headers when asked and keep the
    result until the headers change.

    Of a message from `parse()` they never raise; of one built by hand they raise MalformedMessage
    where a mandatory header is missing or unreadable.
    """

    __slots__ = ("_typed", "body", "headers", "version")

    headers: Headers
    body: bytes
    version: str

    def __init__(self, headers: Headers, body: bytes, version: str) -> None:
        self.headers = headers
        self.body = body
        self.version = version
        self._typed: dict[str, tuple[int, object]] = {}

    @property
    def vias(self) -> list[Via]:
        """All Via values, the last hop first."""
        return list(self._keep("via", self._read_vias))

    @property
    def via(self) -> Via:
        """The top Via."""
        return self._keep("via", self._read_vias)[0]

    @property
    def from_(self) -> Address:
        """The From address."""
        return self._address("From")

    @property
    def to(self) -> Address:
        """The To address."""
        return self._address("To")

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        value = self._mandatory("Call-ID").strip()
        if not value or any(character.isspace() for character in value):
            raise MalformedMessage("empty or with a space", "Call-ID")
        return value

    @property
    def cseq(self) -> CSeq:
        """The CSeq."""
        return self._keep("cseq", lambda: CSeq.parse(self._mandatory("CSeq")))

    @property
    def contacts(self) -> list[Address]:
        """All Contact values; `WILDCARD` for `*`."""
        return self._addresses("Contact")

    @property
    def routes(self) -> list[Address]:
        """All Route values."""
        return self._addresses("Route")

    @property
    def record_routes(self) -> list[Address]:
        """All Record-Route values."""
        return self._addresses("Record-Route")

    @property
    def max_forwards(self) -> int | None:
        """Max-Forwards; None where an RFC 2543 element left it out."""
        value = self.headers.get("Max-Forwards")
        if value is None:
            return None
        if not re.fullmatch(r"[0-9]{1,10}", value) or int(value) > 255:
            raise MalformedMessage(f"bad value {value[:40]!r}", "Max-Forwards")
        return int(value)

    @property
    def content_type(self) -> str | None:
        """The media type in lower case, without parameters."""
        value = self.headers.get("Content-Type")
        return None if value is None else _media_type(value)

    @property
    def expires(self) -> int | None:
        """Expires in seconds; None when it is absent or unreadable (RFC 3261 §10.3)."""
        return self.seconds("Expires")

    @property
    def require(self) -> list[str]:
        """Option tags of Require."""
        return self.tokens("Require")

    @property
    def supported(self) -> list[str]:
        """Option tags of Supported."""
        return self.tokens("Supported")

    def tokens(self, name: str) -> list[str]:
        """The elements of a comma separated header of tokens (Allow, Accept, Supported), empty ones
        left out; what is behind MAX_LIST_ITEMS of them stays one element. Never raises."""
        text = ",".join(self.headers.get_all(name))
        return [item.strip() for item in text.split(",", MAX_LIST_ITEMS) if item.strip()]

    def seconds(self, name: str) -> int | None:
        """A header of delta-seconds (Expires, Min-Expires, Retry-After, Session-Expires), its
        comment and parameters left out, at most MAX_SECONDS; None when absent or unreadable."""
        found = _SECONDS.fullmatch((self.headers.get(name) or "").strip())
        if found is None:
            return None
        return min(int(found[1]), MAX_SECONDS) if len(found[1]) <= 20 else MAX_SECONDS

    def serialize(self) -> bytes:
        """The bytes for the wire, with the Content-Length that is right.

        Raises LocalError when a value would break out of its line.
        """
        lines = [self._start_line()]
        for name, value in self.headers:
            if not is_token(name):
                raise LocalError(f"bad header name {name[:40]!r}", "headers")
            if name.lower() != "content-length":
                lines.append(f"{name}: {value}")
        lines.append(f"Content-Length: {len(self.body)}")
        for line in lines:
            if "\r" in line or "\n" in line:
                raise LocalError("CR or LF in a value", line.split(":")[0][:40])
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + self.body

    def _start_line(self) -> str:
        raise NotImplementedError

    def _keep(self, key: str, read: Callable[[], T]) -> T:
        kept = self._typed.get(key)
        if kept is not None and kept[0] == self.headers.revision:
            return cast(T, kept[1])  # one key is only ever read by one reader
        value = read()
        self._typed[key] = (self.headers.revision, value)
        return value

    def _mandatory(self, name: str) -> str:
        value = self.headers.get(name)
        if value is None:
            raise MalformedMessage("missing", name)
        return value

    def _read_vias(self) -> list[Via]:
        self._mandatory("Via")
        vias: list[Via] = []
        for value in self.headers.get_all("Via"):
            vias += Via.parse_many(value)
            _check_bound(vias, "Via")
        return vias

    def _address(self, name: str) -> Address:
        return self._keep(name, lambda: _not_wildcard(self._mandatory(name), name))

    def _addresses(self, name: str) -> list[Address]:
        return list(self._keep(name, lambda: self._read_addresses(name)))

    def _read_addresses(self, name: str) -> list[Address]:
        found: list[Address] = []
        for value in self.headers.get_all(name):
            found += Address.parse_many(value, name)
            _check_bound(found, name)
        if any(address.is_wildcard for address in found) and (len(found) > 1 or name != "Contact"):
            raise MalformedMessage("'*' beside others", name)
        return found


def _check_bound(items: Sized, where: str) -> None:
    if len(items) > MAX_HOPS:
        raise MalformedMessage(f"more than {MAX_HOPS}", where)


def _not_wildcard(value: str, name: str) -> Address:
    address = Address.parse(value, name)
    if address.is_wildcard:
        raise MalformedMessage("'*' is for Contact", name)
    return address


def _media_type(value: str) -> str:
    return re.sub(r"\s", "", value.partition(";")[0]).lower()
