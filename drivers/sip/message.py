"""SIP requests and responses: values, their bytes, and `parse()` (RFC 3261 §7, §8.2.6, §18.3).

Nothing here knows of transactions, dialogs or sockets. What a UAS must answer to a request that
parses and still is not right is in screening.py.
"""

import re
from collections.abc import Iterable
from typing import NoReturn

from .address import Address
from .errors import LocalError, MalformedMessage
from .fields import CSeq, Message
from .grammar import is_token
from .headers import Headers
from .status import REASONS
from .uri import Uri

__all__ = ["REASONS", "CSeq", "Headers", "MalformedRequest", "Request", "Response", "parse"]

SIP_VERSION = "SIP/2.0"

# What a peer may make us keep of one message.
MAX_MESSAGE_BYTES = 65535
MAX_HEADERS = 200
MAX_HEADER_LINES = 1000  # with folds
MAX_HEADER_CHARACTERS = 8192  # one field with its folds, and the start line

# Methods whose 1xx and 2xx set a dialog up: their responses copy Record-Route (RFC 3261 §12.1.1,
# RFC 6665 §4.1).
_DIALOG_FORMING = ("INVITE", "SUBSCRIBE", "REFER", "NOTIFY")
_AT_MOST_ONCE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type")

_REQUEST_LINE = re.compile(r"(\S+) (\S+) (SIP/[0-9]+\.[0-9]+)", re.IGNORECASE)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r]*))?", re.IGNORECASE)
_LINE_END = re.compile(r"\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
# Stands in for a Request-URI that cannot be read, in the request that only a 400 is made of.
_UNREADABLE = Uri("invalid", host="unreadable")


class Request(Message):
    """A SIP request."""

    __slots__ = ("method", "uri")

    def __init__(
        self,
        method: str,
        uri: Uri,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        version: str = SIP_VERSION,
    ) -> None:
        super().__init__(_headers(headers), body, version)
        self.method = method
        self.uri = uri

    def _start_line(self) -> str:
        if not is_token(self.method):
            raise LocalError(f"bad method {self.method[:40]!r}", "start line")
        uri = str(self.uri)
        if not uri or re.search(r"\s", uri):
            raise LocalError("empty or with a space", "Request-URI")
        return f"{self.method} {uri} {self.version}"

    def respond(
        self, status: int, reason: str | None = None, *, to_tag: str | None = None
    ) -> "Response":
        """A response by RFC 3261 §8.2.6; `to_tag` is put in where To has none yet.

        Works on the partial request of a MalformedRequest too: headers are copied as they are.
        """
        response = Response(status, reason)
        for via in self.headers.get_all("Via"):
            response.headers.add("Via", via)
        if self.method in _DIALOG_FORMING and 100 < status < 300:
            for route in self.headers.get_all("Record-Route"):
                response.headers.add("Record-Route", route)
        for name in ("From", "To", "Call-ID", "CSeq"):
            value = self.headers.get(name)
            if value is not None:
                response.headers.add(name, _tagged(value, to_tag) if name == "To" else value)
        timestamp = self.headers.get("Timestamp")
        if status == 100 and timestamp is not None:
            response.headers.add("Timestamp", timestamp)
        return response

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri}>"


class Response(Message):
    """A SIP response."""

    __slots__ = ("reason", "status")

    def __init__(
        self,
        status: int,
        reason: str | None = None,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        version: str = SIP_VERSION,
    ) -> None:
        super().__init__(_headers(headers), body, version)
        self.status = status
        self.reason = REASONS.get(status, "Unknown") if reason is None else reason

    def _start_line(self) -> str:
        if not 100 <= self.status <= 699:
            raise LocalError(f"bad status {self.status}", "start line")
        return f"{self.version} {self.status} {self.reason}"

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"


class MalformedRequest(MalformedMessage):
    """A request that cannot be understood, but can be answered, with `status`.

    `request` is what could be read of it: only its `method`, `headers` and `respond()` are safe to
    use.
    """

    def __init__(self, what: str, where: str, status: int, request: Request) -> None:
        super().__init__(what, where, status)
        self.status = status
        self.request = request


def parse(data: bytes) -> Request | Response:
    """Read one message from one datagram.

    Empty lines before it and bytes behind the body of its Content-Length are left out. Raises
    MalformedMessage; MalformedRequest, with the partial request, when a 400 can be sent.
    """
    data = data.lstrip(b"\r\n")
    if len(data) > MAX_MESSAGE_BYTES:
        raise MalformedMessage(f"more than {MAX_MESSAGE_BYTES} bytes", "message")
    end = _HEAD_END.search(data)
    head = data[: end.start() if end else len(data)].decode("utf-8", "surrogateescape")
    start_line, *lines = _LINE_END.split(head, MAX_HEADER_LINES + 1)
    headers, fault = _read_headers(lines[:MAX_HEADER_LINES])
    if len(lines) > MAX_HEADER_LINES:
        fault = fault or MalformedMessage(f"more than {MAX_HEADER_LINES} lines", "headers")
    if end is None:
        fault = MalformedMessage("no empty line ends the headers", f"offset {len(data)}")
    rest = data[end.end() :] if end else b""
    if start_line[:4].upper() == "SIP/":
        return _parse_response(start_line, headers, rest, fault)
    return _parse_request(start_line, headers, rest, fault)


