"""SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966); other schemes are carried unread."""

import re
from collections.abc import Callable
from typing import Self
from urllib.parse import unquote_to_bytes

import msgspec

from .errors import MalformedMessage
from .grammar import (
    MAX_LIST_ITEMS,
    Parameters,
    find_parameter,
    read_host_port,
    replace_parameter,
    write_host_port,
)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):(.+)", re.DOTALL)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Never legal unescaped in any part. More than the grammar is let in: `#` in a user part is what
# people dial (`*21*…#`), and UTF-8 comes unescaped.
_FORBIDDEN = re.compile(r'[\x00-\x20\x7f<>"\\^`{}|]')
_FORBIDDEN_IN_USER = re.compile(r'[\x00-\x20\x7f<>"@]')
_TEL_NUMBER = re.compile(r"[+0-9A-Fa-f*#().\-]+")

_UNRESERVED = r"A-Za-z0-9\-_.!~*'()"
_ESCAPE_USER = re.compile(rf"[^{_UNRESERVED}&=+$,;?/]")
_ESCAPE_PASSWORD = re.compile(rf"[^{_UNRESERVED}&=+$,]")
_ESCAPE_PARAMETER = re.compile(rf"[^{_UNRESERVED}\[\]/:&+$]")
_ESCAPE_HEADER = re.compile(rf"[^{_UNRESERVED}\[\]/?:+$]")

# §19.1.4: a parameter that only one of two URIs has is ignored, but for these.
_SIGNIFICANT = ("user", "ttl", "method", "maddr", "transport")
_WHERE = "URI"


class Uri(msgspec.Struct, frozen=True):
    """A URI. All parts are held unescaped; `str()` escapes them again."""

    scheme: str
    "Lower case: sip, sips, tel or another."
    user: str | None = None
    "The user part; of a tel URI the number. None when there is no `@`."
    password: str | None = None
    host: str = ""
    """Name or address, IPv6 without brackets. Empty for tel; for other schemes everything behind
    the colon, unread and not unescaped."""
    port: int | None = None
    parameters: Parameters = ()
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a URI without angle brackets. Raises MalformedMessage."""
        found = _SCHEME.fullmatch(text)
        if found is None:
            raise MalformedMessage(f"no scheme in {text[:60]!r}", _WHERE)
        scheme, rest = found[1].lower(), found[2]
        if scheme in ("sip", "sips"):
            return cls._parse_sip(scheme, rest)
        if found := _FORBIDDEN.search(rest):
            raise MalformedMessage(f"character {found[0]!r} in {text[:60]!r}", _WHERE)
        return cls._parse_tel(rest) if scheme == "tel" else cls(scheme, host=rest)

    @classmethod
    def _parse_sip(cls, scheme: str, rest: str) -> Self:
        # "@" is legal in no other part, "?" and ";" are legal in the user part.
        userinfo, at, rest = rest.rpartition("@")
        user, password = _read_userinfo(userinfo) if at else (None, None)
        if found := _FORBIDDEN.search(rest):
            raise MalformedMessage(f"character {found[0]!r} in {rest[:60]!r}", _WHERE)
        rest, question, header_text = rest.partition("?")
        place, semicolon, parameter_text = rest.partition(";")
        host, port = read_host_port(place, _WHERE)
        return cls(
            scheme,
            user,
            password,
            host,
            port,
            _read_parameters(parameter_text) if semicolon else (),
            _read_headers(header_text) if question else (),
        )

    @classmethod
    def _parse_tel(cls, rest: str) -> Self:
        number, semicolon, parameters = rest.partition(";")
        if not _TEL_NUMBER.fullmatch(number):
            raise MalformedMessage(f"bad telephone number {number[:40]!r}", _WHERE)
        return cls("tel", number, parameters=_read_parameters(parameters) if semicolon else ())

    def __str__(self) -> str:
        parameters = "".join(
            ";" + _escape(_ESCAPE_PARAMETER, name)
            if value is None
            else f";{_escape(_ESCAPE_PARAMETER, name)}={_escape(_ESCAPE_PARAMETER, value)}"
            for name, value in self.parameters
        )
        if self.scheme == "tel":
            return f"tel:{self.user or ''}{parameters}"
        if self.scheme not in ("sip", "sips"):
            return f"{self.scheme}:{self.host}"
        headers = "&".join(
            f"{_escape(_ESCAPE_HEADER, name)}={_escape(_ESCAPE_HEADER, value)}"
            for name, value in self.headers
        )
        place = write_host_port(self.host, self.port)
        return f"{self.scheme}:{self._userinfo()}{place}{parameters}{'?' * bool(headers)}{headers}"

    def _userinfo(self) -> str:
        if self.user is None:
            return ""
        user = _escape(_ESCAPE_USER, self.user)
        if self.password is None:
            return f"{user}@"
        return f"{user}:{_escape(_ESCAPE_PASSWORD, self.password)}@"

    def parameter(self, name: str) -> str | None:
        """A parameter's value ("" when it has none), None when it is absent."""
        return find_parameter(self.parameters, name)

    def with_parameters(self, **parameters: str | None) -> Self:
        """A copy with these parameters set; an underscore in a name stands for a hyphen."""
        new = self.parameters
        for name, value in parameters.items():
            new = replace_parameter(new, name.replace("_", "-"), value)
        return msgspec.structs.replace(self, parameters=new)

    def without_headers(self) -> Self:
        """A copy without headers, fit for a Request-URI (RFC 3261 §19.1.1, table 1)."""
        return msgspec.structs.replace(self, headers=())

    def matches(self, other: "Uri") -> bool:
        """Whether the two are equivalent (RFC 3261 §19.1.4)."""
        return (
            (self.scheme, self.user, self.password, self.port)
            == (other.scheme, other.user, other.password, other.port)
            and self.host.lower() == other.host.lower()
            and self._parameters_match(other)
            and _folded(self.headers) == _folded(other.headers)
        )

    def _parameters_match(self, other: "Uri") -> bool:
        mine = {name.lower(): (value or "").lower() for name, value in self.parameters}
        theirs = {name.lower(): (value or "").lower() for name, value in other.parameters}
        if any((name in mine) != (name in theirs) for name in _SIGNIFICANT):
            return False
        return all(theirs[name] == value for name, value in mine.items() if name in theirs)


