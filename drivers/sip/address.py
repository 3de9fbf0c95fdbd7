"""Name-addr and addr-spec of From, To, Contact, Route and their like (RFC 3261 §20.10, §25.1)."""

import re
from typing import Self

import msgspec

from .errors import MalformedMessage
from .grammar import (
    Parameters,
    find_parameter,
    quote,
    read_parameters,
    replace_parameter,
    split_list,
    unquote,
    write_parameters,
)
from .uri import Uri

_NAME_ADDR = re.compile(r'(?:("(?:[^"\\]|\\.)*")\s*|([^"<>]*))<([^<>]*)>\s*(?:;(.*))?', re.DOTALL)
# Unquoted names should be tokens; letters of all languages and dots without tokens are seen. A
# comma or semicolon would be a guess at where the next value begins.
_FORBIDDEN_IN_NAME = re.compile(r"[,;:@=\x00-\x08\x0a-\x1f\x7f]")


class Address(msgspec.Struct, frozen=True):
    """A URI with a display name and header parameters."""

    display_name: str | None
    "Unquoted; None when there is none (an empty quoted one is empty)."
    uri: Uri
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str, where: str = "address") -> Self:
        """Parse one address. Raises MalformedMessage, naming `where`."""
        text = text.strip()
        if text == "*":
            return cls(None, _ANY)
        found = _NAME_ADDR.fullmatch(text)
        if found is None:
            return cls._parse_addr_spec(text, where)
        quoted, name, uri, parameters = found.groups()
        return cls(
            _read_words(name, where) if quoted is None else unquote(quoted, where),
            _read_uri(uri, where),
            () if parameters is None else read_parameters(parameters, where),
        )

    @classmethod
    def _parse_addr_spec(cls, text: str, where: str) -> Self:
        """Without angle brackets every parameter is the header's (RFC 3261 §20.10)."""
        uri, semicolon, parameters = text.partition(";")
        if "?" in uri or "," in uri:
            raise MalformedMessage("a URI with '?' or ',' needs angle brackets", where)
        return cls(
            None,
            _read_uri(uri.rstrip(), where),
            read_parameters(parameters, where) if semicolon else (),
        )

    @classmethod
    def parse_many(cls, text: str, where: str = "address") -> list[Self]:
        """Parse a comma separated list of addresses. Raises MalformedMessage."""
        return [cls.parse(item, where) for item in split_list(text, where)]

    def __str__(self) -> str:
        if self.is_wildcard:
            return "*"
        name = "" if self.display_name is None else quote(self.display_name) + " "
        return f"{name}<{self.uri}>{write_parameters(self.parameters)}"

    @property
    def is_wildcard(self) -> bool:
        """Whether this is the `*` of a Contact header (RFC 3261 §10.2.2)."""
        return self.uri == _ANY

    @property
    def tag(self) -> str | None:
        """The `tag` parameter of From and To."""
        return self.parameter("tag")

    def with_tag(self, tag: str) -> Self:
        """A copy with this tag."""
        return self.with_parameter("tag", tag)

    def with_parameter(self, name: str, value: str | None) -> Self:
        """A copy with a header parameter set."""
        new = replace_parameter(self.parameters, name, value)
        return msgspec.structs.replace(self, parameters=new)

    def parameter(self, name: str) -> str | None:
        """A header parameter's value ("" when it has none), None when it is absent."""
        return find_parameter(self.parameters, name)


_ANY = Uri(scheme="*", host="*")
WILDCARD = Address(None, _ANY)
"The `*` of `Contact: *`."


def _read_words(text: str, where: str) -> str | None:
    if found := _FORBIDDEN_IN_NAME.search(text):
        raise MalformedMessage(f"character {found[0]!r} in an unquoted display name", where)
    return " ".join(text.split()) or None


def _read_uri(text: str, where: str) -> Uri:
    try:
        return Uri.parse(text)
    except MalformedMessage as fault:
        raise MalformedMessage(fault.what, where) from None