def _parse_response(
    start_line: str, headers: Headers, rest: bytes, fault: MalformedMessage | None
) -> Response:
    found = _STATUS_LINE.fullmatch(start_line)
    if found is None:
        raise MalformedMessage(f"not a status line: {start_line[:60]!r}", "start line")
    if fault is not None:
        raise fault
    response = Response(int(found[1]), found[2] or "", headers)
    _check_counts(headers)
    response.body = _body(headers, rest)
    _leave_out_unreadable(response)
    _read_all(response)
    return response


def _parse_request(
    start_line: str, headers: Headers, rest: bytes, fault: MalformedMessage | None
) -> Request:
    method, _, _ = start_line.partition(" ")
    if not is_token(method) or " SIP/" not in start_line.upper():
        raise MalformedMessage(f"not a SIP request line: {start_line[:60]!r}", "start line")
    request = Request(method, _UNREADABLE, headers)
    try:
        if len(start_line) > MAX_HEADER_CHARACTERS:
            raise MalformedMessage(f"longer than {MAX_HEADER_CHARACTERS}", "start line", 414)
        if fault is not None:
            raise fault
        found = _REQUEST_LINE.fullmatch(start_line)
        if found is None:
            raise MalformedMessage(f"not a request line: {start_line[:60]!r}", "start line")
        request.uri, request.version = Uri.parse(found[2]), found[3].upper()
        _check_counts(headers)
        request.body = _body(headers, rest)
        _read_all(request)
    except MalformedMessage as found_fault:
        _refuse(found_fault, request)
    return request


def _refuse(fault: MalformedMessage, request: Request) -> NoReturn:
    """Raise the fault with what a 400 needs: an ACK gets no answer, nor does what has no Via."""
    status = fault.status_hint or 400
    if request.method == "ACK" or "Via" not in request.headers:
        raise MalformedMessage(fault.what, fault.where, status) from None
    raise MalformedRequest(fault.what, fault.where, status, request) from None


def _read_headers(lines: list[str]) -> tuple[Headers, MalformedMessage | None]:
    """All fields that can be read, and the first fault met."""
    fields: list[tuple[str, str]] = []
    fault: MalformedMessage | None = None
    for text in _unfold(lines):
        name, colon, value = text.partition(":")
        name = name.rstrip(" \t")
        if not colon or not is_token(name):
            fault = fault or MalformedMessage(f"not a header: {text[:60]!r}", "headers")
        elif "\r" in value:
            fault = fault or MalformedMessage("CR in the value", name[:40])
        elif len(value) > MAX_HEADER_CHARACTERS:
            fault = fault or MalformedMessage(f"longer than {MAX_HEADER_CHARACTERS}", name[:40])
        elif len(fields) >= MAX_HEADERS:
            fault = fault or MalformedMessage(f"more than {MAX_HEADERS} headers", "headers")
        else:
            fields.append((name, value.strip(" \t")))
    return Headers(fields), fault


def _unfold(lines: list[str]) -> list[str]:
    """Join continuation lines to one line each with a single space (RFC 3261 §7.3.1)."""
    fields: list[list[str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and fields:
            fields[-1].append(line.strip(" \t"))
        else:
            fields.append([line.rstrip(" \t")])
    return [" ".join(parts) for parts in fields]


def _check_counts(headers: Headers) -> None:
    for name in _AT_MOST_ONCE:
        if len(headers.get_all(name)) > 1:
            raise MalformedMessage("more than one", name)


def _body(headers: Headers, rest: bytes) -> bytes:
    """The body by RFC 3261 §18.3: in a datagram Content-Length may only be too short."""
    text = headers.get("Content-Length")
    if text is None:
        return rest
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise MalformedMessage(f"bad value {text[:40]!r}", "Content-Length")
    if int(text) > len(rest):
        raise MalformedMessage(f"{text} announced, {len(rest)} came", "Content-Length")
    return rest[: int(text)]


def _leave_out_unreadable(response: Response) -> None:
    """A final response has to get through: better without its Contact than not at all."""
    for name in ("Contact", "Route", "Max-Forwards"):
        try:
            _ = response.contacts, response.routes, response.max_forwards
        except MalformedMessage as fault:
            if fault.where == name:
                response.headers.remove(name)


def _read_all(message: Message) -> None:
    """Read every typed header once, so that none can raise later."""
    _ = message.vias, message.from_, message.to, message.call_id, message.cseq
    _ = message.contacts, message.routes, message.record_routes, message.max_forwards


def _headers(headers: Headers | Iterable[tuple[str, str]]) -> Headers:
    return headers if isinstance(headers, Headers) else Headers(headers)


def _tagged(to: str, tag: str | None) -> str:
    """To with a tag added behind, all else as it came; what cannot be read is echoed as it is."""
    if tag is None:
        return to
    try:
        has_tag = Address.parse(to, "To").tag is not None
    except MalformedMessage:
        return to
    return to if has_tag else f"{to};tag={tag}"
