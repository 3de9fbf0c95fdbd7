"""HTTP/1.1 for load (RFC 9112): responses out of a stream of bytes, and the time each took.

`ResponseParser` is sans-IO; `Connection` keeps one connection busy, one request after the other.
Not here: what is asked (api.py). No pipelining, no redirects, no compression, no TLS.
"""

import asyncio
import time
from collections.abc import Callable
from typing import cast

import msgspec

MAX_HEAD_BYTES, MAX_BODY_BYTES = 64 * 1024, 16 << 20
BODILESS = (204, 304)
END = b"\r\n\r\n"

Ask = Callable[[], tuple[bytes, float] | None]
Tell = Callable[["Response", float], None]


class HttpError(Exception):
    """The far end does not speak HTTP/1.1, or says more than is believed."""


class Response(msgspec.Struct, frozen=True):
    """One response, whole."""

    status: int
    body: bytes
    keep_alive: bool = True


class ResponseParser:
    """Bytes in, whole responses out."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[Response]:
        """The responses that are whole now. Raises HttpError; nothing can be read after it."""
        self._data += data
        found: list[Response] = []
        while (response := self._next()) is not None:
            found.append(response)
        return found

    @property
    def pending(self) -> int:
        """Bytes of a response that is not whole."""
        return len(self._data)

    def _next(self) -> Response | None:
        end = self._data.find(END)
        if end < 0:
            if len(self._data) > MAX_HEAD_BYTES:
                raise HttpError(f"a head of more than {MAX_HEAD_BYTES} bytes")
            return None
        status, headers = parse_head(bytes(self._data[:end]))
        begin = end + len(END)
        keep_alive = headers.get("connection", "").lower() != "close"
        if 100 <= status < 200:  # interim: the response proper follows
            del self._data[:begin]
            return self._next()
        if "chunked" in headers.get("transfer-encoding", "").lower():
            found = self._chunks(begin)
            if found is None:
                return None
            body, length = found
        else:
            length = _length(status, headers)
            if len(self._data) < begin + length:
                return None
            body = bytes(self._data[begin : begin + length])
            length += begin
        del self._data[:length]
        return Response(status, body, keep_alive)

    def _chunks(self, begin: int) -> tuple[bytes, int] | None:
        """The body in chunks and where the response ends (RFC 9112 §7.1); None: not yet."""
        body, at = bytearray(), begin
        while True:
            line_end = self._data.find(b"\r\n", at)
            if line_end < 0:
                return None
            size = _hexadecimal(bytes(self._data[at:line_end]))
            at = line_end + 2
            if size == 0:
                break
            if len(body) + size > MAX_BODY_BYTES:
                raise HttpError(f"a body of more than {MAX_BODY_BYTES} bytes")
            if len(self._data) < at + size + 2:
                return None
            if self._data[at + size : at + size + 2] != b"\r\n":
                raise HttpError("a chunk that is longer than it says")
            body += self._data[at : at + size]
            at += size + 2
        # The trailer is passed over, up to the empty line.
        if self._data[at : at + 2] == b"\r\n":
            return bytes(body), at + 2
        end = self._data.find(END, at)
        return None if end < 0 else (bytes(body), end + len(END))


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers, names in lower case. Raises HttpError."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdecimal()):
        raise HttpError(f"no status line: {first[:60]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise HttpError(f"no header: {line[:60]!r}")
        headers[name.strip().lower()] = value.strip()
    if version == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return int(code), headers


def request(method: str, path: str, host: str, token: str, body: bytes = b"") -> bytes:
    """A request; `body` is JSON."""
    length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
    kind = "Content-Type: application/json\r\n" if body else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {token}\r\n{kind}{length}\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """One kept connection: sends what `ask` gives as soon as the last answer is whole."""

    def __init__(self, ask: Ask, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        """`ask`: the next request and what it was due at, None: nothing now (see `go_on`).

        `tell`: a response and the seconds since its request was due: waiting for a connection that
        is free counts, otherwise a server that stalls would be asked, and judged, less often.
        """
        self._ask, self._tell = ask, tell
        self._parser = ResponseParser()
        self._clock = clock  # the loop's own time is only good to a millisecond
        self._due_at: float | None = None
        "Of the request that is being answered; None: idle."
        self._transport: asyncio.Transport | None = None
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        "Why: empty when both sides were done."

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # It is a TCP connection; uvloop's transports are no subclass.
        self._transport = cast(asyncio.Transport, transport)
        self.go_on()

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        try:
            responses = self._parser.feed(data)
        except HttpError as exc:
            self._close(str(exc))
            return
        for response in responses:
            if self._due_at is None:
                self._close("an answer that nobody asked for")
                return
            due_at, self._due_at = self._due_at, None
            self._tell(response, self._clock() - due_at)
            if not response.keep_alive:
                self._close("the server does not keep connections")
                return
            self.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """The far end has closed it, or we have."""
        self._transport = None
        if not self.closed.done():
            unfinished = self._due_at is not None
            self.closed.set_result("closed in mid-answer" if unfinished else "closed")

    @property
    def idle(self) -> bool:
        """Nothing is being answered."""
        return self._due_at is None

    def go_on(self) -> None:
        """Ask, if there is something to ask and nothing is being answered."""
        if self._due_at is not None or self._transport is None:
            return
        asked = self._ask()
        if asked is not None:
            request_, self._due_at = asked
            self._transport.write(request_)

    def finish(self) -> None:
        """Close it."""
        self._close("" if self.idle else "no answer in time")

    def _close(self, why: str) -> None:
        if not self.closed.done():
            self.closed.set_result(why)
        if self._transport is not None:
            self._transport.close()


def _length(status: int, headers: dict[str, str]) -> int:
    if status in BODILESS:
        return 0
    told = headers.get("content-length", "")
    if not (told.isascii() and told.isdecimal()):
        raise HttpError("neither a length nor chunks: the connection cannot be kept")
    if int(told) > MAX_BODY_BYTES:
        raise HttpError(f"a body of more than {MAX_BODY_BYTES} bytes")
    return int(told)


def _hexadecimal(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    try:
        return int(digits, 16)
    except ValueError:
        raise HttpError(f"no chunk size: {line[:20]!r}") from None