def _folded(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers)


def _read_userinfo(text: str) -> tuple[str, str | None]:
    if found := _FORBIDDEN_IN_USER.search(text):
        raise MalformedMessage(f"character {found[0]!r} in user part", _WHERE)
    user, colon, password = text.partition(":")
    if not user:
        raise MalformedMessage("empty user part", _WHERE)
    return _unescape(user), _unescape(password) if colon else None


def _read_parameters(text: str) -> Parameters:
    parameters: list[tuple[str, str | None]] = []
    for item in _split(text, ";"):
        name, equals, value = item.partition("=")
        if not name:
            raise MalformedMessage("empty parameter", _WHERE)
        parameters.append((_unescape(name), _unescape(value) if equals and value else None))
    return tuple(parameters)


def _read_headers(text: str) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    for item in _split(text, "&"):
        name, equals, value = item.partition("=")
        if not name or not equals:
            raise MalformedMessage(f"bad header {item[:40]!r}", _WHERE)
        headers.append((_unescape(name), _unescape(value)))
    return tuple(headers)


def _split(text: str, separator: str) -> list[str]:
    items = text.split(separator, MAX_LIST_ITEMS)
    if len(items) > MAX_LIST_ITEMS:
        raise MalformedMessage(f"more than {MAX_LIST_ITEMS} parameters or headers", _WHERE)
    return items


def _unescape(text: str) -> str:
    if "%" not in text:
        return text
    if _BAD_ESCAPE.search(text):
        raise MalformedMessage(f"bad escape in {text[:60]!r}", _WHERE)
    data = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    return data.decode("utf-8", "surrogateescape")


def _escape(unsafe: re.Pattern[str], text: str) -> str:
    return unsafe.sub(_PERCENT, text)


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogateescape"))


_PERCENT: Callable[[re.Match[str]], str] = _percent
