"""The productions of RFC 3261 §25.1 that headers share: tokens, lists, quotes, parameters.

Not a general ABNF engine: each header's own shape is in the file of its name.
"""

import ipaddress
import re

from .errors import MalformedMessage

Parameters = tuple[tuple[str, str | None], ...]
"Name and value in wire order; a parameter without a value (`;lr`) has None."

MAX_LIST_ITEMS = 100  # elements of one comma or semicolon separated list

_SURROGATES = re.compile("[\ud800-\udfff]")
TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
# What goes out unquoted as a parameter value: a token, or a host with its brackets and port.
_BARE_VALUE = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\[\]:]+")
# What comes in unquoted: wider than the grammar, tags with "/", "@" or "=" are seen on trunks.
_SEEN_VALUE = re.compile(r"[^\s\",;<>\\]+")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_\-.]*[A-Za-z0-9_])?\.?")
_HOST_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]\s]+)(?:\s*:\s*([0-9]{1,5}))?")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_PIECE = {
    separator: re.compile(rf'"(?:[^"\\]|\\.)*"|<[^>]*>|[^"<{separator}]+|{separator}', re.DOTALL)
    for separator in ",;"
}


def is_token(text: str) -> bool:
    """Whether `text` is a token (method, option tag, parameter name)."""
    return TOKEN.fullmatch(text) is not None


def split_list(text: str, where: str, separator: str = ",") -> list[str]:
    """Split at `separator` ("," or ";") outside quotes and angle brackets; elements are stripped.

    Raises MalformedMessage for an unbalanced quote or bracket and for too many elements.
    """
    if '"' not in text and "<" not in text:
        items = text.split(separator, MAX_LIST_ITEMS)
    else:
        items = _split_quoted(text, where, separator)
    if len(items) > MAX_LIST_ITEMS:
        raise MalformedMessage(f"more than {MAX_LIST_ITEMS} elements", where)
    return [item.strip() for item in items]


def _split_quoted(text: str, where: str, separator: str) -> list[str]:
    piece = _PIECE[separator]
    items, begin, at = [], 0, 0
    while at < len(text):
        found = piece.match(text, at)
        if found is None:
            raise MalformedMessage(f"unbalanced {text[at]} at character {at}", where)
        if found[0] == separator:
            items.append(text[begin:at])
            begin = found.end()
        at = found.end()
    items.append(text[begin:])
    return items


def quote(text: str) -> str:
    """`text` as a quoted-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str, where: str) -> str:
    """The content of a quoted-string. Raises MalformedMessage when it is none."""
    if not _QUOTED.fullmatch(text):
        raise MalformedMessage(f"not a quoted string: {text[:40]!r}", where)
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def read_parameters(text: str, where: str) -> Parameters:
    """Parse `a=b;c;d="e f"` (what follows the first semicolon). Values come unquoted.

    `name=` with nothing behind is read as `name`: phones are seen to send `rport=`.
    """
    parameters: list[tuple[str, str | None]] = []
    for item in split_list(text, where, ";"):
        name, equals, value = item.partition("=")
        name, value = name.rstrip(), value.lstrip()
        if not is_token(name):
            raise MalformedMessage(f"bad parameter name {name[:40]!r}", where)
        if not equals or not value:
            parameters.append((name, None))
        elif value.startswith('"'):
            parameters.append((name, unquote(value, where)))
        elif _SEEN_VALUE.fullmatch(value):
            parameters.append((name, value))
        else:
            raise MalformedMessage(f"bad value of parameter {name}: {value[:40]!r}", where)
    return tuple(parameters)


def write_parameters(parameters: Parameters) -> str:
    """`;a=b;c`, quoting the values that are no token and no host."""
    return "".join(
        f";{name}" if value is None else f";{name}={_write_value(value)}"
        for name, value in parameters
    )


def _write_value(value: str) -> str:
    return value if _BARE_VALUE.fullmatch(value) else quote(value)


def find_parameter(parameters: Parameters, name: str) -> str | None:
    """The value of the first parameter of that name ("" when it has none), None when absent."""
    wanted = name.lower()
    for key, value in parameters:
        if key.lower() == wanted:
            return value or ""
    return None


def replace_parameter(parameters: Parameters, name: str, value: str | None) -> Parameters:
    """The parameters with `name` set to `value`, in its old place or at the end."""
    wanted = name.lower()
    keys = [key.lower() for key, _ in parameters]
    if wanted not in keys:
        return (*parameters, (name, value))
    at = keys.index(wanted)
    rest = tuple(pair for pair in parameters[at + 1 :] if pair[0].lower() != wanted)
    return (*parameters[:at], (name, value), *rest)


def read_host_port(text: str, where: str) -> tuple[str, int | None]:
    """Parse `host[:port]`; an IPv6 reference loses its brackets. Raises MalformedMessage."""
    found = _HOST_PORT.fullmatch(text)
    if found is None:
        raise MalformedMessage(f"bad host {text[:60]!r}", where)
    host, port = found[1], found[2]
    if host.startswith("["):
        host = host[1:-1]
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise MalformedMessage(f"bad IPv6 address {host[:60]!r}", where) from None
    elif not _HOST_NAME.fullmatch(host):
        raise MalformedMessage(f"bad host {host[:60]!r}", where)
    if port is not None and int(port) > 65535:
        raise MalformedMessage(f"bad port {port}", where)
    return host, None if port is None else int(port)


def write_host_port(host: str, port: int | None) -> str:
    """`host[:port]`, with brackets around an IPv6 address."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


def readable(text: str) -> str:
    """Text of a message as the rest of the server may have it: bytes that are no UTF-8, which
    messages carry as lone surrogates, become U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)
