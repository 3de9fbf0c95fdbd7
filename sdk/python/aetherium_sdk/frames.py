"""WebSocket frames as a client reads and writes them (RFC 6455 §5). Pure: no socket here."""

import enum
import struct
from dataclasses import dataclass

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"An update is a few hundred bytes, and never this long."
NO_STATUS, ABNORMAL = 1005, 1006
"Close codes that are never sent: none was given; the connection was lost (RFC 6455 §7.4.1)."
_CONTROL_BYTES = 125
"The longest payload of a ping, a pong or a close (RFC 6455 §5.5)."


class Opcode(enum.IntEnum):
    """What a frame is (RFC 6455 §5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class ProtocolError(Exception):
    """What came is no WebSocket."""


@dataclass(frozen=True)
class Message:
    """A whole text, of one frame or more."""

    text: str


@dataclass(frozen=True)
class Pinged:
    """To be answered with a pong of the same payload."""

    payload: bytes


@dataclass(frozen=True)
class Ponged:
    """The other side is there."""


@dataclass(frozen=True)
class Closed:
    """The other side says that nothing more comes."""

    code: int
    reason: str


Event = Message | Pinged | Ponged | Closed


def frame(opcode: Opcode, payload: bytes, mask: bytes) -> bytes:
    """One whole frame; `mask` is four bytes nobody can foresee (RFC 6455 §5.3)."""
    length = len(payload)
    if length <= 125:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
    return head + mask + _masked(payload, mask)


def _masked(payload: bytes, mask: bytes) -> bytes:
    whole = (mask * (len(payload) // 4 + 1))[: len(payload)]
    size = len(payload)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(size, "big")


class FrameReader:
    """Bytes in, events out; what is not yet whole waits."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._parts: list[bytes] | None = None
        "Of a message whose last frame has not come; None: none is open."

    def receive_data(self, data: bytes) -> None:
        """More of what was received."""
        self._buffer += data

    def next_event(self) -> Event | None:
        """None: more data is needed. Raises ProtocolError, after which there is no more."""
        while (found := self._next_frame()) is not None:
            event = self._take(*found)
            if event is not None:
                return event
        return None

    def _next_frame(self) -> tuple[bool, Opcode, bytes] | None:
        """Whether it is the last of its message, its opcode, its payload."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        if first & 0x70 or second & 0x80:  # no extension was agreed on; servers do not mask
            raise ProtocolError("reserved bits, or a masked frame")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise ProtocolError(f"opcode {first & 0x0F}") from None
        last, length, start = bool(first & 0x80), second & 0x7F, 2
        if opcode >= Opcode.CLOSE and (not last or length > _CONTROL_BYTES):
            raise ProtocolError("a control frame that is long or in parts")
        if length == 126:
            length, start = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start:
            return None
        if length > MAX_MESSAGE_BYTES:
            raise ProtocolError(f"a frame of {length} bytes")
        if len(buffer) < start + length:
            return None
        payload = bytes(buffer[start : start + length])
        del buffer[: start + length]
        return last, opcode, payload

    def _take(self, last: bool, opcode: Opcode, payload: bytes) -> Event | None:
        if opcode is Opcode.PING:
            return Pinged(payload)
        if opcode is Opcode.PONG:
            return Ponged()
        if opcode is Opcode.CLOSE:
            return _closed(payload)
        if opcode is Opcode.BINARY:
            raise ProtocolError("binary data, where all is text")
        if (opcode is Opcode.CONTINUATION) == (self._parts is None):
            raise ProtocolError("a message within another, or the rest of none")
        parts = [*(self._parts or ()), payload]
        if sum(map(len, parts)) > MAX_MESSAGE_BYTES:
            raise ProtocolError("an endless message")
        self._parts = None if last else parts
        return Message(_text(b"".join(parts))) if last else None


def _closed(payload: bytes) -> Closed:
    if not payload:
        return Closed(NO_STATUS, "")
    if len(payload) == 1:
        raise ProtocolError("half a close code")
    return Closed(int.from_bytes(payload[:2], "big"), _text(payload[2:]))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ProtocolError("text that is no UTF-8") from None
