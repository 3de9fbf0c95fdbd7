"""The Via header field (RFC 3261 §20.42, RFC 3581 `rport`)."""

import re
from typing import Literal, Self

import msgspec

from .errors import MalformedMessage
from .grammar import (
    Parameters,
    find_parameter,
    read_host_port,
    read_parameters,
    replace_parameter,
    split_list,
    write_host_port,
    write_parameters,
)

BRANCH_COOKIE = "z9hG4bK"  # RFC 3261 §8.1.1.7

_SENT_PROTOCOL = re.compile(
    r"\s*SIP\s*/\s*([0-9]+\.[0-9]+)\s*/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+([^;]+)(?:;(.*))?",
    re.DOTALL | re.IGNORECASE,
)
_WHERE = "Via"


class Via(msgspec.Struct, frozen=True):
    """One hop a request took."""

    transport: str
    "Upper case."
    host: str
    port: int | None = None
    parameters: Parameters = ()
    version: str = "2.0"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse one value. Raises MalformedMessage."""
        found = _SENT_PROTOCOL.fullmatch(text)
        if found is None:
            raise MalformedMessage(f"not a Via: {text[:60]!r}", _WHERE)
        version, transport, sent_by, rest = found.groups()
        host, port = read_host_port(sent_by.strip(), _WHERE)
        parameters = () if rest is None else read_parameters(rest, _WHERE)
        via = cls(transport.upper(), host, port, parameters, version)
        if via.received is not None:
            # RFC 5118 §4.5: an IPv6 address comes with and without brackets.
            address = via.received
            read_host_port(f"[{address}]" if ":" in address else address, _WHERE)
        return via

    @classmethod
    def parse_many(cls, text: str) -> list[Self]:
        """Parse a comma separated list. Raises MalformedMessage."""
        return [cls.parse(item) for item in split_list(text, _WHERE)]

    def __str__(self) -> str:
        place = write_host_port(self.host, self.port)
        return f"SIP/{self.version}/{self.transport} {place}{write_parameters(self.parameters)}"

    @property
    def branch(self) -> str | None:
        """The branch, None where an RFC 2543 element left it out."""
        return self.parameter("branch")

    @property
    def received(self) -> str | None:
        """The address the request came from, without brackets."""
        value = self.parameter("received")
        return value.strip("[]") if value else None

    @property
    def rport(self) -> int | Literal[""] | None:
        """The port the request came from; "" when it is asked for, None when it is not."""
        value = self.parameter("rport")
        if not value:
            return None if value is None else ""
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 5 else ""

    def parameter(self, name: str) -> str | None:
        """A parameter's value ("" when it has none), None when it is absent."""
        return find_parameter(self.parameters, name)

    def with_parameter(self, name: str, value: str | None) -> Self:
        """A copy with a parameter set."""
        new = replace_parameter(self.parameters, name, value)
        return msgspec.structs.replace(self, parameters=new)
