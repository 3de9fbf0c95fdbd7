"""A WebSocket of a client that blocks: the handshake, then texts (RFC 6455 §4.1)."""

import base64
import contextlib
import hashlib
import os
import socket
import ssl
import urllib.parse
from collections.abc import Mapping

from .frames import (
    ABNORMAL,
    Closed,
    FrameReader,
    Message,
    Opcode,
    Pinged,
    ProtocolError,
    frame,
)

SILENCE_S = 20.0
"After so long without a word a ping is sent; after as long again the connection counts as lost."
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_MAX_HEAD_BYTES = 16 * 1024
_CHUNK_BYTES = 64 * 1024


class HandshakeRefused(Exception):
    """The server answered, and not with a WebSocket."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the WebSocket was refused with status {status}")
        self.status = status


class Lost(Exception):
    """There is no connection, or no more."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason or f"closed with code {code}")
        self.code = code
        "As the server gave it; 1006: it did not."


class WebSocket:
    """One connection. `close()` may be called from any thread, and ends a `receive` that waits."""

    def __init__(
        self, url: str, headers: Mapping[str, str], timeout_s: float, silence_s: float = SILENCE_S
    ) -> None:
        """Connected when this returns. `url`: http or https. Raises HandshakeRefused, Lost."""
        self._reader = FrameReader()
        parts = urllib.parse.urlsplit(url)
        try:
            self._socket = _connect(parts, timeout_s)
        except OSError as exc:
            raise Lost(ABNORMAL, str(exc)) from exc
        try:
            self._shake_hands(parts, headers)
            self._socket.settimeout(silence_s)
        except OSError as exc:
            self._socket.close()
            raise Lost(ABNORMAL, str(exc)) from exc
        except BaseException:
            self._socket.close()
            raise

    def receive(self) -> str:
        """The next text. Raises Lost, with the code that the server closed with."""
        pinged = False
        try:
            while True:
                event = self._reader.next_event()
                if isinstance(event, Message):
                    return event.text
                if isinstance(event, Closed):
                    with contextlib.suppress(OSError):
                        self._write(Opcode.CLOSE, event.code.to_bytes(2, "big"))
                    raise Lost(event.code, event.reason)
                if isinstance(event, Pinged):
                    self._write(Opcode.PONG, event.payload)
                if event is not None:
                    continue
                try:
                    self._fill()
                    pinged = False
                except TimeoutError:
                    if pinged:
                        raise Lost(ABNORMAL, "nothing came, and no answer to a ping") from None
                    self._write(Opcode.PING, b"")
                    pinged = True
        except ProtocolError as exc:
            raise Lost(ABNORMAL, str(exc)) from exc
        except OSError as exc:
            raise Lost(ABNORMAL, str(exc)) from exc

    def send(self, text: str) -> None:
        """Raises Lost."""
        try:
            self._write(Opcode.TEXT, text.encode())
        except OSError as exc:
            raise Lost(ABNORMAL, str(exc)) from exc

    def close(self) -> None:
        """Say goodbye, and wait for nothing."""
        with contextlib.suppress(OSError):
            self._write(Opcode.CLOSE, (1000).to_bytes(2, "big"))
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes who waits in another thread
        self._socket.close()

    def _write(self, opcode: Opcode, payload: bytes) -> None:
        self._socket.sendall(frame(opcode, payload, os.urandom(4)))

    def _fill(self) -> None:
        data = self._socket.recv(_CHUNK_BYTES)
        if not data:
            raise Lost(ABNORMAL, "the connection ended")
        self._reader.receive_data(data)

    def _shake_hands(self, parts: urllib.parse.SplitResult, headers: Mapping[str, str]) -> None:
        key = base64.b64encode(os.urandom(16))
        lines = {
            "Host": parts.netloc.rpartition("@")[2],
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key.decode(),
            "Sec-WebSocket-Version": "13",
            **headers,
        }
        request = [f"GET {parts.path or '/'} HTTP/1.1", *(f"{k}: {v}" for k, v in lines.items())]
        self._socket.sendall("\r\n".join([*request, "", ""]).encode("latin-1"))
        received = b""
        while b"\r\n\r\n" not in received:
            data = self._socket.recv(_CHUNK_BYTES)
            if not data or len(received) > _MAX_HEAD_BYTES:
                raise Lost(ABNORMAL, "no answer to the handshake")
            received += data
        head, _, rest = received.partition(b"\r\n\r\n")
        status, told = _read_head(head)
        if status != 101:
            raise HandshakeRefused(status)
        # SHA-1 is what the RFC proves the handshake with (§4.2.2); nothing is kept secret by it.
        digest = hashlib.sha1(key + _GUID, usedforsecurity=False).digest()
        if told.get("sec-websocket-accept", "").encode() != base64.b64encode(digest):
            raise Lost(ABNORMAL, "what answered is no WebSocket server")
        self._reader.receive_data(rest)


def _connect(parts: urllib.parse.SplitResult, timeout_s: float) -> socket.socket:
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    connected = socket.create_connection((host, parts.port or (443 if secure else 80)), timeout_s)
    if not secure:
        return connected
    try:
        return ssl.create_default_context().wrap_socket(connected, server_hostname=host)
    except OSError:
        connected.close()
        raise


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers, their names in lower case."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise Lost(ABNORMAL, "what answered does not speak HTTP/1.1")
    pairs = (line.partition(":") for line in lines)
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}
